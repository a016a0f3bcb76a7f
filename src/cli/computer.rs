//! `weir computer`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::Command;

/// Look at computers and place them.
#[derive(Debug, Subcommand)]
pub(super) enum Computer {
    /// All computers.
    List,
    /// One computer, the state of every update on it, and its events.
    Show {
        /// Client id or host name.
        computer: String,
    },
    /// Put a computer into groups, and into no others.
    Move {
        /// Client id or host name.
        computer: String,
        /// A group; may be given several times. None makes the computer unassigned.
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
    },
    /// Forget a computer.
    Delete {
        /// Client id or host name.
        computer: String,
    },
}

impl Computer {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.output.print(&context.run(Command::ListComputers).await?, list),
            Self::Show { computer } => {
                let shown = context.run(Command::ShowComputer { computer }).await?;
                context.output.print(&shown, fields)
            }
            Self::Move { computer, groups } => {
                let moved = context.run(Command::MoveComputer { computer, groups }).await?;
                context.output.print(&moved, fields)
            }
            Self::Delete { computer } => {
                let deleted = context.run(Command::DeleteComputer { computer }).await?;
                context.output.print(&deleted, fields)
            }
        }
    }
}

fn list(computers: &Value) -> String {
    let rows = computers.as_array().into_iter().flatten().map(|computer| {
        vec![
            cell(&computer["name"]),
            cell(&computer["os"]),
            cell(&computer["groups"]),
            cell(&computer["server"]),
            cell(&computer["last_status_report"]),
            cell(&computer["states"]),
            cell(&computer["client_id"]),
        ]
    });
    let headings =
        ["COMPUTER", "SYSTEM", "GROUPS", "SERVER", "LAST REPORT", "UPDATES", "CLIENT ID"];
    table(&headings, rows.collect())
}
