//! Authorization ([MS-WSUSSS] 3.2.4.1): where to authenticate, who we are, and the session's cookie.

use std::borrow::Cow;
use std::time::Duration;

use uuid::Uuid;

use super::error::SyncError;
use super::session::Transport;
use super::settings::Settings;
use crate::http::Location;
use crate::state::State;
use crate::wire::operation::{Operation, Service};
use crate::wire::wsusss::dss_auth::GetAuthorizationCookieRequest;
use crate::wire::wsusss::server_sync::{GetAuthConfigRequest, GetCookieRequest};
use crate::wire::wsusss::{AuthorizationCookie, Cookie};

/// What we tell the upstream server that we speak: what was recorded of real servers.
pub(super) const PROTOCOL_VERSION: &str = "1.20";

/// Who we are.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// Our DNS name.
    pub(super) name: String,
    /// Our id.
    pub(super) id: Uuid,
}

impl Account {
    /// Ours.
    pub(super) async fn of(state: &State, settings: &Settings) -> Result<Self, SyncError> {
        let id = state.server_id().await?;
        Ok(Self { name: settings.account_name.clone(), id })
    }
}

/// Gets a cookie, by the three calls that it takes, and for how long it is good, if that is known.
pub(super) async fn authorize(
    transport: &mut Transport<'_>,
    account: &Account,
    old_cookie: Option<Cookie>,
) -> Result<(Cookie, Option<Duration>), SyncError> {
    let request = GetAuthConfigRequest::default();
    let service = transport.call(&request, |answer| {
        let plug_ins = answer.result.and_then(|result| result.auth_info).unwrap_or_default();
        let only = plug_ins.into_iter().next().and_then(|plug_in| plug_in.service_url);
        only.map(Cow::into_owned)
    });
    let path = service_path(service.await?.as_deref())?;

    let request = GetAuthorizationCookieRequest {
        account_name: Some(account.name.as_str().to_owned().into()),
        account_guid: Some(account.id.to_string().into()),
        program_keys: None,
    };
    let authorization = transport.call_at(&path, &request, |answer| {
        answer.result.map(|cookie| {
            let plug_in = cookie.plug_in_id.unwrap_or_default().into_owned();
            (plug_in, cookie.cookie_data.unwrap_or_default())
        })
    });
    let missing = |operation, missing| SyncError::Incomplete { operation, missing };
    let (plug_in_id, cookie_data) = authorization
        .await?
        .ok_or(missing(Operation::DssAuthGetAuthorizationCookie, "GetAuthorizationCookieResult"))?;

    let cookie =
        AuthorizationCookie { plug_in_id: Some(plug_in_id.into()), cookie_data: Some(cookie_data) };
    let request = GetCookieRequest {
        auth_cookies: Some(vec![cookie]),
        old_cookie,
        protocol_version: Some(PROTOCOL_VERSION.into()),
    };
    let cookie = transport.call(&request, |answer| answer.result).await?;
    let cookie = cookie.ok_or(missing(Operation::ServerSyncGetCookie, "GetCookieResult"))?;
    let good_for = cookie.expiration.and_then(|expiration| {
        let answered = transport.answered()?;
        // Expired already: a nonsense that the server's own judgement of its cookie settles.
        u64::try_from(expiration.unix_seconds().checked_sub(answered)?).ok().filter(|it| *it > 0)
    });
    Ok((cookie, good_for.map(Duration::from_secs)))
}

/// The path to authenticate at: relative to the server's root, without a leading slash. An absolute
/// address is followed for its path only, since who we are is not for other servers to know.
fn service_path(named: Option<&str>) -> Result<String, SyncError> {
    let named = named.unwrap_or_default().trim();
    let path = match Location::parse(named) {
        Some(location) => location.target,
        None if named.is_empty() => Service::DssAuth.path().to_owned(),
        None => format!("/{}", named.trim_start_matches('/')),
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<');
    match path.len() <= 512 && path.bytes().all(plain) {
        true => Ok(path),
        false => Err(SyncError::Refused("the server names no path to authenticate at".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_path_of_the_same_server() {
        let recorded = "DssAuthWebService/DssAuthWebService.asmx";
        let path = format!("/{recorded}");
        for named in [recorded, &path, "http://elsewhere/DssAuthWebService/DssAuthWebService.asmx"]
        {
            assert_eq!(service_path(Some(named)).unwrap(), path);
        }
        assert_eq!(service_path(None).unwrap(), Service::DssAuth.path());
        for named in ["a b", "x\r\nHost: y", "\\\\host\\share", &"x".repeat(600)] {
            assert!(service_path(Some(named)).is_err(), "{named}");
        }
    }
}
