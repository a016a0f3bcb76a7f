//! The session of a downstream server: DssAuth GetAuthorizationCookie, GetCookie, and the check of
//! its cookie in everything that follows ([MS-WSUSSS] 3.1.4.2, 3.1.4.3).

use std::borrow::Cow;

use uuid::Uuid;

use crate::services::call::Outcome;
use crate::services::cookie::{DssAuthorizationState, DssSessionState, ProtocolVersion};
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::wire::fault::ErrorCode;
use crate::wire::time::DateTime;
use crate::wire::wsusss::dss_auth::{
    GetAuthorizationCookieRequest, GetAuthorizationCookieResponse,
};
use crate::wire::wsusss::server_sync::{GetCookieRequest, GetCookieResponse};
use crate::wire::wsusss::{AuthorizationCookie, Cookie};

use super::PLUG_IN;

/// Seconds that an authorization cookie is good for.
const AUTHORIZATION_LIFETIME: i64 = 24 * 3600;
/// Seconds that a session is good for: 240 minutes, as on a real server.
const SESSION_LIFETIME: i64 = 240 * 60;
/// Longest name of a server, in bytes ([RFC 1035] 2.3.4).
const NAME_LIMIT: usize = 255;
/// The major version of the protocol that there is.
const MAJOR_VERSION: u16 = 1;

impl Services {
    /// DssAuth GetAuthorizationCookie: takes note of the server and tells it what to show in
    /// GetCookie. Anybody may call it; who may synchronize is an administrator's to say.
    pub(super) async fn authorize_server(
        &self,
        request: &GetAuthorizationCookieRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetAuthorizationCookieResponse<'static>, ServiceError> {
        let name = request.account_name.as_deref().filter(|name| is_server_name(name));
        let name = name.ok_or_else(|| ServiceError::parameter("accountName"))?;
        let server = request.account_guid.as_deref().and_then(|id| Uuid::try_parse(id.trim()).ok());
        let server = server.ok_or_else(|| ServiceError::parameter("accountGuid"))?;
        outcome.client = Some(pseudonym(&server.to_string()));
        self.state.note_authorization(server, name.to_owned()).await?;
        if !self.may_synchronize(server) {
            return Err(ServiceError::parameter(
                "accountGuid: an administrator has to approve this server (weir downstream approve)",
            ));
        }
        let state = DssAuthorizationState { server };
        let data =
            self.keyring().seal_dss_authorization(&state, self.now() + AUTHORIZATION_LIFETIME);
        let cookie = AuthorizationCookie {
            plug_in_id: Some(Cow::Borrowed(PLUG_IN)),
            cookie_data: Some(data),
        };
        Ok(GetAuthorizationCookieResponse { result: Some(cookie) })
    }

    /// GetCookie.
    pub(super) fn server_cookie(
        &self,
        request: &GetCookieRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetCookieResponse, ServiceError> {
        let cookies = request.auth_cookies.as_deref().unwrap_or_default();
        let [cookie] = cookies else { return Err(ServiceError::parameter("authCookies")) };
        let invalid = || ServiceError::code(ErrorCode::InvalidAuthorizationCookie);
        if cookie.plug_in_id.as_deref() != Some(PLUG_IN) {
            return Err(invalid());
        }
        let data = cookie.cookie_data.as_deref().ok_or_else(invalid)?;
        let authorization = self.keyring().open_dss_authorization(data, self.now());
        let (DssAuthorizationState { server }, until) = authorization.map_err(|_| invalid())?;
        outcome.client = Some(pseudonym(&server.to_string()));
        if !self.may_synchronize(server) {
            return Err(invalid());
        }
        let protocol = request.protocol_version.as_deref();
        let protocol = protocol.and_then(|text| text.parse::<ProtocolVersion>().ok());
        let protocol = protocol.ok_or_else(|| ServiceError::parameter("protocolVersion"))?;
        if protocol.major != MAJOR_VERSION {
            return Err(ServiceError::code(ErrorCode::IncompatibleProtocolVersion));
        }
        let expires = until.min(self.now() + SESSION_LIFETIME);
        let state = DssSessionState { server, protocol };
        let cookie = Cookie {
            expiration: Some(DateTime::from_unix(expires, 0).unwrap_or(DateTime::MAX)),
            encrypted_data: Some(self.keyring().seal_dss_session(&state, expires)),
        };
        Ok(GetCookieResponse { result: Some(cookie) })
    }

    /// Opens the cookie that a server presents.
    ///
    /// # Errors
    /// InvalidCookie, whatever is wrong with it: it is the only fault of the protocol that makes a
    /// server authorize itself anew.
    pub(super) fn server_session(
        &self,
        cookie: Option<&Cookie>,
        outcome: &mut Outcome,
    ) -> Result<DssSessionState, ServiceError> {
        let invalid = || ServiceError::code(ErrorCode::InvalidCookie);
        let data = cookie.and_then(|cookie| cookie.encrypted_data.as_deref());
        let opened = self.keyring().open_dss_session(data.ok_or_else(invalid)?, self.now());
        let state = opened.map_err(|_| invalid())?;
        outcome.client = Some(pseudonym(&state.server.to_string()));
        if self.may_synchronize(state.server) { Ok(state) } else { Err(invalid()) }
    }

    /// Whether a server is one that an administrator approved, where that is needed.
    pub(in crate::services) fn may_synchronize(&self, server: Uuid) -> bool {
        !self.settings.approve_downstream
            || self.state.downstream_server(server).is_some_and(|known| known.approved)
    }
}

/// "It does not contain characters that are not valid for a FQDN" ([RFC 1035] 2.3), and the
/// underscore, which Windows allows in names of computers.
fn is_server_name(name: &str) -> bool {
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=63).contains(&label.len()) && label.bytes().all(allowed)
    };
    name.len() <= NAME_LIMIT && name.strip_suffix('.').unwrap_or(name).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_servers_are_dns_names() {
        for name in ["wsus", "wsus.example.com", "WSUS_1.example.com.", "10.0.0.1"] {
            assert!(is_server_name(name), "{name}");
        }
        for name in ["", ".", "a..b", "a b", "a;b", "ä", "<a>", &"a.".repeat(200), &"a".repeat(64)]
        {
            assert!(!is_server_name(name), "{name}");
        }
    }
}
