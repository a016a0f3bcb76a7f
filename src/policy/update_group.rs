//! Update groups: named sets of updates that are deployed as one.
//!
//! A deployment of an update group is nothing but an approval of each of its updates, now and when
//! one is added later: so clients and other servers know only approvals, and nothing is decided in
//! two places.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::terms::Terms;

/// A named set of updates with its deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateGroup {
    /// Identity.
    pub id: Uuid,
    /// Unique without regard to case.
    pub name: String,
    /// The updates.
    pub updates: BTreeSet<Uuid>,
    /// Where they are deployed, at most once to a target group.
    pub deployments: Vec<GroupDeployment>,
    /// Unix seconds of its creation.
    pub created: i64,
}

impl UpdateGroup {
    /// The deployment that approves an update for a target group.
    pub fn deployment_of(&self, update: Uuid, target: Uuid) -> Option<&GroupDeployment> {
        let is_it = |it: &&GroupDeployment| it.enabled && it.group == target;
        self.deployments.iter().find(is_it).filter(|_| self.updates.contains(&update))
    }
}

/// One deployment of an update group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDeployment {
    /// The target group.
    pub group: Uuid,
    /// On what terms.
    pub terms: Terms,
    /// A disabled one is prepared and approves nothing yet.
    pub enabled: bool,
    /// The rule that made it, as long as nobody changed it: its times are those of the rule's last
    /// run.
    pub rule: Option<Uuid>,
}
