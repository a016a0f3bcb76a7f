//! Short answers that are the server's own.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{StatusCode, header};

use super::body::Payload;

/// A response before its log line is attached.
pub(crate) type Reply = Response<Payload>;

/// An answer of `media_type` whose body is `body`.
pub(crate) fn document(media_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(Payload::parts(vec![Bytes::from(body).into()]));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

/// An answer that a person can read.
pub(crate) fn text(status: StatusCode, explanation: &'static str) -> Reply {
    let mut reply = document("text/plain; charset=utf-8", explanation.to_owned());
    *reply.status_mut() = status;
    // A miss today may be a download tomorrow.
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

/// 405 with what would be allowed.
pub(crate) fn method_not_allowed(allowed: &'static str, explanation: &'static str) -> Reply {
    let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, explanation);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

/// Tells the client when to come back.
pub(crate) fn retry_after(reply: &mut Reply, delay: std::time::Duration) {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(delay.as_secs()));
}

/// Tells the client that the connection ends here.
pub(crate) fn close(reply: &mut Reply) {
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}
