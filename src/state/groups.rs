//! Creating and deleting target groups.

use serde_json::json;
use uuid::Uuid;

use super::transaction::Written;
use super::{State, StateError, Tracked};
use crate::computers::Computer;
use crate::policy::target_group::{GroupNameError, TargetGroup, check_name};

impl State {
    /// Creates a group with the given id.
    ///
    /// # Errors
    /// When the name cannot be used or is taken.
    pub async fn create_group(&self, id: Uuid, name: String) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                let name = check_name(&name)?;
                if transaction.model.policy.group_by_name(&name).is_some() {
                    return Err(GroupNameError::Taken(name).into());
                }
                let group = TargetGroup { id, name };
                transaction.sequence();
                transaction.journal(json!({ "group": group }));
                transaction.put_group(group.clone());
                Ok(group)
            })
            .await
    }

    /// Deletes a group with its approvals; its computers lose the membership.
    ///
    /// # Errors
    /// When there is no such group, or it is built in.
    pub async fn delete_group(&self, name: String) -> Result<TargetGroup, StateError> {
        self.writer
            .submit(move |transaction| {
                let not_found = || StateError::NotFound { kind: "group", name: name.clone() };
                let group = transaction.model.policy.group_by_name(&name).ok_or_else(not_found)?;
                let group = group.clone();
                if group.is_built_in() {
                    return Err(StateError::Refused(format!("'{}' is built in", group.name)));
                }
                transaction.sequence();
                let policy = &transaction.model.policy;
                let updates = policy.approvals.keys().copied();
                let updates: Vec<Uuid> =
                    updates.filter(|update| policy.approval(*update, group.id).is_some()).collect();
                for update in updates {
                    let mut record = transaction.model.decision(update);
                    record.approvals.retain(|approval| approval.group != group.id);
                    transaction.put_decision(record);
                }
                let members: Vec<Tracked> = transaction
                    .model
                    .computers
                    .values()
                    .filter(|tracked| tracked.computer.groups.contains(&group.id))
                    .cloned()
                    .collect();
                for tracked in members {
                    let mut computer = Computer::clone(&tracked.computer);
                    computer.groups.retain(|id| *id != group.id);
                    let computer = computer.into();
                    transaction.put_computer(Tracked { computer, ..tracked }, Written::Computer);
                }
                transaction.journal(json!({ "delete_group": group.id }));
                transaction.delete_group(group.id);
                Ok(group)
            })
            .await
    }
}
