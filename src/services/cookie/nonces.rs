//! Nonces, none of which comes twice under one key.
//!
//! They are counted up from a random start: asking for random bytes each time was a third of what
//! sealing a cookie costs. A key seals for a day, which a restart does not end, so processes may
//! count with the same key one after the other. Their starts are 96 random bits: that any two of a
//! thousand overlap, each sealing a million million cookies, has odds of less than one in ten
//! thousand million.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::NONCE_LEN;

use super::keyring::random;

/// The nonces of one key.
pub(super) struct Nonces {
    start: u128,
    given: AtomicU64,
}

impl Nonces {
    pub(super) fn new() -> Self {
        Self { start: u128::from_le_bytes(random()), given: AtomicU64::new(0) }
    }

    /// One that was not given before.
    pub(super) fn next(&self) -> [u8; NONCE_LEN] {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let [nonce @ .., _, _, _, _] = self.start.wrapping_add(given.into()).to_le_bytes();
        nonce
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_is_another() {
        let nonces = Nonces { start: u128::MAX - 500, given: AtomicU64::new(0) };
        let given: HashSet<_> = (0..1000).map(|_| nonces.next()).collect();
        assert_eq!(given.len(), 1000, "also where the count begins again");
        assert_ne!(Nonces::new().next(), Nonces::new().next());
    }
}
