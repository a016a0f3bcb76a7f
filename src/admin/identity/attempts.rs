//! How often somebody may try: so many failures of one account, and of one address, in a while.
//!
//! Whoever is locked out by others still has the local socket.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use crate::admin::AdminError;

/// Failures of one account, and of one address, that are forgiven in a while. An address may be that
/// of many people.
const OF_ACCOUNT: u32 = 5;
const OF_ADDRESS: u32 = 20;
/// The while, in seconds.
const WHILE: i64 = 15 * 60;
/// Most accounts, and most addresses, that are counted. When there are more, whose while began first
/// is forgotten.
const COUNTED: usize = 10_000;

/// Too many attempts failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts failed; try again in {seconds} seconds")]
pub struct TooMany {
    /// How long until the next is looked at.
    pub seconds: u64,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: i64,
    count: u32,
}

impl Failures {
    /// Seconds for which they are not forgotten yet.
    fn left(self, now: i64) -> i64 {
        self.since.saturating_add(WHILE).saturating_sub(now)
    }
}

/// Failures by whose they are, of which so many are forgiven.
#[derive(Debug)]
struct Counted<K> {
    forgiven: u32,
    failures: HashMap<K, Failures>,
}

#[derive(Debug)]
struct Both {
    /// In lower case, and cut: names that do not exist are counted too.
    accounts: Counted<String>,
    addresses: Counted<IpAddr>,
}

/// What was tried in the last while.
#[derive(Debug)]
pub(super) struct Attempts(Mutex<Both>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Mutex::new(Both {
            accounts: Counted { forgiven: OF_ACCOUNT, failures: HashMap::new() },
            addresses: Counted { forgiven: OF_ADDRESS, failures: HashMap::new() },
        }))
    }
}

impl Attempts {
    /// Counts an attempt as one that fails, before it is known whether it does: or many at once would
    /// all come before the first failure.
    pub(super) fn begin(&self, account: &str, peer: IpAddr, now: i64) -> Result<(), AdminError> {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, network) = (name(account), network(peer));
        both.accounts.check(&account, now)?;
        both.addresses.check(&network, now)?;
        both.accounts.note(account, now);
        both.addresses.note(network, now);
        Ok(())
    }

    /// After a success, what failed before of the account was a slip. Of the address it was not: it
    /// may try others' passwords beside its own.
    pub(super) fn succeeded(&self, account: &str, peer: IpAddr) {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        both.accounts.failures.remove(&name(account));
        if let Some(found) = both.addresses.failures.get_mut(&network(peer)) {
            found.count = found.count.saturating_sub(1);
        }
    }
}

impl<K: Clone + Eq + Hash> Counted<K> {
    fn check(&self, whose: &K, now: i64) -> Result<(), TooMany> {
        match self.failures.get(whose) {
            Some(found) if found.count >= self.forgiven && found.left(now) > 0 => {
                Err(TooMany { seconds: found.left(now).unsigned_abs() })
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, whose: K, now: i64) {
        if self.failures.len() >= COUNTED && !self.failures.contains_key(&whose) {
            self.failures.retain(|_, it| it.left(now) > 0);
            // Who is locked out goes last: a flood of names is not to let anybody in.
            let oldest =
                self.failures.iter().min_by_key(|(_, it)| (it.count >= self.forgiven, it.since));
            if let Some(oldest) = oldest.map(|(whose, _)| whose.clone())
                && self.failures.len() >= COUNTED
            {
                self.failures.remove(&oldest);
            }
        }
        let found = self.failures.entry(whose).or_insert(Failures { since: now, count: 0 });
        if found.left(now) <= 0 {
            *found = Failures { since: now, count: 0 };
        }
        found.count = found.count.saturating_add(1);
    }
}

fn name(account: &str) -> String {
    account.chars().take(super::NAME).flat_map(char::to_lowercase).collect()
}

/// The address, or of IPv6 its network of 64 bits, in which anybody has as many as they like.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
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
            assert!(attempts.begin("Ann", address(1), 1000).is_ok());
        }
        assert!(attempts.begin("ANN", address(2), 1000).is_err(), "from anywhere");
        assert!(attempts.begin("ann", address(2), 1000 + WHILE).is_ok());
        for number in OF_ACCOUNT..OF_ADDRESS {
            assert!(attempts.begin(&format!("user{number}"), address(1), 1000).is_ok());
        }
        let refused = attempts.begin("bob", address(1), 1100).expect_err("locked");
        assert!(refused.to_string().contains("in 800 seconds"), "{refused}");
        assert!(attempts.begin("bob", address(2), 1100).is_ok());
    }

    #[test]
    fn a_success_forgives_the_account_and_not_the_address() {
        let attempts = Attempts::default();
        for number in 0..OF_ADDRESS - 1 {
            assert!(attempts.begin(&format!("user{number}"), address(1), 0).is_ok());
            assert!(attempts.begin("ann", address(1), 0).is_ok(), "{number}");
            attempts.succeeded("ann", address(1));
        }
        assert!(attempts.begin("last", address(1), 0).is_ok());
        assert!(attempts.begin("ann", address(1), 0).is_err());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let attempts = Attempts::default();
        let address = |bits: u128| IpAddr::from(Ipv6Addr::from_bits((1 << 64) + bits));
        for number in 0..OF_ADDRESS {
            let begun = attempts.begin(&number.to_string(), address(number.into()), 0);
            assert!(begun.is_ok());
        }
        assert!(attempts.begin("ann", address(77), 0).is_err());
        assert!(attempts.begin("ann", address(1 << 64), 0).is_ok(), "another network");
    }

    #[test]
    fn a_flood_of_names_takes_no_more_memory_than_that_and_lets_nobody_in() {
        let attempts = Attempts::default();
        for _ in 0..OF_ACCOUNT {
            assert!(attempts.begin("ann", address(1), 0).is_ok());
        }
        for number in 0..COUNTED as u32 + 50 {
            let peer = IpAddr::from(number.to_be_bytes());
            assert!(attempts.begin(&number.to_string(), peer, i64::from(number % 7)).is_ok());
        }
        let both = attempts.0.lock().expect("unlocked");
        assert!(both.accounts.failures.len() <= COUNTED);
        assert!(both.addresses.failures.len() <= COUNTED);
        drop(both);
        assert!(attempts.begin("ann", address(2), 8).is_err());
    }
}
