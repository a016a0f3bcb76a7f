//! `weir updategroup`.

use clap::Subcommand;
use serde_json::Value;
use uuid::Uuid;

use super::output::{cell, fields, table};
use super::terms::TermsArgs;
use super::{CliError, Context};
use crate::admin::update_groups::{
    ChangeUpdateGroup, CreateUpdateGroup, DeleteUpdateGroup, DeployUpdateGroup, ListUpdateGroups,
    WithdrawUpdateGroup,
};

/// Manage sets of updates that are deployed as one.
#[derive(Debug, Subcommand)]
pub(super) enum UpdateGroup {
    /// All update groups.
    List,
    /// Create an update group.
    Create {
        /// Its name.
        name: String,
    },
    /// Add updates, which deploys them wherever the group is deployed.
    Add {
        /// The update group.
        name: String,
        /// The updates' ids.
        #[arg(required = true, value_name = "UPDATEID")]
        updates: Vec<Uuid>,
    },
    /// Take updates out, which takes back what the group approved.
    Remove {
        /// The update group.
        name: String,
        /// The updates' ids.
        #[arg(required = true, value_name = "UPDATEID")]
        updates: Vec<Uuid>,
    },
    /// Deploy it to a target group, instead of how it was deployed there before.
    Deploy {
        /// The update group.
        name: String,
        /// The target group.
        #[arg(long, value_name = "NAME")]
        group: String,
        #[command(flatten)]
        terms: TermsArgs,
        /// Prepare the deployment, and approve nothing yet.
        #[arg(long)]
        disabled: bool,
    },
    /// End its deployment to a target group.
    Withdraw {
        /// The update group.
        name: String,
        /// The target group.
        #[arg(long, value_name = "NAME")]
        group: String,
    },
    /// Delete it with its deployments.
    Delete {
        /// The update group.
        name: String,
    },
}

impl UpdateGroup {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let none = Default::default;
        match self {
            Self::List => context.show(ListUpdateGroups {}, list).await,
            Self::Create { name } => context.show(CreateUpdateGroup { name }, fields).await,
            Self::Add { name, updates } => {
                let add = updates.into_iter().collect();
                context.show(ChangeUpdateGroup { name, add, remove: none() }, fields).await
            }
            Self::Remove { name, updates } => {
                let remove = updates.into_iter().collect();
                context.show(ChangeUpdateGroup { name, add: none(), remove }, fields).await
            }
            Self::Deploy { name, group, terms, disabled } => {
                let (terms, enabled) = (terms.terms()?, !disabled);
                context.show(DeployUpdateGroup { name, group, terms, enabled }, fields).await
            }
            Self::Withdraw { name, group } => {
                context.show(WithdrawUpdateGroup { name, group }, fields).await
            }
            Self::Delete { name } => context.show(DeleteUpdateGroup { name }, fields).await,
        }
    }
}

fn list(groups: &Value) -> String {
    let rows = groups.as_array().into_iter().flatten().map(|group| {
        let updates = group["updates"].as_array().map_or(0, Vec::len);
        vec![cell(&group["name"]), updates.to_string(), cell(&group["deployments"])]
    });
    table(&["UPDATE GROUP", "UPDATES", "DEPLOYMENTS"], rows.collect())
}
