//! What of the catalogue nobody can be offered any more.
//!
//! Three things: updates that were declined long ago, revisions that a later one replaced long ago, and
//! what only these bundle. What stands in the way of each is the catalogue's to say ([`Removal`]).

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::model::Model;
use crate::catalog::{Catalog, Obstacle, Removal, RevisionIndex};
use crate::metadata::model::UpdateType;
use crate::policy::Policy;
use crate::wire::types::{RevisionId, UpdateIdentity};

/// Revisions that have to be deleted in one commit, by their updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion(pub Vec<DeletedUpdate>);

/// What is deleted of one update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedUpdate {
    /// The update.
    pub update: Uuid,
    /// Its revisions by their number, with our own.
    pub revisions: BTreeMap<u32, RevisionId>,
    /// Why.
    pub reason: &'static str,
}

pub(super) const ASKED: &str = "an administrator deletes it";
const DECLINED: &str = "declined long ago";
const REPLACED: &str = "replaced by a later revision long ago";
const PART: &str = "bundled only by what is deleted";

/// What may go, if nothing stands in the way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    /// What has been of no use since then, in Unix seconds.
    Since(i64),
    /// All of this update.
    Update(Uuid),
}

impl Deletion {
    /// How many revisions are deleted.
    pub fn len(&self) -> usize {
        self.0.iter().map(|deleted| deleted.revisions.len()).sum()
    }

    /// Whether nothing is deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn revisions(&self) -> impl Iterator<Item = (&DeletedUpdate, RevisionId)> {
        self.0.iter().flat_map(|it| it.revisions.values().map(move |id| (it, *id)))
    }
}

/// What is to be deleted of a catalogue.
pub(super) struct Plan<'a> {
    catalog: &'a Catalog,
    policy: &'a Policy,
    declined: RoaringBitmap,
    /// The revisions that may go, and why.
    candidates: BTreeMap<RevisionIndex, &'static str>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(catalog: &'a Catalog, policy: &'a Policy, which: Which) -> Self {
        let declined = declined(catalog, policy);
        let mut plan = Self { catalog, policy, declined, candidates: BTreeMap::new() };
        for (index, revision) in catalog.revisions() {
            let update = revision.metadata.identity.update_id;
            let reason = match which {
                _ if !is_deletable(revision.metadata.update_type) => continue,
                Which::Since(before) => plan.reason(index, update, before),
                Which::Update(wanted) if wanted == update => Some(ASKED),
                Which::Update(_) => is_part(catalog, policy, index, update).then_some(PART),
            };
            plan.candidates.extend(reason.map(|reason| (index, reason)));
        }
        plan
    }

    /// Everything that can go, in parts that each go at once.
    pub(super) fn deletions(&self) -> Vec<Deletion> {
        let removal = Removal::new(self.catalog, &self.declined);
        let gone = removal.removable(&self.candidates.keys().copied().collect());
        removal.units(&gone).iter().map(|unit| self.deletion(unit)).collect()
    }

    /// Why an update cannot go.
    pub(super) fn obstacle(&self, update: Uuid) -> Option<Obstacle> {
        let removal = Removal::new(self.catalog, &self.declined);
        let mut gone = removal.removable(&self.candidates.keys().copied().collect());
        let history = self.catalog.history(self.catalog.update(&update)?);
        gone.extend(history);
        history.iter().find_map(|index| removal.obstacle(*index, &gone))
    }

    fn reason(&self, index: RevisionIndex, update: Uuid, before: i64) -> Option<&'static str> {
        let catalog = self.catalog;
        let is_old = |index| catalog.revision(index).is_some_and(|it| it.imported <= before);
        let declined = self.policy.declined.get(&update);
        if declined.is_some_and(|declined| declined.decided <= before) && is_old(index) {
            return Some(DECLINED);
        }
        let history = catalog.history(catalog.update_of(index)?);
        let later = history.iter().skip_while(|other| **other != index).nth(1);
        if later.is_some_and(|later| is_old(*later)) {
            return Some(REPLACED);
        }
        is_part(catalog, self.policy, index, update).then_some(PART)
    }

    fn deletion(&self, unit: &RoaringBitmap) -> Deletion {
        let mut updates: BTreeMap<Uuid, DeletedUpdate> = BTreeMap::new();
        for (index, reason) in unit.iter().filter_map(|at| self.candidates.get_key_value(&at)) {
            let Some(revision) = self.catalog.revision(*index) else { continue };
            let UpdateIdentity { update_id: update, revision_number } = revision.metadata.identity;
            let deleted = updates.entry(update);
            let deleted = deleted.or_insert_with(|| DeletedUpdate {
                update,
                revisions: BTreeMap::new(),
                reason,
            });
            deleted.revisions.insert(revision_number, revision.id);
        }
        Deletion(updates.into_values().collect())
    }
}

/// What can be deleted as matters stand now.
pub(super) struct Possible<'a> {
    model: &'a Model,
    removal: Removal<'a>,
}

impl<'a> Possible<'a> {
    pub(super) fn new(model: &'a Model, declined: &'a RoaringBitmap) -> Self {
        Self { model, removal: Removal::new(model.catalog.catalog(), declined) }
    }

    /// The revisions of a deletion, if nothing came in the way since it was planned and all of `gone`
    /// go before it.
    pub(super) fn unit(&self, deletion: &Deletion, gone: &RoaringBitmap) -> Option<RoaringBitmap> {
        let Model { policy, wanted, .. } = self.model;
        let catalog = self.model.catalog.catalog();
        let mut unit = RoaringBitmap::new();
        for (deleted, id) in deletion.revisions() {
            let index = catalog.by_id(id)?;
            let still = match deleted.reason {
                PART => is_part(catalog, policy, index, deleted.update),
                REPLACED => true,
                _ => policy.is_declined(deleted.update),
            };
            let mut files = catalog.files(index).iter().chain(catalog.express_files(index));
            let is_awaited = files.any(|file| wanted.contains_key(file));
            if !still || is_awaited {
                return None;
            }
            unit.insert(index);
        }
        let gone = gone | &unit;
        unit.iter().all(|index| self.removal.obstacle(index, &gone).is_none()).then_some(unit)
    }
}

/// The declined updates of a catalogue.
pub(super) fn declined(catalog: &Catalog, policy: &Policy) -> RoaringBitmap {
    policy.declined.keys().filter_map(|update| catalog.update(update)).collect()
}

fn is_deletable(update_type: UpdateType) -> bool {
    matches!(update_type, UpdateType::Software | UpdateType::Driver)
}

/// Whether a revision's update exists as a part of bundles only, and nobody decided on it for its own
/// sake.
fn is_part(catalog: &Catalog, policy: &Policy, index: RevisionIndex, update: Uuid) -> bool {
    let mut approvals = policy.approvals.get(&update).into_iter().flatten();
    approvals.all(|approval| !approval.terms.action.acts())
        && catalog.update_of(index).is_some_and(|update| catalog.is_member_only(update))
}
