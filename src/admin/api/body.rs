//! Bodies of requests: JSON within a limit, and uploads that are read while they arrive.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tokio::sync::mpsc;

use super::problem::Problem;
use crate::admin::{self, Upload};
use crate::server::RequestBody;

/// Most bytes of a JSON body: 25,000 update ids.
pub(super) const JSON_LIMIT: u64 = 1 << 20;
/// Most bytes of it where nobody is known yet: a name and a password.
pub(super) const UNKNOWN_LIMIT: u64 = 4 << 10;
/// How long a JSON body may take.
const JSON_TIME: Duration = Duration::from_secs(30);
/// Pieces of an upload that wait to be read; hyper's have a few hundred KB at most.
const PIECES: usize = 4;

/// No body at all, where fields travel in the query: what would be ignored is refused.
pub(super) fn none(body: &RequestBody) -> Result<(), Problem> {
    let problem = "this method takes no body; its fields travel in path and query";
    body.is_empty().then_some(()).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, problem))
}

/// A body of JSON of at most `limit` bytes; none if there is no body.
pub(super) async fn json(
    headers: &HeaderMap,
    mut body: RequestBody,
    limit: u64,
) -> Result<Option<Value>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    expect(headers, "application/json")?;
    if body.announced() > limit {
        return Err(too_large(limit));
    }
    let collect = async {
        let mut bytes = Vec::new();
        while let Some(piece) = body.piece().await.map_err(broken)? {
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    let late = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body does not come to its end");
    let bytes = tokio::time::timeout(JSON_TIME, collect).await.map_err(late)??;
    let no_json = |error| Problem::new(StatusCode::BAD_REQUEST, format!("the body: {error}"));
    serde_json::from_slice(&bytes).map(Some).map_err(no_json)
}

/// An upload's bytes, to be read where blocking is allowed.
pub(super) fn upload(
    upload: &Upload,
    headers: &HeaderMap,
    body: RequestBody,
) -> Result<admin::Bytes, Problem> {
    expect(headers, upload.media_type)?;
    if let Some(limit) = upload.limit
        && body.announced() > limit
    {
        return Err(too_large(limit));
    }
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::spawn(forward(body, upload.limit, sender));
    Ok(Box::new(Arriving { pieces, piece: Bytes::new() }))
}

/// Hands pieces on as they arrive, until nobody wants more.
async fn forward(
    mut body: RequestBody,
    limit: Option<u64>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
) {
    let mut seen: u64 = 0;
    while let Some(piece) = body.piece().await.transpose() {
        seen = seen.saturating_add(piece.as_ref().map_or(0, |piece| piece.len() as u64));
        let piece = match limit {
            Some(limit) if seen > limit => {
                Err(io::Error::new(io::ErrorKind::FileTooLarge, text_of_limit(limit)))
            }
            _ => piece,
        };
        let ended = piece.is_err();
        if pieces.send(piece).await.is_err() || ended {
            return;
        }
    }
}

/// The reading side of an upload.
struct Arriving {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}

/// The body has to be of this type, as it is: nothing here unpacks.
fn expect(headers: &HeaderMap, media_type: &str) -> Result<(), Problem> {
    let unsupported = |detail: String| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !given.eq_ignore_ascii_case(media_type) {
        return Err(unsupported(format!("the body has to be {media_type}")));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(unsupported("the body must not be encoded".to_owned()));
    }
    Ok(())
}

fn text_of_limit(limit: u64) -> String {
    format!("the body is too long; {limit} bytes is the limit")
}

fn too_large(limit: u64) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text_of_limit(limit))
}

fn broken(error: io::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("the body: {error}"))
}
