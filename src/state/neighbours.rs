//! Who has to be told when a document arrives, or when an update is declined or taken back.
//!
//! How a revision is deployed by default, and whether it is a leaf, follows from its neighbours:
//! whether a prerequisite names it, and whether a bundle with it is offered. Clients that have it
//! cached learn of a change through ChangedUpdates ([MS-WUSP] 3.1.5.7), which goes by the commit
//! that the revision's record names. Telling a client what it knows already costs a few hundred
//! bytes, and not telling it leaves it wrong for ever: so whoever may be concerned is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::model::{Model, member_identities, prerequisite_ids};
use super::records::RevisionRecord;
use super::transaction::Transaction;
use crate::metadata::model::UpdateMetadata;
use crate::wire::types::{RevisionId, UpdateIdentity};

/// Marks as changed what a document that is about to be imported changes of others.
pub(super) fn touch_for_import(transaction: &mut Transaction<'_>, metadata: &UpdateMetadata) {
    let model = &transaction.model;
    // What is named for the first time stops being a leaf; what is bundled for the first time is
    // no longer offered for its own sake, unless it is explicitly deployable.
    let named = prerequisite_ids(metadata).filter(|id| !model.named.contains(id));
    let bundled = member_identities(metadata).filter(|id| !model.bundled.contains_key(id));
    let updates = named.chain(bundled.map(|identity| identity.update_id));
    let mut touched: BTreeSet<RevisionId> =
        updates.flat_map(|update| revisions_of(model, update)).copied().collect();
    // The new revision takes the place of the last one, and so do its members.
    let before = records_of(model, metadata.identity.update_id);
    let before = before.map(|record| &*record.metadata);
    touched.extend(lasting_members(model, before.chain([metadata])));
    // A bundle that came before one of its members has to wait for the member's content.
    touched.extend(approved_bundles(model, metadata.identity));
    touch(transaction, &touched);
}

/// Marks as changed what declining an update changes, or taking that back: the update itself where
/// it stays as a dependency, and its members where they stay for their own sake.
pub(super) fn touch_for_decline(transaction: &mut Transaction<'_>, update: Uuid) {
    let model = &transaction.model;
    let records = || records_of(model, update);
    let is_dependency = model.named.contains(&update)
        || records().any(|record| model.bundled.contains_key(&record.metadata.identity));
    let mut touched = lasting_members(model, records().map(|record| &*record.metadata));
    if is_dependency {
        touched.extend(revisions_of(model, update));
    }
    touch(transaction, &touched);
}

/// What the documents bundle, and what that bundles, as far as it may be in scope without them.
fn lasting_members<'m>(
    model: &'m Model,
    documents: impl Iterator<Item = &'m UpdateMetadata>,
) -> BTreeSet<RevisionId> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&UpdateMetadata> = documents.collect();
    while let Some(metadata) = open.pop() {
        let members = member_identities(metadata).filter_map(|id| model.identities.get(&id));
        for record in members.filter_map(|id| model.revisions.get(id)) {
            if reached.insert(record.id) {
                open.push(&record.metadata);
            }
        }
    }
    reached.retain(|id| model.revisions.get(id).is_some_and(|record| may_stay(model, record)));
    reached
}

/// The bundles with a revision, and the bundles with those, as far as someone approved them.
fn approved_bundles(model: &Model, member: UpdateIdentity) -> BTreeSet<RevisionId> {
    let mut reached = BTreeSet::new();
    let mut open = vec![member];
    while let Some(member) = open.pop() {
        let bundles = model.bundled.get(&member).into_iter().flatten();
        for record in bundles.filter_map(|id| model.revisions.get(id)) {
            if reached.insert(record.id) {
                open.push(record.metadata.identity);
            }
        }
    }
    let is_approved = |record: &Arc<RevisionRecord>| {
        model.policy.approvals.contains_key(&record.metadata.identity.update_id)
    };
    reached.retain(|id| model.revisions.get(id).is_some_and(is_approved));
    reached
}

/// Whether an update is offered, or may be needed, without the bundles that it is a member of.
fn may_stay(model: &Model, record: &RevisionRecord) -> bool {
    let update = record.metadata.identity.update_id;
    model.named.contains(&update)
        || records_of(model, update).any(|record| record.metadata.explicitly_deployable)
}

fn revisions_of(model: &Model, update: Uuid) -> &[RevisionId] {
    model.updates.get(&update).map_or(&[], Vec::as_slice)
}

fn records_of(model: &Model, update: Uuid) -> impl Iterator<Item = &Arc<RevisionRecord>> {
    revisions_of(model, update).iter().filter_map(|id| model.revisions.get(id))
}

fn touch(transaction: &mut Transaction<'_>, touched: &BTreeSet<RevisionId>) {
    for id in touched {
        let Some(record) = transaction.model.revisions.get(id) else { continue };
        let record = RevisionRecord::clone(record);
        let changed = transaction.sequence();
        transaction.put_revision(RevisionRecord { changed, ..record });
    }
}
