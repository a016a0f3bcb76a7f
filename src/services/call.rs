//! What passes between the HTTP server and the services: a request whose HTTP is done with, and an
//! answer that knows nothing of connections.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::wire::body::Piece;
use crate::wire::operation::{Operation, Service};

/// A SOAP request, its body complete and within the operation's limit.
#[derive(Debug, Clone)]
pub struct SoapCall {
    /// Which service's path was asked.
    pub service: Service,
    /// The operation, where the headers alone name it.
    pub operation: Option<Operation>,
    /// The `SOAPAction` header as sent, quotes included: faults repeat it.
    pub soap_action: Option<String>,
    /// The `Content-Type` header as sent; tells SOAP 1.1 from 1.2.
    pub content_type: Option<String>,
    /// The envelope. Empty when the server refuses the call before reading it.
    pub body: Bytes,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// `Host` as sent, only if it can be a part of a URL.
    pub host: Option<String>,
    /// Whether the connection is TLS.
    pub https: bool,
}

/// An answer, before any content encoding.
#[derive(Debug, Clone)]
pub struct SoapAnswer {
    /// HTTP status.
    pub status: u16,
    /// Media type of the envelope.
    pub content_type: &'static str,
    /// The envelope.
    pub pieces: Vec<Piece>,
    /// Whether the connection ends after this answer.
    pub close: bool,
    /// What to log and count.
    pub outcome: Outcome,
}

/// What is worth knowing of a call once it is answered. Never carries a cookie or an identity.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The operation, once the body named it.
    pub operation: Option<Operation>,
    /// Name of the ErrorCode, when the answer is a fault ([MS-WUSP] 2.2.2.4).
    pub fault: Option<&'static str>,
    /// A hash of the client's identity that tells log lines of one client from another's.
    pub client: Option<u64>,
}

/// Why the server answers a call without handing it to its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The body is longer than the operation's `limit` in bytes.
    TooLarge {
        /// Most bytes accepted.
        limit: usize,
    },
    /// The body did not arrive in time, or not as announced.
    Incomplete,
    /// The body has a content encoding; no agent sends one, and none is decoded, so that a request
    /// cannot be larger than it looks.
    Encoded,
    /// Too many calls or bodies are in memory at this moment.
    Busy,
}

impl Refusal {
    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge { .. } => 413,
            Self::Incomplete => 408,
            Self::Encoded => 415,
            Self::Busy => 503,
        }
    }

    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Incomplete => "incomplete",
            Self::Encoded => "encoded",
            Self::Busy => "busy",
        }
    }
}
