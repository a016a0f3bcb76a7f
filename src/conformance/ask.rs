//! Sending a recorded request.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

use super::compare::Answer;
use super::head::{HeadError, Headers, RequestHead, ResponseHead};
use crate::http::{Client, ClientError};

/// Why a recorded request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The request cannot be written as HTTP.
    #[error("the request cannot be sent: {0}")]
    Request(#[from] HeadError),
    /// The request target is not one.
    #[error("'{0}' is not a request target")]
    Target(String),
    /// The server could not be asked, or did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Sends a recorded request with `body` and takes the whole answer, decoded. `Host` and
/// `Content-Length` are made to fit; other headers go as recorded. Unless `keep`, the body of the
/// answer is only counted, however long it is.
pub async fn ask(
    client: &mut Client,
    head: &RequestHead,
    body: Vec<u8>,
    keep: bool,
) -> Result<Answer, AskError> {
    let request = request(client.server().authority(), head, body)?;
    let whole = client.whole(request, keep).await?;
    let head = ResponseHead {
        status: whole.head.status.as_u16(),
        reason: whole.head.status.canonical_reason().unwrap_or_default().to_owned(),
        headers: Headers::from_map(&whole.head.headers),
    };
    Ok(Answer { head, body: whole.body, wire_length: whole.wire_length })
}

fn request(
    authority: &str,
    head: &RequestHead,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, AskError> {
    let mut headers = head.headers.clone();
    headers.set("Host", authority.to_owned());
    headers.remove("Transfer-Encoding");
    if !body.is_empty() || headers.value("Content-Length").is_some() {
        headers.set("Content-Length", body.len().to_string());
    }
    let target = || AskError::Target(head.target.chars().take(200).collect());
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = head.method.parse().map_err(|_| target())?;
    *request.uri_mut() = head.target.parse().map_err(|_| target())?;
    *request.headers_mut() = headers.to_map()?;
    Ok(request)
}
