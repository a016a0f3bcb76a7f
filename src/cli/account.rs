//! `weir account`.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::Role;
use crate::admin::accounts::{
    ChangeOwnPassword, CreateAccount, DeleteAccount, ListAccounts, SetPassword, SetRole,
};

/// Manage the accounts of people who administer this server over the network.
#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// All accounts.
    List,
    /// Create an account; its password is read from standard input, or from a file.
    Create {
        /// Its name.
        name: String,
        /// What it may do.
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Set the password of an account, which ends its sessions.
    Password {
        /// Its name.
        name: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Set your own password, which ends your sessions. The one before and the new one are read from
    /// standard input, a line each, or from files.
    OwnPassword {
        /// The account's name.
        name: String,
        /// Read the password until now from the first line of this file.
        #[arg(long, value_name = "FILE")]
        old_password_file: Option<PathBuf>,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Set what an account may do.
    Role {
        /// Its name.
        name: String,
        /// What it may do.
        role: Role,
    },
    /// Delete an account, which ends its sessions.
    Delete {
        /// Its name.
        name: String,
    },
}

/// Where a password comes from: never from the command line, which others can see.
#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// Read the password from the first line of this file, and not from standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordSource {
    fn read(&self) -> Result<String, CliError> {
        self.read_as("The password")
    }

    /// The password, which a person at a terminal is asked for by this name.
    fn read_as(&self, what: &str) -> Result<String, CliError> {
        let line = match &self.password_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))?,
            None => {
                let input = std::io::stdin();
                if input.is_terminal() {
                    eprintln!("{what}, which is shown as you type it:");
                }
                let mut line = String::new();
                input.lock().read_line(&mut line).map_err(|error| super::failed(&error))?;
                line
            }
        };
        Ok(line.lines().next().unwrap_or_default().to_owned())
    }
}

impl Account {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListAccounts {}, list).await,
            Self::Create { name, role, password } => {
                let password = password.read()?;
                context.show(CreateAccount { name, password, role }, fields).await
            }
            Self::Password { name, password } => {
                let password = password.read()?;
                context.show(SetPassword { name, password }, fields).await
            }
            Self::OwnPassword { name, old_password_file, password } => {
                let old = PasswordSource { password_file: old_password_file };
                let old_password = old.read_as("The password until now")?;
                let password = password.read_as("The new password")?;
                context.show(ChangeOwnPassword { name, old_password, password }, fields).await
            }
            Self::Role { name, role } => context.show(SetRole { name, role }, fields).await,
            Self::Delete { name } => context.show(DeleteAccount { name }, fields).await,
        }
    }
}

fn list(accounts: &Value) -> String {
    let columns = ["name", "role", "created"];
    let rows = accounts.as_array().into_iter().flatten();
    let rows = rows.map(|account| columns.iter().map(|column| cell(&account[*column])).collect());
    table(&["ACCOUNT", "ROLE", "CREATED"], rows.collect())
}

impl ValueEnum for Role {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Reporter, Self::Administrator]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Reporter => "reporter",
            Self::Administrator => "administrator",
        }))
    }
}
