//! The audit trail: the journal, read back, and decisions undone by it.
//!
//! There is no second record of what was decided. The journal is written before the store, its
//! entries are numbered and never change, and it says who decided, why, and what was there before:
//! which is also what it takes to undo.

use std::collections::VecDeque;

use serde_json::Value;
use uuid::Uuid;

use super::decide::{approve, check_update, decline, hand_over};
use super::deletion::restore;
use super::mirror::check_decides;
use super::transaction::{Transaction, Written};
use super::{State, StateError, Tracked, blocking};
use crate::computers::Computer;
use crate::policy::approval::{Approval, ApprovalAction, Source};
use crate::policy::by::By;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::policy::terms::Terms;
use crate::store::journal;

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Most entries; the latest are taken.
    pub last: usize,
    /// Only those that name this text anywhere: an id, a name, a rule.
    pub mentions: Option<String>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its number.
    pub number: u64,
    /// Unix seconds.
    pub at: i64,
    /// As it was written.
    pub value: Value,
}

impl State {
    /// The latest decisions, oldest first. What the store refused is left out.
    ///
    /// # Errors
    /// When the journal is damaged.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Vec<AuditEntry>, StateError> {
        let directory = self.journal.clone();
        blocking(move || {
            let mut found: VecDeque<AuditEntry> = VecDeque::new();
            for entry in journal::entries(&directory)? {
                let entry = entry?;
                if let Some(void) = entry.value.get("void") {
                    let (from, to) = (void["from"].as_u64(), void["to"].as_u64());
                    let range = from.unwrap_or(u64::MAX)..=to.unwrap_or(0);
                    found.retain(|earlier| !range.contains(&earlier.number));
                    continue;
                }
                let mentions = |text: &String| entry.value.to_string().contains(text.as_str());
                if filter.mentions.as_ref().is_some_and(|text| !mentions(text)) {
                    continue;
                }
                let at = entry.time.unix_timestamp();
                found.push_back(AuditEntry { number: entry.sequence, at, value: entry.value });
                // Some more than wanted, as a later entry may void the last ones.
                if found.len() > filter.last.saturating_add(KEPT) {
                    found.pop_front();
                }
            }
            let surplus = found.len().saturating_sub(filter.last);
            Ok(found.into_iter().skip(surplus).collect())
        })
        .await?
    }

    /// Undoes a decision, by deciding what held before it. An approval, a decline, a deletion
    /// and the move of a computer can be undone, as long as nobody decided on the same since.
    ///
    /// # Errors
    /// When there is no such decision, or it cannot be undone; then nothing changes.
    pub async fn undo(&self, by: By, number: u64) -> Result<AuditEntry, StateError> {
        let all = self.audit(AuditFilter { last: usize::MAX, mentions: None }).await?;
        let not_found = || StateError::NotFound { kind: "decision", name: number.to_string() };
        let entry = all.into_iter().find(|entry| entry.number == number).ok_or_else(not_found)?;
        let undone = entry.clone();
        let by = by.because(format!("undoes {number}"));
        self.writer.submit(move |transaction| undo(transaction, &by, &entry.value)).await?;
        Ok(undone)
    }
}

/// Entries that one commit can void: more than it can have.
const KEPT: usize = 1 << 16;

fn undo(transaction: &mut Transaction<'_>, by: &By, entry: &Value) -> Result<(), StateError> {
    if let Some(approval) = entry.get("approve") {
        undo_approval(transaction, by, entry, approval)
    } else if let Some(update) = entry.get("decline") {
        undo_decline(transaction, by, entry, update)
    } else if entry.get("delete").is_some() {
        undo_deletion(transaction, by, entry)
    } else if let Some(moved) = entry.get("move") {
        undo_move(transaction, by, entry, moved)
    } else {
        Err(StateError::Refused("a decision of this kind cannot be undone".into()))
    }
}

fn undo_approval(
    transaction: &mut Transaction<'_>,
    by: &By,
    entry: &Value,
    approval: &Value,
) -> Result<(), StateError> {
    check_decides(transaction)?;
    let (update, group, guid) =
        (id(&approval["update"])?, id(&approval["group"])?, id(&approval["guid"])?);
    let revision_number = check_update(transaction, update)?;
    let policy = &transaction.model.policy;
    // Another source than that of the decision means that it was handed over since.
    let same = source(&approval["source"]);
    let is_it = |it: &Approval| it.guid == guid && same.is_none_or(|source| source == it.source);
    if !policy.approval(update, group).is_some_and(is_it) || policy.is_declined(update) {
        return Err(overtaken());
    }
    if entry["was_declined"].as_bool() == Some(true) {
        decline(transaction, by, update, None);
        return Ok(());
    }
    let before = match &entry["before"] {
        Value::Null => ApprovalAction::None.into(),
        terms => self::terms(terms)?,
    };
    let before = (group, before, source(&entry["before_source"]));
    decide_again(transaction, by, (update, revision_number), before)
}

/// Decides what held before: for a group, these terms. It is its update group's again, if it was one's
/// that still deploys it there.
fn decide_again(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: (Uuid, u32),
    (target, terms, source): (Uuid, Terms, Option<Source>),
) -> Result<(), StateError> {
    let groups = &transaction.model.policy.update_groups;
    let deploys = |source: &Source| match source {
        Source::UpdateGroup(id) => {
            groups.get(id).is_some_and(|it| it.deployment_of(update.0, target).is_some())
        }
        Source::Decision | Source::Unknown => true,
    };
    let source = source.filter(deploys).unwrap_or(Source::Decision);
    approve(transaction, by, update, target, at_once(terms, transaction.now), source)?;
    hand_over(transaction, by, update.0, target, source);
    Ok(())
}

fn undo_decline(
    transaction: &mut Transaction<'_>,
    by: &By,
    entry: &Value,
    update: &Value,
) -> Result<(), StateError> {
    check_decides(transaction)?;
    let update = id(update)?;
    let revision_number = check_update(transaction, update)?;
    let declined = transaction.model.policy.declined.get(&update);
    if declined.is_none_or(|declined| Some(declined.decided) != entry["decided"].as_i64()) {
        return Err(overtaken());
    }
    let mut before = Vec::new();
    for approval in entry["before"].as_array().into_iter().flatten() {
        let group = id(&approval["group"])?;
        if transaction.model.policy.groups.contains_key(&group) {
            before.push((group, terms(&approval["terms"])?, source(&approval["source"])));
        }
    }
    if before.is_empty() {
        // Reinstated and not approved, as WSUS says.
        before.push((ALL_COMPUTERS, ApprovalAction::None.into(), None));
    }
    before
        .into_iter()
        .try_for_each(|before| decide_again(transaction, by, (update, revision_number), before))
}

/// It is asked for again at the next synchronization.
fn undo_deletion(
    transaction: &mut Transaction<'_>,
    by: &By,
    entry: &Value,
) -> Result<(), StateError> {
    match restore(transaction, by, id(&entry["delete"])?) {
        Err(StateError::NotFound { .. }) => Err(overtaken()),
        restored => restored.map(|_| ()),
    }
}

fn undo_move(
    transaction: &mut Transaction<'_>,
    by: &By,
    entry: &Value,
    moved: &Value,
) -> Result<(), StateError> {
    let client_id = moved["computer"].as_str().unwrap_or_default();
    let Some(tracked) = transaction.model.computers.get(client_id).cloned() else {
        return Err(StateError::NotFound { kind: "computer", name: client_id.to_owned() });
    };
    let ids = |list: &Value| {
        let ids = list.as_array().into_iter().flatten().map(id);
        ids.collect::<Result<Vec<Uuid>, StateError>>()
    };
    if tracked.computer.groups != ids(&moved["groups"])? {
        return Err(overtaken());
    }
    let mut groups = ids(&entry["before"])?;
    groups.retain(|group| transaction.model.policy.groups.contains_key(group));
    let entry = serde_json::json!({
        "move": { "computer": client_id, "groups": groups }, "before": tracked.computer.groups,
    });
    transaction.journal(by, entry);
    let computer = Computer { groups, ..Computer::clone(&tracked.computer) };
    let tracked = Tracked { computer: computer.into(), ..tracked };
    transaction.put_computer(tracked, Written::Computer);
    Ok(())
}

/// What was to go live meanwhile does so at once.
fn at_once(terms: Terms, now: i64) -> Terms {
    Terms { go_live: terms.go_live.filter(|at| *at > now), ..terms }
}

fn id(value: &Value) -> Result<Uuid, StateError> {
    let id = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
    id.ok_or_else(|| StateError::Refused("an earlier version wrote this decision".into()))
}

fn terms(value: &Value) -> Result<Terms, StateError> {
    let terms = serde_json::from_value(value.clone());
    terms.map_err(|_| StateError::Refused("an earlier version wrote this decision".into()))
}

/// Whose an approval was, if that is said: earlier versions did not.
fn source(value: &Value) -> Option<Source> {
    serde_json::from_value(value.clone()).ok()
}

fn overtaken() -> StateError {
    StateError::Refused("something else was decided since; undo that first".into())
}
