//! The side of HTTP that asks.
//!
//! Weir is a client towards its upstream server and towards the servers that files are downloaded
//! from. They differ in whom to trust and in how long to wait, and in nothing else. What they have in
//! common is here: connections, TLS, proxies, time-outs, and limits on what is taken in.

mod address;
mod client;
pub mod encoding;
mod proxy;
mod server;
#[cfg(test)]
mod tests;
mod trust;

pub use address::{Location, Reach};
pub use client::{Client, ClientLimits, Whole};
pub use proxy::Proxy;
pub use server::Server;
pub use trust::Trust;

use std::path::PathBuf;
use std::time::Duration;

use self::encoding::EncodingError;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL given for the server is not one of a whole server.
    #[error("'{0}' is not http://HOST[:PORT] or https://HOST[:PORT]")]
    Url(String),
    /// The URL of the proxy is not one.
    #[error("'{0}' is not the address of a proxy, http://HOST:PORT")]
    ProxyUrl(String),
    /// The file with certificates could not be used.
    #[error("{path}: {reason}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An https server, and nobody to vouch for it.
    #[error("https needs a file with the certificates of the issuers to trust")]
    NoTrust,
    /// The address is one that others must not send this server to.
    #[error("'{0}' is not an address on the public Internet")]
    NotPublic(String),
    /// No connection.
    #[error("cannot connect to {server}: {source}")]
    Connect {
        /// Host and port.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The proxy does not let us through.
    #[error("the proxy answers {status} instead of connecting to {server}")]
    Proxy {
        /// Host and port behind the proxy.
        server: String,
        /// Its status line, cut to 200 characters.
        status: String,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("no answer: {0}")]
    Broken(#[from] hyper::Error),
    /// The server took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer is too long to keep.
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
    /// The answer's encoding is broken.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}
