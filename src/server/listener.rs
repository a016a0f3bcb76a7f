//! Sockets: accepting, shaking hands, serving, and stopping without losing an answer.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::handler::{Answers, Peer, Shared, Way};
use super::local::LocalSocket;
use super::metrics::Metrics;
use super::settings::{Limits, Settings};
use super::stream::ClientStream;
use super::tls::{Tls, TlsError};
use crate::server::Application;

/// Most bytes buffered of one connection before its requests are parsed.
const READ_BUFFER: usize = 64 * 1024;

/// How long to wait before accepting again when the system refused, for lack of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server cannot start. All of these are the administrator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Address {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The socket for this machine's administrator cannot be made.
    #[error("cannot listen for commands")]
    Socket(#[source] io::Error),
    /// An HTTPS address without a certificate.
    #[error("HTTPS is configured on {0} without a certificate")]
    NoCertificate(SocketAddr),
    /// The certificate cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// How the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request that had begun was answered.
    Completely,
    /// The deadline came first; so many connections were cut.
    Cut(usize),
}

/// A server whose sockets are bound but which serves nobody yet.
#[derive(Debug)]
pub struct Server<A> {
    http: Option<TcpListener>,
    https: Option<(TcpListener, Arc<ServerConfig>)>,
    shared: Arc<Shared<A>>,
}

impl<A: Application> Server<A> {
    /// Binds the configured addresses. `registry` may hold other layers' metrics already; all of
    /// them are then served at `/metrics`.
    ///
    /// # Errors
    /// [`BindError`] names the address.
    pub async fn bind(
        settings: Settings,
        tls: Option<Arc<Tls>>,
        application: Arc<A>,
        registry: Registry,
    ) -> Result<Self, BindError> {
        let Settings { http, https, limits } = settings;
        let http = match http {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let https = match (https, tls) {
            (Some(address), Some(tls)) => Some((listen(address).await?, tls.server_config()?)),
            (Some(address), None) => return Err(BindError::NoCertificate(address)),
            (None, _) => None,
        };
        let shared = Shared {
            application,
            metrics: Arc::new(Metrics::new(registry)),
            calls: Semaphore::new(limits.calls_in_flight),
            bodies: Semaphore::new(limits.bodies_in_memory.min(Semaphore::MAX_PERMITS)),
            limits,
        };
        Ok(Self { http, https, shared: Arc::new(shared) })
    }

    /// Where plain HTTP is served; with port 0 configured, the port that was chosen.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.local_addr().ok()
    }

    /// Where HTTPS is served.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.https.as_ref()?.0.local_addr().ok()
    }

    /// Serves until `shutdown` completes; then takes no new connection, closes the idle ones, and
    /// lets requests that have begun finish within the limit.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Drained {
        let Self { http, https, shared } = self;
        let shutdown_time = shared.limits.shutdown_time;
        let mut doors = Doors::new(shared);
        if let Some(listener) = http {
            doors.open(Listener::Tcp(listener), None);
        }
        if let Some((listener, tls)) = https {
            doors.open(Listener::Tcp(listener), Some(tls.into()));
        }
        shutdown.await;
        doors.close(shutdown_time).await
    }

    /// What is counted, for others that serve beside it.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.shared.metrics)
    }
}

/// Open doors that lead to one answerer and share its connections.
pub(crate) struct Doors<S> {
    answers: Arc<S>,
    permits: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    open: Vec<JoinHandle<JoinSet<()>>>,
}

impl<S: Answers> Doors<S> {
    pub(crate) fn new(answers: Arc<S>) -> Self {
        let permits = Arc::new(Semaphore::new(answers.limits().connections));
        Self { answers, permits, stop: watch::Sender::new(false), open: Vec::new() }
    }

    pub(crate) fn open(&mut self, listener: Listener, tls: Option<TlsAcceptor>) {
        let door = Door {
            answers: Arc::clone(&self.answers),
            tls,
            permits: Arc::clone(&self.permits),
            stopped: self.stop.subscribe(),
        };
        self.open.push(tokio::spawn(door.open(listener)));
    }

    /// Takes no new connection, closes the idle ones, and gives the others this time.
    pub(crate) async fn close(self, time: Duration) -> Drained {
        self.stop.send_replace(true);
        let mut connections = Vec::new();
        for door in self.open {
            connections.extend(door.await);
        }
        drain(connections, time).await
    }
}

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|error| BindError::Address { address, error })
}

async fn drain(mut connections: Vec<JoinSet<()>>, time: Duration) -> Drained {
    let all = async {
        for set in &mut connections {
            while set.join_next().await.is_some() {}
        }
    };
    if tokio::time::timeout(time, all).await.is_ok() {
        return Drained::Completely;
    }
    let cut = connections.iter().map(JoinSet::len).sum();
    tracing::warn!(connections = cut, "cut at the shutdown deadline");
    for mut set in connections {
        set.shutdown().await;
    }
    Drained::Cut(cut)
}

/// A socket that listens.
pub(crate) enum Listener {
    /// For the network.
    Tcp(TcpListener),
    /// For this machine.
    Local(LocalSocket),
}

enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Local(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, address))
            }
            Self::Local(socket) => Ok(Accepted::Local(socket.accept().await?)),
        }
    }
}

/// One listening socket with what is behind it.
struct Door<S> {
    answers: Arc<S>,
    tls: Option<TlsAcceptor>,
    permits: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl<S: Answers> Door<S> {
    /// Accepts until the server stops; returns the connections that are still open.
    async fn open(self, listener: Listener) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            let next = tokio::select! {
                biased;
                () = stop(&mut stopped) => break,
                next = next(&listener, &self.permits) => next,
            };
            while connections.try_join_next().is_some() {}
            match next {
                Ok((accepted, permit)) => {
                    connections.spawn(self.serve(accepted, permit));
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        connections
    }

    /// One connection, from handshake to close.
    fn serve(
        &self,
        accepted: Accepted,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let answers = self.answers.clone();
        let tls = self.tls.clone();
        let mut stopped = self.stopped.clone();
        async move {
            let _permit = permit;
            let _open = OpenConnection::new(answers.metrics());
            let unread = Arc::new(AtomicBool::new(false));
            let Limits { stall_time, handshake_time, .. } = *answers.limits();
            let (tcp, address) = match accepted {
                Accepted::Tcp(tcp, address) => (tcp, address),
                Accepted::Local(stream) => {
                    let peer = Peer::local(unread.clone());
                    let stream = ClientStream::new(stream, stall_time, unread);
                    return speak(stream, answers, peer, stopped).await;
                }
            };
            let way = if tls.is_some() { Way::Tls } else { Way::Plain };
            let peer = Peer { address, way, unread: unread.clone() };
            // Answers are written whole; waiting for more only delays them.
            let _ = tcp.set_nodelay(true);
            let stream = ClientStream::new(tcp, stall_time, unread);
            let Some(acceptor) = tls else { return speak(stream, answers, peer, stopped).await };
            let handshake = tokio::time::timeout(handshake_time, acceptor.accept(stream));
            let outcome = tokio::select! {
                outcome = handshake => outcome,
                () = stop(&mut stopped) => return,
            };
            match outcome {
                Ok(Ok(stream)) => speak(stream, answers, peer, stopped).await,
                Ok(Err(error)) => tracing::debug!(peer = %address.ip(), %error, "handshake failed"),
                Err(_) => tracing::debug!(peer = %address.ip(), "handshake took too long"),
            }
        }
    }
}

/// Waits until the server stops, or is dropped.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is as good as its word.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Waits for room, then for a connection: what cannot be served stays in the system's backlog.
async fn next(
    listener: &Listener,
    permits: &Arc<Semaphore>,
) -> io::Result<(Accepted, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    Ok((listener.accept().await?, permit))
}

/// Whether an accept failed because that one client had already gone.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// HTTP/1.1 until either side closes.
async fn speak<S: Answers>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Arc<S>,
    peer: Peer,
    mut stopped: watch::Receiver<bool>,
) {
    let address = peer.address;
    let limits = answers.limits();
    let mut http = http1::Builder::new();
    // Without a timer none of hyper's time-outs ever happens.
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.head_count)
        .max_header_size(limits.head_bytes)
        .max_buf_size(READ_BUFFER.max(2 * limits.head_bytes));
    let service = service_fn(move |request| {
        let answered = Arc::clone(&answers).answer(peer.clone(), request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(peer = %address.ip(), %error, "connection ended");
    }
}

/// Counts a connection while it is open.
struct OpenConnection(Arc<Metrics>);

impl OpenConnection {
    fn new(metrics: &Arc<Metrics>) -> Self {
        metrics.connections.inc();
        Self(metrics.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}
