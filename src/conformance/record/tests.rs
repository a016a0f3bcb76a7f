use std::fs;
use std::path::Path;

use tokio::sync::oneshot;

use super::super::canned::{self, Canned};
use super::super::client::Client;
use super::super::dialogue::{BODY_LIMIT, Dialogue, RecordedResponse};
use super::super::head::{RequestHead, ResponseHead};
use super::super::{ReplayOptions, replay};
use super::*;
use crate::corpus;

struct Running {
    url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<RecordReport, RecordError>>,
}

impl Running {
    async fn start(upstream: &Canned, out: &Path, sanitize: bool, limits: ClientLimits) -> Self {
        let recorder = Recorder::bind(RecordOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            upstream: upstream.url.clone(),
            ca_file: upstream.ca.as_ref().map(|ca| ca.path().to_owned()),
            out: out.to_owned(),
            sanitize,
            limits,
        })
        .await
        .unwrap();
        let url = format!("http://{}", recorder.local_address());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(recorder.run(async move {
            let _ = stopped.await;
        }));
        Self { url, stop, task }
    }

    async fn end(self) -> RecordReport {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap()
    }

    fn client(&self) -> Client {
        Client::new(Server::new(&self.url, None).unwrap(), ClientLimits::default())
    }
}

fn replay_options(dialogue: &Path, url: &str) -> ReplayOptions {
    ReplayOptions {
        dialogue: dialogue.to_owned(),
        against: url.to_owned(),
        ca_file: None,
        limits: ClientLimits::default(),
    }
}

fn request(text: &str) -> RequestHead {
    RequestHead::parse(text).unwrap()
}

fn answer(head: &str, body: &[u8]) -> RecordedResponse {
    RecordedResponse { head: ResponseHead::parse(head).unwrap(), body: Some(body.to_vec()) }
}

#[tokio::test]
async fn what_passes_the_recorder_can_be_replayed() {
    let Some(original) = corpus::folder("agent-scan") else { return };
    let answers = canned::answers(&original, |_, body| body);
    let server = Canned::https(answers.clone()).await;
    let out = tempfile::tempdir().unwrap();
    let recorder = Running::start(&server, out.path(), true, ClientLimits::default()).await;
    let seen = replay(replay_options(&original, &recorder.url)).await.unwrap();
    assert_eq!(seen.equal, 10, "the client sees the server's own answers: {seen}");
    assert_eq!(recorder.end().await, RecordReport { written: 10, failed: 0 });

    let (theirs, ours) = (
        Dialogue::open(&original, BODY_LIMIT).unwrap(),
        Dialogue::open(out.path(), BODY_LIMIT).unwrap(),
    );
    assert_eq!(theirs.names(), ours.names());
    for name in ours.names() {
        let (theirs, ours) = (theirs.read(name).unwrap(), ours.read(name).unwrap());
        let host = |body: &[u8]| String::from_utf8_lossy(body).replace("REDACTED3", "192.0.2.1");
        assert_eq!(host(&theirs.request_body), host(&ours.request_body), "{name}");
        let host = |body: &[u8]| String::from_utf8_lossy(body).replace("REDACTED2", "192.0.2.1");
        let (theirs, ours) = (theirs.response.unwrap(), ours.response.unwrap());
        assert_eq!(host(&theirs.body.unwrap()), host(&ours.body.clone().unwrap()), "{name}");
        assert_eq!(ours.head.headers.value("Content-Encoding"), None);
        let length = ours.body.unwrap().len().to_string();
        assert_eq!(ours.head.headers.value("Content-Length"), Some(&*length));
    }
    let meta = fs::read_to_string(out.path().join("000006/meta.json")).unwrap();
    assert!(meta.contains("\"wire_response_content_encoding\": \"xpress\""), "{meta}");

    let server = Canned::http(answers).await;
    let again = replay(replay_options(out.path(), &server.url)).await.unwrap();
    assert_eq!((again.equal, again.equivalent), (9, 1), "{again}");
}

#[tokio::test]
async fn downloads_pass_without_a_copy_of_their_bodies() {
    let body = vec![7; 300_000];
    let head = "HTTP/1.1 206 P\nContent-Type: application/octet-stream\n\
         Content-Range: bytes 0-299999/900000\n\n";
    let server = Canned::http(vec![answer(head, &body)]).await;
    let out = tempfile::tempdir().unwrap();
    let recorder = Running::start(&server, out.path(), true, ClientLimits::default()).await;
    let get = request("GET /Content/AB/X.exe HTTP/1.1\nRange: bytes=0-299999\n\n");
    let got = recorder.client().send(&get, Vec::new(), true).await.unwrap();
    assert_eq!(got.body, body);
    recorder.end().await;
    let recorded = Dialogue::open(out.path(), BODY_LIMIT).unwrap().read("000001").unwrap();
    let response = recorded.response.unwrap();
    assert_eq!(response.body, None);
    assert_eq!(response.head.headers.value("Content-Length"), Some("300000"));
    assert_eq!(server.asked()[0].0.value("Range"), Some("bytes=0-299999"));
}

#[tokio::test]
async fn secrets_are_written_only_when_asked_for() {
    let head = "HTTP/1.1 200 OK\nContent-Type: text/xml\n\n";
    let cookie = b"<a><EncryptedData>c2VjcmV0</EncryptedData></a>";
    for (sanitize, expected) in [(true, "AAAAAAAA"), (false, "c2VjcmV0")] {
        let server = Canned::http(vec![answer(head, cookie)]).await;
        let out = tempfile::tempdir().unwrap();
        let recorder = Running::start(&server, out.path(), sanitize, ClientLimits::default()).await;
        let post = request("POST / HTTP/1.1\n\n");
        recorder.client().send(&post, cookie.to_vec(), true).await.unwrap();
        recorder.end().await;
        for name in ["request.body", "response.body"] {
            let text = fs::read_to_string(out.path().join("000001").join(name)).unwrap();
            assert_eq!(text, format!("<a><EncryptedData>{expected}</EncryptedData></a>"));
        }
        assert_eq!(server.asked()[0].1, cookie, "the server gets the real one");
    }
}

#[tokio::test]
async fn a_bad_exchange_does_not_stop_the_next() {
    let head = "HTTP/1.1 200 OK\nContent-Type: text/xml\n\n";
    let server = Canned::http(vec![answer(head, b"<a/>"), answer(head, b"<b/>")]).await;
    let out = tempfile::tempdir().unwrap();
    fs::create_dir(out.path().join("000007")).unwrap();
    let limits =
        ClientLimits { body: 1000, exchange: Duration::from_secs(1), ..ClientLimits::default() };
    let recorder = Running::start(&server, out.path(), true, limits).await;
    let mut client = recorder.client();
    let post = request("POST / HTTP/1.1\n\n");
    let too_large = client.send(&post, vec![b'x'; 1001], true).await.unwrap();
    assert_eq!(too_large.head.status, 413);
    // Somebody else's folder is in the way of this one.
    fs::create_dir_all(out.path().join("000009/x")).unwrap();
    assert_eq!(client.send(&post, b"<q/>".to_vec(), true).await.unwrap().body, b"<a/>");
    assert_eq!(client.send(&post, b"<q/>".to_vec(), true).await.unwrap().body, b"<b/>");
    // The server has no third answer.
    assert_eq!(client.send(&post, b"<q/>".to_vec(), true).await.unwrap().head.status, 504);
    assert_eq!(recorder.end().await, RecordReport { written: 1, failed: 1 });
    let recorded = Dialogue::open(out.path(), BODY_LIMIT).unwrap();
    assert_eq!(recorded.names(), ["000010"], "numbering goes on after 000007");
}

#[tokio::test]
async fn without_an_upstream_server_clients_are_told() {
    let mut server = Canned::http(Vec::new()).await;
    server.url = "http://127.0.0.1:1".to_owned();
    let out = tempfile::tempdir().unwrap();
    let recorder = Running::start(&server, out.path(), true, ClientLimits::default()).await;
    let post = request("POST / HTTP/1.1\n\n");
    let answer = recorder.client().send(&post, Vec::new(), true).await.unwrap();
    assert_eq!(answer.head.status, 502);
    assert_eq!(recorder.end().await, RecordReport::default());
}
