//! The operations over HTTP: from a request to an operation, and its answer back.
//!
//! Everything is JSON, below [`BASE`], and every refusal is a [`Problem`]. A request passes these
//! steps, each of which may end it: its path has to be that of an operation and its method that of
//! one of them; the caller has to be known and to be allowed it; the body has to be what the
//! operation takes, within limits; and its fields have to fit the operation's schema. Only then is
//! anything done.

mod body;
pub mod describe;
mod identify;
mod input;
mod listing;
pub(super) mod problem;
pub mod reference;
pub mod schema;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::identify::Identified;
use self::listing::Listing;
use super::endpoint::PathFields;
use super::{AdminError, Call, Endpoint, SessionCookie, Subject, endpoints};
use crate::server::{self, ApiAnswer, ApiBody, ApiRequest};
use crate::state::StateError;
pub use problem::Problem;

/// What the paths of all operations begin with.
pub const BASE: &str = "/api/v1";

/// The name of the cookie in which a browser keeps its session.
const COOKIE: &str = "weir_session";

/// What an answer is called in the log while it is not known what was asked.
const UNKNOWN: &str = "Api";

/// Operations of requests that are carried out at once. Each has a thread meanwhile, and the services
/// for clients need threads too.
static AT_ONCE: Semaphore = Semaphore::const_new(64);

/// The server's side of administration.
pub struct Api {
    subject: Arc<Subject>,
}

/// Why a request is not answered with what it asked for.
struct Refusal {
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(problem: E) -> Self {
        Self { problem: Box::new(problem.into()), header: None }
    }
}

impl Api {
    /// All operations on `subject`.
    pub fn new(subject: Arc<Subject>) -> Self {
        Self { subject }
    }

    async fn attempt(
        &self,
        request: ApiRequest,
        operation: &mut &'static str,
        cookie: &Arc<Mutex<Option<SessionCookie>>>,
    ) -> Result<Response<ApiBody>, Refusal> {
        let ApiRequest { way, address, head, body } = request;
        let (endpoint, path) = find(head.method.as_str(), head.uri.path())?;
        *operation = endpoint.name;
        let identity = &self.subject.identity;
        let Identified { caller, session } =
            identify::identify(identity, endpoint, way, &head.headers).await?;
        let (json, upload) = match &endpoint.upload {
            Some(upload) => (None, Some(body::upload(upload, &head.headers, body)?)),
            None if !endpoint.route.method.has_body() => {
                body::none(&body)?;
                (None, None)
            }
            None => {
                let known = endpoint.route.role.is_some();
                let limit = if known { body::JSON_LIMIT } else { body::UNKNOWN_LIMIT };
                (body::json(&head.headers, body, limit).await?, None)
            }
        };
        let query = head.uri.query().unwrap_or_default();
        let mut pairs = input::pairs(query)?;
        let listing = Listing::take(endpoint, &mut pairs)?;
        let fields = input::fields(endpoint, path, pairs, json)?;
        let call = Call::new(Arc::clone(&self.subject), caller, upload);
        let call = call.from(address.ip(), session, Arc::clone(cookie));
        if let Some(download) = endpoint.download {
            let (operation, whose) = ((endpoint, download), (way, head.headers));
            return stream::begin(&self.subject, operation, (fields, call), whose).await;
        }
        if endpoint.long {
            let job = self.subject.jobs.start(endpoint, fields, call)?;
            let place = HeaderValue::from_str(&format!("{BASE}/jobs/{}", job.job));
            let mut response = respond(StatusCode::ACCEPTED, "application/json", &job);
            response.headers_mut().extend(place.ok().map(|place| (LOCATION, place)));
            return Ok(response);
        }
        // Many operations wait for the disk. And whoever asked may go away meanwhile: what was begun
        // comes to its end.
        let runtime = Handle::current();
        // Some need a second thread, and have to get it whatever the number of those that wait.
        let place = AT_ONCE.acquire().await.map_err(|_| AdminError::from(StateError::Stopped))?;
        // A list may have a million entries: sorting and writing it takes as long as making it.
        let uri = head.uri.clone();
        let work = move || -> Result<Response<ApiBody>, AdminError> {
            let _place = place;
            let mut answer = runtime.block_on(endpoint.run(fields, call))?;
            let mut headers = HeaderMap::new();
            if let Some(listing) = listing {
                let query = uri.query().unwrap_or_default();
                answer = listing.apply(answer, &mut headers, (uri.path(), query));
            }
            let mut response = respond(StatusCode::OK, "application/json", &answer);
            response.headers_mut().extend(headers);
            Ok(response)
        };
        let done = tokio::task::spawn_blocking(work).await;
        Ok(done.map_err(|_| AdminError::from(StateError::Stopped))??)
    }
}

impl server::Api for Api {
    async fn answer(&self, request: ApiRequest) -> ApiAnswer {
        let mut operation = UNKNOWN;
        let (way, cookie) = (request.way, Arc::default());
        let outcome = self.attempt(request, &mut operation, &cookie).await;
        let mut response = match outcome {
            Ok(response) => response,
            Err(Refusal { problem, header }) => {
                let status = StatusCode::from_u16(problem.status);
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = respond(status, problem::MEDIA_TYPE, &*problem);
                let seconds = problem.retry_after.map(|it| (RETRY_AFTER, HeaderValue::from(it)));
                response.headers_mut().extend(header.into_iter().chain(seconds));
                response
            }
        };
        let cookie = cookie.lock().unwrap_or_else(PoisonError::into_inner).take();
        let cookie = cookie.and_then(|cookie| identify::header(&cookie, way));
        response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
        ApiAnswer { operation, response }
    }
}

/// The operation that a request is for, and the fields in its path.
fn find(method: &str, path: &str) -> Result<(&'static Endpoint, PathFields), Refusal> {
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "there is nothing here");
    let segments = path.strip_prefix(BASE).and_then(input::segments).ok_or_else(nothing)?;
    let mut allowed = Vec::new();
    let mut found = None;
    for endpoint in endpoints() {
        let Some(fields) = endpoint.fields_in(&segments) else { continue };
        allowed.push(endpoint.route.method.name());
        // A path that names fewer fields says more exactly what is meant.
        let better = |(_, others): &(_, PathFields)| fields.len() < others.len();
        if endpoint.route.method.name() == method && found.as_ref().is_none_or(better) {
            found = Some((endpoint, fields));
        }
    }
    match found {
        Some(found) => Ok(found),
        None if allowed.is_empty() => Err(nothing().into()),
        None => {
            let problem = format!("{method} is not allowed here");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, problem);
            let header = HeaderValue::from_str(&allowed.join(", ")).ok().map(|it| (ALLOW, it));
            Err(Refusal { problem: Box::new(problem), header })
        }
    }
}

fn respond(
    status: StatusCode,
    media_type: &'static str,
    body: &impl serde::Serialize,
) -> Response<ApiBody> {
    let body = ApiBody::Whole(serde_json::to_vec(body).unwrap_or_default());
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    harden(headers);
    response
}

/// An answer is data: no browser is to run, frame, keep or guess anything of it.
fn harden(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
