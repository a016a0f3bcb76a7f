//! `weir token`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::Role;
use crate::admin::tokens::{CreateToken, ListTokens, RevokeToken};

/// Manage the tokens of programs that use the API.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// All tokens, without what only their owners know.
    List,
    /// Create a token. It is shown once.
    Create {
        /// Its name.
        name: String,
        /// What it may do.
        #[arg(long)]
        role: Role,
        /// Days until it does not count any more; for ever without.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// Revoke a token.
    Revoke {
        /// Its name.
        name: String,
    },
}

impl Token {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListTokens {}, list).await,
            Self::Create { name, role, days } => {
                context.show(CreateToken { name, role, days }, fields).await
            }
            Self::Revoke { name } => context.show(RevokeToken { name }, fields).await,
        }
    }
}

fn list(tokens: &Value) -> String {
    let columns = ["name", "role", "by", "created", "expires"];
    let rows = tokens.as_array().into_iter().flatten();
    let rows = rows.map(|token| columns.iter().map(|column| cell(&token[*column])).collect());
    table(&["TOKEN", "ROLE", "BY", "CREATED", "EXPIRES"], rows.collect())
}
