//! What the cookies of downstream servers say: who it is, and what it speaks. Everything else that
//! this server remembers of one is in its state, since there are few of them.

use uuid::Uuid;

use super::state::end;
use super::{CookieError, ProtocolVersion};
use crate::wire::little_endian::Reader;

/// Who a server says it is, from `GetAuthorizationCookie`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DssAuthorizationState {
    /// The id that it made for itself.
    pub server: Uuid,
}

/// A server in its dialogue, from `GetCookie` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DssSessionState {
    /// As in [`DssAuthorizationState`].
    pub server: Uuid,
    /// What it speaks; the major version is 1.
    pub protocol: ProtocolVersion,
}

impl DssAuthorizationState {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        self.server.as_bytes().to_vec()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CookieError> {
        let mut fields = Reader::new(bytes);
        let state = Self { server: Uuid::from_bytes(fields.array()?) };
        end(fields, state)
    }
}

impl DssSessionState {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = self.server.as_bytes().to_vec();
        out.extend_from_slice(&self.protocol.major.to_le_bytes());
        out.extend_from_slice(&self.protocol.minor.to_le_bytes());
        out
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CookieError> {
        let mut fields = Reader::new(bytes);
        let state = Self {
            server: Uuid::from_bytes(fields.array()?),
            protocol: ProtocolVersion { major: fields.u16()?, minor: fields.u16()? },
        };
        end(fields, state)
    }
}
