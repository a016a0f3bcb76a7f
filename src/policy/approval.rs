//! Approvals and how those of several groups combine into one ([MS-WUSP] 3.1.1 Deployment Table).

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Policy;
use super::cause::Cause;
use super::group_tree::Lineage;
pub use super::terms::ApprovalAction;
use super::terms::Terms;

/// One decision. Keyed by update, not by revision: a later revision of an approved update is
/// approved too, as WSUS does unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// `Deployment/ID` on the wire; stable for ever, never reused.
    pub deployment_id: u32,
    /// `DeploymentGuid` towards other servers; never reused either.
    pub guid: Uuid,
    /// The update.
    pub update: Uuid,
    /// Its latest revision when it was decided.
    pub revision_number: u32,
    /// The group.
    pub group: Uuid,
    /// What was decided.
    pub terms: Terms,
    /// Whether it counts yet. The writer sets it when [`Terms::go_live`] has passed, as a change of
    /// its own that clients are told of: so nothing else has to look at a clock.
    pub live: bool,
    /// Who decided: `AdminName` towards other servers.
    pub by: String,
    /// Whose it is.
    pub source: Source,
    /// Unix seconds of the decision; its date is `LastChangeTime` on the wire.
    pub decided: i64,
    /// Commit sequence number of the decision, or of its going live.
    pub changed: u64,
}

/// Whose an approval is, which says who takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Of somebody, or of a rule, who decided on the update itself.
    Decision,
    /// Of this update group's deployment to the same target group.
    UpdateGroup(Uuid),
    /// Not known: an earlier version made it.
    Unknown,
}

/// A declined update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// Unix seconds of the decision.
    pub decided: i64,
    /// Commit sequence number of the decision.
    pub changed: u64,
    /// Why, if nobody decided it but this server by itself.
    pub cause: Option<Cause>,
}

/// A deployment that was: downstream servers have to be told that it is no more ([MS-WUSP]
/// 3.1.4.10, `DeadDeployments`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadDeployment {
    /// Its number.
    pub deployment_id: u32,
    /// Its name towards other servers.
    pub guid: Uuid,
    /// Unix seconds of its end.
    pub ended: i64,
    /// Commit sequence number of its end.
    pub changed: u64,
}

/// What holds for the members of a set of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The decision in force, or none: not approved.
    pub approval: Option<Approval>,
    /// The latest commit at which any decision that was looked at changed. An approval taken back
    /// counts: the client has to be told.
    pub changed: u64,
}

impl Policy {
    /// Combines the approvals of `update` for computers of a lineage, as WSUS does: the decision of
    /// the deepest group wins; of those at one depth an install over an uninstall, a required
    /// install over an optional one, one with a deadline over one without, the earlier deadline.
    ///
    /// A decision that was taken back or is not live yet is as if it had never been. Where the
    /// decisions differ in nothing of that, the more urgent download wins, and then the decision
    /// that was made first.
    pub fn resolve(&self, update: Uuid, lineage: &Lineage) -> Option<Resolved> {
        let approvals = self.approvals.get(&update)?;
        let mut changed = None;
        let mut best: Option<(_, &Approval)> = None;
        for approval in approvals {
            let Some(depth) = lineage.depth(approval.group) else { continue };
            changed = changed.max(Some(approval.changed));
            let terms = &approval.terms;
            if !approval.live || terms.action == ApprovalAction::None {
                continue;
            }
            let deadline = terms.deadline.map(|deadline| deadline.instant(lineage.utc_offset()));
            let precedence = (
                Reverse(depth),
                terms.action.rank(),
                deadline.unwrap_or(i64::MAX),
                Reverse(terms.download_priority),
                approval.deployment_id,
            );
            if best.is_none_or(|(best, _)| precedence < best) {
                best = Some((precedence, approval));
            }
        }
        let best = best.map(|(_, approval)| approval);
        let acts = |approval: &&Approval| approval.terms.action.acts();
        changed.map(|changed| Resolved { approval: best.filter(acts).cloned(), changed })
    }
}

#[cfg(test)]
mod tests;
