//! Calls to the upstream server: addressed, authorized, repeated where that may help.
//!
//! Several connections share one session, and with it the cookie. When a call finds that the cookie
//! is not good any more, one of them gets a new one and the others wait for it. One that is about to
//! expire is renewed before it is used, as [MS-WSUSSS] 3.2.4.1 forbids the use of an expired one. How
//! long it is good is the time from the `Date` of the answer that brought it to its `Expiration`, both
//! by the upstream server's clock, and passes by ours that only counts: so it does not matter what time
//! either believes it is. From a server that does not say the time nothing is concluded, and its
//! refusal is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_TYPE, DATE, HOST, HeaderName, HeaderValue, USER_AGENT,
};
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

/// A cookie is renewed so long before it expires, since a request is on its way for a while; at most a
/// tenth of its life, for servers that give short ones.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);

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

/// A cookie, how many there were before it, and when it is to be renewed, if that is known.
#[derive(Clone)]
struct Authorized {
    cookie: Cookie,
    generation: u64,
    renew: Option<Instant>,
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

    /// A cookie that is not about to expire, other than the one of generation `refused`.
    async fn authorized(
        &self,
        refused: Option<u64>,
        connection: &mut Client,
    ) -> Result<Authorized, SyncError> {
        let mut authorized = self.shared.authorized.lock().await;
        let now = Instant::now();
        let current = authorized.as_ref().filter(|current| {
            Some(current.generation) != refused && current.renew.is_none_or(|renew| now < renew)
        });
        if let Some(current) = current {
            return Ok(current.clone());
        }
        let old = authorized.take();
        let generation = old.as_ref().map_or(0, |old| old.generation + 1);
        let mut transport = Transport::new(connection, self.shared.patience);
        let old = old.map(|old| old.cookie);
        let (cookie, good_for) =
            authorize::authorize(&mut transport, &self.shared.account, old).await?;
        debug!(generation, "authorized");
        // Counted from before it was asked for, which is on the safe side.
        let renew = good_for
            .and_then(|good_for| now.checked_add(good_for - BEFORE_EXPIRY.min(good_for / 10)));
        let new = Authorized { cookie, generation, renew };
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
            let mut transport = Transport::new(&mut self.client, patience);
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
        Transport::new(&mut self.client, patience).call(request, read).await
    }
}

/// Calls, repeated while that may help.
pub(super) struct Transport<'a> {
    client: &'a mut Client,
    patience: Patience,
    /// The time of the last answer by the upstream server's clock, in Unix seconds, if it said it.
    answered: Option<i64>,
}

impl<'a> Transport<'a> {
    fn new(client: &'a mut Client, patience: Patience) -> Self {
        Self { client, patience, answered: None }
    }

    /// When the last answer was given by the upstream server's clock, in Unix seconds.
    pub(super) fn answered(&self) -> Option<i64> {
        self.answered
    }

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
        self.answered = whole.head.headers.get(DATE).and_then(unix_seconds);
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

/// The Unix seconds of a `Date`; none of what is no date.
fn unix_seconds(date: &HeaderValue) -> Option<i64> {
    let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
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
