//! A server with the smallest application that shows what it was asked, and a client that shows
//! what it was answered.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use weir::content::files::{ContentError, ContentFile, ContentStore};
use weir::server::tls::Tls;
use weir::server::{Application, Drained, Limits, Server, Settings};
use weir::services::call::{Outcome, Refusal, SoapAnswer, SoapCall};
use weir::wire::body::{Piece, Prepared};
use weir::wire::operation::Service;
use weir::wire::types::Sha1;

pub(crate) const CLIENT: &str = "/ClientWebService/client.asmx";

/// Longest that anything in these tests may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers every call with what it saw of it; a body of `wait` is answered when told to.
pub(crate) struct Mirror {
    pub(crate) content: ContentStore,
    pub(crate) waiting: Notify,
    pub(crate) go_on: Notify,
    /// Set when changes are to be refused.
    pub(crate) unwell: AtomicBool,
    /// Sent after what was seen of the call.
    pub(crate) fragment: Option<Prepared>,
    /// Where `content` is.
    pub(crate) dir: TempDir,
}

impl Application for Mirror {
    async fn soap(&self, call: SoapCall) -> SoapAnswer {
        if &call.body[..] == b"wait" {
            self.waiting.notify_one();
            self.go_on.notified().await;
        }
        let seen = format!(
            "{:?} {:?} bytes={} host={:?} https={}",
            call.service,
            call.operation,
            call.body.len(),
            call.host,
            call.https
        );
        let mut pieces = vec![Piece::Text(seen.into())];
        pieces.extend(self.fragment.clone().map(Piece::Prepared));
        let outcome = Outcome { operation: None, fault: Some("CookieExpired"), client: Some(7) };
        SoapAnswer { outcome, ..answer(200, pieces) }
    }

    fn refuse(&self, _: &SoapCall, refusal: Refusal) -> SoapAnswer {
        answer(500, vec![Piece::Text(format!("fault: {}", refusal.name()).into())])
    }

    fn healthy(&self) -> bool {
        !self.unwell.load(Ordering::Relaxed)
    }

    fn wsdl(&self, service: Service, base_url: &str) -> String {
        format!("<wsdl service=\"{service:?}\" at=\"{base_url}\"/>")
    }

    fn content(&self, sha1: &Sha1) -> Result<Option<Arc<ContentFile>>, ContentError> {
        self.content.open_shared(sha1)
    }

    fn content_at_hand(&self, sha1: &Sha1) -> Option<Arc<ContentFile>> {
        self.content.at_hand(sha1)
    }
}

fn answer(status: u16, pieces: Vec<Piece>) -> SoapAnswer {
    SoapAnswer {
        status,
        content_type: "text/xml; charset=utf-8",
        pieces,
        close: false,
        outcome: Outcome::default(),
    }
}

/// A running server.
pub(crate) struct Running {
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) app: Arc<Mirror>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

/// Starts a server on ports of the system's choice.
pub(crate) async fn start(limits: Limits) -> Running {
    start_with(limits, None, None).await
}

pub(crate) async fn start_with(
    limits: Limits,
    tls: Option<Arc<Tls>>,
    fragment: Option<Prepared>,
) -> Running {
    let dir = tempfile::tempdir().expect("dir");
    let app = Arc::new(Mirror {
        content: ContentStore::open(dir.path()).expect("store"),
        waiting: Notify::new(),
        go_on: Notify::new(),
        unwell: AtomicBool::new(false),
        fragment,
        dir,
    });
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings { http: Some(any), https: tls.is_some().then_some(any), limits };
    let server = Server::bind(settings, tls, app.clone(), Default::default()).await.expect("bound");
    let http = server.http_address().expect("http");
    let https = server.https_address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { http, https, app, stop, ended }
}

impl Running {
    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.http).await.expect("connect"))
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> Reply {
        self.connect().await.ask(request).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n")).await
    }

    /// What every abuse test ends with.
    pub(crate) async fn serves_an_honest_client(&self) {
        let reply = self.ask(&post(CLIENT, "", "honest")).await;
        assert_eq!(reply.status, 200, "an honest client was turned away: {}", reply.text());
    }

    /// Tells the server to stop, without waiting for it.
    pub(crate) fn stop(self) -> JoinHandle<Drained> {
        let _ = self.stop.send(());
        self.ended
    }
}

/// A POST with a length.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: wsus:8530\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One side of a connection.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    /// Bytes of the next response.
    rest: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, rest: vec![] }
    }

    pub(crate) async fn ask(&mut self, request: &str) -> Reply {
        self.send(request.as_bytes()).await;
        self.receive(request.starts_with("HEAD ")).await.expect("a response")
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // A server that refuses early may close its side; the response tells.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next response, or none when the connection ends before it.
    pub(crate) async fn receive(&mut self, head_only: bool) -> Option<Reply> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.read_more().await == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).expect("text");
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("status");
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut reply = Reply { status, headers, body: vec![] };
        if !head_only && status != 304 && status != 100 {
            let length = reply.header("content-length").expect("a length").parse().expect("number");
            while self.rest.len() < length {
                assert_ne!(self.read_more().await, 0, "the body was cut: {head}");
            }
            reply.body = self.rest.drain(..length).collect();
        }
        Some(reply)
    }

    /// Waits until the server closes the connection; panics when more responses come.
    pub(crate) async fn closed(&mut self) {
        let read = self.read_more().await;
        assert_eq!(read, 0, "{}", String::from_utf8_lossy(&self.rest));
    }

    async fn read_more(&mut self) -> usize {
        let reading = self.stream.read_buf(&mut self.rest);
        // A reset is an end like any other.
        tokio::time::timeout(PATIENCE, reading).await.expect("the server hangs").unwrap_or(0)
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} twice");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The recordings beside the project, when they are there; in continuous integration they must be.
pub(crate) fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let path = std::env::var_os("WEIR_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no corpus at {path:?}");
    eprintln!("skipped: no corpus at {path:?}");
    None
}
