//! Approving and declining.

use serde_json::json;
use uuid::Uuid;

use super::eulas::accept;
use super::mirror::check_decides;
use super::neighbours::touch_for_decline;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::metadata::model::UpdateType;
use crate::policy::approval::{Approval, ApprovalAction, Declined, Source};
use crate::policy::by::By;
use crate::policy::cause::Cause;
use crate::policy::eula::eulas;
use crate::policy::target_group::DOWNSTREAM_SERVERS;
use crate::policy::terms::Terms;

/// What an administrator decides on an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// For one group. Takes back an earlier decline, as WSUS does.
    Approve {
        /// The group's name.
        group: String,
        /// What its computers are to do, and when.
        terms: Terms,
    },
    /// For everyone: the update is not delivered any more, and all its approvals end.
    Decline,
}

impl State {
    /// Makes a decision durable and visible to clients. One that is in force already changes
    /// nothing: clients would be told of it for no reason.
    ///
    /// # Errors
    /// When there is no such update or group, the update cannot be decided on, or the terms make no
    /// sense.
    pub async fn decide(&self, by: By, update: Uuid, decision: Decision) -> Result<(), StateError> {
        self.writer.submit(move |transaction| decide(transaction, &by, update, decision)).await
    }

    /// The same, and accepts the licences of the update and of what it bundles: both or neither. One
    /// without any needs none.
    ///
    /// # Errors
    /// As of [`Self::decide`].
    pub async fn decide_and_accept(
        &self,
        by: By,
        update: Uuid,
        decision: Decision,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                decide(transaction, &by, update, decision)?;
                let catalog = transaction.model.catalog.catalog();
                let latest = catalog.update(&update).and_then(|update| catalog.latest(update));
                let eulas = latest.map(|latest| eulas(catalog, latest)).unwrap_or_default();
                accept(transaction, &by, eulas);
                Ok(())
            })
            .await
    }
}

fn decide(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
    decision: Decision,
) -> Result<(), StateError> {
    check_decides(transaction)?;
    let revision_number = check_update(transaction, update)?;
    match decision {
        Decision::Approve { group, terms } => {
            let group = group_for(transaction, &group)?;
            let terms = terms.checked(transaction.now)?;
            let update = (update, revision_number);
            approve(transaction, by, update, group, terms, Source::Decision)
        }
        Decision::Decline => {
            decline(transaction, by, update, None);
            Ok(())
        }
    }
}

/// The number of the update's latest revision, if it can be decided on.
pub(super) fn check_update(transaction: &Transaction<'_>, update: Uuid) -> Result<u32, StateError> {
    let model = &transaction.model;
    let not_found = || match model.deleted.contains_key(&update) {
        true => StateError::Refused(format!(
            "{update} was deleted; `weir update restore {update}` has it brought back"
        )),
        false => StateError::NotFound { kind: "update", name: update.to_string() },
    };
    let metadata = &model.latest(update).ok_or_else(not_found)?.metadata;
    match metadata.update_type {
        UpdateType::Software | UpdateType::Driver => Ok(metadata.identity.revision_number),
        UpdateType::Category | UpdateType::Detectoid => Err(StateError::Refused(format!(
            "{update} is a category or detectoid; only software and drivers can be decided on"
        ))),
    }
}

/// A group that something can be approved for.
pub(super) fn group_for(transaction: &Transaction<'_>, name: &str) -> Result<Uuid, StateError> {
    let not_found = || StateError::NotFound { kind: "group", name: name.to_owned() };
    let group = transaction.model.policy.group_by_name(name).ok_or_else(not_found)?;
    match group.id {
        DOWNSTREAM_SERVERS => Err(StateError::Refused(format!(
            "no computer is in '{}'; downstream servers take over what is approved for theirs",
            group.name
        ))),
        id => Ok(id),
    }
}

/// Decides on one update for one group; the terms were checked. Where they are in force already,
/// clients are told nothing, and the approval is whose it was, or of the person that decides.
pub(super) fn approve(
    transaction: &mut Transaction<'_>,
    by: &By,
    (update, revision_number): (Uuid, u32),
    group: Uuid,
    terms: Terms,
    source: Source,
) -> Result<(), StateError> {
    let mut record = transaction.model.decision(update);
    let in_force = |old: &Approval| old.group == group && old.terms == terms;
    if record.declined.is_none() && record.approvals.iter().any(in_force) {
        if source == Source::Decision {
            hand_over(transaction, by, update, group, source);
        }
        return Ok(());
    }
    // A number for every decision: a client that cached the old one must not mistake it for this.
    let approval = Approval {
        deployment_id: transaction.next_deployment()?,
        guid: Uuid::new_v4(),
        update,
        revision_number,
        group,
        terms,
        live: terms.go_live.is_none(),
        by: by.who.clone(),
        source,
        decided: transaction.now,
        changed: transaction.sequence(),
    };
    let before = record.approvals.iter().position(|old| old.group == group);
    let before = before.map(|position| record.approvals.remove(position));
    let entry = json!({
        "approve": approval,
        "before": before.as_ref().map(|before| before.terms),
        "before_source": before.as_ref().map(|before| before.source),
        "was_declined": record.declined.is_some(),
    });
    transaction.journal(by, entry);
    if let Some(before) = &before {
        transaction.end_deployment(before);
    }
    record.approvals.push(approval);
    if let Some(declined) = record.declined.take() {
        // Or the next cleanup would decline it again.
        record.exempt = declined.cause;
        touch_for_decline(transaction, update);
    }
    transaction.put_decision(record);
    Ok(())
}

/// Makes an approval somebody else's and leaves it as it is: clients need not be told.
pub(super) fn hand_over(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
    group: Uuid,
    source: Source,
) {
    let mut record = transaction.model.decision(update);
    let is_it = |it: &&mut Approval| {
        it.group == group && it.terms.action != ApprovalAction::None && it.source != source
    };
    let Some(approval) = record.approvals.iter_mut().find(is_it) else { return };
    let before = std::mem::replace(&mut approval.source, source);
    let entry = json!({
        "approve": approval,
        "before": approval.terms,
        "before_source": before,
        "was_declined": false,
    });
    transaction.journal(by, entry);
    transaction.put_decision(record);
}

/// Ends a deployment, of which no decision takes the place.
pub(super) fn end(transaction: &mut Transaction<'_>, by: &By, approval: &Approval) {
    let Approval { guid, update, group, terms, .. } = approval;
    if terms.action != ApprovalAction::None {
        transaction.end_deployment(approval);
        let entry =
            json!({ "end_deployment": guid, "update": update, "group": group, "before": terms });
        transaction.journal(by, entry);
    }
}

/// Takes an update from everybody, for a cause if nobody decided it.
pub(super) fn decline(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
    cause: Option<Cause>,
) {
    let mut record = transaction.model.decision(update);
    if record.declined.is_some() {
        return;
    }
    let changed = transaction.sequence();
    let ended: Vec<Approval> = record.approvals.clone();
    ended.iter().for_each(|approval| transaction.end_deployment(approval));
    let before: Vec<_> = ended
        .iter()
        .map(|it| json!({ "group": it.group, "terms": it.terms, "source": it.source }))
        .collect();
    record.declined = Some(Declined { decided: transaction.now, changed, cause });
    record.exempt = None;
    // Withdrawn and not forgotten: should the update be offered again, a computer that did not look
    // meanwhile still has the approval cached and must be told of its end.
    for approval in &mut record.approvals {
        approval.terms = ApprovalAction::None.into();
        approval.live = true;
        approval.changed = changed;
    }
    let entry = json!({ "decline": update, "decided": transaction.now, "before": before });
    transaction.journal(by, entry);
    touch_for_decline(transaction, update);
    transaction.put_decision(record);
}
