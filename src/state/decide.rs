//! Approving and declining.

use serde_json::json;
use uuid::Uuid;

use super::neighbours::touch_for_decline;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::metadata::model::UpdateType;
use crate::policy::approval::{Approval, ApprovalAction, Declined};

/// What an administrator decides on an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// For one group. Takes back an earlier decline, as WSUS does.
    Approve {
        /// The group's name.
        group: String,
        /// What its computers are to do.
        action: ApprovalAction,
        /// Unix seconds by which; only an Install or Uninstall has one.
        deadline: Option<i64>,
    },
    /// For everyone: the update is not delivered any more, and all its approvals end.
    Decline,
}

impl State {
    /// Makes a decision durable and visible to clients. One that is in force already changes
    /// nothing: clients would be told of it for no reason.
    ///
    /// # Errors
    /// When there is no such update or group, or the update cannot be decided on.
    pub async fn decide(&self, update: Uuid, decision: Decision) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                check_update(transaction, update)?;
                match decision {
                    Decision::Approve { group, action, deadline } => {
                        approve(transaction, update, &group, action, deadline)
                    }
                    Decision::Decline => {
                        decline(transaction, update);
                        Ok(())
                    }
                }
            })
            .await
    }
}

fn check_update(transaction: &Transaction<'_>, update: Uuid) -> Result<(), StateError> {
    let catalog = transaction.model.catalog.catalog();
    let not_found = || StateError::NotFound { kind: "update", name: update.to_string() };
    let latest = catalog.update(&update).and_then(|update| catalog.latest(update));
    let latest = latest.and_then(|latest| catalog.revision(latest));
    match latest.ok_or_else(not_found)?.metadata.update_type {
        UpdateType::Software | UpdateType::Driver => Ok(()),
        UpdateType::Category | UpdateType::Detectoid => Err(StateError::Refused(format!(
            "{update} is a category or detectoid; only software and drivers can be decided on"
        ))),
    }
}

fn approve(
    transaction: &mut Transaction<'_>,
    update: Uuid,
    group: &str,
    action: ApprovalAction,
    deadline: Option<i64>,
) -> Result<(), StateError> {
    let policy = &transaction.model.policy;
    let not_found = || StateError::NotFound { kind: "group", name: group.to_owned() };
    let group = policy.group_by_name(group).ok_or_else(not_found)?.id;
    let has_deadline = matches!(action, ApprovalAction::Install | ApprovalAction::Uninstall);
    if deadline.is_some() && !has_deadline {
        return Err(StateError::Refused("only an install or uninstall has a deadline".into()));
    }
    let mut record = transaction.model.decision(update);
    let in_force =
        |old: &Approval| old.group == group && old.action == action && old.deadline == deadline;
    if record.declined.is_none() && record.approvals.iter().any(in_force) {
        return Ok(());
    }
    // A number for every decision: a client that cached the old one must not mistake it for this.
    let approval = Approval {
        deployment_id: transaction.next_deployment()?,
        update,
        group,
        action,
        deadline,
        decided: transaction.now,
        changed: transaction.sequence(),
    };
    transaction.journal(json!({ "approve": approval }));
    record.approvals.retain(|old| old.group != group);
    record.approvals.push(approval);
    if record.declined.take().is_some() {
        touch_for_decline(transaction, update);
    }
    transaction.put_decision(record);
    Ok(())
}

fn decline(transaction: &mut Transaction<'_>, update: Uuid) {
    let mut record = transaction.model.decision(update);
    if record.declined.is_some() {
        return;
    }
    let changed = transaction.sequence();
    record.declined = Some(Declined { decided: transaction.now, changed });
    // Withdrawn and not forgotten: should the update be offered again, a computer that did not look
    // meanwhile still has the approval cached and must be told of its end.
    for approval in &mut record.approvals {
        approval.action = ApprovalAction::None;
        approval.deadline = None;
        approval.changed = changed;
    }
    transaction.journal(json!({ "decline": update, "decided": transaction.now }));
    touch_for_decline(transaction, update);
    transaction.put_decision(record);
}
