//! `weir downstream`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::downstream::{
    ApproveDownstream, ForgetDownstream, ListDownstream, ShowDownstream,
};

/// Look at servers that synchronize from this one.
#[derive(Debug, Subcommand)]
pub(super) enum Downstream {
    /// All of them.
    List,
    /// One of them.
    Show {
        /// Id or name.
        server: String,
    },
    /// Let a server synchronize where that needs approval (`downstream.require_approval`).
    Approve {
        /// Id or name.
        server: String,
    },
    /// Forget a server. Should it come back, it is told everything again.
    Forget {
        /// Id or name.
        server: String,
    },
}

impl Downstream {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListDownstream {}, list).await,
            Self::Show { server } => context.show(ShowDownstream { server }, fields).await,
            Self::Approve { server } => context.show(ApproveDownstream { server }, fields).await,
            Self::Forget { server } => context.show(ForgetDownstream { server }, fields).await,
        }
    }
}

fn list(servers: &Value) -> String {
    let rows = servers.as_array().into_iter().flatten().map(|server| {
        vec![
            cell(&server["name"]),
            cell(&server["state"]),
            cell(&server["approved"]),
            cell(&server["version"]),
            cell(&server["last_contact"]),
            cell(&server["last_list"]),
            cell(&server["revisions_behind"]),
            cell(&server["decisions_behind"]),
            cell(&server["computers"]),
            cell(&server["id"]),
        ]
    });
    let headings = [
        "SERVER",
        "STATE",
        "APPROVED",
        "VERSION",
        "LAST CONTACT",
        "LAST SYNC",
        "BEHIND",
        "DECISIONS BEHIND",
        "COMPUTERS",
        "ID",
    ];
    table(&headings, rows.collect())
}
