//! From a list of revisions to the graph.
//!
//! Documents refer to each other by global ids, arrive in any order and may refer to what the
//! server does not have, to themselves or in circles. Here every reference becomes a dense number
//! or is left out, so that no reader needs to think of it again.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::adjacency::Adjacency;
use super::driver::DriverTable;
use super::prerequisites::{Collector, Prerequisites};
use super::revision::{Revision, RevisionIndex, UpdateIndex};
use super::snapshot::Catalog;
use crate::metadata::model::{PublicationState, UpdateType};
use crate::wire::types::UpdateIdentity;

impl Catalog {
    /// Builds the snapshot of `revisions`, given in any order.
    ///
    /// Ids and identities are unique in a sound store; of revisions that share one, that with the
    /// lowest id is kept.
    pub fn build(mut revisions: Vec<Revision>) -> Self {
        let by_identity = number_revisions(&mut revisions);
        let (update_ids, by_update_id, update_of) = number_updates(&revisions);
        let history = history(&revisions, &update_of, update_ids.len());
        let prerequisites = prerequisites(&revisions, &by_update_id, update_ids.len());
        let members = members(&revisions, &by_identity);
        let parents = members.reversed(revisions.len());
        let mut catalog = Self {
            superseded_by: Adjacency::group(0, &[]),
            drivers: RoaringBitmap::new(),
            driver_table: DriverTable::new(&revisions),
            tops: Vec::new(),
            revisions,
            by_identity,
            update_ids,
            by_update_id,
            update_of,
            history,
            prerequisites,
            members,
            parents,
        };
        catalog.superseded_by = catalog.find_superseded();
        catalog.drivers = catalog.find_drivers();
        catalog.tops = catalog.find_tops();
        catalog
    }

    fn find_superseded(&self) -> Adjacency {
        let mut pairs = Vec::new();
        for (update, revision) in self.candidates() {
            let superseded = self.revisions[revision as usize].metadata.superseded.iter();
            let others = superseded.filter_map(|id| self.update(id)).filter(|&id| id != update);
            pairs.extend(others.map(|other| (other, revision)));
        }
        Adjacency::relation(self.update_count(), pairs)
    }

    fn find_drivers(&self) -> RoaringBitmap {
        let is_driver = |revision: &&Revision| revision.metadata.update_type == UpdateType::Driver;
        let numbered = (0..).zip(&self.revisions);
        numbered.filter(|(_, revision)| is_driver(revision)).map(|(index, _)| index).collect()
    }

    /// The candidates that nothing needs to refer to: categories and detectoids, and all updates
    /// but those that exist only as members of bundles.
    fn find_tops(&self) -> Vec<(UpdateIndex, RevisionIndex)> {
        self.candidates().filter(|&(update, _)| !self.is_member_only(update)).collect()
    }

    /// The revision by which each update is offered: its latest, unless its publisher withdrew it.
    /// An older revision never comes back in its place.
    fn candidates(&self) -> impl Iterator<Item = (UpdateIndex, RevisionIndex)> + '_ {
        let updates = (0..).take(self.update_count());
        let latest = updates.filter_map(|update| Some((update, self.latest(update)?)));
        latest.filter(|&(_, revision)| {
            let state = self.revisions[revision as usize].metadata.publication_state;
            state != PublicationState::Expired
        })
    }

    fn is_member_only(&self, update: UpdateIndex) -> bool {
        !self.is_category_or_detectoid(update)
            && self.history(update).iter().any(|&revision| !self.parents(revision).is_empty())
            && !self
                .history(update)
                .iter()
                .any(|&revision| self.revisions[revision as usize].metadata.explicitly_deployable)
    }

    /// Whether an update, by its latest revision, is there to be evaluated, not installed.
    pub(super) fn is_category_or_detectoid(&self, update: UpdateIndex) -> bool {
        self.latest(update).and_then(|latest| self.revision(latest)).is_some_and(|revision| {
            matches!(revision.metadata.update_type, UpdateType::Category | UpdateType::Detectoid)
        })
    }
}

/// Sorts the revisions by id and makes ids and identities unique.
fn number_revisions(revisions: &mut Vec<Revision>) -> HashMap<UpdateIdentity, RevisionIndex> {
    revisions.sort_by_key(|revision| revision.id);
    revisions.dedup_by_key(|revision| revision.id);
    let mut by_identity = HashMap::with_capacity(revisions.len());
    let mut next = 0;
    revisions.retain(|revision| {
        let mut is_new = false;
        by_identity.entry(revision.metadata.identity).or_insert_with(|| {
            is_new = true;
            next += 1;
            next - 1
        });
        is_new
    });
    by_identity
}

type Updates = (Vec<Uuid>, HashMap<Uuid, UpdateIndex>, Vec<UpdateIndex>);

/// Numbers the updates in the order in which they appear.
fn number_updates(revisions: &[Revision]) -> Updates {
    let mut ids = Vec::new();
    let mut by_id = HashMap::new();
    let mut next = 0;
    let update_of = revisions.iter().map(|revision| {
        let id = revision.metadata.identity.update_id;
        *by_id.entry(id).or_insert_with(|| {
            ids.push(id);
            next += 1;
            next - 1
        })
    });
    let update_of = update_of.collect();
    (ids, by_id, update_of)
}

fn history(revisions: &[Revision], update_of: &[UpdateIndex], updates: usize) -> Adjacency {
    let mut pairs: Vec<_> = update_of.iter().copied().zip(0..).collect();
    pairs.sort_by_key(|&(update, revision): &(u32, u32)| {
        (update, revisions[revision as usize].metadata.identity.revision_number)
    });
    Adjacency::group(updates, &pairs)
}

fn prerequisites(
    revisions: &[Revision],
    by_update_id: &HashMap<Uuid, UpdateIndex>,
    updates: usize,
) -> Prerequisites {
    let mut collector = Collector::default();
    for revision in revisions {
        collector.push(revision.metadata.prerequisites.iter().map(|clause| {
            clause.alternatives.iter().filter_map(|id| by_update_id.get(id).copied()).collect()
        }));
    }
    collector.finish(updates)
}

/// Bundle edges between revisions the server has. A client is sent one revision of an update, so
/// an update that bundles a revision of itself bundles nothing by that.
fn members(
    revisions: &[Revision],
    by_identity: &HashMap<UpdateIdentity, RevisionIndex>,
) -> Adjacency {
    let mut pairs = Vec::new();
    for (index, revision) in (0..).zip(revisions) {
        let own = revision.metadata.identity.update_id;
        let named = revision.metadata.bundled.iter().flat_map(|clause| &clause.alternatives);
        let others = named.filter(|identity| identity.update_id != own);
        pairs.extend(others.filter_map(|identity| Some((index, *by_identity.get(identity)?))));
    }
    Adjacency::relation(revisions.len(), pairs)
}
