//! One request: find its route, have it answered, attach the line that logs it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use super::body::ResponseBody;
use super::log::AccessLine;
use super::metrics::{self, Metrics};
use super::reply::{self, Reply};
use super::route::Route;
use super::settings::Limits;
use super::{content, soap};
use crate::server::Application;
use crate::wire::operation::Service;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared<A> {
    pub(crate) application: Arc<A>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    /// One permit a SOAP call under evaluation.
    pub(crate) calls: Semaphore,
    /// One permit a byte of request bodies in memory.
    pub(crate) bodies: Semaphore,
}

/// Who answers the requests that come through a door.
pub(crate) trait Answers: Send + Sync + 'static {
    fn limits(&self) -> &Limits;

    fn metrics(&self) -> &Arc<Metrics>;

    /// Answers one request. Every outcome is a response.
    ///
    /// The future is dropped when the client goes away; the log line then says so.
    fn answer(
        self: Arc<Self>,
        peer: Peer,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<ResponseBody>> + Send;
}

/// The way on which a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The socket of this machine.
    Local,
    /// Plain HTTP.
    Plain,
    /// TLS.
    Tls,
}

/// The connection that a request came on.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The other end; the loopback address for the local socket, whose ends have none.
    pub(crate) address: SocketAddr,
    pub(crate) way: Way,
    /// Read by the connection's stream when it closes.
    pub(crate) unread: Arc<AtomicBool>,
}

impl Peer {
    /// Somebody on this machine.
    pub(crate) fn local(unread: Arc<AtomicBool>) -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 0).into(), way: Way::Local, unread }
    }

    /// Tells the connection that its client may still be sending when it is closed.
    pub(crate) fn linger(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// Whether it may.
    pub(crate) fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }
}

/// What administrators see when they check from a browser that a client reaches its server
/// (Microsoft's guide names this file). What the original says is not documented; that it is there
/// is what counts.
const SERVER_VERSION: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n",
    "<WUServerVersion Product=\"Weir\" Version=\"",
    env!("CARGO_PKG_VERSION"),
    "\" />\r\n"
);

impl<A: Application> Answers for Shared<A> {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    async fn answer(
        self: Arc<Self>,
        peer: Peer,
        request: Request<Incoming>,
    ) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let route = Route::of(head.uri.path(), head.uri.query());
        let mut line = AccessLine::new(self.metrics.clone(), peer.address, route.name());
        let reply = match (route, &head.method) {
            (Route::Soap(service), &Method::POST) => {
                soap::answer(&self, &peer, service, &head.headers, body, &mut line).await
            }
            (route, method) => {
                peer.linger(!body.is_end_stream());
                answer_without_body(&self, &peer, route, method, &head.headers).await
            }
        };
        attach(reply, line, &head.method)
    }
}

async fn answer_without_body<A: Application>(
    shared: &Shared<A>,
    peer: &Peer,
    route: Route,
    method: &Method,
    headers: &HeaderMap,
) -> Reply {
    if let Route::Soap(_) = route {
        return reply::method_not_allowed("POST", "This is a SOAP service; see ?wsdl.\n");
    }
    // A path of nobody is absent for every method: a server that asks for a service which is not
    // built reads that, not that it asked in the wrong way.
    if route != Route::Unknown && !matches!(*method, Method::GET | Method::HEAD) {
        return reply::method_not_allowed("GET, HEAD", "Only GET and HEAD are allowed here.\n");
    }
    match route {
        Route::Content(sha1) => content::answer(shared, sha1, method, headers).await,
        Route::ContentWithoutExtension => {
            reply::text(StatusCode::FORBIDDEN, "A content file's name has an extension.\n")
        }
        Route::Contract(service) => contract(shared, service, peer, headers),
        Route::SelfUpdate => reply::text(
            StatusCode::NOT_FOUND,
            "Agents of Windows 8.1 and older update themselves from files that only Microsoft can \
             sign. They are not stored here.\n",
        ),
        Route::ServerVersion => reply::document("text/xml", SERVER_VERSION.to_owned()),
        Route::Health if shared.application.healthy() => reply::text(StatusCode::OK, "ok\n"),
        Route::Health => reply::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Changes are refused until a restart; the log says why.\n",
        ),
        Route::Metrics => match shared.metrics.render() {
            Ok(text) => reply::document(metrics::MEDIA_TYPE, text),
            Err(_) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, "No metrics.\n"),
        },
        Route::Soap(_) | Route::Unknown => {
            reply::text(StatusCode::NOT_FOUND, "There is nothing here.\n")
        }
    }
}

fn contract<A: Application>(
    shared: &Shared<A>,
    service: Service,
    peer: &Peer,
    headers: &HeaderMap,
) -> Reply {
    let scheme = if peer.way == Way::Tls { "https" } else { "http" };
    let base_url = format!("{scheme}://{}", host(headers).unwrap_or("localhost"));
    reply::document("text/xml; charset=utf-8", shared.application.wsdl(service, &base_url))
}

/// The `Host` header, if it is a host and nothing else: it becomes a part of URLs that we hand out.
pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    ((1..=255).contains(&host.len()) && host.bytes().all(harmless)).then_some(host)
}

/// Lets the log line travel with the body. The length is given wherever it is known, which it is for
/// all that clients are sent: a real server never sends chunks, and no agent was seen to read them.
pub(crate) fn attach(
    reply: Reply,
    mut line: AccessLine,
    method: &Method,
) -> Response<ResponseBody> {
    let (mut head, payload) = reply.into_parts();
    let length = payload.remaining();
    let bodiless = head.status == StatusCode::NOT_MODIFIED;
    if let Some(length) = length.filter(|_| !bodiless && !head.headers.contains_key(CONTENT_LENGTH))
    {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let due = if method == Method::HEAD || bodiless { 0 } else { length.unwrap_or(0) };
    line.answering(head.status.as_u16(), due);
    Response::from_parts(head, ResponseBody::new(payload, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_becomes_part_of_a_url() {
        let with = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).expect("value"));
            super::host(&headers).map(str::to_owned)
        };
        for good in ["wsus", "wsus.corp.example:8530", "10.0.0.1:80", "[fe80::1]:8530", "a_b"] {
            assert_eq!(with(good).as_deref(), Some(good));
        }
        for bad in ["", "a b", "a/b", "a@b", "\"><x", "a?b", "a#b", "%00", &"a".repeat(256)] {
            assert_eq!(with(bad), None, "{bad}");
        }
        assert_eq!(super::host(&HeaderMap::new()), None);
    }
}
