//! Every limit of the HTTP server, with its default and the reason for it.
//!
//! The ports are open to everyone in the network and the protocol is anonymous, so each limit
//! answers one question: what can somebody who sends nothing useful make the server hold, and for
//! how long?

use std::net::SocketAddr;
use std::time::Duration;

/// How the server listens and what it allows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where plain HTTP is served; `None` switches it off. WSUS uses port 8530.
    pub http: Option<SocketAddr>,
    /// Where HTTPS is served; `None` switches it off. WSUS uses port 8531.
    pub https: Option<SocketAddr>,
    /// Limits.
    pub limits: Limits,
}

/// What one connection, one request and all of them together may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time until a request's head is complete, which is also how long a connection may idle
    /// between requests. 120 s: an agent closes its SOAP connection itself about 60 s after its
    /// last call and its content connections after 30 s; a server that closes first races with
    /// the next POST, and the agent reports a failed scan.
    pub head_time: Duration,
    /// Most headers of a request. 64: agents send 8 to 10.
    pub head_count: usize,
    /// Most bytes of a request's head. 32 KiB: agents send about 500; proxies add some.
    pub head_bytes: usize,
    /// Time until a request's body is complete. 60 s: the largest recorded body is 160 KB.
    pub body_time: Duration,
    /// Most bytes of request bodies in memory at once, over all connections. 256 MiB: the limits
    /// per operation alone would allow 32 MiB on each connection. Only bytes that arrived count, so
    /// announcing a large body costs nobody else anything.
    pub bodies_in_memory: usize,
    /// Time until a TLS handshake is complete. 10 s: two round trips and a signature.
    pub handshake_time: Duration,
    /// How long a peer may take nothing of what is sent to it. 60 s, like a lost body.
    pub stall_time: Duration,
    /// Most connections. 4096: one agent uses up to 7 while it downloads. Further ones wait in
    /// the system's backlog. The process needs as many file descriptors, and one more for each
    /// download under way.
    pub connections: usize,
    /// Most SOAP calls evaluated at once. 256: a call takes a few milliseconds of a core, or waits
    /// for the store's group commit, which gets better with company. More than this means that the
    /// server falls behind, and agents do better to come back later.
    pub calls_in_flight: usize,
    /// When a refused client should come back. 30 s.
    pub retry_after: Duration,
    /// How long shutting down waits for responses in flight. 20 s: below the 90 s after which
    /// systemd kills, and enough for a 1 MiB range over a slow line.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_time: Duration::from_secs(120),
            head_count: 64,
            head_bytes: 32 * 1024,
            body_time: Duration::from_secs(60),
            bodies_in_memory: 256 * 1024 * 1024,
            handshake_time: Duration::from_secs(10),
            stall_time: Duration::from_secs(60),
            connections: 4096,
            calls_in_flight: 256,
            retry_after: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(20),
        }
    }
}
