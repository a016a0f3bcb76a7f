//! `weir record`: a proxy that writes down what a client and a server say to each other.
//!
//! Put in front of any update server, it forwards every request to it and every answer back as
//! they are, and keeps a copy of both. An exchange that cannot be forwarded or written costs that
//! exchange only. Downloads pass through without a copy of their bodies.

mod proxy;
mod relayed;
mod sanitize;
#[cfg(test)]
mod tests;
mod writer;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::proxy::Proxy;
use super::client::{ClientError, ClientLimits, Server};
use super::dialogue::{self, DialogueError};

/// Most clients at a time. Each may hold a request and an answer in memory.
const CONNECTIONS: usize = 64;

/// Most exchanges that wait for the disk; more make their clients wait.
const UNWRITTEN: usize = 16;

/// How long an agent may stay silent on an open connection; real ones pause for 60 s.
const IDLE: Duration = Duration::from_secs(120);

/// How long exchanges in flight may take to end after the order to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What to record, and to where.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// Where clients connect, over http. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// The server that answers: `http://HOST:PORT` or `https://HOST:PORT`.
    pub upstream: String,
    /// PEM certificates of the issuers to trust; needed for an https upstream.
    pub ca_file: Option<PathBuf>,
    /// Folder of the dialogue. It is made if need be; a dialogue that is there is continued.
    pub out: PathBuf,
    /// Whether cookies are blanked and hosts replaced before anything is written.
    pub sanitize: bool,
    /// Sizes and times. The body limit holds for requests, and for the copies of answers.
    pub limits: ClientLimits,
}

/// What came of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct RecordReport {
    /// Exchanges written.
    pub written: u64,
    /// Exchanges that could not be written.
    pub failed: u64,
}

/// Why a recording could not begin, or not be ended properly.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The upstream server cannot be addressed.
    #[error(transparent)]
    Upstream(#[from] ClientError),
    /// The folder cannot be used.
    #[error(transparent)]
    Out(#[from] DialogueError),
    /// The address is not free, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The writing task died; what it had not written is lost.
    #[error("writing the dialogue was interrupted")]
    Interrupted,
}

/// A proxy that is listening and not yet serving.
pub struct Recorder {
    listener: TcpListener,
    address: SocketAddr,
    proxy: Proxy,
    writer: JoinHandle<RecordReport>,
}

/// Records until `shutdown` completes.
pub async fn record(
    options: RecordOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<RecordReport, RecordError> {
    Recorder::bind(options).await?.run(shutdown).await
}

impl Recorder {
    /// Makes the folder and listens.
    pub async fn bind(options: RecordOptions) -> Result<Self, RecordError> {
        let RecordOptions { listen, upstream, ca_file, out, sanitize, limits } = options;
        let upstream = Server::new(&upstream, ca_file.as_deref())?;
        std::fs::create_dir_all(&out)
            .map_err(|source| DialogueError::Io { path: out.clone(), source })?;
        let first = dialogue::next_number(&out)?;
        let failed = |source| RecordError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let sanitizer = sanitize.then(|| sanitize::Sanitizer::new(upstream.host()));
        let (exchanges, received) = mpsc::channel(UNWRITTEN);
        let writer = tokio::spawn(writer::write_all(out, sanitizer, limits.body, received));
        let proxy = Proxy::new(upstream, limits, exchanges, first);
        Ok(Self { listener, address, proxy, writer })
    }

    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` completes, then lets exchanges in flight end and be written.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<RecordReport, RecordError> {
        let Self { listener, proxy, writer, .. } = self;
        let proxy = Arc::new(proxy);
        let (order, stop) = watch::channel(());
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let (stream, place) = tokio::select! {
                () = &mut shutdown => break,
                admitted = admit(&listener, &places) => admitted,
            };
            let served = serve(stream, Arc::clone(&proxy), stop.clone());
            connections.spawn(async move {
                served.await;
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
        drop(order);
        let ending = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ending).await.is_err() {
            tracing::warn!("exchanges in flight are cut off");
        }
        // The writer ends when the last connection, and with it the last sender, is gone.
        connections.shutdown().await;
        drop(proxy);
        writer.await.map_err(|_| RecordError::Interrupted)
    }
}

/// The next client, once there is a place for one.
async fn admit(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one client's connection, with a connection upstream of its own.
async fn serve(stream: TcpStream, proxy: Arc<Proxy>, mut stop: watch::Receiver<()>) {
    let upstream = Arc::new(Mutex::new(None));
    let service = service_fn(move |request| {
        let (proxy, upstream) = (Arc::clone(&proxy), Arc::clone(&upstream));
        async move { Ok::<_, Infallible>(proxy.forward(&upstream, request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .preserve_header_case(true)
            .serve_connection(TokioIo::new(stream), service)
    );
    let served = tokio::select! {
        served = connection.as_mut() => served,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a client's connection broke");
    }
}
