//! `weir audit`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::audit::{ListAudit, UndoDecision};

/// Look at what was decided, by whom and why, and undo it.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// The latest decisions, oldest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        last: usize,
        /// Only those that name this: an update's id, a rule, a computer.
        #[arg(long, value_name = "TEXT")]
        mentions: Option<String>,
    },
    /// Undo an approval, a decline or the move of a computer, if nothing else was decided since.
    Undo {
        /// Its number.
        number: u64,
    },
}

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List { last, mentions } => {
                context.show(ListAudit { last: Some(last), mentions }, list).await
            }
            Self::Undo { number } => context.show(UndoDecision { number }, fields).await,
        }
    }
}

fn list(entries: &Value) -> String {
    let rows = entries.as_array().into_iter().flatten();
    let rows = rows.map(|entry| {
        let by = match &entry["started_by"] {
            Value::Null => cell(&entry["by"]),
            whom => format!("{}, started by {}", cell(&entry["by"]), cell(whom)),
        };
        let [number, at, why, what] = ["number", "at", "why", "what"].map(|it| cell(&entry[it]));
        vec![number, at, by, why, what]
    });
    table(&["NUMBER", "AT", "BY", "WHY", "WHAT"], rows.collect())
}
