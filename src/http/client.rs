//! One keep-alive connection, as an agent has.
//!
//! The connection is opened when it is first needed and again after the server closed it, which
//! IIS does with every fault. A request that was not yet written when the connection broke is
//! sent once more; one that may have been received is not, since not every operation is safe to
//! repeat.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_ENCODING, HeaderValue, PROXY_AUTHORIZATION};
use hyper::http::response::Parts;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

use super::server::Server;
use super::{ClientError, encoding};

/// Bytes from which an answer counts as large. Those of real upstream servers end at 2.6 MB; only a
/// single huge document makes a larger one.
const LARGE: usize = 8 << 20;

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
            body: 64 << 20,
            connect: Duration::from_secs(10),
            exchange: Duration::from_secs(120),
        }
    }
}

/// An answer, taken in whole.
#[derive(Debug)]
pub struct Whole {
    /// Status and headers.
    pub head: Parts,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// Bytes of the body as sent.
    pub wire_length: u64,
    /// Held while a large answer is in memory.
    pub turn: Option<OwnedSemaphorePermit>,
}

/// One connection's worth of requests with bodies of type `B`.
pub struct Client<B = Full<Bytes>> {
    server: Server,
    limits: ClientLimits,
    turns: Option<Arc<Semaphore>>,
    connection: Option<SendRequest<B>>,
}

impl<B> Client<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// A client that connects when it is first used.
    pub fn new(server: Server, limits: ClientLimits) -> Self {
        Self { server, limits, turns: None, connection: None }
    }

    /// The same client, which takes a large answer in only when it has one of `turns`: so many
    /// clients at once need little more memory than one.
    pub fn taking(self, turns: Arc<Semaphore>) -> Self {
        Self { turns: Some(turns), ..self }
    }

    /// The server that is asked.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Sends a request and takes the whole answer, decoded. Unless `keep`, the body of the answer
    /// is only counted, however long it is.
    pub async fn whole(&mut self, request: Request<B>, keep: bool) -> Result<Whole, ClientError> {
        let (limit, time) = (self.limits.body, self.limits.exchange);
        let turns = self.turns.clone();
        let exchange = async {
            let response = self.exchange(request).await?;
            take(response, keep, limit, turns).await
        };
        match timeout(time, exchange).await {
            Ok(answer) => answer,
            Err(_) => {
                // What still comes on it would be taken for the next answer.
                self.connection = None;
                Err(ClientError::Timeout(time))
            }
        }
    }

    /// Sends a request as it is and returns the answer's head with its body still to come.
    pub async fn exchange(
        &mut self,
        mut request: Request<B>,
    ) -> Result<Response<Incoming>, ClientError> {
        self.address_to_proxy(&mut request);
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

    /// A proxy of plain HTTP has to be told for whom a request is.
    fn address_to_proxy(&self, request: &mut Request<B>) {
        let Some(proxy) = self.server.proxy.as_ref().filter(|_| self.server.tls.is_none()) else {
            return;
        };
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if let Ok(uri) = format!("http://{}{target}", self.server.authority).parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        let authorization = proxy.authorization.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(value)) = authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
    }

    async fn connect(&self) -> Result<SendRequest<B>, ClientError> {
        let Server { host, authority, tls, socket, .. } = &self.server;
        let failed = |source| ClientError::Connect { server: authority.clone(), source };
        let opening = async {
            if let Some(path) = socket {
                return handshake(UnixStream::connect(path).await.map_err(failed)?).await;
            }
            let stream = self.server.open().await?;
            let Some(tls) = tls else { return handshake(stream).await };
            let name = ServerName::try_from(host.clone())
                .map_err(|error| failed(std::io::Error::other(error)))?;
            handshake(tls.0.connect(name, stream).await.map_err(failed)?).await
        };
        timeout(self.limits.connect, opening)
            .await
            .map_err(|_| ClientError::Timeout(self.limits.connect))?
    }
}

async fn handshake<B>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<B>, ClientError>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Agents write header names in title case; a proxied request keeps its own spelling.
    let (sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(sender)
}

async fn take(
    response: Response<Incoming>,
    keep: bool,
    limit: u64,
    turns: Option<Arc<Semaphore>>,
) -> Result<Whole, ClientError> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut turn = None;
    let mut wire_length = 0_u64;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        wire_length = wire_length.saturating_add(data.len() as u64);
        if keep {
            if wire_length > limit {
                return Err(ClientError::TooLarge(limit));
            }
            body.extend_from_slice(&data);
            if body.len() > LARGE && turn.is_none() {
                turn = wait_for(turns.as_ref()).await;
            }
        }
    }
    let encoding = head.headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    if keep && let Some(encoding) = encoding {
        body = encoding::decode(encoding, body, limit)?;
    }
    if body.len() > LARGE && turn.is_none() {
        turn = wait_for(turns.as_ref()).await;
    }
    Ok(Whole { head, body, wire_length, turn })
}

/// Waits for a turn, where turns are taken. Nobody ever closes the semaphore.
async fn wait_for(turns: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(turns?).acquire_owned().await.ok()
}
