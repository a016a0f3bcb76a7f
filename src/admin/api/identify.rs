//! Who asks, and whether they may: from the way a request came on, and its headers.
//!
//! Over the local socket it is the machine's administrator. Over the network it is a program with a
//! token, or a browser with the cookie of a session. A browser sends its cookie along whoever makes
//! it ask, so a change that is made with one has to prove in a header that it comes from a page that
//! could read an answer.

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, COOKIE as COOKIES, HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use super::problem::Problem;
use super::{COOKIE, Refusal};
use crate::admin::identity::{Identity, equal};
use crate::admin::{AdminError, Caller, Endpoint, Method, SessionCookie};
use crate::server::Way;

/// The header in which a change repeats the token of its session.
const CSRF: &str = "x-csrf-token";

/// Who asks.
pub(super) struct Identified {
    pub(super) caller: Caller,
    /// The secret of their session.
    pub(super) session: Option<String>,
}

/// Who asks for the operation at `endpoint`.
///
/// # Errors
/// 401 when nobody is known by what the request says, 403 when they may not.
pub(super) async fn identify(
    identity: &Identity,
    endpoint: &Endpoint,
    way: Way,
    headers: &HeaderMap,
) -> Result<Identified, Refusal> {
    let Some(needed) = endpoint.route.role else {
        return Ok(Identified { caller: Caller::unknown(), session: None });
    };
    let identified = match way {
        Way::Local => Some(Identified { caller: Caller::local(), session: None }),
        Way::Plain | Way::Tls => known(identity, endpoint, headers).await?,
    };
    let identified = identified.ok_or_else(unauthorized)?;
    if identified.caller.role < Some(needed) {
        return Err(forbidden("your role does not allow this"));
    }
    if endpoint.here && !identified.caller.local {
        return Err(Problem::from(AdminError::NotFromElsewhere).into());
    }
    Ok(identified)
}

/// Whether what the headers say still is somebody who may ask for the operation at `endpoint`. A
/// session is not used by that.
pub(super) async fn still(
    identity: &Identity,
    endpoint: &Endpoint,
    way: Way,
    headers: &HeaderMap,
) -> bool {
    let caller = match (way, headers.get(AUTHORIZATION)) {
        (Way::Local, _) => return true,
        (_, Some(authorization)) => match bearer(authorization) {
            Some(token) => identity.by_token(token).await,
            None => Ok(None),
        },
        (_, None) => match cookie(headers) {
            Some(secret) => identity.holds(secret).await,
            None => Ok(None),
        },
    };
    matches!(caller, Ok(Some(caller)) if caller.role >= endpoint.route.role)
}

async fn known(
    identity: &Identity,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Result<Option<Identified>, Refusal> {
    if let Some(authorization) = headers.get(AUTHORIZATION) {
        let Some(token) = bearer(authorization) else { return Ok(None) };
        let caller = identity.by_token(token).await.map_err(AdminError::from)?;
        return Ok(caller.map(|caller| Identified { caller, session: None }));
    }
    let Some(secret) = cookie(headers) else { return Ok(None) };
    let found = identity.by_session(secret).await.map_err(AdminError::from)?;
    let Some((caller, session)) = found else { return Ok(None) };
    let repeated = headers.get(CSRF).and_then(|value| value.to_str().ok());
    let proven = repeated.is_some_and(|repeated| equal(repeated, &session.csrf));
    if endpoint.route.method != Method::Get && !proven {
        return Err(forbidden("a change within a session has to repeat its token in X-CSRF-Token"));
    }
    Ok(Some(Identified { caller, session: Some(secret.to_owned()) }))
}

fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIES).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// The header that sets or removes the cookie: for this API alone, kept from scripts and from other
/// sites, and from networks that could read it.
pub(super) fn header(cookie: &SessionCookie, way: Way) -> Option<HeaderValue> {
    let value = match cookie {
        SessionCookie::Set(secret) => format!("{secret}; Path=/api"),
        SessionCookie::Removed => "; Path=/api; Max-Age=0".to_owned(),
    };
    let secure = if way == Way::Tls { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{COOKIE}={value}; HttpOnly; SameSite=Strict{secure}")).ok()
}

fn unauthorized() -> Refusal {
    let problem =
        Problem::new(StatusCode::UNAUTHORIZED, "nobody is known by what the request says");
    let header = (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Refusal { problem: Box::new(problem), header: Some(header) }
}

fn forbidden(detail: &str) -> Refusal {
    Problem::new(StatusCode::FORBIDDEN, detail).into()
}
