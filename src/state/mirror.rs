//! Taking over what another server decided, as its replica ([MS-WSUSSS] 3.2.4.3).
//!
//! One change makes groups, deployments, declined updates and accepted licences here what they are
//! there, and says so in the journal decision by decision, as if each had been made here. What is the same already
//! changes nothing. From then on nobody decides here: a decision of our own would be undone by the
//! next synchronization, or would last as long as nobody notices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use super::decide::{decline, end};
use super::eulas::accept;
use super::groups::{delete, put};
use super::neighbours::touch_for_decline;
use super::records::{PlacementsRecord, first_version};
use super::transaction::Transaction;
use super::{State, StateError};
use crate::policy::approval::{Approval, ApprovalAction, Source};
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, TargetGroup, check_name};
use crate::policy::terms::Terms;

/// Name of the record in `meta` that says of whom this server is a replica.
pub(super) const REPLICA: &str = "replica";

/// Most levels of groups that are taken over: as many as can be made here.
const LEVELS: usize = 32;

/// Of whom this server is a replica. In `meta` as `replica`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplicaRecord {
    /// The address of the server that decides; none when this one does.
    pub(super) of: Option<String>,
}

first_version! {
    ReplicaRecord, "replica record";
}

/// One group of the server that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredGroup {
    /// Its id there and here.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The group above it; none at the top.
    pub parent: Option<Uuid>,
}

/// One deployment of the server that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredDeployment {
    /// Its name towards other servers.
    pub guid: Uuid,
    /// The update.
    pub update: Uuid,
    /// Its revision.
    pub revision_number: u32,
    /// The group.
    pub group: Uuid,
    /// What was decided.
    pub terms: Terms,
    /// Who decided.
    pub by: String,
}

/// What the server that decides has decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// All groups.
    pub groups: Vec<MirroredGroup>,
    /// Deployments that are new since the last time; all of them if [`complete`](Self::complete).
    pub deployments: Vec<MirroredDeployment>,
    /// Whether a deployment that is not listed is none.
    pub complete: bool,
    /// Deployments that are no more.
    pub dead: BTreeSet<Uuid>,
    /// All declined updates.
    pub declined: BTreeSet<Uuid>,
    /// Licences that were accepted. None is ever taken back.
    pub eulas: BTreeSet<Uuid>,
}

impl State {
    /// Takes over what another server decided. Returns how many decisions changed here.
    ///
    /// # Errors
    /// The store's. Nothing is changed then.
    pub async fn mirror(&self, by: By, mirrored: Mirrored) -> Result<u64, StateError> {
        self.writer
            .submit(move |transaction| {
                let groups = groups(&mirrored.groups);
                let placements = transaction.placements()?;
                let before = transaction.staged_changes();
                take_groups(transaction, &by, groups, placements);
                take_deployments(transaction, &by, &mirrored)?;
                take_declined(transaction, &by, &mirrored.declined);
                accept(transaction, &by, mirrored.eulas);
                // With what it was decided on.
                transaction.publish();
                Ok(transaction.staged_changes().saturating_sub(before) as u64)
            })
            .await
    }
}

/// [`Records::follow`](super::meta::Records::follow)
pub(super) fn follow(transaction: &mut Transaction<'_>, of: Option<String>) {
    transaction.put_meta(REPLICA, &ReplicaRecord { of: of.clone() });
    transaction.model.replica_of = of.map(Arc::from);
}

/// Refuses a decision of our own while another server decides.
pub(super) fn check_decides(transaction: &Transaction<'_>) -> Result<(), StateError> {
    match &transaction.model.replica_of {
        None => Ok(()),
        Some(of) => Err(StateError::Refused(format!(
            "this server is a replica of {of} and takes over its groups and decisions; decide there"
        ))),
    }
}

/// The groups as they are to be here, parents first. One whose way to the top is cut off or goes in
/// circles stands directly below All Computers.
fn groups(mirrored: &[MirroredGroup]) -> Vec<TargetGroup> {
    let parents: BTreeMap<Uuid, Option<Uuid>> =
        mirrored.iter().map(|group| (group.id, group.parent)).collect();
    let depth = |id: Uuid| {
        let above = std::iter::successors(Some(id), |id| parents.get(id).copied().flatten());
        above.take(LEVELS).position(|id| id == ALL_COMPUTERS)
    };
    let mut groups = Vec::new();
    for group in mirrored {
        let depth = depth(group.id);
        let parent = depth.and(group.parent).unwrap_or(ALL_COMPUTERS);
        let made = TargetGroup::new(group.id, name_of(group), Some(parent));
        if !made.is_built_in() {
            groups.push((depth.unwrap_or(1), made));
        }
    }
    groups.sort_by_key(|(depth, group)| (*depth, group.id));
    groups.dedup_by_key(|(_, group)| group.id);
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The group's name there, as near as names here may be: one bad name must not end a replica.
fn name_of(group: &MirroredGroup) -> String {
    let Err(problem) = check_name(&group.name) else { return group.name.trim().to_owned() };
    let allowed = |character: char| match character {
        ';' => ',',
        character if character.is_control() => ' ',
        character => character,
    };
    let near: String = group.name.trim().chars().map(allowed).take(256).collect();
    let name = check_name(&near).unwrap_or_else(|_| group.id.to_string());
    warn!(group = %group.id, %problem, name, "a group of the server that decides is called so here");
    name
}

fn take_groups(
    transaction: &mut Transaction<'_>,
    by: &By,
    groups: Vec<TargetGroup>,
    placements: PlacementsRecord,
) {
    let kept: BTreeSet<Uuid> = groups.iter().map(|group| group.id).collect();
    for group in groups {
        // The protocol does not tell the clock of a group, so ours stays.
        let known = transaction.model.policy.groups.get(&group.id);
        let utc_offset = known.and_then(|known| known.utc_offset);
        put(transaction, by, TargetGroup { utc_offset, ..group });
    }
    let policy = &transaction.model.policy;
    let gone = policy.groups.values();
    let gone = gone.filter(|group| !group.is_built_in() && !kept.contains(&group.id));
    let mut gone: Vec<Uuid> = gone.map(|group| group.id).collect();
    gone.sort_by_key(|id| policy.ancestors(*id).count());
    if !gone.is_empty() {
        delete(transaction, by, gone, None, placements);
    }
}

fn take_deployments(
    transaction: &mut Transaction<'_>,
    by: &By,
    mirrored: &Mirrored,
) -> Result<(), StateError> {
    let listed: BTreeSet<Uuid> = mirrored.deployments.iter().map(|it| it.guid).collect();
    let is_over = |approval: &Approval| {
        approval.terms.action != ApprovalAction::None
            && !listed.contains(&approval.guid)
            && (mirrored.complete || mirrored.dead.contains(&approval.guid))
    };
    let approvals = transaction.model.policy.approvals.values().flatten();
    let over: Vec<Approval> = approvals.filter(|approval| is_over(approval)).cloned().collect();
    for approval in over {
        take_back(transaction, by, &approval);
    }
    // Deployments there are of revisions, and here of updates: of several the one of the latest counts.
    let mut deployments: Vec<&MirroredDeployment> = mirrored.deployments.iter().collect();
    deployments.sort_by_key(|it| it.revision_number);
    for deployment in deployments {
        let groups = &transaction.model.policy.groups;
        if !mirrored.dead.contains(&deployment.guid) && groups.contains_key(&deployment.group) {
            take_deployment(transaction, by, deployment)?;
        }
    }
    Ok(())
}

/// Withdrawn and not forgotten: a computer that has the approval cached must be told of its end.
fn take_back(transaction: &mut Transaction<'_>, by: &By, over: &Approval) {
    let mut record = transaction.model.decision(over.update);
    let changed = transaction.sequence();
    end(transaction, by, over);
    for approval in record.approvals.iter_mut().filter(|approval| approval.guid == over.guid) {
        approval.terms = ApprovalAction::None.into();
        approval.live = true;
        approval.changed = changed;
    }
    transaction.put_decision(record);
}

fn take_deployment(
    transaction: &mut Transaction<'_>,
    by: &By,
    deployment: &MirroredDeployment,
) -> Result<(), StateError> {
    let mut record = transaction.model.decision(deployment.update);
    // What went live there while we were not looking is live.
    let go_live = deployment.terms.go_live.filter(|at| *at > transaction.now);
    let terms = Terms { go_live, ..deployment.terms };
    let same = |old: &Approval| {
        old.guid == deployment.guid
            && Terms { go_live: None, ..old.terms } == Terms { go_live: None, ..terms }
            && (old.live || go_live == old.terms.go_live)
    };
    let is_later = |other: &Approval| {
        other.group == deployment.group
            && other.terms.action != ApprovalAction::None
            && other.revision_number > deployment.revision_number
    };
    if record.approvals.iter().any(|it| same(it) || (it.guid != deployment.guid && is_later(it))) {
        return Ok(());
    }
    let approval = Approval {
        deployment_id: transaction.next_deployment()?,
        guid: deployment.guid,
        update: deployment.update,
        revision_number: deployment.revision_number,
        group: deployment.group,
        terms,
        live: go_live.is_none(),
        by: deployment.by.clone(),
        source: Source::Decision,
        // Where nothing was put off, it counts since it was decided, and clients are told that date.
        decided: deployment.terms.go_live.unwrap_or(transaction.now).min(transaction.now),
        changed: transaction.sequence(),
    };
    let before = record.approvals.iter().position(|old| old.group == deployment.group);
    let before = before.map(|position| record.approvals.remove(position));
    let entry = json!({ "approve": approval, "before": before.as_ref().map(|it| it.terms) });
    transaction.journal(by, entry);
    if let Some(before) = before.filter(|before| before.guid != deployment.guid) {
        transaction.end_deployment(&before);
    }
    record.approvals.push(approval);
    transaction.put_decision(record);
    Ok(())
}

fn take_declined(transaction: &mut Transaction<'_>, by: &By, declined: &BTreeSet<Uuid>) {
    let here = transaction.model.policy.declined.keys();
    let no_more: Vec<Uuid> = here.filter(|update| !declined.contains(update)).copied().collect();
    for update in no_more {
        let mut record = transaction.model.decision(update);
        record.declined = None;
        transaction.sequence();
        transaction.journal(by, json!({ "undecline": update }));
        touch_for_decline(transaction, update);
        transaction.put_decision(record);
    }
    // Also of updates that are not here: they may come.
    declined.iter().for_each(|update| decline(transaction, by, *update, None));
}
