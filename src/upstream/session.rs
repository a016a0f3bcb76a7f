//! Calls to the upstream server: addressed, authorized, repeated where that may help.
//!
//! Several connections share one session, and with it the cookie. When a call finds that the cookie
//! is not good any more, one of them gets a new one and the others wait for it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use tokio::sync::{Mutex, Semaphore};
use tracing::{debug, warn};

use super::authorize;
use super::error::SyncError;
use super::reaction::{self, Reaction};
use super::settings::{Patience, Settings};
use crate::http::{Client, ClientLimits, Server, Whole};
use crate::panics::contained;
use crate::wire::body::Piece;
use crate::wire::operation::Operation;
use crate::wire::soap::{self, AnswerError, Call, SoapVersion};
use crate::wire::wsusss::Cookie;

/// Reads what is wanted from an answer, before its text goes.
pub(super) type Reader<C, T> = for<'a> fn(<C as Call>::Answer<'a>) -> T;

/// How often a call may find its cookie refused: after that it is not the cookie.
const AUTHORIZATIONS: u32 = 3;

/// A session with the upstream server.
#[derive(Clone)]
pub(super) struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    limits: ClientLimits,
    patience: Patience,
    account: authorize::Account,
    /// One large answer is in memory at a time.
    turns: Arc<Semaphore>,
    authorized: Mutex<Option<Authorized>>,
}

/// A cookie, and how many there were before it.
#[derive(Clone)]
struct Authorized {
    cookie: Cookie,
    generation: u64,
}

/// One connection of a session.
pub(super) struct Connection {
    session: Session,
    client: Client,
}

impl Session {
    /// A session that is authorized when it is first needed.
    pub(super) fn new(server: Server, account: authorize::Account, settings: &Settings) -> Self {
        let Settings { limits, patience, .. } = *settings;
        let (turns, authorized) = (Arc::new(Semaphore::new(1)), Mutex::new(None));
        let shared = Shared { server, limits, patience, account, turns, authorized };
        Self { shared: Arc::new(shared) }
    }

    /// Another connection; it is opened when it is first used.
    pub(super) fn connection(&self) -> Connection {
        let Shared { server, limits, turns, .. } = &*self.shared;
        let client = Client::new(server.clone(), *limits).taking(Arc::clone(turns));
        Connection { session: self.clone(), client }
    }

    /// A cookie other than the one of generation `refused`.
    async fn authorized(
        &self,
        refused: Option<u64>,
        connection: &mut Client,
    ) -> Result<Authorized, SyncError> {
        let mut authorized = self.shared.authorized.lock().await;
        let current = authorized.as_ref().filter(|current| Some(current.generation) != refused);
        if let Some(current) = current {
            return Ok(current.clone());
        }
        let old = authorized.take();
        let generation = old.as_ref().map_or(0, |old| old.generation + 1);
        let mut transport = Transport { client: connection, patience: self.shared.patience };
        let old = old.map(|old| old.cookie);
        let cookie = authorize::authorize(&mut transport, &self.shared.account, old).await?;
        debug!(generation, "authorized");
        let new = Authorized { cookie, generation };
        *authorized = Some(new.clone());
        Ok(new)
    }
}

impl Connection {
    /// Makes a call with the session's cookie and reads its answer where that holds up nobody.
    ///
    /// # Errors
    /// When the call failed for good.
    pub(super) async fn call<C, T>(
        &mut self,
        request: impl Fn(Cookie) -> C + Send,
        read: Reader<C, T>,
    ) -> Result<T, SyncError>
    where
        C: Call + Send + Sync + 'static,
        T: Send + 'static,
    {
        let (mut refused, mut authorizations) = (None, 0);
        loop {
            let session = self.session.clone();
            let authorized = session.authorized(refused, &mut self.client).await?;
            let request = request(authorized.cookie);
            let patience = session.shared.patience;
            let mut transport = Transport { client: &mut self.client, patience };
            let error = match transport.call(&request, read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if reaction::to(&error) != Reaction::Authorize || authorizations == AUTHORIZATIONS {
                return Err(error);
            }
            debug!(%error, "authorizing once more");
            refused = Some(authorized.generation);
            authorizations += 1;
        }
    }

    /// Makes a call that needs no authorization.
    ///
    /// # Errors
    /// When the call failed for good.
    pub(super) async fn call_without_cookie<C, T>(
        &mut self,
        request: &C,
        read: Reader<C, T>,
    ) -> Result<T, SyncError>
    where
        C: Call + 'static,
        T: Send + 'static,
    {
        let patience = self.session.shared.patience;
        Transport { client: &mut self.client, patience }.call(request, read).await
    }
}

/// Calls, repeated while that may help.
pub(super) struct Transport<'a> {
    client: &'a mut Client,
    patience: Patience,
}

impl Transport<'_> {
    /// Makes a call to the service's own path.
    pub(super) async fn call<C, T>(
        &mut self,
        request: &C,
        read: Reader<C, T>,
    ) -> Result<T, SyncError>
    where
        C: Call + 'static,
        T: Send + 'static,
    {
        self.call_at(C::OPERATION.service().path(), request, read).await
    }

    /// Makes a call to a path that the upstream server named.
    pub(super) async fn call_at<C, T>(
        &mut self,
        path: &str,
        request: &C,
        read: Reader<C, T>,
    ) -> Result<T, SyncError>
    where
        C: Call + 'static,
        T: Send + 'static,
    {
        let pieces = soap::call(SoapVersion::V11, request).finish();
        // Nothing in a request comes from a store, so none of it is damaged.
        let body = Bytes::from(pieces.iter().flat_map(Piece::bytes).collect::<Vec<_>>().concat());
        let mut attempt = 0;
        loop {
            let error = match self.attempt(path, body.clone(), read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = match reaction::to(&error) {
                Reaction::Wait => self.patience.before(attempt),
                Reaction::Authorize | Reaction::Stop => None,
            };
            let Some(wait) = wait else { return Err(error) };
            warn!(%error, ?wait, "the upstream server is asked again later");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt<C, T>(
        &mut self,
        path: &str,
        body: Bytes,
        read: Reader<C, T>,
    ) -> Result<T, SyncError>
    where
        C: Call + 'static,
        T: Send + 'static,
    {
        let operation = C::OPERATION;
        let request = post(self.client.server().authority(), path, operation, body)?;
        let whole = self.client.whole(request, true).await;
        let whole = whole.map_err(|error| SyncError::Client { operation, error })?;
        let status = whole.head.status.as_u16();
        let reading = tokio::task::spawn_blocking(move || open::<C, T>(whole, read));
        match reading.await.map_err(|_| SyncError::Cancelled)? {
            Ok(answer) => Ok(answer),
            Err(AnswerError::Fault(fault)) => Err(SyncError::Fault { operation, fault }),
            Err(AnswerError::Soap(_)) if status != 200 => {
                Err(SyncError::Status { operation, status })
            }
            Err(error) => Err(SyncError::Answer { operation, error }),
        }
    }
}

fn post(
    authority: &str,
    path: &str,
    operation: Operation,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, SyncError> {
    let refused = || SyncError::Refused(format!("'{path}' is not a path to send requests to"));
    let action = format!("\"{}\"", operation.action());
    let agent = concat!("weir/", env!("CARGO_PKG_VERSION"));
    Request::post(path)
        .header(HOST, authority)
        .header(CONTENT_TYPE, SoapVersion::V11.content_type())
        .header(HeaderName::from_static("soapaction"), action)
        // As a Windows downstream server does ([MS-WSUSSS] note 4); gzip is for other servers.
        .header(ACCEPT_ENCODING, HeaderValue::from_static("xpress, gzip"))
        .header(USER_AGENT, agent)
        .body(Full::new(body))
        .map_err(|_| refused())
}

/// Reads an answer. Documents are read on the way, which must not end a server: it is contained.
fn open<C: Call, T>(whole: Whole, read: Reader<C, T>) -> Result<T, AnswerError> {
    let content_type = whole.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = soap::decode(&whole.body, content_type)?;
    let outcome = contained(|| soap::answer::<C::Answer<'_>>(&text).map(read));
    outcome.unwrap_or(Err(AnswerError::Soap(soap::SoapError::Empty)))
}
