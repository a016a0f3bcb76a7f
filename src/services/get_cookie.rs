//! GetCookie ([MS-WUSP] 3.1.5.4).

use crate::services::call::Outcome;
use crate::services::cookie::{AuthorizationState, SessionState};
use crate::services::get_config::{PLUG_IN, protocol_version};
use crate::services::session::{SESSION_LIFETIME, Sealed, Session, pseudonym, remembered};
use crate::services::{ServiceError, Services};
use crate::wire::fault::ErrorCode;
use crate::wire::time::DateTime;
use crate::wire::wusp::client::GetCookieRequest;
use crate::wire::wusp::types::Cookie;

impl Services {
    pub(super) fn cookie(
        &self,
        request: &GetCookieRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<Sealed, ServiceError> {
        let authorization = self.authorization(request)?;
        outcome.client = Some(pseudonym(&authorization.client_id));
        let old = self.old_session(request.old_cookie.as_ref())?;
        // Agents echo LastChange exactly as they were told it. Absent is not the same.
        if request.last_change != Some(self.last_change) {
            return Err(ServiceError::code(ErrorCode::ConfigChanged));
        }
        let protocol = protocol_version(request.protocol_version.as_deref());
        let protocol = protocol.ok_or_else(|| ServiceError::parameter("protocolVersion"))?;
        // What the client has cached is remembered from cookie to cookie. Without that, every
        // deployment would be sent again as changed. A cookie of someone else says nothing.
        let old = old.filter(|old| old.client_id == authorization.client_id);
        let state = SessionState {
            client_id: authorization.client_id,
            dns_name: authorization.dns_name,
            target_group: authorization.target_group,
            protocol,
            config_change: self.last_change.unix_seconds(),
            software_watermark: old.as_ref().map_or(0, |old| old.software_watermark),
            driver_watermark: old.as_ref().map_or(0, |old| old.driver_watermark),
            view: old.as_ref().map_or(0, |old| old.view),
            round: 0,
            timeline: self.state.published().timelines.current(),
        };
        let expires = DateTime::from_unix(self.now() + SESSION_LIFETIME, 0);
        self.seal(&Session { state, expires: expires.unwrap_or(DateTime::MAX) })
    }

    /// Exactly one authorization cookie, ours and in force.
    fn authorization(
        &self,
        request: &GetCookieRequest<'_>,
    ) -> Result<AuthorizationState, ServiceError> {
        let invalid = || ServiceError::code(ErrorCode::InvalidAuthorizationCookie);
        let cookies = request.auth_cookies.as_deref().unwrap_or_default();
        let [cookie] = cookies else { return Err(invalid()) };
        if cookie.plug_in_id.as_deref() != Some(PLUG_IN) {
            return Err(invalid());
        }
        let data = cookie.cookie_data.as_deref().ok_or_else(invalid)?;
        self.keyring().open_authorization(data, self.now()).map_err(|_| invalid())
    }

    /// The cookie to renew, typically expired. Agents send one without data at their first call.
    fn old_session(&self, cookie: Option<&Cookie>) -> Result<Option<SessionState>, ServiceError> {
        let data = cookie.and_then(|cookie| cookie.encrypted_data.as_deref());
        let Some(data) = data.filter(|data| !data.is_empty()) else { return Ok(None) };
        let state = self.keyring().open_session_any_age(data)?;
        remembered(&state, &self.state.published())?;
        Ok(Some(state))
    }
}
