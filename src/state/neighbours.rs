//! Who has to be told when a document arrives, or when an update is declined or taken back.
//!
//! How a revision is deployed by default, and whether it is a leaf, follows from its neighbours:
//! whether a prerequisite names it, and whether a bundle with it is offered. Clients that have it
//! cached learn of a change through ChangedUpdates ([MS-WUSP] 3.1.5.7), which goes by the commit
//! that the revision's record names. Telling a client what it knows already costs a few hundred
//! bytes, and not telling it leaves it wrong for ever: so whoever may be concerned is told.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::model::{Model, member_identities, prerequisite_ids};
use super::transaction::Transaction;
use crate::catalog::{Catalog, RevisionIndex};
use crate::metadata::model::UpdateMetadata;
use crate::wire::types::UpdateIdentity;

/// Marks as changed what a document that is about to be imported changes of others.
pub(super) fn touch_for_import(transaction: &mut Transaction<'_>, metadata: &UpdateMetadata) {
    let model = &transaction.model;
    let catalog = model.catalog.catalog();
    // What is named for the first time stops being a leaf; what is bundled for the first time is
    // no longer offered for its own sake, unless it is explicitly deployable.
    let named = prerequisite_ids(metadata).filter(|id| !catalog.is_named(id));
    let bundled =
        member_identities(metadata).filter(|id| model.catalog.bundles_with(id).is_empty());
    let updates = named.chain(bundled.map(|identity| identity.update_id));
    let mut touched: BTreeSet<RevisionIndex> =
        updates.flat_map(|update| revisions_of(catalog, update)).copied().collect();
    // The new revision takes the place of the last one, and so do its members.
    let earlier = revisions_of(catalog, metadata.identity.update_id).iter().copied();
    let before = earlier.clone().flat_map(|revision| catalog.members(revision)).copied();
    // What was decided on the update does not mean the last one any more, which stays as a member
    // where the new one is expired.
    touched.extend(earlier.filter(|revision| !catalog.parents(*revision).is_empty()));
    let members = member_identities(metadata).filter_map(|id| catalog.by_identity(&id));
    touched.extend(lasting(catalog, before.chain(members)));
    // A bundle that came before one of its members has to wait for the member's content.
    touched.extend(approved_bundles(model, metadata.identity));
    touch(transaction, &touched);
}

/// Marks as changed what declining an update changes, or taking that back: the update itself where
/// it stays as a dependency, and its members where they stay for their own sake.
pub(super) fn touch_for_decline(transaction: &mut Transaction<'_>, update: Uuid) {
    let catalog = transaction.model.catalog.catalog();
    let revisions = revisions_of(catalog, update);
    let is_dependency = catalog.is_named(&update)
        || revisions.iter().any(|revision| !catalog.parents(*revision).is_empty());
    let members = revisions.iter().flat_map(|revision| catalog.members(*revision)).copied();
    let mut touched = lasting(catalog, members);
    if is_dependency {
        touched.extend(revisions);
    }
    touch(transaction, &touched);
}

/// These members, and what they bundle, as far as it may be in scope without the bundles.
fn lasting(
    catalog: &Catalog,
    members: impl Iterator<Item = RevisionIndex>,
) -> BTreeSet<RevisionIndex> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<RevisionIndex> = members.collect();
    while let Some(member) = open.pop() {
        if reached.insert(member) {
            open.extend(catalog.members(member));
        }
    }
    reached.retain(|revision| may_stay(catalog, *revision));
    reached
}

/// The bundles with a revision, and the bundles with those, as far as someone approved them.
fn approved_bundles(model: &Model, member: UpdateIdentity) -> BTreeSet<RevisionIndex> {
    let catalog = model.catalog.catalog();
    let mut reached = BTreeSet::new();
    let mut open = model.catalog.bundles_with(&member).to_vec();
    while let Some(bundle) = open.pop() {
        if reached.insert(bundle) {
            open.extend(catalog.parents(bundle));
        }
    }
    let is_approved = |revision: &RevisionIndex| {
        let update = catalog.update_of(*revision).and_then(|update| catalog.update_id(update));
        update.is_some_and(|update| model.policy.approvals.contains_key(&update))
    };
    reached.retain(is_approved);
    reached
}

/// Whether an update is offered, or may be needed, without the bundles that it is a member of.
fn may_stay(catalog: &Catalog, revision: RevisionIndex) -> bool {
    let Some(update) = catalog.update_of(revision) else { return false };
    let is_deployable = |&revision: &RevisionIndex| {
        catalog.revision(revision).is_some_and(|it| it.metadata.explicitly_deployable)
    };
    !catalog.is_leaf(revision) || catalog.history(update).iter().any(is_deployable)
}

fn revisions_of(catalog: &Catalog, update: Uuid) -> &[RevisionIndex] {
    catalog.update(&update).map_or(&[], |update| catalog.history(update))
}

fn touch(transaction: &mut Transaction<'_>, touched: &BTreeSet<RevisionIndex>) {
    touched.iter().for_each(|revision| transaction.touch_revision(*revision));
}
