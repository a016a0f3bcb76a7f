//! What the deployments of update groups approve, and what becomes of that when they end.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::StateError;
use super::super::decide::{approve, check_update, hand_over};
use super::super::transaction::Transaction;
use super::put;
use crate::policy::Policy;
use crate::policy::approval::{Approval, ApprovalAction, Source};
use crate::policy::by::By;
use crate::policy::terms::Terms;
use crate::policy::update_group::{GroupDeployment, UpdateGroup};

/// Most updates that a refusal names.
const NAMED: usize = 10;

/// Refuses to add what cannot be deployed where the group is, as an approval of each would be refused.
pub(super) fn check_additions(
    transaction: &Transaction<'_>,
    group: &UpdateGroup,
    updates: &BTreeSet<Uuid>,
) -> Result<(), StateError> {
    let policy = &transaction.model.policy;
    let mut new = updates.difference(&group.updates).peekable();
    if new.peek().is_none() {
        return Ok(());
    }
    let declined: Vec<String> =
        new.filter(|update| policy.is_declined(**update)).map(Uuid::to_string).collect();
    if !declined.is_empty() {
        let more = declined.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = declined[..declined.len().min(NAMED)].join(", ");
        let reason =
            format!("declined, and not deployed until somebody approves it: {named}{more}");
        return Err(StateError::Refused(reason));
    }
    for deployment in group.deployments.iter().filter(|deployment| deployment.enabled) {
        if let Err(error) = deployment.terms.checked(transaction.now) {
            let target = policy.groups.get(&deployment.group).map_or("", |it| &it.name);
            let reason = format!(
                "nothing can be added to '{}' as it is deployed to '{target}': {error}",
                group.name
            );
            return Err(StateError::Refused(reason));
        }
    }
    Ok(())
}

/// Adds updates to a group, and approves each for the deployments that are named with it.
pub(in crate::state) fn add_updates(
    transaction: &mut Transaction<'_>,
    by: &By,
    mut group: UpdateGroup,
    updates: Vec<(Uuid, Vec<GroupDeployment>)>,
) -> Result<UpdateGroup, StateError> {
    for (update, deployments) in updates {
        for deployment in &deployments {
            deploy(transaction, by, update, group.id, deployment)?;
        }
        group.updates.insert(update);
    }
    Ok(put(transaction, by, group))
}

/// Approves an update for a deployment, unless it is declined: who deploys a group does not mean that.
pub(super) fn deploy(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
    group: Uuid,
    deployment: &GroupDeployment,
) -> Result<(), StateError> {
    if transaction.model.policy.is_declined(update) {
        return Ok(());
    }
    let terms = now_available(deployment.terms, transaction.now);
    let update = (update, check_update(transaction, update)?);
    approve(transaction, by, update, deployment.group, terms, Source::UpdateGroup(group))
}

/// An update that is added later is available at once when the others are.
fn now_available(terms: Terms, now: i64) -> Terms {
    Terms { go_live: terms.go_live.filter(|at| *at > now), ..terms }
}

/// Takes back what these deployments of a group approved, unless somebody decided on it since. What
/// another group deploys there too is approved as that one has it.
pub(super) fn take_back(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
    group: Uuid,
    deployments: &[GroupDeployment],
) -> Result<(), StateError> {
    for deployment in deployments.iter().filter(|deployment| deployment.enabled) {
        let target = deployment.group;
        let policy = &transaction.model.policy;
        let own = policy.approval(update, target).is_some_and(|it| is_of(it, group, deployment));
        if policy.is_declined(update) || !own {
            continue;
        }
        let heir = heir(policy, update, target, group);
        let heir = heir.map(|(group, it)| (group.id, group.name.clone(), it.terms));
        let revision_number = check_update(transaction, update)?;
        let update = (update, revision_number);
        let Some((heir, name, terms)) = heir else {
            let none = ApprovalAction::None.into();
            approve(transaction, by, update, target, none, Source::Decision)?;
            continue;
        };
        let by = by.clone().because(format!("update group '{name}' deploys it there too"));
        let terms = now_available(terms, transaction.now);
        approve(transaction, &by, update, target, terms, Source::UpdateGroup(heir))?;
        hand_over(transaction, &by, update.0, target, Source::UpdateGroup(heir));
    }
    Ok(())
}

/// Whether an approval is the one that a group's deployment made.
fn is_of(approval: &Approval, group: Uuid, deployment: &GroupDeployment) -> bool {
    let Terms { action, deadline, .. } = approval.terms;
    let same = (action, deadline) == (deployment.terms.action, deployment.terms.deadline);
    let is_of = match approval.source {
        Source::Decision => false,
        Source::UpdateGroup(source) => source == group,
        Source::Unknown => same,
    };
    is_of && action != ApprovalAction::None
}

/// The oldest of the other groups that deploy an update to a target.
fn heir(
    policy: &Policy,
    update: Uuid,
    target: Uuid,
    ended: Uuid,
) -> Option<(&UpdateGroup, &GroupDeployment)> {
    let others = policy.update_groups.values().filter(|group| group.id != ended);
    let deployed = others.filter_map(|group| Some((group, group.deployment_of(update, target)?)));
    deployed.min_by_key(|(group, _)| (group.created, group.id))
}

/// Ends the deployments to a target group that is about to go, and with it what they approved.
pub(in crate::state) fn end_deployments_to(
    transaction: &mut Transaction<'_>,
    by: &By,
    target: Uuid,
) {
    let is_there = |group: &&UpdateGroup| group.deployments.iter().any(|it| it.group == target);
    let concerned = transaction.model.policy.update_groups.values().filter(is_there);
    for mut group in concerned.cloned().collect::<Vec<_>>() {
        group.deployments.retain(|deployment| deployment.group != target);
        put(transaction, by, group);
    }
}
