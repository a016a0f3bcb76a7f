//! SOAP 1.1 and 1.2 envelopes, document/literal: which operation a request is for, its body opened
//! for reading, responses and faults around what the operations write.
//!
//! A request passes through here in three steps. [`identify`] needs only headers, so that the
//! operation's own body limit applies before any of the body is read. [`decode`] makes text of the
//! body. [`open`] steps into the envelope as far as the operation's element, from which the caller
//! reads one typed request.
//!
//! Towards an upstream server this is the client: [`call`] writes a request and [`answer`] reads
//! what came back, which may be a [`ReceivedFault`].

mod answer;
mod call;
mod envelope;
mod identify;
pub(crate) mod message;
mod received_fault;
mod text;

pub mod codec;
pub mod read;
pub mod write;

pub use answer::{AnswerError, answer, open_answer};
pub(crate) use call::operation;
pub use call::{Call, call};
pub(crate) use envelope::write_envelope;
pub use envelope::{Envelope, Response, open, respond};
pub use identify::identify;
pub use message::Written;
pub(crate) use message::message_structure;
pub use received_fault::ReceivedFault;
pub use text::{decode, repair};

use crate::wire::operation::Operation;
use crate::wire::soap::read::RequestError;
use crate::wire::xml::XmlError;

/// A version of SOAP; a response has that of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoapVersion {
    /// `text/xml`; what agents use.
    V11,
    /// `application/soap+xml`
    V12,
}

impl SoapVersion {
    /// The envelope's namespace.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The Content-Type of a message.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// The version that a request's Content-Type names; 1.1 unless it is 1.2's media type. For
    /// requests that cannot be opened and yet have to be answered.
    pub fn of_content_type(content_type: Option<&str>) -> Self {
        let media_type = content_type.and_then(|it| it.split(';').next()).unwrap_or_default();
        if media_type.trim().eq_ignore_ascii_case("application/soap+xml") {
            Self::V12
        } else {
            Self::V11
        }
    }
}

/// Why a body is no call of an operation, or not even an envelope. Always the doing of whoever
/// wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoapError {
    /// The body's encoding is neither UTF-8 nor UTF-16.
    #[error("the encoding '{0}' is not supported")]
    UnsupportedEncoding(String),
    /// The body is not text in its encoding.
    #[error("the body is not valid {0}")]
    NotText(&'static str),
    /// The body is not the XML it should be, or exceeds a limit.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The root element is no envelope of SOAP 1.1 or 1.2.
    #[error("'{0}' is not a SOAP envelope")]
    NotAnEnvelope(String),
    /// The envelope has no body, or the body has no element.
    #[error("the envelope has no content")]
    Empty,
    /// The action or the body's element is no operation of the service.
    #[error("'{0}' is not an operation of this service")]
    UnknownOperation(String),
    /// The action and the body's element, or two actions, name different operations.
    #[error("the action names {action}, the request is {request}")]
    ActionMismatch {
        /// What the action names.
        action: &'static str,
        /// What the body, or the other action, names.
        request: &'static str,
    },
}

impl SoapError {
    /// Whether [`repair`] may make the body readable: it has characters that XML forbids.
    pub fn is_repairable(&self) -> bool {
        match self {
            Self::Xml(error) => is_forbidden_character(error),
            Self::NotText(_) => true,
            _ => false,
        }
    }

    fn unknown(name: &str) -> Self {
        Self::UnknownOperation(name.chars().take(200).collect())
    }

    fn mismatch(action: Operation, request: Operation) -> Self {
        Self::ActionMismatch { action: action.name(), request: request.name() }
    }
}

impl RequestError {
    /// Whether [`repair`] may make the request readable: it has characters that XML forbids.
    pub fn is_repairable(&self) -> bool {
        matches!(self, Self::Xml(error) if is_forbidden_character(error))
    }
}

/// The parser calls a reference to an impossible character (`&#0;`) malformed.
fn is_forbidden_character(error: &XmlError) -> bool {
    matches!(error, XmlError::Character(_) | XmlError::Malformed { .. })
}
