//! What is stored of accounts and tokens: one record in `meta`.

use serde::{Deserialize, Serialize};

use super::same;
use crate::admin::Role;
use crate::state::records::first_version;

/// Its name in `meta`.
pub(super) const RECORD: &str = "identity";

/// All accounts and tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRecords {
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Tokens.
    pub tokens: Vec<Token>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Unique without regard to case.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What proves its password.
    pub password: PasswordRecord,
    /// Unix seconds.
    pub created: i64,
}

/// An argon2id hash, with what it was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRecord {
    /// Random.
    pub salt: [u8; 16],
    /// The hash.
    pub hash: [u8; 32],
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Unique without regard to case.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds from which on it does not count; none for never.
    pub expires: Option<i64>,
    /// Who made it.
    pub by: String,
}

impl IdentityRecords {
    /// The account of this name.
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| same(&account.name, name))
    }

    /// The token of this name.
    pub fn token(&self, name: &str) -> Option<&Token> {
        self.tokens.iter().find(|token| same(&token.name, name))
    }
}

first_version! {
    IdentityRecords, "accounts and tokens";
}
