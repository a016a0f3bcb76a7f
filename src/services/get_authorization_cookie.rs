//! GetAuthorizationCookie ([MS-WUSP] 3.1.5.3).
//!
//! Anyone may call it and nothing is stored: what the client says travels in the cookie, so that a
//! flood costs no memory and no disk.

use crate::computers::computer;
use crate::services::call::Outcome;
use crate::services::cookie::AuthorizationState;
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::wire::wusp::simple_auth::GetAuthorizationCookieRequest;

/// Seconds an authorization cookie is good for. It is exchanged for a session cookie at once; a
/// day leaves room for agents that keep it.
const LIFETIME: i64 = 24 * 3600;
/// Longest name of a computer, and longest list of groups, in bytes: what a cookie has room for.
const DNS_NAME_LIMIT: usize = 255;
const TARGET_GROUP_LIMIT: usize = 512;

impl Services {
    pub(super) fn authorization_cookie(
        &self,
        request: &GetAuthorizationCookieRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<Vec<u8>, ServiceError> {
        let client_id = request.client_id.as_deref().and_then(computer::client_id);
        let client_id = client_id.ok_or_else(|| ServiceError::parameter("clientId"))?;
        outcome.client = Some(pseudonym(&client_id));
        let dns_name = request.dns_name.as_deref().filter(|name| is_host_name(name));
        let dns_name = dns_name.ok_or_else(|| ServiceError::parameter("dnsName"))?;
        let target_group = request.target_group_name.as_deref().unwrap_or_default();
        if target_group.len() > TARGET_GROUP_LIMIT {
            return Err(ServiceError::parameter("targetGroupName"));
        }
        let state = AuthorizationState {
            client_id,
            dns_name: dns_name.to_owned(),
            target_group: target_group.to_owned(),
        };
        Ok(self.keyring().seal_authorization(&state, self.now() + LIFETIME)?)
    }
}

/// "Consistent with DNS naming requirements", as Windows has them: NetBIOS-derived names may hold
/// more than letters, digits and hyphens, and other scripts, but nothing that separates or controls.
fn is_host_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "-._!@#$%^&'(){}~".contains(c);
    (1..=DNS_NAME_LIMIT).contains(&name.len()) && name.chars().all(allowed)
}
