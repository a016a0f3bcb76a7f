//! Forwarding one exchange.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::client::{Client, ClientLimits, Server};
use super::super::head::{Headers, RequestHead, ResponseHead};
use super::relayed::Relayed;
use super::writer::Taken;

/// The body of what the client gets: the upstream server's, or our own few words.
pub(super) type Body = Either<Relayed, Full<Bytes>>;

/// Forwards requests of all connections.
pub(super) struct Proxy {
    upstream: Server,
    limits: ClientLimits,
    exchanges: mpsc::Sender<Taken>,
    next: AtomicU64,
}

impl Proxy {
    pub(super) fn new(
        upstream: Server,
        limits: ClientLimits,
        exchanges: mpsc::Sender<Taken>,
        first: u64,
    ) -> Self {
        Self { upstream, limits, exchanges, next: AtomicU64::new(first) }
    }

    /// Forwards one request over the connection kept in `upstream`, or a new one. There is one for
    /// each connection of a client, because Windows authentication is bound to connections. Never
    /// fails: what goes wrong is an answer to the client.
    pub(super) async fn forward(
        &self,
        upstream: &Mutex<Option<Client>>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let result = self.exchange(number, upstream, request).await;
        result.unwrap_or_else(|Refusal { status, why }| {
            tracing::warn!(number, %status, why, "an exchange is not recorded");
            let mut response = Response::new(Either::Right(Full::new(Bytes::from(why))));
            *response.status_mut() = status;
            response
        })
    }

    async fn exchange(
        &self,
        number: u64,
        upstream: &Mutex<Option<Client>>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        // The place in the queue is taken first, so that nothing is answered that could not be
        // written because the disk is slow.
        let place = self.exchanges.clone().reserve_owned().await.map_err(|_| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the recorder has stopped")
        })?;
        let head = RequestHead {
            method: request.method().as_str().to_owned(),
            target: request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            headers: Headers::from_map(request.headers()),
        };
        let (parts, incoming) = request.into_parts();
        let body = self.request_body(incoming).await?;
        let onward = self.onward(Request::from_parts(parts, Full::new(body.clone())));
        let mut response = self.ask(upstream, onward).await?;
        let response_head = ResponseHead {
            status: response.status().as_u16(),
            reason: response.status().canonical_reason().unwrap_or_default().to_owned(),
            headers: Headers::from_map(response.headers()),
        };
        remove_hop_by_hop(response.headers_mut());
        let keep = !is_download(&head.target);
        let taken = Taken {
            number,
            request: head,
            request_body: body,
            response: response_head,
            response_body: keep.then(Vec::new),
            wire_length: 0,
        };
        Ok(response.map(|body| Either::Left(Relayed::new(body, taken, place, self.limits.body))))
    }

    async fn request_body(&self, incoming: Incoming) -> Result<Bytes, Refusal> {
        let limit = usize::try_from(self.limits.body).unwrap_or(usize::MAX);
        match timeout(self.limits.exchange, Limited::new(incoming, limit).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error))
            }
            Ok(Err(error)) => Err(Refusal::new(StatusCode::BAD_REQUEST, error)),
            Err(late) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, late)),
        }
    }

    /// The request as the upstream server has to see it.
    fn onward(&self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if let Ok(target) = target.parse() {
            *request.uri_mut() = target;
        }
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        // The body is here already, so nobody has to wait for permission to send it.
        headers.remove(EXPECT);
        if let Ok(host) = HeaderValue::from_str(self.upstream.authority()) {
            headers.insert(HOST, host);
        }
        request
    }

    async fn ask(
        &self,
        upstream: &Mutex<Option<Client>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Refusal> {
        // Taken out, not locked: after a failure it stays out, and the next request connects anew.
        let kept = slot(upstream).take();
        let mut client = kept.unwrap_or_else(|| Client::new(self.upstream.clone(), self.limits));
        match timeout(self.limits.exchange, client.exchange(request)).await {
            Ok(Ok(response)) => {
                *slot(upstream) = Some(client);
                Ok(response)
            }
            Ok(Err(error)) => Err(Refusal::new(StatusCode::BAD_GATEWAY, error)),
            Err(late) => Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, late)),
        }
    }
}

/// What the proxy itself says to a client, in place of the upstream server.
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn new(status: StatusCode, why: impl ToString) -> Self {
        Self { status, why: why.to_string() }
    }
}

fn slot(upstream: &Mutex<Option<Client>>) -> MutexGuard<'_, Option<Client>> {
    upstream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Content is large, known by its digest, and of no interest to a dialogue.
fn is_download(target: &str) -> bool {
    let target = target.trim_start_matches('/');
    target.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content/"))
}

/// Headers that speak of one connection only (RFC 9110 section 7.6.1), and those that `Connection`
/// names besides.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in
        ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"]
    {
        headers.remove(name);
    }
}
