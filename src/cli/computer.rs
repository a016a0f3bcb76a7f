//! `weir computer`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::computers::{DeleteComputer, ListComputers, MoveComputer, ShowComputer};

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
            Self::List => context.show(ListComputers {}, list).await,
            Self::Show { computer } => context.show(ShowComputer { computer }, fields).await,
            Self::Move { computer, groups } => {
                context.show(MoveComputer { computer, groups }, fields).await
            }
            Self::Delete { computer } => context.show(DeleteComputer { computer }, fields).await,
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
