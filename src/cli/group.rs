//! `weir group`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::Command;

/// Manage target groups.
#[derive(Debug, Subcommand)]
pub(super) enum Group {
    /// All groups.
    List,
    /// Create a group.
    Create {
        /// Its name.
        name: String,
    },
    /// Delete a group; its computers become unassigned.
    Delete {
        /// Its name.
        name: String,
    },
}

impl Group {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.output.print(&context.run(Command::ListGroups).await?, list),
            Self::Create { name } => {
                context.output.print(&context.run(Command::CreateGroup { name }).await?, fields)
            }
            Self::Delete { name } => {
                context.output.print(&context.run(Command::DeleteGroup { name }).await?, fields)
            }
        }
    }
}

fn list(groups: &Value) -> String {
    let rows = groups.as_array().into_iter().flatten();
    let rows = rows.map(|group| vec![cell(&group["name"]), cell(&group["computers"])]);
    table(&["GROUP", "COMPUTERS"], rows.collect())
}
