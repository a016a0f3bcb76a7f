//! How often somebody may try: so many failures of one account, and of one address, in a while.
//!
//! Whoever is locked out by others still has the local socket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::admin::AdminError;

/// Failures of one account, and of one address, that are forgiven in a while. An address may be that
/// of many people.
const OF_ACCOUNT: u32 = 5;
const OF_ADDRESS: u32 = 20;
/// The while, in seconds.
const WHILE: i64 = 15 * 60;
/// Most accounts and addresses that are counted. When there are more, whose while began first is
/// forgotten.
const COUNTED: usize = 10_000;

/// Too many attempts failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts failed; try again in {seconds} seconds")]
pub struct TooMany {
    /// How long until the next is looked at.
    pub seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    /// In lower case, and cut: names that do not exist are counted too.
    Account(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: i64,
    count: u32,
}

#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<Whose, Failures>>);

impl Attempts {
    pub(super) fn check(&self, account: &str, peer: IpAddr, now: i64) -> Result<(), AdminError> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, forgiven) in both(account, peer) {
            let Some(found) = failures.get(&whose) else { continue };
            let left = found.since.saturating_add(WHILE).saturating_sub(now);
            if found.count >= forgiven && left > 0 {
                return Err(TooMany { seconds: left.unsigned_abs() }.into());
            }
        }
        Ok(())
    }

    pub(super) fn note(&self, account: &str, peer: IpAddr, now: i64) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, _) in both(account, peer) {
            if failures.len() >= COUNTED && !failures.contains_key(&whose) {
                failures.retain(|_, it| now.saturating_sub(it.since) < WHILE);
                let oldest = failures.iter().min_by_key(|(_, it)| it.since);
                if let Some(oldest) = oldest.map(|(whose, _)| whose.clone())
                    && failures.len() >= COUNTED
                {
                    failures.remove(&oldest);
                }
            }
            let found = failures.entry(whose).or_insert(Failures { since: now, count: 0 });
            if now.saturating_sub(found.since) >= WHILE {
                *found = Failures { since: now, count: 0 };
            }
            found.count = found.count.saturating_add(1);
        }
    }

    /// After a success, what failed before was a slip.
    pub(super) fn forget(&self, account: &str, peer: IpAddr) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, _) in both(account, peer) {
            failures.remove(&whose);
        }
    }
}

fn both(account: &str, peer: IpAddr) -> [(Whose, u32); 2] {
    let account: String = account.chars().take(super::NAME).flat_map(char::to_lowercase).collect();
    [(Whose::Account(account), OF_ACCOUNT), (Whose::Address(peer.to_canonical()), OF_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn accounts_and_addresses_are_locked_for_a_while() {
        let attempts = Attempts::default();
        for _ in 0..OF_ACCOUNT {
            assert!(attempts.check("Ann", address(1), 1000).is_ok());
            attempts.note("ann", address(1), 1000);
        }
        assert!(attempts.check("ANN", address(2), 1000).is_err(), "from anywhere");
        assert!(attempts.check("bob", address(1), 1000).is_ok());
        assert!(attempts.check("ann", address(1), 1000 + WHILE).is_ok());
        for number in OF_ACCOUNT..OF_ADDRESS {
            attempts.note(&format!("user{number}"), address(1), 1000);
        }
        let refused = attempts.check("bob", address(1), 1100).expect_err("locked");
        assert!(refused.to_string().contains("in 800 seconds"), "{refused}");
        assert!(attempts.check("bob", address(2), 1100).is_ok());
    }

    #[test]
    fn a_flood_of_names_takes_no_more_memory_than_that() {
        let attempts = Attempts::default();
        for number in 0..COUNTED + 50 {
            attempts.note(&number.to_string(), address(1), number as i64 % 7);
        }
        assert!(attempts.0.lock().expect("unlocked").len() <= COUNTED);
    }
}
