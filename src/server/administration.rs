//! The doors for administrators: a socket in the data directory, and, where that is wanted, one in
//! the network, apart from those for clients.
//!
//! What comes through them is answered by another than what clients ask, so that nothing of the one
//! can be reached through the doors of the other.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::body::{Payload, ResponseBody};
use super::handler::{Answers, Peer, Way, attach};
use super::listener::{self, BindError, Doors, Drained, Listener};
use super::local::LocalSocket;
use super::log::AccessLine;
use super::metrics::Metrics;
use super::reply;
use super::settings::Limits;
use super::tls::Tls;

/// Connections over the local socket at once. Administrators are few, and some of them watch.
const LOCAL_CONNECTIONS: usize = 64;
/// How long one may hold a place before it has said what it wants. Commands know that before they
/// connect.
const LOCAL_HEAD_TIME: Duration = Duration::from_secs(5);

/// The same for the network: a browser opens six, and keeps them while its user thinks.
const NETWORK_CONNECTIONS: usize = 128;
const NETWORK_HEAD_TIME: Duration = Duration::from_secs(20);

/// What administrators are answered by.
pub trait Api: Send + Sync + 'static {
    /// Answers one request. The future is dropped when the client goes away.
    fn answer(&self, request: ApiRequest) -> impl Future<Output = ApiAnswer> + Send;
}

/// A request of an administrator, or of somebody who would like to be one.
#[derive(Debug)]
pub struct ApiRequest {
    /// On which way it came.
    pub way: Way,
    /// From where; the loopback address if the way is local.
    pub address: SocketAddr,
    /// Method, path and headers.
    pub head: Parts,
    /// Its body.
    pub body: RequestBody,
}

/// What it is answered.
#[derive(Debug)]
pub struct ApiAnswer {
    /// The name of the operation, for the log.
    pub operation: &'static str,
    /// The response.
    pub response: Response<ApiBody>,
}

/// What the body of an answer is made of.
#[derive(Debug)]
pub enum ApiBody {
    /// All of it.
    Whole(Vec<u8>),
    /// Pieces, as they come; an error cuts the connection, so that what came is not taken for whole.
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

/// A body that arrives.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    /// Knows whether there is more of it to come.
    peer: Peer,
    /// How long a piece may take.
    patience: Duration,
}

impl RequestBody {
    fn new(incoming: Incoming, peer: Peer, patience: Duration) -> Self {
        peer.linger(!incoming.is_end_stream());
        Self { incoming, peer, patience }
    }

    /// Whether nothing comes.
    pub fn is_empty(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// At least how many bytes it has, as far as its head says.
    pub fn announced(&self) -> u64 {
        self.incoming.size_hint().lower()
    }

    /// The next piece; none behind the last.
    ///
    /// # Errors
    /// When the connection breaks, or brings nothing for too long.
    pub async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let frame = tokio::time::timeout(self.patience, self.incoming.frame()).await;
            let frame = frame.map_err(|_| {
                io::Error::new(io::ErrorKind::TimedOut, "the rest of the request does not come")
            })?;
            let Some(frame) = frame else {
                self.peer.linger(false);
                return Ok(None);
            };
            let broken = |error| io::Error::new(io::ErrorKind::ConnectionAborted, error);
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

/// Where administrators are listened to over the network.
#[derive(Debug, Clone)]
pub struct AdminListen {
    /// The address.
    pub address: SocketAddr,
    /// The certificate; none for plain HTTP, which is for this machine alone.
    pub tls: Option<Arc<Tls>>,
}

/// The doors for administrators, which are bound and not open yet.
pub struct AdminServer<A> {
    local: (LocalSocket, Arc<AdminShared<A>>),
    network: Option<(TcpListener, Option<TlsAcceptor>, Arc<AdminShared<A>>)>,
}

struct AdminShared<A> {
    api: Arc<A>,
    limits: Limits,
    metrics: Arc<Metrics>,
}

impl<A: Api> AdminServer<A> {
    /// Binds the socket in `data`, whose lock the caller holds, and the address in the network.
    ///
    /// # Errors
    /// When one cannot be bound, for example because the socket's path is too long for one.
    pub async fn bind(
        data: &Path,
        listen: Option<AdminListen>,
        limits: Limits,
        api: Arc<A>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, BindError> {
        let shared = |connections, head_time| {
            let (api, metrics) = (Arc::clone(&api), Arc::clone(&metrics));
            let limits = Limits { connections, head_time, ..limits.clone() };
            Arc::new(AdminShared { api, limits, metrics })
        };
        let socket = LocalSocket::bind(data).map_err(BindError::Socket)?;
        let network = match listen {
            None => None,
            Some(AdminListen { address, tls }) => {
                let tls = tls.map(|tls| tls.server_config()).transpose()?.map(TlsAcceptor::from);
                let shared = shared(NETWORK_CONNECTIONS, NETWORK_HEAD_TIME);
                Some((listener::listen(address).await?, tls, shared))
            }
        };
        Ok(Self { local: (socket, shared(LOCAL_CONNECTIONS, LOCAL_HEAD_TIME)), network })
    }

    /// Where it listens in the network; with port 0 configured, the port that was chosen.
    pub fn address(&self) -> Option<SocketAddr> {
        self.network.as_ref()?.0.local_addr().ok()
    }

    /// Serves until `shutdown` completes, and then as [`Server::run`](super::Server::run).
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Drained {
        let (socket, shared) = self.local;
        let shutdown_time = shared.limits.shutdown_time;
        let mut local = Doors::new(shared);
        local.open(Listener::Local(socket), None);
        let mut doors = vec![local];
        if let Some((listener, tls, shared)) = self.network {
            let mut network = Doors::new(shared);
            network.open(Listener::Tcp(listener), tls);
            doors.push(network);
        }
        shutdown.await;
        let mut closing = JoinSet::new();
        for door in doors {
            closing.spawn(door.close(shutdown_time));
        }
        let cut = closing.join_all().await.into_iter().map(|drained| match drained {
            Drained::Completely => 0,
            Drained::Cut(connections) => connections,
        });
        match cut.sum() {
            0 => Drained::Completely,
            connections => Drained::Cut(connections),
        }
    }
}

impl<A: Api> Answers for AdminShared<A> {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    async fn answer(
        self: Arc<Self>,
        peer: Peer,
        request: Request<Incoming>,
    ) -> Response<ResponseBody> {
        let (head, incoming) = request.into_parts();
        let method = head.method.clone();
        let mut line = AccessLine::new(self.metrics.clone(), peer.address, "Api");
        let Peer { address, way, .. } = peer;
        let body = RequestBody::new(incoming, peer.clone(), self.limits.body_time);
        let request = ApiRequest { way, address, head, body };
        let ApiAnswer { operation, response } = self.api.answer(request).await;
        line.named(operation);
        let mut reply = response.map(|body| match body {
            ApiBody::Whole(body) => Payload::parts(vec![Bytes::from(body).into()]),
            ApiBody::Stream(pieces) => Payload::Stream(pieces),
        });
        if peer.has_unread() {
            // What is left of the body would be taken for the next request.
            reply::close(&mut reply);
        }
        attach(reply, line, &method)
    }
}
