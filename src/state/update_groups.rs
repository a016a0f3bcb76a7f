//! Update groups: named sets of updates, and their deployments.

mod deployments;

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::decide::{check_update, group_for};
use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::target_group::check_name;
use crate::policy::terms::Terms;
use crate::policy::update_group::{GroupDeployment, UpdateGroup};
pub(super) use deployments::{add_updates, end_deployments_to};
use deployments::{check_additions, deploy, take_back};

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
    /// When there is no such group or update, one that comes in is declined, or a deadline of the
    /// group's deployments has passed; then nothing changes.
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
                check_additions(transaction, &group, &add)?;
                let by = because(by, &group);
                for update in &remove {
                    take_back(transaction, &by, *update, group.id, &group.deployments)?;
                }
                let mut changed = group.clone();
                changed.updates.retain(|update| !remove.contains(update));
                let deployments: Vec<GroupDeployment> =
                    group.deployments.iter().filter(|it| it.enabled).copied().collect();
                let new = add.iter().filter(|update| !changed.updates.contains(update));
                let new: Vec<_> = new.map(|update| (*update, deployments.clone())).collect();
                add_updates(transaction, &by, changed, new)
            })
            .await
    }

    /// Deploys a group to a target group, instead of how it was deployed there before. A disabled
    /// deployment approves nothing yet. Updates that are declined stay so.
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
