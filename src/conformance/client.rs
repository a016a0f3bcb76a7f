//! The side of the dialogue that asks: one keep-alive connection, as an agent has.
//!
//! The connection is opened when it is first needed and again after the server closed it, which
//! IIS does with every fault. A request that was not yet written when the connection broke is
//! sent once more; one that may have been received is not, since not every operation is safe to
//! repeat.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::compare::Answer;
use super::dialogue::BODY_LIMIT;
use super::head::{HeadError, Headers, RequestHead, ResponseHead};
use crate::http::encoding::{self, EncodingError};

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL given for the server is not one of a whole server.
    #[error("'{0}' is not http://HOST[:PORT] or https://HOST[:PORT]")]
    Url(String),
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
    /// No connection.
    #[error("cannot connect to {server}: {source}")]
    Connect {
        /// Host and port.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The request cannot be written as HTTP.
    #[error("the request cannot be sent: {0}")]
    Request(#[from] HeadError),
    /// The request target is not one.
    #[error("'{0}' is not a request target")]
    Target(String),
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

/// How much and how long a client takes.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// Most bytes of an answer, as sent and as decoded.
    pub body: u64,
    /// Time to connect, TLS included.
    pub connect: Duration,
    /// Time from sending a request to the end of its answer.
    pub exchange: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            body: BODY_LIMIT,
            connect: Duration::from_secs(10),
            exchange: Duration::from_secs(120),
        }
    }
}

/// The server that is asked.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    authority: String,
    tls: Option<TlsConnector>,
}

impl Server {
    /// The server at `url`, which names scheme, host and port only. `ca_file` holds PEM
    /// certificates of the issuers to trust, and https needs it.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, ClientError> {
        let refused = || ClientError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority = uri.authority().ok_or_else(refused)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(refused());
        }
        let (tls, port) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => (Some(trust(ca_file.ok_or(ClientError::NoTrust)?)?), 443),
            _ => return Err(refused()),
        };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(port),
            authority: authority.as_str().to_owned(),
            tls,
        })
    }

    /// The same server without the memory of earlier TLS sessions that all clients of a [`Server`]
    /// share: for clients that stand for computers of their own.
    pub fn without_resumption(mut self) -> Self {
        self.tls = self.tls.map(|tls| {
            let mut config = ClientConfig::clone(tls.config());
            config.resumption = Resumption::disabled();
            TlsConnector::from(Arc::new(config))
        });
        self
    }

    /// Host and port as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        &self.host
    }
}

fn trust(ca_file: &Path) -> Result<TlsConnector, ClientError> {
    let failed = |reason: String| ClientError::Certificates { path: ca_file.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(ca_file).map_err(|error| failed(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed("no certificate in it".to_owned()));
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// One connection's worth of requests.
pub struct Client {
    server: Server,
    limits: ClientLimits,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that connects when it is first used.
    pub fn new(server: Server, limits: ClientLimits) -> Self {
        Self { server, limits, connection: None }
    }

    /// Sends a recorded request with `body` and takes the whole answer, decoded. `Host` and
    /// `Content-Length` are made to fit; other headers go as recorded. Unless `keep`, the body of
    /// the answer is only counted, however long it is.
    pub async fn send(
        &mut self,
        head: &RequestHead,
        body: Vec<u8>,
        keep: bool,
    ) -> Result<Answer, ClientError> {
        let limit = self.limits.body;
        let mut kept = Vec::new();
        let mut too_large = false;
        let (head, wire_length) = self
            .stream(head, body, |data| {
                if keep && !too_large {
                    too_large = (kept.len() + data.len()) as u64 > limit;
                    kept.extend_from_slice(if too_large { &[] } else { data });
                }
                !too_large
            })
            .await?;
        if too_large {
            return Err(ClientError::TooLarge(limit));
        }
        if keep && let Some(encoding) = head.headers.value("Content-Encoding") {
            kept = encoding::decode(encoding, kept, limit)?;
        }
        Ok(Answer { head, body: kept, wire_length })
    }

    /// Sends a request as [`Client::send`] does and gives the answer's body to `take` as it comes,
    /// not decoded. Where `take` says false the rest is not waited for, and the connection goes.
    /// Returns the head and the length of what came.
    pub async fn stream(
        &mut self,
        head: &RequestHead,
        body: Vec<u8>,
        take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(ResponseHead, u64), ClientError> {
        let request = self.request(head, body)?;
        let time = self.limits.exchange;
        let exchange = async {
            let response = self.exchange(request).await?;
            receive(response, take).await
        };
        let outcome = match timeout(time, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ClientError::Timeout(time)),
        };
        match outcome {
            Ok(Received { head, length, complete: true }) => Ok((head, length)),
            // What still comes on it would be taken for the next answer.
            Ok(Received { head, length, complete: false }) => {
                self.connection = None;
                Ok((head, length))
            }
            Err(error) => {
                self.connection = None;
                Err(error)
            }
        }
    }

    /// Closes the connection; the next request opens another.
    pub fn close(&mut self) {
        self.connection = None;
    }

    /// Sends a request as it is and returns the answer's head with its body still to come.
    pub async fn exchange(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        loop {
            let (mut connection, fresh) = match self.connection.take() {
                Some(connection) => (connection, false),
                None => (self.connect().await?, true),
            };
            if let Err(error) = connection.ready().await {
                if fresh {
                    return Err(error.into());
                }
                continue;
            }
            match connection.try_send_request(request).await {
                Ok(response) => {
                    self.connection = Some(connection);
                    return Ok(response);
                }
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(failed.into_error().into()),
                },
            }
        }
    }

    fn request(
        &self,
        head: &RequestHead,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut headers = head.headers.clone();
        headers.set("Host", self.server.authority.clone());
        headers.remove("Transfer-Encoding");
        if !body.is_empty() || headers.value("Content-Length").is_some() {
            headers.set("Content-Length", body.len().to_string());
        }
        let target = || ClientError::Target(head.target.chars().take(200).collect());
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = head.method.parse().map_err(|_| target())?;
        *request.uri_mut() = head.target.parse().map_err(|_| target())?;
        *request.headers_mut() = headers.to_map()?;
        Ok(request)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let Server { host, port, authority, tls } = &self.server;
        let failed = |source| ClientError::Connect { server: authority.clone(), source };
        let opening = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            let Some(tls) = tls else { return handshake(stream).await };
            let name = ServerName::try_from(host.clone())
                .map_err(|error| failed(std::io::Error::other(error)))?;
            handshake(tls.connect(name, stream).await.map_err(failed)?).await
        };
        timeout(self.limits.connect, opening)
            .await
            .map_err(|_| ClientError::Timeout(self.limits.connect))?
    }
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Full<Bytes>>, ClientError> {
    // Agents write header names in title case; a proxied request keeps its own spelling.
    let (sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to the server under test ended");
        }
    });
    Ok(sender)
}

/// What came of an answer.
struct Received {
    head: ResponseHead,
    /// Bytes of the body, as they came.
    length: u64,
    /// Whether all of it was taken.
    complete: bool,
}

async fn receive(
    response: Response<Incoming>,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Result<Received, ClientError> {
    let (parts, mut incoming) = response.into_parts();
    let head = ResponseHead {
        status: parts.status.as_u16(),
        reason: parts.status.canonical_reason().unwrap_or_default().to_owned(),
        headers: Headers::from_map(&parts.headers),
    };
    let mut length = 0_u64;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length = length.saturating_add(data.len() as u64);
        if !take(&data) {
            return Ok(Received { head, length, complete: false });
        }
    }
    Ok(Received { head, length, complete: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let server = Server::new("http://weir.example:8530/", None).unwrap();
        assert_eq!((server.authority(), server.port), ("weir.example:8530", 8530));
        let server = Server::new("http://[::1]", None).unwrap();
        assert_eq!((server.host(), server.port), ("::1", 80));
        for url in ["weir.example:8530", "ftp://h", "http://h/path", "http://h/?q", "", "/x"] {
            assert!(matches!(Server::new(url, None), Err(ClientError::Url(_))), "{url}");
        }
    }

    #[test]
    fn https_needs_somebody_to_trust() {
        assert!(matches!(Server::new("https://h", None), Err(ClientError::NoTrust)));
        let empty = tempfile::NamedTempFile::new().unwrap();
        let refused = Server::new("https://h", Some(empty.path()));
        assert!(matches!(refused, Err(ClientError::Certificates { .. })));
    }
}
