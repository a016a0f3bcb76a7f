//! A server with nothing behind it: the n-th request gets the n-th prepared answer.

use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto};

use super::dialogue::{BODY_LIMIT, Dialogue, RecordedResponse};
use super::head::Headers;
use crate::wire::xpress;

/// Heads and bodies of requests.
type Asked = Arc<Mutex<Vec<(Headers, Vec<u8>)>>>;

/// A running server.
pub(crate) struct Canned {
    pub(crate) url: String,
    /// For https, a file with the certificate to trust.
    pub(super) ca: Option<tempfile::NamedTempFile>,
    asked: Asked,
}

impl Canned {
    pub(crate) async fn http(answers: Vec<RecordedResponse>) -> Self {
        Self::start(answers, None).await
    }

    pub(super) async fn https(answers: Vec<RecordedResponse>) -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![key.cert.der().clone()],
                key.signing_key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let mut ca = tempfile::NamedTempFile::new().unwrap();
        ca.write_all(key.cert.pem().as_bytes()).unwrap();
        let mut server = Self::start(answers, Some(TlsAcceptor::from(Arc::new(config)))).await;
        server.ca = Some(ca);
        server
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<(Headers, Vec<u8>)> {
        self.asked.lock().unwrap().clone()
    }

    async fn start(answers: Vec<RecordedResponse>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, next) = (Arc::new(answers), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answers, next) = (Arc::clone(&answers), Arc::clone(&next));
                let (seen, tls) = (Arc::clone(&seen), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, answers, next, seen).await,
                        Some(tls) => {
                            serve(tls.accept(stream).await.unwrap(), answers, next, seen).await;
                        }
                    }
                });
            }
        });
        Self { url: format!("{scheme}://localhost:{port}"), ca: None, asked }
    }
}

/// The recorded answers of a dialogue, each body passed through `change` with its number.
pub(super) fn answers(
    dialogue: &Path,
    change: impl Fn(usize, String) -> String,
) -> Vec<RecordedResponse> {
    let dialogue = Dialogue::open(dialogue, BODY_LIMIT).unwrap();
    let mut answers = Vec::new();
    for (index, name) in dialogue.names().iter().enumerate() {
        let mut answer = dialogue.read(name).unwrap().response.unwrap();
        answer.body = answer
            .body
            .map(|body| change(index + 1, String::from_utf8(body).unwrap()).into_bytes());
        answers.push(answer);
    }
    answers
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Arc<Vec<RecordedResponse>>,
    next: Arc<AtomicUsize>,
    seen: Asked,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answers.get(next.fetch_add(1, Ordering::Relaxed)).cloned();
        let seen = Arc::clone(&seen);
        async move {
            let (parts, body) = request.into_parts();
            let asked = Headers::from_map(&parts.headers);
            let accepted = asked.value("Accept-Encoding").unwrap_or_default().to_owned();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            seen.lock().unwrap().push((asked, body));
            match answer {
                Some(answer) => Ok::<_, Infallible>(response(answer, &accepted)),
                // Prepared silence.
                None => std::future::pending().await,
            }
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn response(answer: RecordedResponse, accepted: &str) -> Response<Full<Bytes>> {
    let mut headers = answer.head.headers;
    let length = headers.value("Content-Length").map_or(0, |value| value.parse().unwrap());
    let mut body = answer.body.unwrap_or_else(|| vec![b'z'; length]);
    if accepted == "xpress" {
        let mut packed = Vec::new();
        xpress::encode(&body, &mut packed);
        body = packed;
        headers.set("Content-Encoding", "xpress".to_owned());
    } else if accepted.contains("gzip") {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&body).unwrap();
        body = packed.finish().unwrap();
        headers.set("Content-Encoding", "gzip".to_owned());
    }
    headers.set("Content-Length", body.len().to_string());
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(answer.head.status).unwrap();
    *response.headers_mut() = headers.to_map().unwrap();
    response
}
