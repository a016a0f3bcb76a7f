//! `weir update`.

use clap::{Subcommand, ValueEnum};
use serde_json::Value;
use uuid::Uuid;

use super::output::{cell, fields, table, write_out};
use super::{CliError, Context};
use crate::admin::{Command, FragmentKind};
use crate::policy::approval::ApprovalAction;
use crate::wire::time::DateTime;

/// Look at updates and decide on them.
#[derive(Debug, Subcommand)]
pub(super) enum Update {
    /// All updates that can be decided on.
    List,
    /// One update, or exactly one of its fragments.
    Show {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
        /// The revision; the latest if none is named.
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
        /// Write this fragment's bytes and nothing else.
        #[arg(long)]
        fragment: Option<Fragment>,
        /// The language of a localized fragment or licence.
        #[arg(long, default_value = "en")]
        locale: String,
    },
    /// Approve an update for a group.
    Approve {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
        /// The group.
        #[arg(long, value_name = "NAME")]
        group: String,
        /// What its computers are to do.
        #[arg(long, default_value = "install")]
        action: Action,
        /// By when, for example 2027-01-31T03:00:00Z.
        #[arg(long, value_name = "RFC3339")]
        deadline: Option<DateTime>,
    },
    /// Decline an update: nobody gets it any more.
    Decline {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
    },
}

/// A kind of fragment.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Fragment {
    Core,
    Extended,
    Localized,
    Eula,
}

/// A decision.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Action {
    /// Install it.
    Install,
    /// Remove it.
    Uninstall,
    /// Offer it, do not install it.
    Optional,
    /// Not here, whatever All Computers says.
    Block,
    /// Take the decision back.
    None,
}

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.output.print(&context.run(Command::ListUpdates).await?, list),
            Self::Show { update, revision, fragment: None, .. } => {
                let shown = context.run(Command::ShowUpdate { update, revision }).await?;
                context.output.print(&shown, fields)
            }
            Self::Show { update, revision, fragment: Some(fragment), locale } => {
                let fragment = match fragment {
                    Fragment::Core => FragmentKind::Core,
                    Fragment::Extended => FragmentKind::Extended,
                    Fragment::Localized => FragmentKind::Localized,
                    Fragment::Eula => FragmentKind::Eula,
                };
                let command = Command::ShowFragment { update, revision, fragment, locale };
                let text = context.run(command).await?;
                // Exactly the fragment, also with --json: it is compared byte by byte.
                write_out(text.as_str().unwrap_or_default())
            }
            Self::Approve { update, group, action, deadline } => {
                let action = match action {
                    Action::Install => ApprovalAction::Install,
                    Action::Uninstall => ApprovalAction::Uninstall,
                    Action::Optional => ApprovalAction::Optional,
                    Action::Block => ApprovalAction::Block,
                    Action::None => ApprovalAction::None,
                };
                let deadline = deadline.map(DateTime::unix_seconds);
                let command = Command::Approve { update, group, action, deadline };
                context.output.print(&context.run(command).await?, fields)
            }
            Self::Decline { update } => {
                context.output.print(&context.run(Command::Decline { update }).await?, fields)
            }
        }
    }
}

fn list(updates: &Value) -> String {
    let rows = updates.as_array().into_iter().flatten().map(|update| {
        let decision = match update["declined"].as_bool() {
            Some(true) => "declined".to_owned(),
            _ => cell(&update["approvals"]),
        };
        vec![
            cell(&update["update_id"]),
            cell(&update["title"]),
            cell(&update["classifications"]),
            decision,
            cell(&update["content"]),
        ]
    });
    table(&["UPDATE", "TITLE", "CLASSIFICATION", "DECISION", "CONTENT"], rows.collect())
}
