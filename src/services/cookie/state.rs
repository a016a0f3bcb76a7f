//! What cookies say, as fixed-layout little-endian fields. Texts have a length in front.

use uuid::Uuid;

use super::{CookieError, ProtocolVersion};
use crate::wire::little_endian::Reader;

/// Most bytes of a client id, and of a DNS name.
const MAX_NAME: usize = 255;

/// Most bytes of a target group's name.
const MAX_GROUP: usize = 512;

/// Who a client says it is, from `GetAuthorizationCookie`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationState {
    /// The id that the client chose for itself: at most 255 bytes.
    pub client_id: String,
    /// Its DNS name: at most 255 bytes.
    pub dns_name: String,
    /// The target group that its policy names, or nothing: at most 512 bytes.
    pub target_group: String,
}

/// Where a client is in its dialogue, from `GetCookie` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState {
    /// As in [`AuthorizationState`].
    pub client_id: String,
    /// As in [`AuthorizationState`].
    pub dns_name: String,
    /// As in [`AuthorizationState`].
    pub target_group: String,
    /// What the client speaks; decides which fields it may be sent.
    pub protocol: ProtocolVersion,
    /// The configuration's `LastChange` that the client has seen, in Unix seconds.
    pub config_change: i64,
    /// Changes of software up to this commit were sent to the client.
    pub software_watermark: u64,
    /// Changes of drivers up to this commit were sent to the client.
    pub driver_watermark: u64,
    /// The fingerprint of the view that both watermarks are about.
    pub view: u64,
    /// How many `SyncUpdates` calls the current scan has made.
    pub round: u16,
    /// The timeline of the server that both watermarks are of. Cookies had none at first; theirs
    /// is the first.
    pub timeline: Uuid,
}

impl SessionState {
    /// The latest commit that the client was sent changes of.
    pub fn watermark(&self) -> u64 {
        self.software_watermark.max(self.driver_watermark)
    }
}

/// A text that does not fit in a cookie. The caller should have refused it from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is too long for a cookie")]
pub struct TooLong(
    /// The field.
    pub &'static str,
);

impl AuthorizationState {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_identity(&mut out, &self.client_id, &self.dns_name, &self.target_group)?;
        Ok(out)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CookieError> {
        let mut fields = Reader::new(bytes);
        let state = Self {
            client_id: text(&mut fields)?,
            dns_name: text(&mut fields)?,
            target_group: text(&mut fields)?,
        };
        end(fields, state)
    }
}

impl SessionState {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = Vec::new();
        put_identity(&mut out, &self.client_id, &self.dns_name, &self.target_group)?;
        out.extend_from_slice(&self.protocol.major.to_le_bytes());
        out.extend_from_slice(&self.protocol.minor.to_le_bytes());
        out.extend_from_slice(&self.config_change.to_le_bytes());
        out.extend_from_slice(&self.software_watermark.to_le_bytes());
        out.extend_from_slice(&self.driver_watermark.to_le_bytes());
        out.extend_from_slice(&self.view.to_le_bytes());
        out.extend_from_slice(&self.round.to_le_bytes());
        out.extend_from_slice(self.timeline.as_bytes());
        Ok(out)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CookieError> {
        let mut fields = Reader::new(bytes);
        let state = Self {
            client_id: text(&mut fields)?,
            dns_name: text(&mut fields)?,
            target_group: text(&mut fields)?,
            protocol: ProtocolVersion { major: fields.u16()?, minor: fields.u16()? },
            config_change: i64::from_le_bytes(fields.array()?),
            software_watermark: fields.u64()?,
            driver_watermark: fields.u64()?,
            view: fields.u64()?,
            round: fields.u16()?,
            timeline: match fields.is_empty() {
                true => Uuid::nil(),
                false => Uuid::from_bytes(fields.array()?),
            },
        };
        end(fields, state)
    }
}

fn put_identity(
    out: &mut Vec<u8>,
    client_id: &str,
    dns_name: &str,
    target_group: &str,
) -> Result<(), TooLong> {
    put_text(out, "clientId", client_id, MAX_NAME)?;
    put_text(out, "dnsName", dns_name, MAX_NAME)?;
    put_text(out, "targetGroupName", target_group, MAX_GROUP)
}

fn put_text(out: &mut Vec<u8>, name: &'static str, text: &str, most: usize) -> Result<(), TooLong> {
    match u16::try_from(text.len()) {
        Ok(length) if text.len() <= most => {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        _ => Err(TooLong(name)),
    }
}

fn text(fields: &mut Reader<'_>) -> Result<String, CookieError> {
    let length = usize::from(fields.u16()?);
    let bytes = fields.take(length)?.to_vec();
    String::from_utf8(bytes).map_err(|_| CookieError::Malformed)
}

/// Nothing may follow the last field.
pub(super) fn end<T>(fields: Reader<'_>, state: T) -> Result<T, CookieError> {
    if fields.is_empty() { Ok(state) } else { Err(CookieError::Malformed) }
}
