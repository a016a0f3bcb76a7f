//! Administration: everything a person may see or decide, as commands.
//!
//! There is one way in. A [`Command`] is executed by the process that holds the data directory:
//! the server, asked over a socket in that directory, or, when none runs, the command line itself.
//! [`Access`] hides which of the two it is.

mod access;
mod audit;
mod cleanup;
mod command;
mod compliance;
mod computers;
mod content;
mod downstream;
mod execute;
mod frames;
mod groups;
pub mod import;
mod packages;
mod placements;
mod reports;
mod rules;
mod socket;
mod sync;
mod update_groups;
mod updates;

pub use access::Access;
pub use command::{Command, FragmentKind, RuleDraft};
pub use compliance::UpdateOnComputer;
pub use execute::execute;
pub use import::{ImportReport, Source, import as import_into};
pub use reports::{
    ApprovalFilter, ComputerCondition, ComputerOrder, ComputerRow, ComputersReport, Detail,
    GroupApproval, GroupCounts, NamedCounts, ReportComputers, ReportSyncs, ReportUpdates,
    StateFilter, SyncRow, SyncsReport, UpdateFilter, UpdateOrder, UpdateRow, UpdatesReport,
};
pub use socket::{SOCKET, Socket};

use std::sync::Arc;

use crate::state::{State, StateError};
use crate::upstream::{SyncError, Upstream};

/// What commands are carried out on.
pub struct Subject {
    /// The server's state.
    pub state: Arc<State>,
    /// Its relation to its upstream server.
    pub upstream: Arc<Upstream>,
}

/// Why an administrator's command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The state refused or failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// Synchronising is refused or failed.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The server was asked and said no.
    #[error("{0}")]
    Refused(String),
    /// The command needs a server, and there is none.
    #[error("no server runs on this data directory")]
    NotServed,
    /// The server could not be asked.
    #[error("the server on this data directory does not answer: {0}")]
    Unreachable(String),
    /// The command is not one this server knows: client and server are of different versions.
    #[error("the server does not understand the command: {0}")]
    Misunderstood(String),
    /// A local file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// An error with its causes, those left out that a message before them contains already.
pub fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("the address: {0}")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn each_cause_is_told_once() {
        let cause = std::io::Error::other("in use");
        assert_eq!(explain(&Outer(Middle(cause))), "cannot listen: the address: in use");
    }
}
