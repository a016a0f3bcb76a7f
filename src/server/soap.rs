//! POST on a service's path: from headers and a limited body to a [`SoapCall`], and its answer back.
//!
//! The operation is known from the headers, so that its limit holds before the body is read. What
//! is refused here still gets a fault in the protocol's form, because an agent understands those.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY,
};
use hyper::{HeaderMap, Response, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::body::Payload;
use super::encoding::{self, Coding, Encoded};
use super::handler::{Peer, Shared, Way, host};
use super::log::AccessLine;
use super::reply::{self, Reply};
use crate::server::Application;
use crate::services::call::{Refusal, SoapAnswer, SoapCall};
use crate::wire::body::Piece;
use crate::wire::operation::{EnvelopeStyle, Operation, Service};
use crate::wire::soap;

/// Encoding more than this is done where blocking is allowed, so that one large page does not hold
/// up the connections of its worker thread.
const LONG_EFFORT: usize = 128 * 1024;

/// Answers one SOAP request.
pub(crate) async fn answer<A: Application>(
    shared: &Shared<A>,
    peer: &Peer,
    service: Service,
    headers: &HeaderMap,
    body: Incoming,
    line: &mut AccessLine,
) -> Reply {
    let mut call = describe(service, peer, headers);
    line.identified(call.operation);
    let coding = negotiated(headers);
    let received = receive(shared, headers, body, body_limit(service, call.operation)).await;
    let unread = received.is_err();
    let admitted = received.and_then(|received| match shared.calls.try_acquire() {
        Ok(permit) => Ok((received, permit)),
        Err(_) => Err(Refusal::Busy),
    });
    match admitted {
        Ok((Received { bytes, _memory }, _permit)) => {
            line.received(bytes.len());
            call.body = bytes;
            let answer = shared.application.soap(call).await;
            respond(service, answer, coding, line).await
        }
        Err(refusal) => {
            shared.metrics.refused(refusal.name());
            let mut answer = shared.application.refuse(&call, refusal);
            answer.status = refusal.status();
            // What is left of the body would be taken for the next request.
            answer.close |= unread;
            peer.linger(unread);
            let mut reply = respond(service, answer, coding, line).await;
            if refusal == Refusal::Busy {
                reply::retry_after(&mut reply, shared.limits.retry_after);
            }
            reply
        }
    }
}

fn describe(service: Service, peer: &Peer, headers: &HeaderMap) -> SoapCall {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    let soap_action = text(HeaderName::from_static("soapaction"));
    let content_type = text(CONTENT_TYPE);
    // Headers that name nothing, or two things, are the services' to judge, with the envelope.
    let operation =
        soap::identify(service, soap_action.as_deref(), content_type.as_deref()).ok().flatten();
    SoapCall {
        service,
        operation,
        soap_action,
        content_type,
        body: Bytes::new(),
        peer: peer.address,
        host: host(headers).map(str::to_owned),
        https: peer.way == Way::Tls,
    }
}

fn negotiated(headers: &HeaderMap) -> Coding {
    Coding::negotiate(headers.get_all(ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()))
}

/// The operation's limit, or the largest of its service while only the body can name it.
fn body_limit(service: Service, operation: Option<Operation>) -> usize {
    let of_service = Operation::ALL.iter().copied().filter(|op| op.service() == service);
    operation
        .or_else(|| of_service.max_by_key(|op| op.body_limit()))
        .map_or(0, Operation::body_limit)
}

/// A body and its share of the memory for bodies.
struct Received<'a> {
    bytes: Bytes,
    _memory: Option<SemaphorePermit<'a>>,
}

/// Reads the body, unless its head already says that it is not wanted.
async fn receive<'a, A: Application>(
    shared: &'a Shared<A>,
    headers: &HeaderMap,
    body: Incoming,
    limit: usize,
) -> Result<Received<'a>, Refusal> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Err(Refusal::Encoded);
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(Refusal::TooLarge { limit });
    }
    let arriving = collect(body, limit, &shared.bodies);
    tokio::time::timeout(shared.limits.body_time, arriving)
        .await
        .unwrap_or(Err(Refusal::Incomplete))
}

/// Collects the body. Memory is taken as bytes arrive, never as they are announced, and only while
/// `budget`, which all connections share, has some left.
async fn collect(
    mut body: Incoming,
    limit: usize,
    budget: &Semaphore,
) -> Result<Received<'_>, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX).min(limit);
    let mut whole = Gathered::Nothing;
    let mut memory: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Incomplete)?;
        // Trailers say nothing that anybody here asks for.
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        let bytes = u32::try_from(data.len()).map_err(|_| Refusal::Busy)?;
        let permit = budget.try_acquire_many(bytes).map_err(|_| Refusal::Busy)?;
        match &mut memory {
            Some(held) => held.merge(permit),
            None => memory = Some(permit),
        }
        whole = whole.and(data, announced);
    }
    Ok(Received { bytes: whole.finish(), _memory: memory })
}

/// A body so far. Nearly all of them arrive in one frame, which is then used as it is.
enum Gathered {
    Nothing,
    One(Bytes),
    More(BytesMut),
}

impl Gathered {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::More(bytes) => bytes.len(),
        }
    }

    fn and(self, data: Bytes, announced: usize) -> Self {
        let mut bytes = match self {
            Self::Nothing => return Self::One(data),
            Self::One(first) => {
                let mut bytes = BytesMut::new();
                grow(&mut bytes, first.len() + data.len(), announced);
                bytes.extend_from_slice(&first);
                bytes
            }
            Self::More(bytes) => bytes,
        };
        let length = bytes.len() + data.len();
        if length > bytes.capacity() {
            grow(&mut bytes, length, announced);
        }
        bytes.extend_from_slice(&data);
        Self::More(bytes)
    }

    fn finish(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::More(bytes) => bytes.freeze(),
        }
    }
}

/// Makes room for `length` bytes and for what is announced, up to four times as much: a body is then
/// copied hardly more than once, and an announcement alone takes no memory.
fn grow(bytes: &mut BytesMut, length: usize, announced: usize) {
    let room = announced.min(length.saturating_mul(4)).max(length);
    bytes.reserve(room - bytes.len());
}

/// Puts an answer into HTTP, in `coding` if it is worth it.
async fn respond(
    service: Service,
    answer: SoapAnswer,
    coding: Coding,
    line: &mut AccessLine,
) -> Reply {
    let SoapAnswer { status, content_type, pieces, close, outcome } = answer;
    let Encoded { coding, parts } = match encode(pieces, coding).await {
        Ok(encoded) => encoded,
        Err(reply) => return reply,
    };
    line.outcome(outcome, coding);
    let mut response = Response::new(Payload::parts(parts));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if coding != Coding::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    // As the two stacks of the real server write it.
    let cache = match service.style() {
        EnvelopeStyle::Wcf => "private",
        EnvelopeStyle::Asmx => "private, max-age=0",
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if close {
        reply::close(&mut response);
    }
    response
}

/// Encodes `pieces`, or answers why that cannot be.
async fn encode(pieces: Vec<Piece>, coding: Coding) -> Result<Encoded, Reply> {
    let encoded = if encoding::effort(&pieces, coding) < LONG_EFFORT {
        encoding::encode(pieces, coding)
    } else {
        let encoding = tokio::task::spawn_blocking(move || encoding::encode(pieces, coding)).await;
        let stopped = "The server is shutting down.\n";
        encoding.map_err(|_| reply::text(StatusCode::SERVICE_UNAVAILABLE, stopped))?
    };
    encoded.map_err(|cause| {
        tracing::error!(%cause, "a stored fragment is damaged; restore the packs from a backup");
        let damaged = "What was to be answered is damaged on this server.\n";
        reply::text(StatusCode::INTERNAL_SERVER_ERROR, damaged)
    })
}
