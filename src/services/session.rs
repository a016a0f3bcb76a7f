//! The cookie of a session: checked at the start of nearly every operation, renewed by some.

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::services::call::Outcome;
use crate::services::cookie::{ProtocolVersion, SessionState};
use crate::services::{ServiceError, Services};
use crate::state::Tracked;
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

/// A session with the instant at which its cookie expires.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// What the cookie carries.
    pub(super) state: SessionState,
    /// Unix seconds.
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

    /// The same, where [MS-WUSP] also demands an unchanged configuration and a registered computer
    /// (3.1.5.7, 3.1.5.12).
    pub(super) fn registered_session(
        &self,
        cookie: Option<&Cookie>,
        outcome: &mut Outcome,
    ) -> Result<(Session, Tracked), ServiceError> {
        let session = self.session(cookie, outcome)?;
        if session.state.config_change != self.config_change() {
            return Err(ServiceError::code(ErrorCode::ConfigChanged));
        }
        let tracked = self.state.computers().find(&session.state.client_id);
        let tracked = tracked.ok_or_else(|| ServiceError::code(ErrorCode::RegistrationRequired))?;
        tracked.touch(self.now());
        Ok((session, tracked))
    }

    /// Seals a session's state anew. The lifetime does not slide: the real server keeps the expiry
    /// of GetCookie through a whole scan.
    pub(super) fn seal(&self, session: &Session) -> Result<Sealed, ServiceError> {
        let expires = session.expires.unix_seconds();
        let data = self.keyring().seal_session(&session.state, expires);
        Ok(Sealed { expiration: session.expires, data: data? })
    }
}

/// Lets log lines of one client be told from another's without saying whose they are.
pub(super) fn pseudonym(client_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    client_id.to_ascii_lowercase().hash(&mut hasher);
    hasher.finish()
}
