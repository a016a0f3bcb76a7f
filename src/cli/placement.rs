//! `weir placement`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::placements::{AddPlacement, ListPlacements, RemovePlacement};
use crate::policy::placement::Network;

/// Rules that put computers into groups when they register for the first time.
#[derive(Debug, Subcommand)]
pub(super) enum Placement {
    /// All rules.
    List,
    /// Add a rule. A computer that fits all its conditions, and whose own policy names no group, is
    /// put into the group.
    Add {
        /// The group.
        #[arg(long, value_name = "NAME")]
        group: String,
        /// Host names that fit, with * and ?, for example kiosk-*.
        #[arg(long, value_name = "PATTERN")]
        name: Option<String>,
        /// Operating systems that fit, with * and ?, for example "Windows Server*".
        #[arg(long, value_name = "PATTERN")]
        system: Option<String>,
        /// Addresses that fit, for example 10.1.0.0/16.
        #[arg(long, value_name = "NETWORK")]
        network: Option<Network>,
    },
    /// Remove a rule. Computers stay where it put them.
    Remove {
        /// Its number.
        number: u32,
    },
}

impl Placement {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListPlacements {}, list).await,
            Self::Add { group, name, system, network } => {
                context.show(AddPlacement { group, name, system, network }, fields).await
            }
            Self::Remove { number } => context.show(RemovePlacement { number }, fields).await,
        }
    }
}

fn list(rules: &Value) -> String {
    let columns = ["number", "group", "name", "system", "network"];
    let rows = rules.as_array().into_iter().flatten();
    let rows = rows.map(|rule| columns.iter().map(|column| cell(&rule[*column])).collect());
    table(&["RULE", "GROUP", "NAME", "SYSTEM", "NETWORK"], rows.collect())
}
