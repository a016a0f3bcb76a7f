//! Who is let in, and who is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::state::{AuditFilter, Settings};
use crate::store::memory::MemoryStore;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// What the clock of [`token_and_account_end`] shows.
static NOW: AtomicI64 = AtomicI64::new(1_800_000_000);

fn state(dir: &std::path::Path, store: &MemoryStore, now: fn() -> i64) -> Arc<State> {
    let state = State::with_store(dir, Box::new(store.clone()), &Settings::default(), now);
    Arc::new(state.expect("a state"))
}

#[tokio::test]
async fn token_and_account_end() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let now = || NOW.load(Ordering::Relaxed);
    let identity = Identity::new(state(dir.path(), &store, now));
    let by = By::administrator;
    let expires = Some(now() + 10);
    let role = Role::Reporter;
    let made = identity.create_token(by(), "ci".into(), role, expires).await.expect("made");
    let found = identity.by_token(&made.secret).await.expect("known").expect("it holds");
    assert_eq!((found.name.as_str(), found.role), ("token ci", Some(role)));
    assert!(identity.create_token(by(), "CI".into(), role, None).await.is_err(), "one of a name");
    for wrong in ["", "weir_", &made.secret[..made.secret.len() - 1]] {
        assert_eq!(identity.by_token(wrong).await.expect("read"), None);
    }
    NOW.fetch_add(10, Ordering::Relaxed);
    assert_eq!(identity.by_token(&made.secret).await.expect("read"), None, "expired");
    let other = identity.create_token(by(), "other".into(), role, None).await.expect("made");
    identity.revoke_token(by(), "OTHER").await.expect("revoked");
    assert_eq!(identity.by_token(&other.secret).await.expect("read"), None, "revoked");
}

#[tokio::test]
async fn the_first_account_signs_in_and_nobody_else() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let state = state(dir.path(), &store, || 1_800_000_000);
    let identity = Identity::new(Arc::clone(&state));
    let (name, password) = identity.first().await.expect("made").expect("the first");
    assert_eq!(identity.first().await.expect("read"), None);
    let log_in = async |name: &str, password: &str| identity.log_in(name, password, HERE).await;
    assert!(log_in(&name, "another one").await.expect("looked at").is_none());
    assert!(log_in("nobody", &password).await.expect("looked at").is_none());
    let opened = log_in("ADMIN", &password).await.expect("looked at");
    let (Opened(secret), session) = opened.expect("signed in");
    let (caller, found) = identity.by_session(&secret).await.expect("read").expect("a session");
    assert_eq!((caller.name, caller.role), (name.clone(), Some(Role::Administrator)));
    assert_eq!(found.csrf, session.csrf);
    let role = Role::Reporter;
    identity.set_role(By::administrator(), &name, role).await.expect("set");
    let (caller, _) = identity.by_session(&secret).await.expect("read").expect("a session");
    assert_eq!(caller.role, Some(role), "at once");
    identity.set_password(By::administrator(), &name, "something else").await.expect("set");
    assert!(identity.by_session(&secret).await.expect("read").is_none(), "signed out");
    let overtaken = identity.sessions.open(&name, [0; 16], 1_800_000_000);
    let (Opened(overtaken), _) = overtaken.expect("random numbers");
    let found = identity.by_session(&overtaken).await.expect("read");
    assert!(found.is_none(), "opened with the password before");

    let audit = AuditFilter { last: 100, mentions: None };
    let told = state.audit(audit).await.expect("the audit trail");
    let told = told.iter().map(|entry| entry.value.to_string()).collect::<Vec<_>>().join("\n");
    for what in ["create_account", "set_role", "set_password", "\"before\":\"administrator\""] {
        assert!(told.contains(what), "{what} in {told}");
    }
    let known = identity.known().await.expect("read");
    let hash = known.account(&name).expect("an account").password.hash;
    assert!(
        !told.contains(&password) && !told.contains("something else") && !told.contains("hash")
    );
    assert_ne!(hash, [0; 32]);

    // What is stored is read back, and does not hold the password.
    let again = Identity::new(Arc::clone(&state));
    assert!(again.log_in(&name, "something else", HERE).await.expect("looked at").is_some());
}

#[tokio::test]
async fn guessing_ends_soon_and_names_nobody() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let identity = Identity::new(state(dir.path(), &store, || 1_800_000_000));
    identity.first().await.expect("made");
    for name in ["admin", "nobody"] {
        for _ in 0..5 {
            assert!(identity.log_in(name, "guessed", HERE).await.expect("looked at").is_none());
        }
        let refused = identity.log_in(name, "guessed", HERE).await.expect_err("locked");
        assert!(matches!(refused, AdminError::TooMany(_)), "{refused}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_or_a_password_is_none() {
    let (dir, store) = (tempfile::tempdir().expect("a directory"), MemoryStore::new());
    let identity = Identity::new(state(dir.path(), &store, || 0));
    let (by, role) = (By::administrator, Role::Reporter);
    let long = "x".repeat(65);
    for name in ["", " a", "a\n", "a/b", "<b>", &long] {
        let made = identity.create_account(by(), name.into(), "long enough", role).await;
        assert!(made.is_err(), "{name:?}");
        assert!(identity.create_token(by(), name.into(), role, None).await.is_err(), "{name:?}");
    }
    for name in ["administrator", "Weir", "token ci"] {
        let made = identity.create_account(by(), name.into(), "long enough", role).await;
        assert!(made.is_err(), "the audit trail could not tell {name} apart");
    }
    for password in ["", "too short", &"x".repeat(257)] {
        assert!(identity.create_account(by(), "ann".into(), password, role).await.is_err());
    }
    assert!(identity.known().await.expect("read").accounts.is_empty());
}
