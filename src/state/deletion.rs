//! Deleting what nobody can be offered any more ([`Plan`]).
//!
//! Deleting frees room and decides nothing. An update stays declined, and what is deleted stays away:
//! were it brought again by a later synchronization, it would have to be deleted for ever. A later
//! revision of it does come, declined as it was. Whoever wants an update back, be it an administrator,
//! the server that a replica follows or a new bundle with it, has it asked for at the next
//! synchronization.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use roaring::RoaringBitmap;
use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use super::library::Library;
use super::model::{member_identities, prerequisite_ids};
use super::obsolete::{ASKED, Deletion, Plan, Possible, Which, declined};
use super::records::{DeletedRecord, DocumentRecord};
use super::transaction::Transaction;
use super::{Published, State, StateError, blocking, update_groups};
use crate::metadata::model::UpdateMetadata;
use crate::policy::by::By;
use crate::wire::types::UpdateIdentity;

/// Revisions in one commit: other changes wait no longer than for these.
const DELETED_AT_ONCE: usize = 500;

impl State {
    /// What of the catalogue is of no use since `before`, in Unix seconds.
    pub(super) fn plan_deletions(published: &Published, before: i64) -> Vec<Deletion> {
        Plan::new(&published.catalog, &published.policy, Which::Since(before)).deletions()
    }

    /// Deletes a declined update now. Returns what was deleted, its parts included.
    ///
    /// # Errors
    /// When there is no such update, it is not declined, or something needs it; then nothing changes.
    pub async fn delete_update(&self, by: By, update: Uuid) -> Result<Deletion, StateError> {
        let library = Arc::clone(&self.library);
        let (deletion, documents) = self
            .writer
            .submit(move |transaction| {
                let deletion = deletion_of(transaction, update)?;
                let (mut deleted, documents) =
                    delete_all(transaction, &library, &by, vec![deletion]);
                let waits = "a downstream server waits for its files";
                let deletion = deleted.pop().ok_or_else(|| stays(update, waits))?;
                Ok((deletion, documents))
            })
            .await?;
        self.forget_cabinets(documents).await?;
        Ok(deletion)
    }

    /// Has a deleted update asked for at the next synchronization. It is declined as it was.
    ///
    /// # Errors
    /// When no such update was deleted.
    pub async fn restore_update(&self, by: By, update: Uuid) -> Result<(), StateError> {
        self.writer.submit(move |transaction| restore(transaction, &by, update)).await
    }

    /// The deleted revisions that are wanted back.
    pub async fn wanted_back(&self) -> Result<Vec<UpdateIdentity>, StateError> {
        let wanted = |transaction: &mut Transaction<'_>| {
            let records = transaction.model.deleted.values();
            let identities = records.flat_map(|record| {
                let identity = |revision_number: &u32| UpdateIdentity {
                    update_id: record.update,
                    revision_number: *revision_number,
                };
                record.wanted.iter().map(identity)
            });
            Ok(identities.collect())
        };
        self.writer.submit(wanted).await
    }

    /// When updates were released of which the first revisions were deleted, in Unix seconds.
    pub(super) async fn released(&self) -> Result<HashMap<Uuid, i64>, StateError> {
        let released = |transaction: &mut Transaction<'_>| {
            let records = transaction.model.deleted.values();
            Ok(records.filter_map(|record| Some((record.update, record.released?))).collect())
        };
        self.writer.submit(released).await
    }

    /// Deletes what is planned, as far as nothing came in the way since; returns what was deleted.
    /// `started_by` is as [`State::clean_up`] has it.
    pub(super) async fn carry_out_deletions(
        &self,
        deletions: Vec<Deletion>,
        started_by: Option<String>,
    ) -> Result<Vec<Deletion>, StateError> {
        let mut done = Vec::new();
        let mut left = deletions.into_iter().peekable();
        while let Some(first) = left.next() {
            let mut size = first.len();
            let mut part = vec![first];
            while let Some(next) = left.next_if(|next| size + next.len() <= DELETED_AT_ONCE) {
                size += next.len();
                part.push(next);
            }
            let is_last = left.peek().is_none();
            let by = By::weir("").started_by(started_by.clone());
            let library = Arc::clone(&self.library);
            let delete = move |transaction: &mut Transaction<'_>| {
                // Nobody is offered any of it, so readers need not see it go one part at a time.
                match is_last {
                    true => transaction.publish(),
                    false => transaction.more_follows(),
                }
                Ok(delete_all(transaction, &library, &by, part))
            };
            let (deleted, documents) = self.writer.submit(delete).await?;
            self.forget_cabinets(documents).await?;
            done.extend(deleted);
        }
        Ok(done)
    }

    /// Removes what was made of these documents for downstream servers.
    async fn forget_cabinets(&self, documents: Vec<DocumentRecord>) -> Result<(), StateError> {
        let packed = Arc::clone(&self.packed);
        blocking(move || {
            for record in documents {
                if let Err(error) = packed.remove(record.digest) {
                    warn!(%error, "room for cabinets of deleted documents is not given back");
                }
            }
        })
        .await
    }
}

/// How a declined update is deleted.
fn deletion_of(transaction: &Transaction<'_>, update: Uuid) -> Result<Deletion, StateError> {
    let model = &transaction.model;
    let not_found = || StateError::NotFound { kind: "update", name: update.to_string() };
    model.latest(update).ok_or_else(not_found)?;
    if !model.policy.is_declined(update) {
        return Err(stays(update, "it is not declined"));
    }
    let plan = Plan::new(model.catalog.catalog(), &model.policy, Which::Update(update));
    if let Some(obstacle) = plan.obstacle(update) {
        return Err(stays(update, &obstacle.to_string()));
    }
    let holds = |it: &Deletion| it.0.iter().any(|deleted| deleted.update == update);
    plan.deletions().into_iter().find(holds).ok_or_else(not_found)
}

fn stays(update: Uuid, why: &str) -> StateError {
    StateError::Refused(format!("{update} has to stay: {why}"))
}

/// Deletes what of `deletions` can still go, in this commit; gives that, and what the documents said
/// that can still be read.
fn delete_all(
    transaction: &mut Transaction<'_>,
    library: &Library,
    by: &By,
    mut deletions: Vec<Deletion>,
) -> (Vec<Deletion>, Vec<DocumentRecord>) {
    let model = &transaction.model;
    let catalog = model.catalog.catalog();
    let declined = declined(catalog, &model.policy);
    let possible = Possible::new(model, &declined);
    let mut gone = RoaringBitmap::new();
    deletions.retain(|deletion| {
        let unit = possible.unit(deletion, &gone);
        gone |= unit.as_ref().unwrap_or(&RoaringBitmap::new());
        unit.is_some()
    });
    let places = gone.iter().filter_map(|index| model.places.get(index as usize)).copied();
    let documents: Vec<DocumentRecord> =
        places.filter_map(|places| library.record(places).ok()).collect();
    let mut released: BTreeMap<Uuid, i64> = BTreeMap::new();
    for metadata in documents.iter().map(|document| &document.metadata) {
        let first = released.entry(metadata.identity.update_id).or_insert(metadata.creation_date);
        *first = metadata.creation_date.min(*first);
    }
    let named = gone.iter().flat_map(|index| catalog.prerequisites(index));
    let named: BTreeSet<_> = named.filter_map(|update| catalog.update_id(update)).collect();
    transaction.remove_revisions(&gone);
    touch_new_leaves(transaction, &named);
    let mut whole = BTreeSet::new();
    for deleted in deletions.iter().flat_map(|deletion| &deletion.0) {
        let update = deleted.update;
        let revisions: BTreeSet<u32> = deleted.revisions.keys().copied().collect();
        let because = || by.clone().because(deleted.reason);
        let by = if deleted.reason == ASKED { by.clone() } else { because() };
        transaction.journal(&by, json!({ "delete": update, "revisions": revisions }));
        let mut record = deleted_of(transaction, update);
        record.revisions.extend(revisions);
        record.at = transaction.now;
        record.released = record.released.into_iter().chain(released.get(&update).copied()).min();
        transaction.put_deleted(record);
        if transaction.model.latest(update).is_none() {
            whole.insert(update);
        }
    }
    update_groups::leave(transaction, by, &whole);
    (deletions, documents)
}

/// Who named them last is gone: clients have to know that these became leaves.
fn touch_new_leaves(transaction: &mut Transaction<'_>, named: &BTreeSet<Uuid>) {
    let catalog = transaction.model.catalog.catalog();
    let leaves = named.iter().filter(|id| !catalog.is_named(id));
    let leaves = leaves.filter_map(|id| catalog.update(id));
    let leaves: Vec<_> = leaves.flat_map(|update| catalog.history(update)).copied().collect();
    leaves.into_iter().for_each(|index| transaction.touch_revision(index));
}

/// Lets a deleted update come back.
///
/// # Errors
/// When no such update was deleted.
pub(super) fn restore(
    transaction: &mut Transaction<'_>,
    by: &By,
    update: Uuid,
) -> Result<(), StateError> {
    let model = &transaction.model;
    if !model.deleted.contains_key(&update) || model.latest(update).is_some() {
        return Err(StateError::NotFound { kind: "deleted update", name: update.to_string() });
    }
    transaction.journal(by, json!({ "restore": update }));
    bring_back(transaction, update);
    Ok(())
}

/// Has the latest revision of an update that was deleted asked for again, unless the update is here.
pub(super) fn bring_back(transaction: &mut Transaction<'_>, update: Uuid) {
    let last = transaction.model.deleted.get(&update).and_then(|it| it.revisions.last().copied());
    let is_here = transaction.model.latest(update).is_some();
    if let Some(revision_number) = last.filter(|_| !is_here) {
        want_back(transaction, &UpdateIdentity { update_id: update, revision_number });
    }
}

/// Takes note of a document on its way into the catalogue: it is deleted no longer, and what it needs
/// and was deleted has to come back.
pub(super) fn note_arrival(transaction: &mut Transaction<'_>, metadata: &UpdateMetadata) {
    if transaction.model.deleted.is_empty() {
        return;
    }
    let UpdateIdentity { update_id, revision_number } = metadata.identity;
    let mut record = deleted_of(transaction, update_id);
    let stayed_away = record.revisions.remove(&revision_number);
    if record.wanted.remove(&revision_number) || stayed_away {
        transaction.put_deleted(record);
    }
    member_identities(metadata).for_each(|member| want_back(transaction, &member));
    prerequisite_ids(metadata).for_each(|update| bring_back(transaction, update));
}

fn want_back(transaction: &mut Transaction<'_>, identity: &UpdateIdentity) {
    let mut record = deleted_of(transaction, identity.update_id);
    if record.revisions.remove(&identity.revision_number) {
        record.wanted.insert(identity.revision_number);
        transaction.put_deleted(record);
    }
}

fn deleted_of(transaction: &Transaction<'_>, update: Uuid) -> DeletedRecord {
    let known = transaction.model.deleted.get(&update).cloned();
    known.unwrap_or(DeletedRecord { update, ..DeletedRecord::default() })
}
