//! Operations as requests: the command line's side of [`api`](super::api).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::api::{BASE, Problem};
use super::jobs::{JobState, ShownJob};
use super::operation::field;
use super::{AdminError, Method, Operation};
use crate::http::{Client, ClientError, ClientLimits, Location, Server, Trust, Whole};

/// Most bytes of an answer: a list of all updates that there are has 100 MB.
const ANSWER_LIMIT: u64 = 4 << 30;
/// How long an answer may take: what is asked may be to read all content. Should the server's process
/// end, the connection ends too.
const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// How long a server that answers in pieces may send nothing: it does so every 15 seconds at least.
const PIECE_PATIENCE: Duration = Duration::from_secs(60);
/// How long a server may take to take a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of a refusal.
const PROBLEM_LIMIT: usize = 1 << 20;
/// How soon a job is looked at, first and at last.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(500);
/// Bytes of a file in one piece, and pieces that wait to be sent.
const PIECE: usize = 128 * 1024;
const PIECES: usize = 4;

type Outgoing = Either<Full<Bytes>, FileBody>;

/// A server that is asked.
#[derive(Clone)]
pub struct Remote {
    server: Server,
    patience: Duration,
    /// Says who asks.
    token: Option<String>,
}

impl Remote {
    /// The server whose socket is at `path`.
    pub(super) fn at_socket(path: &Path) -> Self {
        Self { server: Server::at_socket(path), patience: PATIENCE, token: None }
    }

    /// The server at `url`, which knows the caller by a token, if by anything. Its certificate has to be by an issuer
    /// that the system trusts, or one in `ca_file`.
    ///
    /// # Errors
    /// When the URL is none, nobody is trusted, or what is said would travel readable for others.
    pub fn at(
        url: &str,
        ca_file: Option<&Path>,
        token: Option<String>,
    ) -> Result<Self, AdminError> {
        let trust = match url.starts_with("https:") {
            true => Some(Trust::system(ca_file).map_err(unreachable)?),
            false => None,
        };
        if trust.is_none() && !Location::parse(url).is_some_and(|it| it.is_loopback()) {
            let reason = "tokens and passwords go to another machine over https alone";
            return Err(AdminError::Unreachable(reason.to_owned()));
        }
        let server = Server::new(url, trust).map_err(unreachable)?;
        Ok(Self { server, patience: PATIENCE, token })
    }

    /// The same, of which an answer is expected within this time.
    pub(super) fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Carries out an operation there.
    pub(super) async fn call<O: Operation>(&self, operation: &O) -> Result<O::Answer, AdminError> {
        let Asked { method, target, body } = Asked::of(operation)?;
        let request = Request::builder().method(method.name()).uri(target);
        let (request, body) = match body {
            Some(body) => (request.header(CONTENT_TYPE, "application/json"), body.to_string()),
            None => (request, String::new()),
        };
        let answer = self.send(request, Either::Left(Full::new(body.into()))).await?;
        match answer.head.status {
            StatusCode::ACCEPTED => self.result_of::<O>(read(&answer.body)?).await,
            _ => read(&answer.body),
        }
    }

    /// The answer of a long operation, once its job has it.
    async fn result_of<O: Operation>(&self, mut job: ShownJob) -> Result<O::Answer, AdminError> {
        let mut pause = FIRST_LOOK;
        loop {
            match job.state {
                JobState::Running => {}
                JobState::Done => {
                    let result = job.result.as_deref().cloned().unwrap_or_default();
                    return serde_json::from_value(result).map_err(misunderstood);
                }
                JobState::Failed => return Err(AdminError::Refused(job.error.unwrap_or_default())),
                JobState::Cancelled => return Err(AdminError::Cancelled),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
            let target = format!("{BASE}/jobs/{}", job.job);
            let request = Request::builder().method("GET").uri(target);
            let answer = self.send(request, Either::Left(Full::default())).await?;
            job = read(&answer.body)?;
        }
    }

    /// Carries out an operation with the bytes that it takes.
    pub(super) async fn upload<O: Operation>(
        &self,
        operation: &O,
        body: Vec<u8>,
    ) -> Result<O::Answer, AdminError> {
        self.send_upload(operation, Either::Left(Full::new(body.into()))).await
    }

    /// Carries out an operation with the `length` bytes of a file.
    pub(super) async fn upload_file<O: Operation>(
        &self,
        operation: &O,
        file: File,
        length: u64,
    ) -> Result<O::Answer, AdminError> {
        let body = FileBody::of(file, length);
        self.send_upload(operation, Either::Right(body)).await
    }

    async fn send_upload<O: Operation>(
        &self,
        operation: &O,
        body: Outgoing,
    ) -> Result<O::Answer, AdminError> {
        let Asked { method, target, .. } = Asked::of(operation)?;
        let media_type = O::UPLOAD.map_or("application/octet-stream", |it| it.media_type);
        let request = Request::builder().method(method.name()).uri(target);
        let answer = self.send(request.header(CONTENT_TYPE, media_type), body).await?;
        read(&answer.body)
    }

    /// Carries out an operation and passes on the bytes that it answers with, as they come.
    pub(super) async fn download<O: Operation>(
        &self,
        operation: &O,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), AdminError> {
        let late = |_| AdminError::Unreachable("it sends nothing any more".to_owned());
        let Asked { method, target, .. } = Asked::of(operation)?;
        let request = Request::builder().method(method.name()).uri(target);
        let (mut client, request) = self.client(request, Either::Left(Full::default()))?;
        let begun = tokio::time::timeout(PIECE_PATIENCE, client.exchange(request)).await;
        let (head, mut body) = begun.map_err(late)?.map_err(unreachable)?.into_parts();
        let mut refusal = Vec::new();
        loop {
            let frame = tokio::time::timeout(PIECE_PATIENCE, body.frame()).await.map_err(late)?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| unreachable(error.into()))?;
            let Ok(piece) = frame.into_data() else { continue };
            match head.status.is_success() {
                true => each(&piece).map_err(AdminError::Body)?,
                false if refusal.len() > PROBLEM_LIMIT => break,
                false => refusal.extend_from_slice(&piece),
            }
        }
        if head.status.is_success() { Ok(()) } else { Err(refused(head.status, &refusal)) }
    }

    async fn send(
        &self,
        request: hyper::http::request::Builder,
        body: Outgoing,
    ) -> Result<Whole, AdminError> {
        let (mut client, request) = self.client(request, body)?;
        let answer = client.whole(request, true).await.map_err(unreachable)?;
        if answer.head.status.is_success() {
            return Ok(answer);
        }
        Err(refused(answer.head.status, &answer.body))
    }

    /// A connection, and the request with what every one has.
    fn client(
        &self,
        request: hyper::http::request::Builder,
        body: Outgoing,
    ) -> Result<(Client<Outgoing>, Request<Outgoing>), AdminError> {
        let mut request = request.header(HOST, self.server.authority()).header(ACCEPT, "*/*");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(misunderstood)?;
        let limits =
            ClientLimits { body: ANSWER_LIMIT, connect: CONNECT_PATIENCE, exchange: self.patience };
        Ok((Client::new(self.server.clone(), limits), request))
    }
}

fn unreachable(error: ClientError) -> AdminError {
    AdminError::Unreachable(super::explain(&error))
}

fn refused(status: StatusCode, body: &[u8]) -> AdminError {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => AdminError::Refused(problem.detail),
        Err(_) => misunderstood(format!("HTTP status {status}")),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AdminError> {
    serde_json::from_slice(body).map_err(misunderstood)
}

fn misunderstood(error: impl ToString) -> AdminError {
    AdminError::Misunderstood(error.to_string())
}

/// An operation as a request.
struct Asked {
    method: Method,
    target: String,
    body: Option<Value>,
}

impl Asked {
    fn of<O: Operation>(operation: &O) -> Result<Self, AdminError> {
        let Value::Object(mut fields) = serde_json::to_value(operation).map_err(misunderstood)?
        else {
            return Err(misunderstood("an operation is an object"));
        };
        let mut target = BASE.to_owned();
        for segment in O::ROUTE.path.split('/').skip(1) {
            target.push('/');
            match field(segment) {
                None => target.push_str(segment),
                Some(name) => {
                    let value = fields.remove(name).unwrap_or_default();
                    target.push_str(&encoded(&plain(&value)));
                }
            }
        }
        let method = O::ROUTE.method;
        if O::UPLOAD.is_some() || !method.has_body() {
            target.push_str(&query(&fields));
            return Ok(Self { method, target, body: None });
        }
        Ok(Self { method, target, body: Some(Value::Object(fields)) })
    }
}

/// Fields as a query: a list is its name several times, and what is not said is left out.
fn query(fields: &Map<String, Value>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        let values = match value {
            Value::Null => continue,
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        pairs.extend(values.iter().map(|value| format!("{name}={}", encoded(&plain(value)))));
    }
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Text as a path and a query carry it: what RFC 3986 does not call unreserved is encoded.
fn encoded(text: &str) -> String {
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let bytes = text.bytes().map(|byte| match byte {
        byte if unreserved(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// A file on its way.
struct FileBody {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    remaining: u64,
}

impl FileBody {
    fn of(file: File, length: u64) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES);
        tokio::task::spawn_blocking(move || {
            let mut file = file.take(length);
            loop {
                let mut piece = Vec::new();
                let read = file.by_ref().take(PIECE as u64).read_to_end(&mut piece);
                let piece = read.map(|_| Bytes::from(piece));
                let ended = piece.as_ref().map_or(true, Bytes::is_empty);
                // Nobody wants more once the server has answered.
                if sender.blocking_send(piece).is_err() || ended {
                    return;
                }
            }
        });
        Self { pieces, remaining: length }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = std::task::ready!(self.pieces.poll_recv(context));
        Poll::Ready(match piece {
            Some(Ok(piece)) if !piece.is_empty() => {
                self.remaining = self.remaining.saturating_sub(piece.len() as u64);
                Some(Ok(Frame::data(piece)))
            }
            Some(Err(error)) => Some(Err(error)),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::audit::ListAudit;
    use crate::admin::groups::{DeleteGroup, RenameGroup};

    #[test]
    fn fields_travel_in_path_query_and_body() {
        let name = "R&D/ä ?".to_owned();
        let delete = Asked::of(&DeleteGroup { name: name.clone(), children: None, members: None });
        let delete = delete.expect("a request");
        assert_eq!(delete.target, "/api/v1/groups/R%26D%2F%C3%A4%20%3F");
        assert_eq!((delete.method, delete.body), (Method::Delete, None));
        let rename = Asked::of(&RenameGroup { name: "a".into(), new_name: name.clone() });
        let rename = rename.expect("a request");
        assert_eq!(rename.target, "/api/v1/groups/a/name");
        assert_eq!(rename.body, Some(serde_json::json!({ "new_name": name })));
        let audit = Asked::of(&ListAudit { last: Some(7), mentions: Some("a+b".into()) });
        assert_eq!(audit.expect("a request").target, "/api/v1/audit?last=7&mentions=a%2Bb");
    }
}
