//! Sessions of browsers. In memory alone: a restart signs everybody out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{digest, random_text, same};
use crate::state::StateError;

/// Seconds without a request after which a session ends, and after which it ends in any case.
const IDLE: i64 = 30 * 60;
const WHOLE: i64 = 12 * 3600;
/// Most sessions of one account; with more, that of them ends which was used longest ago. What others
/// do ends nobody's, and as there are so many accounts at most, all of them together are bounded.
const KEPT: usize = 20;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub account: String,
    /// Salt of the password that opened it: with another password, or as another account of the
    /// same name, it is nobody's any more.
    pub(super) password: [u8; 16],
    /// What every change has to repeat, which no other site can know.
    pub csrf: String,
    /// Unix seconds at which it ends in any case.
    pub ends: i64,
    used: i64,
}

/// The secret of a session, which the browser keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened(pub String);

/// All sessions, by the digests of their secrets.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    pub(super) fn open(
        &self,
        account: &str,
        password: [u8; 16],
        now: i64,
    ) -> Result<(Opened, Session), StateError> {
        let secret = random_text::<32>()?;
        let session = Session {
            account: account.to_owned(),
            password,
            csrf: random_text::<32>()?,
            ends: now.saturating_add(WHOLE),
            used: now,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| session.holds(now));
        let own = || all.iter().filter(|(_, session)| same(&session.account, account));
        if own().count() >= KEPT
            && let Some(oldest) = own().min_by_key(|(_, it)| it.used).map(|(digest, _)| *digest)
        {
            all.remove(&oldest);
        }
        all.insert(digest(&secret), session.clone());
        Ok((Opened(secret), session))
    }

    /// The session, if it holds; it was used then.
    pub(super) fn find(&self, secret: &str, now: i64) -> Option<Session> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = all.get_mut(&digest(secret)).filter(|session| session.holds(now))?;
        session.used = now;
        Some(session.clone())
    }

    /// The session, if it holds; looking is not using.
    pub(super) fn look(&self, secret: &str, now: i64) -> Option<Session> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&digest(secret)).filter(|session| session.holds(now)).cloned()
    }

    pub(super) fn end(&self, secret: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(secret));
    }

    pub(super) fn end_all_of(&self, account: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| !same(&session.account, account));
    }
}

impl Session {
    fn holds(&self, now: i64) -> bool {
        now < self.ends && now.saturating_sub(self.used) < IDLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_when_idle_when_old_and_when_told() {
        let sessions = Sessions::default();
        let (Opened(secret), _) = sessions.open("ann", [0; 16], 0).expect("random numbers");
        assert!(sessions.look(&secret, IDLE - 1).is_some(), "looked at");
        assert!(sessions.look(&secret, IDLE).is_none(), "which is not using it");
        assert!(sessions.find(&secret, IDLE - 1).is_some());
        assert!(sessions.find(&secret, 2 * IDLE - 2).is_some(), "it was used");
        assert!(sessions.find(&secret, 4 * IDLE).is_none(), "idle");
        let (Opened(secret), _) = sessions.open("ann", [0; 16], 0).expect("random numbers");
        for at in (0..WHOLE).step_by(1000) {
            assert!(sessions.find(&secret, at).is_some(), "{at}");
        }
        assert!(sessions.find(&secret, WHOLE).is_none(), "old");
        let (Opened(one), _) = sessions.open("ann", [0; 16], 0).expect("random numbers");
        let (Opened(two), _) = sessions.open("bob", [0; 16], 0).expect("random numbers");
        sessions.end_all_of("ANN");
        assert!(sessions.find(&one, 1).is_none() && sessions.find(&two, 1).is_some());
        sessions.end(&two);
        assert!(sessions.find(&two, 1).is_none());
    }

    #[test]
    fn there_are_never_more_than_that_and_others_keep_theirs() {
        let sessions = Sessions::default();
        let (Opened(other), _) = sessions.open("bob", [0; 16], 0).expect("random numbers");
        let (Opened(first), _) = sessions.open("ann", [0; 16], 0).expect("random numbers");
        for _ in 0..KEPT {
            sessions.open("Ann", [0; 16], 1).expect("random numbers");
        }
        assert!(sessions.find(&first, 1).is_none());
        assert!(sessions.find(&other, 1).is_some());
        assert_eq!(sessions.0.lock().expect("unlocked").len(), KEPT + 1);
    }
}
