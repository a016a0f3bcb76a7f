//! Update groups: named sets of updates, and their deployments.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::decide::{approve, check_update, group_for, hand_over};
use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::policy::Policy;
use crate::policy::approval::{Approval, ApprovalAction, Source};
use crate::policy::by::By;
use crate::policy::target_group::check_name;
use crate::policy::terms::Terms;
use crate::policy::update_group::{GroupDeployment, UpdateGroup};

/// Most updates of one group.
const UPDATES: usize = 10_000;

impl State {
    /// Creates an update group without updates.
    ///
    /// # Errors
    /// When the name cannot be used or is taken.
    pub async fn create_update_group(
        &self,
        by: By,
        id: Uuid,
        name: String,
    ) -> Result<UpdateGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                create(transaction, &by, id, &name)
            })
            .await
    }

    /// Adds updates to a group, which deploys them wherever the group is deployed, and takes others
    /// out, which takes back what the group's deployments approved.
    ///
    /// # Errors
    /// When there is no such group or update; then nothing changes.
    pub async fn change_update_group(
        &self,
        by: By,
        name: String,
        add: BTreeSet<Uuid>,
        remove: BTreeSet<Uuid>,
    ) -> Result<UpdateGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let group = named(transaction, &name)?;
                for update in &add {
                    check_update(transaction, *update)?;
                }
                let missing = |update: &&Uuid| !group.updates.contains(update);
                if let Some(update) = remove.iter().find(missing) {
                    let name = update.to_string();
                    return Err(StateError::NotFound { kind: "update in the group", name });
                }
                check_size(Some(&group), add.iter().copied())?;
                let by = because(by, &group);
                for update in &remove {
                    take_back(transaction, &by, *update, group.id, &group.deployments)?;
                }
                let mut changed = group.clone();
                changed.updates.retain(|update| !remove.contains(update));
                let deployments: Vec<GroupDeployment> =
                    group.deployments.iter().filter(|it| it.enabled).copied().collect();
                let new = add.iter().filter(|update| !changed.updates.contains(update));
                let new = new.map(|update| (*update, deployments.clone())).collect();
                add_updates(transaction, &by, changed, new)
            })
            .await
    }

    /// Deploys a group to a target group, instead of how it was deployed there before. A disabled
    /// deployment approves nothing yet.
    ///
    /// # Errors
    /// When there is no such group, or the terms make no sense.
    pub async fn deploy_update_group(
        &self,
        by: By,
        name: String,
        target: String,
        terms: Terms,
        enabled: bool,
    ) -> Result<UpdateGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let mut group = named(transaction, &name)?;
                let target = group_for(transaction, &target)?;
                let terms = terms.checked(transaction.now)?;
                if terms.action == ApprovalAction::None {
                    let reason = "a deployment that does nothing is taken back instead";
                    return Err(StateError::Refused(reason.into()));
                }
                let by = because(by, &group);
                let (before, kept) =
                    group.deployments.iter().partition(|deployment| deployment.group == target);
                group.deployments = kept;
                let deployment = GroupDeployment { group: target, terms, enabled, rule: None };
                group.deployments.push(deployment);
                let before: Vec<GroupDeployment> = before;
                for update in group.updates.clone() {
                    match enabled {
                        true => deploy(transaction, &by, update, group.id, &deployment)?,
                        false => take_back(transaction, &by, update, group.id, &before)?,
                    }
                }
                Ok(put(transaction, &by, group))
            })
            .await
    }

    /// Ends the deployment of a group to a target group, and what it approved.
    ///
    /// # Errors
    /// When there is no such group or deployment.
    pub async fn withdraw_update_group(
        &self,
        by: By,
        name: String,
        target: String,
    ) -> Result<UpdateGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let mut group = named(transaction, &name)?;
                let id = group_for(transaction, &target)?;
                let is_it = |deployment: &GroupDeployment| deployment.group == id;
                let not_found =
                    || StateError::NotFound { kind: "deployment to", name: target.clone() };
                let position = group.deployments.iter().position(is_it).ok_or_else(not_found)?;
                let ended = group.deployments.remove(position);
                let by = because(by, &group);
                for update in group.updates.clone() {
                    take_back(transaction, &by, update, group.id, &[ended])?;
                }
                Ok(put(transaction, &by, group))
            })
            .await
    }

    /// Deletes a group, with what its deployments approved.
    ///
    /// # Errors
    /// When there is no such group.
    pub async fn delete_update_group(
        &self,
        by: By,
        name: String,
    ) -> Result<UpdateGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let group = named(transaction, &name)?;
                let by = because(by, &group);
                for update in &group.updates {
                    take_back(transaction, &by, *update, group.id, &group.deployments)?;
                }
                let entry = json!({ "delete_update_group": group.id, "before": group });
                transaction.journal(&by, entry);
                transaction.delete_update_group(group.id);
                Ok(group)
            })
            .await
    }
}

/// Creates an update group without updates.
pub(super) fn create(
    transaction: &mut Transaction<'_>,
    by: &By,
    id: Uuid,
    name: &str,
) -> Result<UpdateGroup, StateError> {
    let name = check_name(name)?;
    if transaction.model.policy.update_group(&name).is_some() {
        return Err(StateError::Refused(format!("an update group named '{name}' exists already")));
    }
    let created = transaction.now;
    let group =
        UpdateGroup { id, name, updates: BTreeSet::new(), deployments: Vec::new(), created };
    Ok(put(transaction, by, group))
}

/// Adds updates to a group, and approves each for the deployments that are named with it.
pub(super) fn add_updates(
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

/// Refuses more updates than a group may have.
pub(super) fn check_size(
    group: Option<&UpdateGroup>,
    added: impl Iterator<Item = Uuid>,
) -> Result<(), StateError> {
    let has = |update: &Uuid| group.is_some_and(|group| group.updates.contains(update));
    let new = added.filter(|update| !has(update)).count();
    if group.map_or(0, |group| group.updates.len()) + new > UPDATES {
        let reason = format!("an update group has at most {UPDATES} updates");
        return Err(StateError::Refused(reason));
    }
    Ok(())
}

/// Takes updates that were deleted out of all groups: nothing could be deployed with them in it.
pub(super) fn leave(transaction: &mut Transaction<'_>, by: &By, updates: &BTreeSet<Uuid>) {
    let groups = transaction.model.policy.update_groups.values();
    let concerned = groups.filter(|group| !group.updates.is_disjoint(updates));
    for mut group in concerned.cloned().collect::<Vec<_>>() {
        group.updates.retain(|update| !updates.contains(update));
        put(transaction, &by.consequence("it was deleted"), group);
    }
}

/// Ends the deployments to a target group that is about to go, and with it what they approved.
pub(super) fn end_deployments_to(transaction: &mut Transaction<'_>, by: &By, target: Uuid) {
    let is_there = |group: &&UpdateGroup| group.deployments.iter().any(|it| it.group == target);
    let concerned = transaction.model.policy.update_groups.values().filter(is_there);
    for mut group in concerned.cloned().collect::<Vec<_>>() {
        group.deployments.retain(|deployment| deployment.group != target);
        put(transaction, by, group);
    }
}

/// Stores a group, unless it is as it was.
pub(super) fn put(transaction: &mut Transaction<'_>, by: &By, group: UpdateGroup) -> UpdateGroup {
    let before = transaction.model.policy.update_groups.get(&group.id);
    if before != Some(&group) {
        let entry = json!({ "update_group": group, "before": before });
        transaction.journal(by, entry);
        transaction.put_update_group(group.clone());
    }
    group
}

fn named(transaction: &Transaction<'_>, name: &str) -> Result<UpdateGroup, StateError> {
    let not_found = || StateError::NotFound { kind: "update group", name: name.to_owned() };
    transaction.model.policy.update_group(name).cloned().ok_or_else(not_found)
}

/// What a group approves, it approves because somebody changed the group.
fn because(by: By, group: &UpdateGroup) -> By {
    match by.why {
        Some(_) => by,
        None => by.because(format!("update group '{}'", group.name)),
    }
}

fn deploy(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
    group: Uuid,
    deployment: &GroupDeployment,
) -> Result<(), StateError> {
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
fn take_back(
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
    match approval.source {
        _ if action == ApprovalAction::None => false,
        Source::Decision => false,
        Source::UpdateGroup(source) => source == group,
        Source::Unknown => {
            (action, deadline) == (deployment.terms.action, deployment.terms.deadline)
        }
    }
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
