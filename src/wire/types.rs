//! Types that several messages share ([MS-WUSP] section 2.2.3).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identifies one revision of one update for ever and everywhere ([MS-WUSP] 2.2.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UpdateIdentity {
    /// The same for all revisions of the update.
    pub update_id: Uuid,
    /// Grows with every revision.
    pub revision_number: u32,
}

impl std::fmt::Display for UpdateIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.update_id, self.revision_number)
    }
}

/// This server's number for a revision ([MS-WUSP] 3.1.1 Revision Table): positive, never reused,
/// and meaningless to any other server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RevisionId(pub u32);

impl std::fmt::Display for RevisionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A SHA-1 digest: the address of a file on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha1(pub [u8; 20]);

/// A SHA-256 digest: what a file is verified with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha256(pub [u8; 32]);

macro_rules! hex_digest {
    ($name:ident, $length:literal) => {
        impl $name {
            /// Upper-case hexadecimal, as in content URLs.
            pub fn to_hex(&self) -> String {
                self.0.iter().map(|byte| format!("{byte:02X}")).collect()
            }

            /// Parses exactly the hexadecimal digits of a digest, in either case.
            pub fn from_hex(text: &str) -> Option<Self> {
                let text = text.as_bytes();
                if text.len() != 2 * $length {
                    return None;
                }
                let mut digest = [0; $length];
                for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
                    let high = char::from(pair[0]).to_digit(16)?;
                    let low = char::from(pair[1]).to_digit(16)?;
                    *byte = u8::try_from(high * 16 + low).ok()?;
                }
                Some(Self(digest))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.to_hex())
            }
        }
    };
}

hex_digest!(Sha1, 20);
hex_digest!(Sha256, 32);
