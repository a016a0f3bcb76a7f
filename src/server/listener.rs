//! Sockets: accepting, shaking hands, serving, and stopping without losing an answer.

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::handler::{Peer, Shared, handle};
use super::metrics::Metrics;
use super::settings::Settings;
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
        let (stop, stopped) = watch::channel(false);
        let permits = Arc::new(Semaphore::new(shared.limits.connections));
        let accept = |listener, tls| {
            let door = Door {
                shared: shared.clone(),
                tls,
                permits: permits.clone(),
                stopped: stopped.clone(),
            };
            tokio::spawn(door.open(listener))
        };
        let doors: Vec<_> = http
            .map(|listener| accept(listener, None))
            .into_iter()
            .chain(https.map(|(listener, tls)| accept(listener, Some(tls.into()))))
            .collect();

        shutdown.await;
        // Fails only when every door is closed already.
        let _ = stop.send(true);
        let mut connections = Vec::new();
        for door in doors {
            connections.extend(door.await);
        }
        drain(connections, shared.limits.shutdown_time).await
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
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

/// One listening socket.
struct Door<A> {
    shared: Arc<Shared<A>>,
    tls: Option<TlsAcceptor>,
    permits: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl<A: Application> Door<A> {
    /// Accepts until the server stops; returns the connections that are still open.
    async fn open(self, listener: TcpListener) -> JoinSet<()> {
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
                Ok((tcp, address, permit)) => {
                    connections.spawn(self.serve(tcp, address, permit));
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
        tcp: TcpStream,
        address: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let shared = self.shared.clone();
        let tls = self.tls.clone();
        let mut stopped = self.stopped.clone();
        async move {
            let _permit = permit;
            let _open = OpenConnection::new(&shared.metrics);
            let unread = Arc::new(AtomicBool::new(false));
            let peer = Peer { address, https: tls.is_some(), unread: unread.clone() };
            // Answers are written whole; waiting for more only delays them.
            let _ = tcp.set_nodelay(true);
            let stream = ClientStream::new(tcp, shared.limits.stall_time, unread);
            let Some(acceptor) = tls else { return speak(stream, shared, peer, stopped).await };
            let handshake =
                tokio::time::timeout(shared.limits.handshake_time, acceptor.accept(stream));
            let outcome = tokio::select! {
                outcome = handshake => outcome,
                () = stop(&mut stopped) => return,
            };
            match outcome {
                Ok(Ok(stream)) => speak(stream, shared, peer, stopped).await,
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
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (tcp, address) = listener.accept().await?;
    Ok((tcp, address, permit))
}

/// Whether an accept failed because that one client had already gone.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// HTTP/1.1 until either side closes.
async fn speak<A: Application>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: Arc<Shared<A>>,
    peer: Peer,
    mut stopped: watch::Receiver<bool>,
) {
    let address = peer.address;
    let limits = &shared.limits;
    let mut http = http1::Builder::new();
    // Without a timer none of hyper's time-outs ever happens.
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.head_count)
        .max_header_size(limits.head_bytes)
        .max_buf_size(READ_BUFFER.max(2 * limits.head_bytes));
    let service = service_fn(move |request| handle(shared.clone(), peer.clone(), request));
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
