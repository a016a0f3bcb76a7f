//! `weir update`.

use clap::{Subcommand, ValueEnum};
use serde_json::Value;
use uuid::Uuid;

use super::output::{cell, fields, table, write_out};
use super::terms::TermsArgs;
use super::{CliError, Context};
use crate::admin::updates::{
    AcceptLicences, ApproveUpdate, DeclineUpdate, DeleteUpdate, FragmentKind, ListUpdates,
    RestoreUpdate, ShowFragment, ShowUpdate, TagUpdate,
};

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
        #[command(flatten)]
        terms: TermsArgs,
        /// Accept its licences with it, for everybody.
        #[arg(long)]
        accept_licence: bool,
    },
    /// Accept the licences of an update and of what it bundles, for everybody.
    AcceptLicence {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
    },
    /// Set the tags of an update, which rules can go by.
    Tag {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
        /// All of its tags; without any it has none.
        tags: Vec<String>,
    },
    /// Decline an update: nobody gets it any more.
    Decline {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
    },
    /// Delete a declined update, with the parts that only it has.
    Delete {
        /// The update's id.
        #[arg(value_name = "UPDATEID")]
        update: Uuid,
    },
    /// Have a deleted update brought back by the next synchronization, declined as it was.
    Restore {
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

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListUpdates {}, list).await,
            Self::Show { update, revision, fragment: None, .. } => {
                context.show(ShowUpdate { update, revision }, fields).await
            }
            Self::Show { update, revision, fragment: Some(fragment), locale } => {
                let fragment = match fragment {
                    Fragment::Core => FragmentKind::Core,
                    Fragment::Extended => FragmentKind::Extended,
                    Fragment::Localized => FragmentKind::Localized,
                    Fragment::Eula => FragmentKind::Eula,
                };
                let locale = Some(locale);
                let text = context.run(ShowFragment { update, revision, fragment, locale }).await?;
                // Exactly the fragment, also with --json: it is compared byte by byte.
                write_out(&text)
            }
            Self::AcceptLicence { update } => context.show(AcceptLicences { update }, fields).await,
            Self::Tag { update, tags } => {
                context.show(TagUpdate { update, tags: tags.into_iter().collect() }, fields).await
            }
            Self::Approve { update, group, terms, accept_licence } => {
                let terms = terms.terms()?;
                context.show(ApproveUpdate { update, group, terms, accept_licence }, fields).await
            }
            Self::Delete { update } => context.show(DeleteUpdate { update }, fields).await,
            Self::Restore { update } => context.show(RestoreUpdate { update }, fields).await,
            Self::Decline { update } => context.show(DeclineUpdate { update }, fields).await,
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
            cell(&update["states"]["not_installed"]),
            cell(&update["states"]["failed"]),
            cell(&update["content"]),
        ]
    });
    let headings = ["UPDATE", "TITLE", "CLASSIFICATION", "DECISION", "NEEDED", "FAILED", "CONTENT"];
    table(&headings, rows.collect())
}
