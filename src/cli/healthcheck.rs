//! `weir healthcheck`: for people, monitoring and service managers.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::output::{cell, table};
use super::{CliError, Context};
use crate::admin::Access;
use crate::admin::health::{CheckName, CheckStatus};

/// Ask a running server whether it is well: exit code 0 if so, 1 if not, or if none runs.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Make this check alone; can be given several times. Without it all that are configured are made.
    #[arg(long = "only", value_name = "CHECK")]
    only: Vec<CheckName>,
    /// Call warnings not well, too.
    #[arg(long)]
    strict: bool,
}

impl Healthcheck {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        // Never by opening the directory: a server that is just starting would find it locked.
        let access = match &context.remote {
            Some(remote) => Access::Served(remote.clone()),
            None => Access::of_server(&context.config.data)?,
        };
        let health = access.health(self.only).await?;
        context.output.print(&health, checks)?;
        let bearable = if self.strict { CheckStatus::Ok } else { CheckStatus::Warn };
        if health.status <= bearable { Ok(()) } else { Err(CliError::Negative) }
    }
}

fn checks(health: &Value) -> String {
    let rows = health["checks"].as_array().into_iter().flatten();
    let rows = rows.map(|check| ["name", "status", "text"].map(|it| cell(&check[it])).to_vec());
    table(&["CHECK", "STATUS", "WHAT WAS FOUND"], rows.collect())
}

impl ValueEnum for CheckName {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}
