//! The server's identity and its secret keys, one a day.
//!
//! A key seals for [`ROTATE_AFTER`] and opens for [`KEEP_FOR`] longer: a computer that comes back
//! after a holiday renews its expired cookie and keeps its state. Who stays away longer starts
//! with a new one.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::nonces::Nonces;

/// Seconds for which a key seals.
const ROTATE_AFTER: i64 = 24 * 60 * 60;

/// Seconds for which a key opens after its successor took over: 30 days, and the longest life of
/// a cookie (a day) before.
const KEEP_FOR: i64 = 31 * 24 * 60 * 60;

/// Most keys kept, whatever the clock does.
const MAX_KEYS: usize = 48;

const KEY_LENGTH: usize = 32;

/// The keys that cookies are sealed with and opened by, and the server's id in them.
///
/// It is to be stored where nobody else can read it: who has it can be any client. Its `Debug`
/// shows no key. Keyrings do not change; [`rotated`](Self::rotated) makes the next one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Keyring {
    server_id: Uuid,
    /// The newest last; never empty.
    keys: Vec<Key>,
}

/// One secret.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: u32,
    /// Unix seconds.
    created: i64,
    secret: [u8; KEY_LENGTH],
    /// The secret made ready for use, which costs more than sealing a cookie does.
    #[serde(skip)]
    cipher: Arc<OnceLock<LessSafeKey>>,
    #[serde(skip)]
    nonces: Arc<OnceLock<Nonces>>,
}

/// A stored keyring that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored keyring has no key")]
pub struct KeyringError;

/// A keyring as it was stored, before it is known to be usable.
#[derive(Deserialize)]
struct Stored {
    server_id: Uuid,
    keys: Vec<Key>,
}

impl TryFrom<Stored> for Keyring {
    type Error = KeyringError;

    fn try_from(stored: Stored) -> Result<Self, KeyringError> {
        if stored.keys.is_empty() {
            return Err(KeyringError);
        }
        Ok(Self { server_id: stored.server_id, keys: stored.keys })
    }
}

impl Keyring {
    /// A new server with its first key. Times are Unix seconds.
    pub fn generate(now: i64) -> Self {
        let server_id = uuid::Builder::from_random_bytes(random()).into_uuid();
        Self { server_id, keys: vec![Key::generate(1, now)] }
    }

    /// What tells this server's cookies from another's.
    pub fn server_id(&self) -> Uuid {
        self.server_id
    }

    /// Whether it is time for [`rotated`](Self::rotated): also when the newest key is from the
    /// future, because the clock was set back.
    pub fn needs_rotation(&self, now: i64) -> bool {
        let created = self.newest().created;
        !(created..created.saturating_add(ROTATE_AFTER)).contains(&now)
    }

    /// The keyring from `now` on: with a new key, and without those that are no longer needed.
    #[must_use]
    pub fn rotated(&self, now: i64) -> Self {
        let mut keys = self.keys.clone();
        keys.push(Key::generate(self.newest().id.wrapping_add(1), now));
        // A key was in use until the next one was created.
        let retired = keys
            .windows(2)
            .take_while(|pair| now.saturating_sub(pair[1].created) > KEEP_FOR)
            .count();
        let surplus = keys.len().saturating_sub(MAX_KEYS);
        keys.drain(..retired.max(surplus));
        Self { server_id: self.server_id, keys }
    }

    pub(super) fn newest(&self) -> &Key {
        self.keys.last().expect("a keyring is never empty")
    }

    pub(super) fn key(&self, id: u32) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("server_id", &self.server_id)
            .field("keys", &format_args!("{} secret", self.keys.len()))
            .finish()
    }
}

impl Key {
    fn generate(id: u32, created: i64) -> Self {
        Self { id, created, secret: random(), cipher: Arc::default(), nonces: Arc::default() }
    }

    pub(super) fn cipher(&self) -> &LessSafeKey {
        self.cipher.get_or_init(|| {
            let key = UnboundKey::new(&AES_256_GCM, &self.secret);
            LessSafeKey::new(key.expect("the secret has the cipher's length"))
        })
    }

    /// Shared by all copies of the key, so that none gives what another gave.
    pub(super) fn nonces(&self) -> &Nonces {
        self.nonces.get_or_init(Nonces::new)
    }
}

/// Random bytes for keys and the first nonces. Without a source of them a server must not go on.
pub(in crate::services) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has a random source");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    #[test]
    fn a_key_seals_for_a_day() {
        let keyring = Keyring::generate(1000);
        assert!(!keyring.needs_rotation(1000));
        assert!(!keyring.needs_rotation(1000 + DAY - 1));
        assert!(keyring.needs_rotation(1000 + DAY));
        assert!(keyring.needs_rotation(999), "the clock was set back");
        let rotated = keyring.rotated(1000 + DAY);
        assert!(!rotated.needs_rotation(1000 + DAY));
        assert_eq!(rotated.server_id(), keyring.server_id());
        assert_eq!(rotated.newest().id, 2);
        assert_eq!(rotated.key(1).map(|key| key.secret), keyring.key(1).map(|key| key.secret));
        assert!(rotated.newest().secret != keyring.newest().secret);
    }

    #[test]
    fn a_key_opens_for_a_month_after_it_sealed() {
        let mut keyring = Keyring::generate(0);
        for day in 1..=100 {
            keyring = keyring.rotated(day * DAY);
            assert_eq!(keyring.key(1).is_some(), day <= 32, "day {day}");
            assert!(keyring.keys.len() <= 33);
        }
        // Nobody rotated for long: the last key may have sealed until now.
        let keyring = keyring.rotated(1000 * DAY);
        assert_eq!(keyring.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [101, 102]);
    }

    #[test]
    fn a_wild_clock_does_not_fill_the_keyring() {
        let mut keyring = Keyring::generate(0);
        for tick in 0..1000 {
            keyring = keyring.rotated(if tick % 2 == 0 { i64::MIN } else { i64::MAX });
        }
        assert!(keyring.keys.len() <= MAX_KEYS);
        assert_eq!(keyring.newest().id, 1001);
    }

    #[test]
    fn is_stored_and_read_back() {
        let keyring = Keyring::generate(0).rotated(DAY);
        let json = serde_json::to_value(&keyring).unwrap();
        let read: Keyring = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json);
        let bytes = postcard::to_stdvec(&keyring).unwrap();
        let read: Keyring = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json);
        let empty = format!(r#"{{"server_id":"{}","keys":[]}}"#, keyring.server_id());
        assert!(serde_json::from_str::<Keyring>(&empty).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let keyring = Keyring::generate(0);
        let expected = format!("Keyring {{ server_id: {}, keys: 1 secret }}", keyring.server_id());
        assert_eq!(format!("{keyring:?}"), expected);
    }
}
