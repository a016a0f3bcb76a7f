//! GET and HEAD of a content file ([MS-WUSP] 2.2.2.5).
//!
//! Delivery Optimization fetches closed ranges of 1 MiB in any order over several connections;
//! BITS asks HEAD for the length first and may then want several ranges in one response. A file's
//! bytes never change under its address, so the digest is its ETag.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, Method, Response, StatusCode};
use uuid::Uuid;

use super::body::Payload;
use super::file_body::{FileBody, Origin, Segment};
use super::handler::Shared;
use super::http_date;
use super::reply::{self, Reply};
use crate::content::files::ContentFile;
use crate::content::ranges::{self, ByteRange, Requested};
use crate::server::Application;
use crate::wire::types::Sha1;

const OCTETS: &str = "application/octet-stream";

/// Answers a request for the file `sha1`.
pub(crate) async fn answer<A: Application>(
    shared: &Shared<A>,
    sha1: Sha1,
    method: &Method,
    headers: &HeaderMap,
) -> Reply {
    if let Some(stored) = shared.application.content_at_hand(&sha1) {
        return serve(Found::stored(stored), sha1, method, headers);
    }
    let application = shared.application.clone();
    let opened = tokio::task::spawn_blocking(move || application.content(&sha1)).await;
    match opened {
        Ok(Ok(Some(stored))) => serve(Found::stored(stored), sha1, method, headers),
        Ok(Ok(None)) => match shared.application.pull(sha1).await {
            Some(source) => {
                let length = source.length();
                let found = Found { origin: Origin::Pulled(source), length, modified: None };
                serve(found, sha1, method, headers)
            }
            None => reply::text(StatusCode::NOT_FOUND, "This file is not stored here.\n"),
        },
        Ok(Err(error)) => {
            // Not 404, which a downstream server takes as a reason to download again.
            let cause = error.source().map(ToString::to_string);
            tracing::error!(%error, cause, "content cannot be read");
            unavailable(shared)
        }
        Err(_) => unavailable(shared),
    }
}

fn unavailable<A: Application>(shared: &Shared<A>) -> Reply {
    let mut reply = reply::text(StatusCode::SERVICE_UNAVAILABLE, "The file cannot be read now.\n");
    reply::retry_after(&mut reply, shared.limits.retry_after);
    reply
}

/// A file that can be sent.
struct Found {
    origin: Origin,
    length: u64,
    /// When it was stored; none while it is not.
    modified: Option<i64>,
}

impl Found {
    fn stored(file: Arc<ContentFile>) -> Self {
        let (length, modified) = (file.length, Some(http_date::seconds(file.modified)));
        Self { origin: Origin::Stored(file), length, modified }
    }
}

fn serve(found: Found, sha1: Sha1, method: &Method, headers: &HeaderMap) -> Reply {
    let Found { origin, length, modified } = found;
    // The address says which bytes they have to be, whether or not that was verified yet.
    let validators = Validators { etag: format!("\"{}\"", sha1.to_hex()), modified };
    let mut reply = match decide(method, headers, &validators, length) {
        Decision::NotModified => {
            let mut reply = Response::new(Payload::parts(vec![]));
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            reply
        }
        Decision::Head => {
            let mut reply = octets(Payload::parts(vec![]));
            reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            reply
        }
        Decision::Send(Requested::Whole) => {
            let whole = length.checked_sub(1).map(|last| ByteRange { first: 0, last });
            octets(Payload::File(FileBody::new(origin, whole.map(Segment::Range))))
        }
        Decision::Send(Requested::One(range)) => {
            let mut reply = octets(Payload::File(FileBody::new(origin, [Segment::Range(range)])));
            *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert(&mut reply, CONTENT_RANGE, content_range(range, length));
            reply
        }
        Decision::Send(Requested::Many(ranges)) => multipart(origin, &ranges, length),
        Decision::Send(Requested::Unsatisfiable) => {
            let mut reply = reply::text(StatusCode::RANGE_NOT_SATISFIABLE, "No such range.\n");
            insert(&mut reply, CONTENT_RANGE, format!("bytes */{length}"));
            reply
        }
    };
    reply.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    insert(&mut reply, ETAG, validators.etag);
    let modified = modified.and_then(|at| u64::try_from(at).ok());
    let modified = modified.map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    if let Some(date) = modified.and_then(http_date::format) {
        insert(&mut reply, LAST_MODIFIED, date);
    }
    reply
}

fn octets(payload: Payload) -> Reply {
    let mut reply = Response::new(payload);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTETS));
    reply
}

fn insert(reply: &mut Reply, name: HeaderName, value: String) {
    // Digits, dates and digests are always valid; anything else is left out rather than panicked
    // over.
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
}

fn content_range(range: ByteRange, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.first, range.last)
}

/// `multipart/byteranges` as BITS reads it: the two standard headers a part and no others, and the
/// first boundary at the very beginning (it tolerates at most two line ends before it).
fn multipart(origin: Origin, ranges: &[ByteRange], length: u64) -> Reply {
    // A random boundary, so that no file can contain it on purpose.
    let boundary = Uuid::new_v4().simple().to_string();
    let mut segments = Vec::with_capacity(2 * ranges.len() + 1);
    let mut line_end = "";
    for range in ranges {
        let range_header = content_range(*range, length);
        segments.push(Segment::Text(Bytes::from(format!(
            "{line_end}--{boundary}\r\nContent-Type: {OCTETS}\r\nContent-Range: {range_header}\r\n\r\n"
        ))));
        segments.push(Segment::Range(*range));
        line_end = "\r\n";
    }
    segments.push(Segment::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    let mut reply = Response::new(Payload::File(FileBody::new(origin, segments)));
    *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
    insert(&mut reply, CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    reply
}

/// What a client may compare its copy with.
struct Validators {
    etag: String,
    modified: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    NotModified,
    Head,
    Send(Requested),
}

/// Which of the answers a request gets (RFC 9110 13.2.2).
///
/// `If-Match` and `If-Unmodified-Since` guard against bytes that change between two ranges; here
/// they cannot, so both are ignored.
fn decide(method: &Method, headers: &HeaderMap, ours: &Validators, length: u64) -> Decision {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let unchanged = match text(IF_NONE_MATCH) {
        Some(tags) => tags.split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == ours.etag
        }),
        None => text(IF_MODIFIED_SINCE)
            .and_then(http_date::parse)
            .is_some_and(|since| ours.modified.is_some_and(|modified| modified <= since)),
    };
    if unchanged {
        return Decision::NotModified;
    }
    if method == Method::HEAD {
        // IIS answers 416 to a HEAD with a Range, against RFC 9110 14.2, which defines Range for
        // GET only. BITS needs the length, so the standard's way it is.
        return Decision::Head;
    }
    let applies = match text(IF_RANGE) {
        None => true,
        Some(tag) if tag.starts_with('"') => tag.trim() == ours.etag,
        Some(date) => ours.modified.is_some() && http_date::parse(date) == ours.modified,
    };
    let mut values = headers.get_all(RANGE).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(value)), None) if applies => Decision::Send(ranges::parse(value, length)),
        _ => Decision::Send(Requested::Whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(method: Method, headers: &[(HeaderName, &str)]) -> Decision {
        let ours = Validators { etag: "\"AB\"".into(), modified: Some(784_111_777) };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).expect("value")))
            .collect();
        decide(&method, &headers, &ours, 100)
    }

    fn get(headers: &[(HeaderName, &str)]) -> Decision {
        decision(Method::GET, headers)
    }

    const ONE: Decision = Decision::Send(Requested::One(ByteRange { first: 1, last: 2 }));
    const WHOLE: Decision = Decision::Send(Requested::Whole);
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    #[test]
    fn conditions_in_the_standards_order() {
        assert_eq!(get(&[(IF_NONE_MATCH, "\"AB\"")]), Decision::NotModified);
        assert_eq!(get(&[(IF_NONE_MATCH, "\"x\", W/\"AB\"")]), Decision::NotModified);
        assert_eq!(get(&[(IF_NONE_MATCH, "*")]), Decision::NotModified);
        assert_eq!(get(&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, DATE)]), WHOLE);
        assert_eq!(get(&[(IF_MODIFIED_SINCE, DATE)]), Decision::NotModified);
        assert_eq!(get(&[(IF_MODIFIED_SINCE, BEFORE)]), WHOLE);
        assert_eq!(get(&[(IF_MODIFIED_SINCE, "yesterday")]), WHOLE);
    }

    #[test]
    fn ranges_apply_while_the_copy_is_the_same() {
        let range = (RANGE, "bytes=1-2");
        assert_eq!(get(std::slice::from_ref(&range)), ONE);
        assert_eq!(get(&[range.clone(), (IF_RANGE, "\"AB\"")]), ONE);
        assert_eq!(get(&[range.clone(), (IF_RANGE, DATE)]), ONE);
        assert_eq!(get(&[range.clone(), (IF_RANGE, "\"x\"")]), WHOLE);
        assert_eq!(get(&[range.clone(), (IF_RANGE, "W/\"AB\"")]), WHOLE);
        assert_eq!(get(&[range.clone(), (IF_RANGE, BEFORE)]), WHOLE);
    }

    #[test]
    fn head_never_looks_at_ranges() {
        assert_eq!(decision(Method::HEAD, &[(RANGE, "bytes=500-")]), Decision::Head);
    }
}
