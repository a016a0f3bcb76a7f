//! Who may ask over the network: accounts with passwords, tokens for programs, sessions of browsers.
//!
//! What is stored of a secret proves it and does not tell it: a password is kept as its argon2id
//! hash, a token, which is random already, as its SHA-256. Sessions are in memory alone and end with
//! the process. Accounts and tokens are one small record, which is kept at hand: whoever knocks
//! without a key costs the writer nothing.

mod attempts;
pub mod password;
mod record;
mod sessions;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use self::attempts::Attempts;
pub use self::attempts::TooMany;
use self::record::RECORD;
pub use self::record::{Account, IdentityRecords, Token};
use self::sessions::Sessions;
pub use self::sessions::{Opened, Session};
use super::{AdminError, Caller, Role};
use crate::policy::by::By;
use crate::state::{State, StateError};

/// Most accounts, and most tokens.
const KEPT: usize = 1000;
/// Most characters of a name.
const NAME: usize = 64;
/// What the audit trail calls who has no account: the machine's administrator, and the server.
const OTHERS: [&str; 2] = ["administrator", "weir"];
/// The account that a server makes for itself when it has none.
const FIRST: &str = "admin";
/// What tokens begin with, so that they are found where they do not belong.
const TOKEN: &str = "weir_";

/// Everybody that is known.
pub struct Identity {
    state: Arc<State>,
    /// None until it is first needed.
    known: ArcSwapOption<IdentityRecords>,
    /// Held while the record is changed.
    changing: Mutex<()>,
    sessions: Sessions,
    attempts: Attempts,
    /// Told of every change of who may ask.
    changes: watch::Sender<()>,
}

/// A token that was just made.
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// Itself, which nobody is told again.
    pub secret: String,
}

impl Identity {
    /// Those that `state` knows.
    pub fn new(state: Arc<State>) -> Self {
        Self {
            state,
            known: ArcSwapOption::empty(),
            changing: Mutex::new(()),
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// Tells of every change of accounts, tokens and sessions, but not of those that time brings.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Accounts and tokens.
    pub async fn known(&self) -> Result<Arc<IdentityRecords>, StateError> {
        if let Some(known) = self.known.load_full() {
            return Ok(known);
        }
        let _changing = self.changing.lock().await;
        if let Some(known) = self.known.load_full() {
            return Ok(known);
        }
        let read: IdentityRecords = self.state.meta(RECORD).await?.unwrap_or_default();
        let read = Arc::new(read);
        self.known.store(Some(Arc::clone(&read)));
        Ok(read)
    }

    /// Makes the first account, if there is none, and returns its name and password.
    pub async fn first(&self) -> Result<Option<(String, String)>, AdminError> {
        if !self.known().await?.accounts.is_empty() {
            return Ok(None);
        }
        let password = random_text::<16>()?;
        let by = By::weir("there was no account");
        self.create_account(by, FIRST.to_owned(), &password, Role::Administrator).await?;
        Ok(Some((FIRST.to_owned(), password)))
    }

    /// Makes an account.
    ///
    /// # Errors
    /// When there is one of this name, or name or password cannot be used.
    pub async fn create_account(
        &self,
        by: By,
        name: String,
        password: &str,
        role: Role,
    ) -> Result<Account, AdminError> {
        check_name(&name)?;
        let lower = name.to_lowercase();
        if OTHERS.contains(&lower.as_str()) || lower.starts_with("token ") {
            return Err(AdminError::invalid("name", "the audit trail calls somebody else so"));
        }
        let hashed = password::hash(password).await?;
        let account = Account { name, role, password: hashed, created: self.state.now() };
        let made = account.clone();
        let entry = json!({ "create_account": { "name": account.name, "role": role } });
        self.change(by, entry, move |records| {
            if records.account(&account.name).is_some() {
                let reason = format!("there is an account '{}' already", account.name);
                return Err(StateError::Refused(reason));
            }
            records.accounts.push(account);
            Ok(Value::Null)
        })
        .await?;
        Ok(made)
    }

    /// Sets the password of an account, which ends its sessions.
    pub async fn set_password(
        &self,
        by: By,
        name: &str,
        password: &str,
    ) -> Result<Account, AdminError> {
        let hashed = password::hash(password).await?;
        let entry = json!({ "set_password": name });
        let changed = self.change_account(by, name, entry, move |account| {
            account.password = hashed;
            Value::Null
        });
        let changed = changed.await?;
        self.sessions.end_all_of(&changed.name);
        Ok(changed)
    }

    /// Sets the password of an account by one who knows the one before, which ends its sessions. None
    /// when that is another, or there is no such account; both take as long as a success.
    ///
    /// # Errors
    /// [`AdminError::TooMany`] after too many attempts, as those of [`Identity::log_in`].
    pub async fn change_own_password(
        &self,
        name: &str,
        old: &str,
        new: &str,
        peer: IpAddr,
    ) -> Result<Option<Account>, AdminError> {
        let Some(account) = self.proven(name, old, peer).await? else { return Ok(None) };
        let by = By::person(account.name.as_str());
        self.set_password(by, &account.name, new).await.map(Some)
    }

    /// Sets what an account may do.
    pub async fn set_role(&self, by: By, name: &str, role: Role) -> Result<Account, AdminError> {
        let entry = json!({ "set_role": { "account": name, "role": role } });
        let set = move |account: &mut Account| {
            let before = json!(account.role);
            account.role = role;
            before
        };
        self.change_account(by, name, entry, set).await
    }

    /// Removes an account, which ends its sessions.
    pub async fn delete_account(&self, by: By, name: &str) -> Result<(), AdminError> {
        let (entry, of) = (json!({ "delete_account": name }), name.to_owned());
        self.change(by, entry, move |records| {
            let before = records.account(&of).ok_or_else(|| no_account(&of))?;
            let before = json!({ "name": before.name, "role": before.role });
            records.accounts.retain(|account| !same(&account.name, &of));
            Ok(before)
        })
        .await?;
        self.sessions.end_all_of(name);
        Ok(())
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When there is one of this name.
    pub async fn create_token(
        &self,
        by: By,
        name: String,
        role: Role,
        expires: Option<i64>,
    ) -> Result<NewToken, AdminError> {
        check_name(&name)?;
        let secret = format!("{TOKEN}{}", random_text::<32>()?);
        let token = Token {
            name,
            role,
            digest: digest(&secret),
            created: self.state.now(),
            expires,
            by: by.who.clone(),
        };
        let made = token.clone();
        let entry = json!({
            "create_token": { "name": token.name, "role": role, "expires": expires },
        });
        self.change(by, entry, move |records| {
            if records.token(&token.name).is_some() {
                let reason = format!("there is a token '{}' already", token.name);
                return Err(StateError::Refused(reason));
            }
            records.tokens.push(token);
            Ok(Value::Null)
        })
        .await?;
        Ok(NewToken { token: made, secret })
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, by: By, name: &str) -> Result<(), AdminError> {
        let (entry, of) = (json!({ "revoke_token": name }), name.to_owned());
        self.change(by, entry, move |records| {
            let not_found = || StateError::NotFound { kind: "token", name: of.clone() };
            let before = records.token(&of).ok_or_else(not_found)?;
            let before = json!({ "name": before.name, "role": before.role });
            records.tokens.retain(|token| !same(&token.name, &of));
            Ok(before)
        })
        .await
    }

    /// Who has this token, if it is one that holds.
    pub async fn by_token(&self, secret: &str) -> Result<Option<Caller>, StateError> {
        let (known, now) = (self.known().await?, self.state.now());
        let digest = digest(secret);
        let found = known.tokens.iter().find(|token| token.digest == digest);
        let found = found.filter(|token| token.expires.is_none_or(|at| now < at));
        Ok(found.map(|token| Caller::remote(format!("token {}", token.name), token.role)))
    }

    /// Opens a session, if the password is that of the account. An account that does not exist takes
    /// as long as one that does.
    ///
    /// # Errors
    /// [`AdminError::TooMany`] after too many attempts.
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        peer: IpAddr,
    ) -> Result<Option<(Opened, Session)>, AdminError> {
        let Some(account) = self.proven(name, password, peer).await? else { return Ok(None) };
        let now = self.state.now();
        Ok(Some(self.sessions.open(&account.name, account.password.salt, now)?))
    }

    /// The account of this name, if the password is its own.
    async fn proven(
        &self,
        name: &str,
        password: &str,
        peer: IpAddr,
    ) -> Result<Option<Account>, AdminError> {
        self.attempts.begin(name, peer, self.state.now())?;
        let known = self.known().await?;
        let account = known.account(name);
        let fits = password::fits(password, account.map(|account| &account.password)).await?;
        let Some(account) = account.filter(|_| fits) else {
            tracing::warn!(peer = %peer, "a sign-in failed");
            return Ok(None);
        };
        self.attempts.succeeded(name, peer);
        Ok(Some(account.clone()))
    }

    /// Whose session this secret opens, and the session.
    pub async fn by_session(&self, secret: &str) -> Result<Option<(Caller, Session)>, StateError> {
        match self.sessions.find(secret, self.state.now()) {
            Some(session) => self.caller_of(session).await,
            None => Ok(None),
        }
    }

    /// The same, for somebody who does nothing with the session: it does not last longer by that.
    pub async fn holds(&self, secret: &str) -> Result<Option<Caller>, StateError> {
        match self.sessions.look(secret, self.state.now()) {
            Some(session) => Ok(self.caller_of(session).await?.map(|(caller, _)| caller)),
            None => Ok(None),
        }
    }

    async fn caller_of(&self, session: Session) -> Result<Option<(Caller, Session)>, StateError> {
        let known = self.known().await?;
        let account = known.account(&session.account);
        let account = account.filter(|it| it.password.salt == session.password);
        Ok(account.map(|it| (Caller::remote(it.name.clone(), it.role), session.clone())))
    }

    /// Ends the session that this secret opens.
    pub fn log_out(&self, secret: &str) {
        self.sessions.end(secret);
        self.changes.send_replace(());
    }

    async fn change_account(
        &self,
        by: By,
        name: &str,
        entry: Value,
        set: impl FnOnce(&mut Account) -> Value + Send + 'static,
    ) -> Result<Account, AdminError> {
        let name = name.to_owned();
        let of = name.clone();
        self.change(by, entry, move |records| {
            let mut accounts = records.accounts.iter_mut();
            let account = accounts.find(|account| same(&account.name, &of));
            Ok(set(account.ok_or_else(|| no_account(&of))?))
        })
        .await?;
        Ok(self.known().await?.account(&name).ok_or_else(|| no_account(&name))?.clone())
    }

    /// Changes the record, durably, and enters into the journal what was there before.
    async fn change(
        &self,
        by: By,
        mut entry: Value,
        change: impl FnOnce(&mut IdentityRecords) -> Result<Value, StateError>,
    ) -> Result<(), AdminError> {
        self.known().await?;
        let _changing = self.changing.lock().await;
        let mut records = self.known.load_full().map(|it| (*it).clone()).unwrap_or_default();
        let before = change(&mut records)?;
        if records.accounts.len() > KEPT || records.tokens.len() > KEPT {
            return Err(StateError::Refused(format!("{KEPT} is the limit")).into());
        }
        if !before.is_null() {
            entry["before"] = before;
        }
        self.state.decide_meta(by, entry, RECORD, records.clone()).await?;
        self.known.store(Some(Arc::new(records)));
        self.changes.send_replace(());
        Ok(())
    }
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
pub(super) fn equal(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

fn check_name(name: &str) -> Result<(), AdminError> {
    let harmless = |c: char| c.is_alphanumeric() || "-_.@ ".contains(c);
    let fits = (1..=NAME).contains(&name.chars().count()) && name.chars().all(harmless);
    if fits && name.trim() == name {
        return Ok(());
    }
    let problem = format!("has to be 1 to {NAME} letters, digits, spaces and any of -_.@");
    Err(AdminError::invalid("name", problem))
}

fn no_account(name: &str) -> StateError {
    StateError::NotFound { kind: "account", name: name.to_owned() }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn digest(secret: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}

/// `N` random bytes, as hexadecimal digits.
fn random_text<const N: usize>() -> Result<String, StateError> {
    Ok(random::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn random<const N: usize>() -> Result<[u8; N], StateError> {
    let mut bytes = [0; N];
    let none = |_| StateError::Refused("the system has no random numbers".into());
    aws_lc_rs::rand::fill(&mut bytes).map_err(none)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
