//! What administrators do, and what happens to computers meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::catalogue::{Id, Revision};
use super::decisions::Terms;
use super::model::Model;
use super::rules::Rule;

/// One thing that is done.
#[derive(Debug, Clone)]
pub(super) enum Change {
    CreateGroup {
        name: String,
        parent: String,
    },
    MoveGroup {
        name: String,
        parent: String,
    },
    RenameGroup {
        name: String,
        new_name: String,
    },
    SetClock {
        name: String,
        minutes: Option<i64>,
    },
    DeleteGroup {
        name: String,
        children: &'static str,
        members: &'static str,
    },
    MoveComputer {
        computer: usize,
        groups: Vec<String>,
    },
    /// A computer's own policy names other groups.
    AskFor {
        computer: usize,
        groups: Vec<String>,
    },
    Approve {
        update: Id,
        group: String,
        terms: Terms,
    },
    Decline {
        update: Id,
    },
    AcceptLicence {
        update: Id,
    },
    AddFile {
        sha1: String,
        path: PathBuf,
    },
    Import {
        text: String,
    },
    Tag {
        update: Id,
        tags: BTreeSet<String>,
    },
    CreateUpdateGroup {
        name: String,
    },
    DeleteUpdateGroup {
        name: String,
    },
    EditUpdateGroup {
        name: String,
        add: BTreeSet<Id>,
        remove: BTreeSet<Id>,
    },
    Deploy {
        name: String,
        group: String,
        terms: Terms,
        enabled: bool,
    },
    Withdraw {
        name: String,
        group: String,
    },
    PutRule {
        name: String,
        rule: Rule,
    },
    RemoveRule {
        name: String,
    },
    RunRule {
        name: String,
    },
    /// Of the last change.
    Undo,
    /// Something is installed on a computer, or not any more.
    InstallByHand {
        computer: usize,
        update: Id,
    },
    /// The server ends, and starts again.
    Restart,
}

impl Change {
    /// The change in words.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Import { text } => {
                let Revision { update, number, expired, .. } = Revision::read(text.clone());
                format!("Import {update} {number}, expired {expired}")
            }
            other => format!("{other:?}"),
        }
    }

    /// Whether the audit trail can undo it.
    pub(super) fn can_be_undone(&self, model: &Model) -> bool {
        match self {
            Self::Approve { .. } | Self::Decline { .. } => true,
            // One that asks is back at its next scan.
            Self::MoveComputer { computer, .. } => model.computers[*computer].asks.is_empty(),
            _ => false,
        }
    }

    /// Whether a computer may need several scans until it has heard of all that follows from it.
    pub(super) fn takes_scans(&self) -> bool {
        matches!(self, Self::InstallByHand { .. } | Self::Import { .. })
    }
}
