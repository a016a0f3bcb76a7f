//! Cookies: what the server remembers of a client lives in the client ([MS-WUSP] 3.1.5.3, 3.1.5.4).
//!
//! A cookie is the first thing an anonymous peer can make us parse, and in WSUS it was the way in
//! (CVE-2025-59287: an object graph under a fixed key). So ours are nothing but fixed-layout
//! fields, they are authenticated with a key of this server before a byte of them is read, and
//! they are refused by length before that:
//!
//! ```text
//! magic 4 | format 1 | kind 1 | server id 16 | key id 4 | nonce 12 | ciphertext | tag 16
//! ```
//!
//! Everything before the ciphertext is authenticated with it, so a cookie of one kind, server or
//! key never passes for one of another. The cipher is AES-256-GCM, whose nonces never come twice
//! (`nonces`), and keys change every day.

mod dss;
mod keyring;
mod nonces;
mod state;
#[cfg(test)]
mod tests;
mod version;

pub use dss::{DssAuthorizationState, DssSessionState};
pub(super) use keyring::random;
pub use keyring::{Keyring, KeyringError};
pub use state::{AuthorizationState, SessionState, TooLong};
pub use version::{InvalidVersion, ProtocolVersion};

use aws_lc_rs::aead::{Aad, MAX_TAG_LEN, Nonce};

use crate::wire::little_endian::{EndOfBytes, Reader};

/// Longest input looked at, in bytes. Cookies of a real WSUS have 496; the longest of ours stay
/// below 1,200.
pub const MAX_COOKIE: usize = 2048;

const MAGIC: [u8; 4] = *b"weir";
const FORMAT: u8 = 1;

/// What a cookie is for. Those of servers never pass for those of agents: what an agent may see is
/// not what a server may, and either could be had by saying a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Authorization = 1,
    Session = 2,
    DssAuthorization = 3,
    DssSession = 4,
}

/// Why a cookie was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// Not a cookie of this program: too long, too short, or without its form.
    #[error("the cookie does not have the form of one")]
    Malformed,
    /// Another server issued it (`ServerChanged`).
    #[error("the cookie was issued by another server")]
    Foreign,
    /// A cookie for another purpose.
    #[error("the cookie is of another kind")]
    WrongKind,
    /// Changed on the way, made up, or older than the oldest key.
    #[error("the cookie is not authentic")]
    Forged,
    /// It was valid once (`CookieExpired`).
    #[error("the cookie has expired")]
    Expired,
}

impl From<EndOfBytes> for CookieError {
    fn from(_: EndOfBytes) -> Self {
        Self::Malformed
    }
}

impl Keyring {
    /// Issues the cookie that `GetAuthorizationCookie` returns. Times are Unix seconds.
    pub fn seal_authorization(
        &self,
        state: &AuthorizationState,
        expires: i64,
    ) -> Result<Vec<u8>, TooLong> {
        Ok(self.seal(Kind::Authorization, expires, &state.to_bytes()?))
    }

    /// Reads a cookie that [`seal_authorization`](Self::seal_authorization) issued.
    pub fn open_authorization(
        &self,
        cookie: &[u8],
        now: i64,
    ) -> Result<AuthorizationState, CookieError> {
        let (expires, state) = self.open(Kind::Authorization, cookie)?;
        let state = AuthorizationState::from_bytes(&state)?;
        if expires <= now { Err(CookieError::Expired) } else { Ok(state) }
    }

    /// Issues the cookie that `GetCookie` and `SyncUpdates` return. Times are Unix seconds.
    pub fn seal_session(&self, state: &SessionState, expires: i64) -> Result<Vec<u8>, TooLong> {
        Ok(self.seal(Kind::Session, expires, &state.to_bytes()?))
    }

    /// Reads a cookie that [`seal_session`](Self::seal_session) issued, and when it expires.
    pub fn open_session(
        &self,
        cookie: &[u8],
        now: i64,
    ) -> Result<(SessionState, i64), CookieError> {
        let (expires, state) = self.open(Kind::Session, cookie)?;
        let state = SessionState::from_bytes(&state)?;
        if expires <= now { Err(CookieError::Expired) } else { Ok((state, expires)) }
    }

    /// Reads a session cookie whether or not it has expired: `GetCookie` renews one from its
    /// `oldCookie`, and without the old state everything would be sent to the client again.
    pub fn open_session_any_age(&self, cookie: &[u8]) -> Result<SessionState, CookieError> {
        let (_, state) = self.open(Kind::Session, cookie)?;
        SessionState::from_bytes(&state)
    }

    /// Issues the cookie that a server gets of `GetAuthorizationCookie` ([MS-WSUSSS] 3.1.4.2).
    pub fn seal_dss_authorization(&self, state: &DssAuthorizationState, expires: i64) -> Vec<u8> {
        self.seal(Kind::DssAuthorization, expires, &state.to_bytes())
    }

    /// Reads a cookie that [`seal_dss_authorization`](Self::seal_dss_authorization) issued, and
    /// when it expires.
    pub fn open_dss_authorization(
        &self,
        cookie: &[u8],
        now: i64,
    ) -> Result<(DssAuthorizationState, i64), CookieError> {
        let (expires, state) = self.open(Kind::DssAuthorization, cookie)?;
        let state = DssAuthorizationState::from_bytes(&state)?;
        if expires <= now { Err(CookieError::Expired) } else { Ok((state, expires)) }
    }

    /// Issues the cookie that a server gets of `GetCookie` ([MS-WSUSSS] 3.1.4.3).
    pub fn seal_dss_session(&self, state: &DssSessionState, expires: i64) -> Vec<u8> {
        self.seal(Kind::DssSession, expires, &state.to_bytes())
    }

    /// Reads a cookie that [`seal_dss_session`](Self::seal_dss_session) issued.
    pub fn open_dss_session(
        &self,
        cookie: &[u8],
        now: i64,
    ) -> Result<DssSessionState, CookieError> {
        let (expires, state) = self.open(Kind::DssSession, cookie)?;
        let state = DssSessionState::from_bytes(&state)?;
        if expires <= now { Err(CookieError::Expired) } else { Ok(state) }
    }

    fn seal(&self, kind: Kind, expires: i64, state: &[u8]) -> Vec<u8> {
        let key = self.newest();
        let nonce = key.nonces().next();
        let mut cookie = self.head(kind, key.id);
        cookie.extend_from_slice(&nonce);

        let mut sealed = expires.to_le_bytes().to_vec();
        sealed.extend_from_slice(state);
        key.cipher()
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&cookie),
                &mut sealed,
            )
            .expect("AES-GCM takes any plaintext of this size");
        cookie.extend_from_slice(&sealed);
        cookie
    }

    /// When the cookie expires, and its state.
    fn open(&self, kind: Kind, cookie: &[u8]) -> Result<(i64, Vec<u8>), CookieError> {
        if cookie.len() > MAX_COOKIE {
            return Err(CookieError::Malformed);
        }
        let mut reader = Reader::new(cookie);
        if (reader.array()?, reader.u8()?) != (MAGIC, FORMAT) {
            return Err(CookieError::Malformed);
        }
        let actual_kind = reader.u8()?;
        if reader.array()? != self.server_id().into_bytes() {
            return Err(CookieError::Foreign);
        }
        if actual_kind != kind as u8 {
            return Err(CookieError::WrongKind);
        }
        let key_id = reader.u32()?;
        let nonce = reader.array()?;
        let mut sealed = reader.rest().to_vec();
        if sealed.len() < MAX_TAG_LEN {
            return Err(CookieError::Malformed);
        }
        let authenticated = &cookie[..cookie.len() - sealed.len()];

        let key = self.key(key_id).ok_or(CookieError::Forged)?;
        let opened = key
            .cipher()
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(authenticated),
                &mut sealed,
            )
            .map_err(|_| CookieError::Forged)?;
        let mut opened = Reader::new(opened);
        let expires = i64::from_le_bytes(opened.array()?);
        Ok((expires, opened.rest().to_vec()))
    }

    /// The authenticated bytes before the nonce.
    fn head(&self, kind: Kind, key_id: u32) -> Vec<u8> {
        let mut head = Vec::with_capacity(512);
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&[FORMAT, kind as u8]);
        head.extend_from_slice(self.server_id().as_bytes());
        head.extend_from_slice(&key_id.to_le_bytes());
        head
    }
}
