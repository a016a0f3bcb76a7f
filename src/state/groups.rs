//! Creating, moving and deleting target groups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::decide::end;
use super::mirror::check_decides;
use super::records::PlacementsRecord;
use super::transaction::{Transaction, Written};
use super::{State, StateError, Tracked, rules, update_groups};
use crate::computers::Computer;
use crate::policy::approval::Approval;
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, GroupError, TargetGroup, check_name};

/// What becomes of the groups below one that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Children {
    /// With groups below it, it is not deleted.
    Refuse,
    /// They move up to where it was.
    MoveUp,
    /// They are deleted too.
    Delete,
}

/// What becomes of the computers of a group that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// They lose the membership; who has no other is unassigned.
    Release,
    /// They move to the group above, unless that is All Computers, where everybody is.
    MoveUp,
}

/// Most minutes that a time zone is from UTC.
const MAX_OFFSET: i16 = 14 * 60;

impl State {
    /// Creates a group with the given id below the named one, or below All Computers.
    ///
    /// # Errors
    /// When the name cannot be used or is taken, or no group can be there.
    pub async fn create_group(
        &self,
        by: By,
        id: Uuid,
        name: String,
        parent: Option<String>,
    ) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let name = free_name(transaction, &name, id)?;
                let parent = parent_named(transaction, parent.as_deref())?;
                let group = TargetGroup::new(id, name, Some(parent));
                transaction.model.policy.check_parent(&group, parent)?;
                Ok(put(transaction, &by, group))
            })
            .await
    }

    /// Moves a group, with all below it, below the named one, or below All Computers.
    ///
    /// # Errors
    /// When there is no such group, one of them is built in, or it would be above itself.
    pub async fn move_group(
        &self,
        by: By,
        name: String,
        parent: Option<String>,
    ) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let group = own_group(transaction, &name)?;
                let parent = parent_named(transaction, parent.as_deref())?;
                transaction.model.policy.check_parent(&group, parent)?;
                Ok(put(transaction, &by, TargetGroup { parent: Some(parent), ..group }))
            })
            .await
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// When there is no such group, it is built in, or the name cannot be used or is taken.
    pub async fn rename_group(
        &self,
        by: By,
        name: String,
        new_name: String,
    ) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let group = own_group(transaction, &name)?;
                let name = free_name(transaction, &new_name, group.id)?;
                Ok(put(transaction, &by, TargetGroup { name, ..group }))
            })
            .await
    }

    /// Says how many minutes the clocks of a group's computers are ahead of UTC; none to go by the
    /// group above. Built-in groups have clocks too.
    ///
    /// # Errors
    /// When there is no such group or offset.
    pub async fn set_group_clock(
        &self,
        by: By,
        name: String,
        utc_offset: Option<i16>,
    ) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                let group = group_named(transaction, &name)?;
                let range = -MAX_OFFSET..=MAX_OFFSET;
                if utc_offset.is_some_and(|minutes| !range.contains(&minutes)) {
                    return Err(GroupError::Offset.into());
                }
                Ok(put(transaction, &by, TargetGroup { utc_offset, ..group }))
            })
            .await
    }

    /// Deletes a group with its approvals.
    ///
    /// # Errors
    /// When there is no such group, it is built in, or it has groups below it and nobody said what
    /// becomes of these.
    pub async fn delete_group(
        &self,
        by: By,
        name: String,
        children: Children,
        members: Members,
    ) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let group = own_group(transaction, &name)?;
                let placements = transaction.placements()?;
                let policy = &transaction.model.policy;
                let below = policy.children(group.id);
                let doomed = match children {
                    Children::Refuse if !below.is_empty() => {
                        return Err(GroupError::HasChildren(group.name).into());
                    }
                    Children::Refuse | Children::MoveUp => vec![group.id],
                    Children::Delete => policy.subtree(group.id),
                };
                if children == Children::MoveUp {
                    let below: Vec<TargetGroup> = below.into_iter().cloned().collect();
                    for child in below {
                        put(transaction, &by, TargetGroup { parent: group.parent, ..child });
                    }
                }
                let refuge = group.parent.filter(|parent| *parent != ALL_COMPUTERS);
                let refuge = refuge.filter(|_| members == Members::MoveUp);
                delete(transaction, &by, doomed, refuge, placements);
                Ok(group)
            })
            .await
    }
}

fn group_named(transaction: &Transaction<'_>, name: &str) -> Result<TargetGroup, StateError> {
    let not_found = || StateError::NotFound { kind: "group", name: name.to_owned() };
    transaction.model.policy.group_by_name(name).cloned().ok_or_else(not_found)
}

/// A group that is not built in.
fn own_group(transaction: &Transaction<'_>, name: &str) -> Result<TargetGroup, StateError> {
    let group = group_named(transaction, name)?;
    if group.is_built_in() { Err(GroupError::BuiltIn(group.name).into()) } else { Ok(group) }
}

fn parent_named(transaction: &Transaction<'_>, name: Option<&str>) -> Result<Uuid, StateError> {
    name.map_or(Ok(ALL_COMPUTERS), |name| Ok(group_named(transaction, name)?.id))
}

/// The name as it is kept, if no group but `id` has it.
fn free_name(transaction: &Transaction<'_>, name: &str, id: Uuid) -> Result<String, StateError> {
    let name = check_name(name)?;
    match transaction.model.policy.group_by_name(&name) {
        Some(other) if other.id != id => Err(GroupError::Taken(name).into()),
        _ => Ok(name),
    }
}

/// Stores a group, unless it is as it was.
pub(super) fn put(transaction: &mut Transaction<'_>, by: &By, group: TargetGroup) -> TargetGroup {
    let before = transaction.model.policy.groups.get(&group.id);
    if before != Some(&group) {
        let entry = json!({ "group": group, "before": before });
        transaction.sequence();
        transaction.journal(by, entry);
        transaction.put_group(group.clone());
    }
    group
}

/// Deletes groups, parents first in `doomed`, with their approvals. Their computers go to `refuge`.
pub(super) fn delete(
    transaction: &mut Transaction<'_>,
    by: &By,
    doomed: Vec<Uuid>,
    refuge: Option<Uuid>,
    mut placements: PlacementsRecord,
) {
    // From below, so that the journal never names a group whose parent is gone.
    for id in doomed.into_iter().rev() {
        end_approvals(transaction, &by.consequence("its target group was deleted"), id);
        release(transaction, id, refuge);
        update_groups::end_deployments_to(transaction, by, id);
        rules::end_targets(transaction, by, id);
        placements.placements.retain(|placement| placement.group != id);
        let before = transaction.model.policy.groups.get(&id);
        let entry = json!({ "delete_group": id, "before": before });
        transaction.journal(by, entry);
        transaction.delete_group(id);
    }
    if placements.placements.len() < transaction.model.policy.placements.len() {
        transaction.put_placements(placements);
    }
}

/// Ends approvals that an earlier version left behind when their groups went.
pub(super) fn end_orphans(transaction: &mut Transaction<'_>) {
    let by = By::weir("its target group is gone");
    for orphan in std::mem::take(&mut transaction.model.orphans) {
        end(transaction, &by, &orphan);
        // As it is in memory: without it.
        let record = transaction.model.decision(orphan.update);
        transaction.put_decision(record);
    }
}

fn end_approvals(transaction: &mut Transaction<'_>, by: &By, group: Uuid) {
    transaction.sequence();
    let policy = &transaction.model.policy;
    let updates = policy.approvals.keys().copied();
    let updates: Vec<Uuid> =
        updates.filter(|update| policy.approval(*update, group).is_some()).collect();
    for update in updates {
        let mut record = transaction.model.decision(update);
        let (ended, kept): (Vec<Approval>, Vec<Approval>) =
            record.approvals.into_iter().partition(|approval| approval.group == group);
        ended.iter().for_each(|approval| end(transaction, by, approval));
        record.approvals = kept;
        transaction.put_decision(record);
    }
}

/// Takes all computers out of a group, and puts them into `refuge`.
fn release(transaction: &mut Transaction<'_>, group: Uuid, refuge: Option<Uuid>) {
    // What another server says of its computers is not for this one to change.
    let is_member =
        |tracked: &&Tracked| tracked.below.is_none() && tracked.computer.groups.contains(&group);
    let computers = transaction.model.computers.values();
    let members: Vec<Tracked> = computers.filter(is_member).cloned().collect();
    for tracked in members {
        let mut computer = Computer::clone(&tracked.computer);
        computer.groups.retain(|id| *id != group);
        computer.groups.extend(refuge);
        computer.groups.sort_unstable();
        computer.groups.dedup();
        let computer = computer.into();
        transaction.put_computer(Tracked { computer, ..tracked }, Written::Computer);
    }
}
