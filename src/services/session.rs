//! The cookie of a session: checked at the start of nearly every operation, renewed by some.

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::services::call::Outcome;
use crate::services::cookie::{ProtocolVersion, SessionState};
use crate::services::{ServiceError, Services};
use crate::state::{Published, Tracked};
use crate::wire::fault::ErrorCode;
use crate::wire::time::DateTime;
use crate::wire::wusp::types::{Cookie, IssuedCookie};

/// Clients of this version and later understand two groups of out-of-scope updates and
/// DriverSyncNotNeeded ([MS-WUSP] 2.2.2.2.4).
pub(super) const CATEGORY_SCANS: ProtocolVersion = ProtocolVersion { major: 1, minor: 7 };
/// Clients of this version and later are told a driver's hardware ids.
pub(super) const HARDWARE_IDS: ProtocolVersion = ProtocolVersion { major: 1, minor: 6 };
/// Clients of this version and later get AutoSelect, AutoDownload and SupersedenceBehavior.
pub(super) const AUTO_SELECT: ProtocolVersion = ProtocolVersion { major: 1, minor: 8 };

/// How long a session cookie is good for, in seconds: as long as the real server's.
pub(super) const SESSION_LIFETIME: i64 = 3600;

/// An open session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// What the cookie carries.
    pub(super) state: SessionState,
    /// When its cookie expires.
    pub(super) expires: DateTime,
}

/// A sealed cookie.
pub(super) struct Sealed {
    expiration: DateTime,
    data: Vec<u8>,
}

impl Sealed {
    /// The cookie as messages carry it.
    pub(super) fn as_wire(&self) -> IssuedCookie<'_> {
        IssuedCookie { expiration: self.expiration, encrypted_data: &self.data }
    }
}

impl Services {
    /// Opens the cookie a client presents.
    ///
    /// # Errors
    /// InvalidCookie, ServerChanged or CookieExpired; a missing cookie is an invalid one.
    pub(super) fn session(
        &self,
        cookie: Option<&Cookie>,
        outcome: &mut Outcome,
    ) -> Result<Session, ServiceError> {
        let data = cookie.and_then(|cookie| cookie.encrypted_data.as_deref());
        let data = data.ok_or_else(|| ServiceError::code(ErrorCode::InvalidCookie))?;
        let (state, expires) = self.keyring().open_session(data, self.now())?;
        outcome.client = Some(pseudonym(&state.client_id));
        let expires = DateTime::from_unix(expires, 0).unwrap_or(DateTime::MAX);
        Ok(Session { state, expires })
    }

    /// What [MS-WUSP] 3.1.5.7 and 3.1.5.12 demand of a session besides a good cookie: an unchanged
    /// configuration, and a computer that is registered.
    ///
    /// # Errors
    /// ServerChanged, as [`remembered`]. ConfigChanged. RegistrationRequired, also
    /// when the computer's own policy names other groups than it is registered in: agents put the
    /// groups into every authorization, and register again only when they are told to.
    pub(super) fn registered(
        &self,
        session: &Session,
        published: &Published,
    ) -> Result<Tracked, ServiceError> {
        let state = &session.state;
        remembered(state, published)?;
        if state.config_change != self.last_change.unix_seconds() {
            return Err(ServiceError::code(ErrorCode::ConfigChanged));
        }
        let tracked = self.state.computers().find(&state.client_id).filter(|tracked| {
            let computer = &tracked.computer;
            tracked.below.is_none()
                && (!self.settings.client_side_targeting
                    || computer.groups
                        == computer.groups_for(&published.policy, &state.target_group))
        });
        let tracked = tracked.ok_or_else(|| ServiceError::code(ErrorCode::RegistrationRequired))?;
        tracked.touch(self.now());
        Ok(tracked)
    }

    /// Seals a session's state anew. The lifetime does not slide: the real server keeps the expiry
    /// of GetCookie through a whole scan.
    pub(super) fn seal(&self, session: &Session) -> Result<Sealed, ServiceError> {
        let expires = session.expires.unix_seconds();
        let data = self.keyring().seal_session(&session.state, expires);
        Ok(Sealed { expiration: session.expires, data: data? })
    }
}

/// What a client was told has to be what this server told, and not what it was before it was
/// restored from a backup: revision ids mean something else now, and what was decided anew would
/// look as if the client had been told of it.
///
/// # Errors
/// ServerChanged.
pub(super) fn remembered(state: &SessionState, published: &Published) -> Result<(), ServiceError> {
    match published.remembers(state.timeline, state.watermark()) {
        true => Ok(()),
        false => Err(ServiceError::code(ErrorCode::ServerChanged)),
    }
}

/// Lets log lines of one client be told from another's without saying whose they are.
pub(super) fn pseudonym(client_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    client_id.to_ascii_lowercase().hash(&mut hasher);
    hasher.finish()
}
