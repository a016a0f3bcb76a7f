//! The reference: a server that reads each request to its end and writes an answer that was given
//! to it, on the same HTTP and TLS libraries with the same TLS configuration. What it does not do
//! is everything that makes a server useful, so nothing built on these libraries is faster.
//!
//! It is this same program, started again, because a server in the process of the load would share
//! its memory and its threads.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use weir::server::Authority;
use weir::server::tls::{Source, Tls};

use crate::Outcome;
use crate::connection::Answer;
use crate::process::Process;

/// What tells this program that it is the reference.
pub(crate) const ARGUMENT: &str = "--bare";

/// Headers that the library writes by itself.
const OWN: [&str; 2] = ["content-length", "date"];

/// Starts the reference with the certificate of a server on `data`. It answers everything with
/// `answer`.
pub(crate) fn start(data: &Path, answer: &Answer<'_>) -> Outcome<Process> {
    let file = data.with_extension("answer");
    let mut bytes = answer.head.as_bytes().to_vec();
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(answer.body);
    std::fs::write(&file, bytes)?;
    let mut command = Command::new(std::env::current_exe()?);
    Process::start(command.arg(ARGUMENT).arg(data).arg(file))
}

/// The process itself: `--bare DATA ANSWER`.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let paths = (arguments.next().map(PathBuf::from), arguments.next().map(PathBuf::from));
    let (Some(data), Some(answer)) = paths else { return ExitCode::FAILURE };
    match serve(&data, &answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the bare server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(data: &Path, answer: &Path) -> Outcome<()> {
    let response = Arc::new(read(&std::fs::read(answer)?)?);
    let source = Source::Generated(Authority::new(data, &[]));
    let tls = Tls::open(source, OffsetDateTime::now_utc())?.server_config()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (http, https) = (TcpListener::bind(any).await?, TcpListener::bind(any).await?);
        println!(
            "{}",
            serde_json::json!({
                "http": http.local_addr()?.to_string(),
                "https": https.local_addr()?.to_string(),
            })
        );
        tokio::spawn(accept(https, Some(tls.into()), Arc::clone(&response)));
        accept(http, None, response).await
    })
}

/// An answer as it was sent.
fn read(bytes: &[u8]) -> Outcome<Response<Full<Bytes>>> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").ok_or("no head")?;
    let mut headers = HeaderMap::new();
    for line in std::str::from_utf8(&bytes[..end])?.split("\r\n").skip(1) {
        let (name, value) = line.split_once(": ").ok_or("an odd header")?;
        if !OWN.contains(&name) {
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(&bytes[end + 4..])));
    *response.headers_mut() = headers;
    Ok(response)
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    response: Arc<Response<Full<Bytes>>>,
) -> Outcome<()> {
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let (tls, response) = (tls.clone(), Arc::clone(&response));
        tokio::spawn(async move {
            match tls {
                None => speak(tcp, response).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(tcp).await {
                        speak(stream, response).await;
                    }
                }
            }
        });
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, response: Arc<Response<Full<Bytes>>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = Response::clone(&response);
        async move {
            let mut body = request.into_body();
            while let Some(Ok(_)) = body.frame().await {}
            Ok::<_, Infallible>(response)
        }
    });
    // An error is a client that left.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
