//! The local socket: administration of a running server by whoever may open its data directory.
//!
//! One request a connection: a line of JSON, then as many bytes as it announces; the answer is a
//! line of JSON. The socket answers the user that the server runs as, and root, and that is the
//! whole of the authentication: either could as well read the store.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::UnixListener;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};

use super::import::DOCUMENT_LIMIT;
use super::{
    AdminError, Command, ImportReport, Source, Subject, content, execute, explain, frames, import,
};
use crate::wire::types::Sha1;

/// Name of the socket in the data directory.
pub const SOCKET: &str = "weir.sock";

/// Most bytes of the line that a request starts with.
const LINE_LIMIT: u64 = 1 << 20;
/// Most bytes of files in one request: two of the largest documents.
const BODY_LIMIT: u64 = 2 * DOCUMENT_LIMIT as u64;
/// Requests worked on at once. Administrators are few.
const CONNECTIONS: usize = 16;
/// How long a connection may hold a place before it has said what it wants. Commands know that
/// before they connect.
const LINE_PATIENCE: Duration = Duration::from_secs(5);
/// How long either side waits for the other to take or to send the next bytes of a request.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a server may take to say that it is well.
const HEALTH_PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Command(Command),
    Import { more_follows: bool, length: u64 },
    AddContent { sha1: String, length: u64 },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Value),
    Failed(String),
}

/// The listening side. The file is removed when it is dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// The user that the server runs as.
    owner: u32,
}

impl Socket {
    /// Listens in `data`. Only for the holder of the data directory's lock, which makes a file left
    /// by a killed process safe to replace.
    ///
    /// # Errors
    /// Also when the path is longer than the system allows for sockets, about 100 bytes.
    pub fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if let Err(error) = std::os::unix::net::SocketAddr::from_pathname(&path) {
            let length = path.as_os_str().len();
            let reason = format!(
                "{} has {length} bytes, too many for a socket ({error}); name a data directory \
                 with a shorter path, which may be a symbolic link",
                path.display()
            );
            return Err(io::Error::new(error.kind(), reason));
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(Self { listener, path, owner })
    }

    /// Serves until `shutdown` completes; requests that were begun then have `deadline` to finish.
    pub async fn serve(
        self,
        subject: Arc<Subject>,
        shutdown: impl Future<Output = ()>,
        deadline: Duration,
    ) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::pin!(shutdown);
        loop {
            let next = tokio::select! {
                () = &mut shutdown => break,
                next = self.next(&places) => next,
            };
            match next {
                Ok((None, _)) => warn!("refused another user on the local socket"),
                Ok((Some(stream), place)) => {
                    let subject = Arc::clone(&subject);
                    let runtime = Handle::current();
                    tokio::task::spawn_blocking(move || {
                        if let Err(error) = answer(&stream, &subject, &runtime) {
                            debug!(%error, "an administrator's connection broke");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!(%error, "the local socket does not accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        if tokio::time::timeout(deadline, places.acquire_many(all)).await.is_err() {
            warn!("the shutdown deadline cut an administrator's command");
        }
    }

    /// Waits for a place and then for a connection; none if it is somebody else's.
    async fn next(
        &self,
        places: &Arc<Semaphore>,
    ) -> io::Result<(Option<UnixStream>, OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, _) = self.listener.accept().await?;
        Ok((self.admit(stream)?, place))
    }

    /// The file's permissions keep others out, but only since a moment after it was made.
    fn admit(&self, stream: tokio::net::UnixStream) -> io::Result<Option<UnixStream>> {
        let user = stream.peer_cred()?.uid();
        if user == self.owner || user == 0 { stream.into_std().map(Some) } else { Ok(None) }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A client finds out at the next connect either way.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn answer(stream: &UnixStream, subject: &Subject, runtime: &Handle) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LINE_PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let answer = match serde_json::from_slice(&line) {
        Err(error) => Err(AdminError::Misunderstood(error.to_string())),
        Ok(request) => run(request, reader, subject, runtime),
    };
    let answer = match answer {
        Ok(value) => Answer::Done(value),
        Err(error) => Answer::Failed(explain(&error)),
    };
    send(stream, &answer)
}

fn run(
    request: Request,
    reader: BufReader<UnixStream>,
    subject: &Subject,
    runtime: &Handle,
) -> Result<Value, AdminError> {
    let broken = |error: io::Error| AdminError::Misunderstood(error.to_string());
    match request {
        Request::Command(command) => runtime.block_on(execute(subject, command)),
        Request::Import { more_follows, length } => {
            if length > BODY_LIMIT {
                let reason = format!("{length} bytes at once; {BODY_LIMIT} is the limit");
                return Err(AdminError::Misunderstood(reason));
            }
            let mut body = Vec::new();
            reader.take(length).read_to_end(&mut body).map_err(broken)?;
            let sources = frames::read(&body)
                .ok_or_else(|| AdminError::Misunderstood("the files are cut".into()))?;
            drop(body);
            let report = runtime.block_on(import::import(&subject.state, sources, more_follows))?;
            Ok(serde_json::to_value(report).unwrap_or_default())
        }
        Request::AddContent { sha1, length } => {
            let sha1 = Sha1::from_hex(&sha1)
                .ok_or_else(|| AdminError::Misunderstood("not a SHA-1 digest".into()))?;
            runtime.block_on(content::add(&subject.state, sha1, reader.take(length)))
        }
    }
}

/// Asks the server whose socket is at `path`, which may take as long as it needs: what is asked may
/// be to read all content. Should its process end, the connection ends too.
///
/// # Errors
/// [`AdminError::Unreachable`] when nobody answers there.
fn ask(path: &Path, request: &Request, body: &mut dyn Read) -> Result<Value, AdminError> {
    let patience = matches!(request, Request::Command(Command::Health)).then_some(HEALTH_PATIENCE);
    let mut exchange = || -> io::Result<Answer> {
        let mut stream = UnixStream::connect(path)?;
        stream.set_read_timeout(patience)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // A server that refuses does not wait for the rest: its answer says more than the pipe.
        let sent = send(&stream, request).and_then(|()| io::copy(body, &mut stream));
        let mut line = Vec::new();
        BufReader::new(stream).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            let stopped = || io::Error::new(io::ErrorKind::UnexpectedEof, "it stopped meanwhile");
            return Err(sent.err().unwrap_or_else(stopped));
        }
        serde_json::from_slice(&line).map_err(io::Error::from)
    };
    match exchange().map_err(|error| AdminError::Unreachable(error.to_string()))? {
        Answer::Done(value) => Ok(value),
        Answer::Failed(reason) => Err(AdminError::Refused(reason)),
    }
}

/// Whether a server listens at `path`. A file alone may be the remains of one that was killed.
pub(super) fn is_served(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

pub(super) fn command(path: &Path, command: Command) -> Result<Value, AdminError> {
    ask(path, &Request::Command(command), &mut io::empty())
}

pub(super) fn import(
    path: &Path,
    sources: &[Source],
    more_follows: bool,
) -> Result<ImportReport, AdminError> {
    let body = frames::write(sources);
    let request = Request::Import { more_follows, length: body.len() as u64 };
    let report = ask(path, &request, &mut body.as_slice())?;
    serde_json::from_value(report).map_err(|error| AdminError::Misunderstood(error.to_string()))
}

pub(super) fn add_content(
    path: &Path,
    sha1: Sha1,
    length: u64,
    file: &mut dyn Read,
) -> Result<Value, AdminError> {
    ask(path, &Request::AddContent { sha1: sha1.to_hex(), length }, file)
}

fn send(mut stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}
