//! Approvals and how those of several groups combine into one ([MS-WUSP] 3.1.1 Deployment Table).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Policy;
use super::target_group::ALL_COMPUTERS;

/// What an administrator decided for an update and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalAction {
    /// Install it.
    Install,
    /// Remove it.
    Uninstall,
    /// Offer it to users, do not install it by itself.
    Optional,
    /// Not approved here, whatever All Computers says.
    Block,
    /// The approval was taken back: what All Computers says holds again. Kept as a record so that
    /// clients which cached the approval learn of its end through ChangedUpdates.
    None,
}

/// One decision. Keyed by update, not by revision: a later revision of an approved update is
/// approved too, as WSUS does unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// `Deployment/ID` on the wire; stable for ever, never reused.
    pub deployment_id: u32,
    /// The update.
    pub update: Uuid,
    /// The group.
    pub group: Uuid,
    /// What to do.
    pub action: ApprovalAction,
    /// Unix seconds by which to have done it.
    pub deadline: Option<i64>,
    /// Unix seconds of the decision; its date is `LastChangeTime` on the wire.
    pub decided: i64,
    /// Commit sequence number of the decision.
    pub changed: u64,
}

/// A declined update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// Unix seconds of the decision.
    pub decided: i64,
    /// Commit sequence number of the decision.
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
    /// Combines the approvals of `update` for a computer in `groups` (see
    /// [`target_group::effective`](super::target_group::effective)).
    ///
    /// In each group its own decision wins over that of All Computers. Between groups, as in WSUS,
    /// the strongest decision wins: Install, then Optional, then Uninstall, then Block; of two
    /// Installs the earlier deadline.
    pub fn resolve(&self, update: Uuid, groups: &[Uuid]) -> Option<Resolved> {
        let approvals = self.approvals.get(&update)?;
        let of = |group: Uuid| approvals.iter().find(|approval| approval.group == group);
        let inherited = of(ALL_COMPUTERS);
        let mut changed = inherited.map_or(0, |approval| approval.changed);
        let mut best: Option<&Approval> = None;
        for group in groups {
            let own = of(*group);
            changed = changed.max(own.map_or(0, |approval| approval.changed));
            let own = own.filter(|approval| approval.action != ApprovalAction::None);
            if let Some(candidate) = own.or(inherited)
                && best.is_none_or(|best| rank(candidate) < rank(best))
            {
                best = Some(candidate);
            }
        }
        if changed == 0 {
            return None;
        }
        let approved = |approval: &&Approval| {
            !matches!(approval.action, ApprovalAction::None | ApprovalAction::Block)
        };
        Some(Resolved { approval: best.filter(approved).cloned(), changed })
    }
}

/// Strongest first.
fn rank(approval: &Approval) -> (u8, i64) {
    let strength = match approval.action {
        ApprovalAction::Install => 0,
        ApprovalAction::Optional => 1,
        ApprovalAction::Uninstall => 2,
        ApprovalAction::Block => 3,
        ApprovalAction::None => 4,
    };
    (strength, approval.deadline.unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATE: Uuid = Uuid::from_u128(7);
    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);

    fn policy(decisions: &[(Uuid, ApprovalAction, Option<i64>)]) -> Policy {
        let mut policy = Policy::undecided();
        for (number, (group, action, deadline)) in (1..).zip(decisions) {
            policy.approvals.entry(UPDATE).or_default().push(Approval {
                deployment_id: number,
                update: UPDATE,
                group: *group,
                action: *action,
                deadline: *deadline,
                decided: 0,
                changed: u64::from(number),
            });
        }
        policy
    }

    fn action(policy: &Policy, groups: &[Uuid]) -> Option<(ApprovalAction, Option<i64>)> {
        let approval = policy.resolve(UPDATE, groups)?.approval?;
        Some((approval.action, approval.deadline))
    }

    #[test]
    fn a_group_inherits_from_all_computers_unless_it_decided_itself() {
        use ApprovalAction::{Block, Install, None as Withdrawn};
        let inherited = policy(&[(ALL_COMPUTERS, Install, None)]);
        assert_eq!(action(&inherited, &[A]), Some((Install, None)));
        let blocked = policy(&[(ALL_COMPUTERS, Install, None), (A, Block, None)]);
        assert_eq!(action(&blocked, &[A]), None);
        assert_eq!(action(&blocked, &[B]), Some((Install, None)));
        let withdrawn = policy(&[(ALL_COMPUTERS, Install, None), (A, Withdrawn, None)]);
        assert_eq!(action(&withdrawn, &[A]), Some((Install, None)));
    }

    #[test]
    fn between_groups_the_strongest_decision_and_the_earliest_deadline_win() {
        use ApprovalAction::{Block, Install, Uninstall};
        let mixed = policy(&[(A, Uninstall, None), (B, Install, Some(9))]);
        assert_eq!(action(&mixed, &[A, B]), Some((Install, Some(9))));
        let deadlines = policy(&[(A, Install, Some(5)), (B, Install, Some(9))]);
        assert_eq!(action(&deadlines, &[A, B]), Some((Install, Some(5))));
        let blocked = policy(&[(A, Block, None), (B, Uninstall, None)]);
        assert_eq!(action(&blocked, &[A, B]), Some((Uninstall, None)));
    }

    #[test]
    fn a_withdrawn_approval_still_counts_as_a_change() {
        let withdrawn = policy(&[(A, ApprovalAction::None, None)]);
        let resolved = withdrawn.resolve(UPDATE, &[A]).expect("a decision was looked at");
        assert_eq!((resolved.approval, resolved.changed), (None, 1));
        assert_eq!(withdrawn.resolve(UPDATE, &[B]), None);
    }
}
