//! Which revisions can be taken away without anybody being offered anything else.
//!
//! A server forgets what nobody is offered to stay small, and for no other reason. So the measure is
//! what an agent gets: after a removal each agent gets what it got before, with the same categories,
//! the same parts of bundles and the same prerequisites, and each update counts as replaced that did.
//! What stands in the way is asked of every revision against the whole of what is to go; a bundle and
//! the parts that only it has go together, or the parts would be offered by themselves.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::revision::{RevisionIndex, UpdateIndex};
use super::snapshot::Catalog;

/// Why a revision has to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Somebody is offered it, or evaluates it.
    #[error("it is offered to computers")]
    Offered,
    /// A bundle has it as a part.
    #[error("{0} bundles it")]
    Bundled(Uuid),
    /// A prerequisite names its update.
    #[error("a prerequisite of {0} names it")]
    Needed(Uuid),
    /// It replaces an update that is not declined, and that would seem to be the latest without it.
    #[error("it replaces {0}, which is not declined")]
    Replaces(Uuid),
    /// A part of it would be offered by itself.
    #[error("its part {0} would be offered by itself")]
    Part(Uuid),
    /// What stays of its update would be offered otherwise.
    #[error("its other revisions go by it")]
    Revision,
}

/// Removals from one catalogue while some of its updates are declined.
#[derive(Debug)]
pub struct Removal<'a> {
    catalog: &'a Catalog,
    declined: &'a RoaringBitmap,
    /// The updates here, and not declined, that a revision replaces as matters stand.
    replaced: HashMap<RevisionIndex, Vec<UpdateIndex>>,
}

impl<'a> Removal<'a> {
    /// Removals while the updates of `declined` are declined.
    pub fn new(catalog: &'a Catalog, declined: &'a RoaringBitmap) -> Self {
        let mut replaced: HashMap<RevisionIndex, Vec<UpdateIndex>> = HashMap::new();
        let updates = (0..).take(catalog.update_count());
        let living = |update: &UpdateIndex| {
            !declined.contains(*update) && !catalog.history(*update).is_empty()
        };
        for update in updates.filter(living) {
            for successor in catalog.superseded_by(update) {
                replaced.entry(successor).or_default().push(update);
            }
        }
        Self { catalog, declined, replaced }
    }

    /// Of `candidates`, those that can go together.
    pub fn removable(&self, candidates: &RoaringBitmap) -> RoaringBitmap {
        let mut gone = candidates.clone();
        loop {
            let stays = |revision: &RevisionIndex| self.obstacle(*revision, &gone).is_some();
            let stay: RoaringBitmap = gone.iter().filter(stays).collect();
            if stay.is_empty() {
                return gone;
            }
            gone -= stay;
        }
    }

    /// What stands in the way of a revision, when all of `gone` go.
    pub fn obstacle(&self, index: RevisionIndex, gone: &RoaringBitmap) -> Option<Obstacle> {
        let catalog = self.catalog;
        let Some(update) = catalog.update_of(index) else { return Some(Obstacle::Offered) };
        let is_offered = catalog.tops.contains(index) && !self.declined.contains(update);
        if is_offered || catalog.is_category_or_detectoid(update) {
            return Some(Obstacle::Offered);
        }
        let stays = |revision: &&RevisionIndex| !gone.contains(**revision);
        if let Some(bundle) = catalog.parents(index).iter().find(stays) {
            return Some(Obstacle::Bundled(self.id_of(*bundle)));
        }
        if catalog.prerequisites.is_named(update) {
            let naming = catalog.prerequisites.naming(update) - gone;
            // Also of an older revision: a computer that has it installed has the update.
            if let Some(naming) = naming.min() {
                return Some(Obstacle::Needed(self.id_of(naming)));
            }
        }
        let is_latest = catalog.latest(update) == Some(index);
        let goes_whole = self.goes_whole(update, gone);
        if !goes_whole && (is_latest || !self.is_offered_alike(update, gone)) {
            return Some(Obstacle::Revision);
        }
        let parts = catalog.members(index).iter().filter(stays);
        let mut parts = parts.filter_map(|part| catalog.update_of(*part));
        if let Some(part) = parts.find(|part| !self.is_offered_alike(*part, gone)) {
            return Some(Obstacle::Part(self.id(part)));
        }
        let mut replaced = self.replaced.get(&index).into_iter().flatten();
        let replaced = replaced.find(|update| !self.goes_whole(**update, gone))?;
        Some(Obstacle::Replaces(self.id(*replaced)))
    }

    /// `gone`, all of which can go, in parts that have to go each at once, and in this order.
    pub fn units(&self, gone: &RoaringBitmap) -> Vec<RoaringBitmap> {
        let mut units = Vec::new();
        let mut left = gone.clone();
        while let Some(first) = left.min() {
            let mut unit = RoaringBitmap::new();
            let mut open = vec![first];
            while let Some(index) = open.pop() {
                if left.remove(index) {
                    unit.insert(index);
                    self.bound(index, &mut open);
                }
            }
            units.push(unit);
        }
        units
    }

    /// What is asked about when a revision is to go.
    fn bound(&self, index: RevisionIndex, bound: &mut Vec<RevisionIndex>) {
        let catalog = self.catalog;
        bound.extend(catalog.parents(index));
        bound.extend(catalog.members(index));
        let Some(update) = catalog.update_of(index) else { return };
        bound.extend(catalog.history(update));
        if catalog.prerequisites.is_named(update) {
            bound.extend(catalog.prerequisites.naming(update));
        }
        for update in self.replaced.get(&index).into_iter().flatten() {
            bound.extend(catalog.history(*update));
        }
    }

    fn goes_whole(&self, update: UpdateIndex, gone: &RoaringBitmap) -> bool {
        self.catalog.history(update).iter().all(|revision| gone.contains(*revision))
    }

    /// Whether what stays of an update is a mere part of bundles if the update is one now.
    fn is_offered_alike(&self, update: UpdateIndex, gone: &RoaringBitmap) -> bool {
        let catalog = self.catalog;
        let rest = || catalog.history(update).iter().filter(|revision| !gone.contains(**revision));
        let is_deployable = |revision: &RevisionIndex| {
            catalog.revision(*revision).is_some_and(|it| it.metadata.explicitly_deployable)
        };
        let is_part = |revision: &RevisionIndex| {
            catalog.parents(*revision).iter().any(|bundle| !gone.contains(*bundle))
        };
        let is_part_only = !catalog.is_category_or_detectoid(update)
            && rest().any(is_part)
            && !rest().any(is_deployable);
        is_part_only == catalog.is_member_only(update)
    }

    fn id_of(&self, index: RevisionIndex) -> Uuid {
        self.catalog.update_of(index).map_or(Uuid::nil(), |update| self.id(update))
    }

    fn id(&self, update: UpdateIndex) -> Uuid {
        self.catalog.update_id(update).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::{Draft, uuid};
    use super::super::revision::NewRevision;
    use super::*;

    /// What stands in the way of the revision with the id `id` when those of `gone` go.
    fn obstacle(revisions: &[NewRevision], id: u32, gone: &[u32]) -> Option<Obstacle> {
        let catalog = Catalog::build(revisions.to_vec());
        let declined = [1, 2, 3].iter().filter_map(|&update| catalog.update(&uuid(update)));
        let declined = declined.collect();
        let index = |id: &u32| catalog.by_id(crate::wire::types::RevisionId(*id)).expect("an id");
        let removal = Removal::new(&catalog, &declined);
        removal.obstacle(index(&id), &gone.iter().map(index).collect())
    }

    #[test]
    fn what_is_offered_stays_and_what_is_declined_goes() {
        let revisions = [Draft::new(1, 1, 1).build(), Draft::new(2, 9, 1).build()];
        assert_eq!(obstacle(&revisions, 1, &[1]), None);
        assert_eq!(obstacle(&revisions, 2, &[2]), Some(Obstacle::Offered));
        let category = [Draft::new(1, 1, 1).detectoid().build(), Draft::new(2, 1, 2).build()];
        assert_eq!(obstacle(&category, 1, &[1]), None, "it is no detectoid any more");
        let category = [Draft::new(1, 1, 1).detectoid().build()];
        assert_eq!(obstacle(&category, 1, &[1]), Some(Obstacle::Offered));
    }

    #[test]
    fn what_a_bundle_or_a_prerequisite_names_goes_with_it_only() {
        let revisions = [
            Draft::new(1, 1, 1).build(),
            Draft::new(2, 2, 1).needs(&[1]).build(),
            Draft::new(3, 3, 1).bundles(&[(2, 1)]).build(),
        ];
        assert_eq!(obstacle(&revisions, 1, &[1]), Some(Obstacle::Needed(uuid(2))));
        assert_eq!(obstacle(&revisions, 1, &[1, 2]), None);
        assert_eq!(obstacle(&revisions, 2, &[2]), Some(Obstacle::Bundled(uuid(3))));
        assert_eq!(obstacle(&revisions, 3, &[3]), Some(Obstacle::Part(uuid(2))));
        assert_eq!(obstacle(&revisions, 3, &[2, 3]), None);
    }

    #[test]
    fn older_revisions_go_unless_the_update_goes_by_them() {
        let revisions = |deployable| {
            [
                Draft::new(1, 9, 1).explicitly_deployable(deployable).build(),
                Draft::new(2, 9, 2).build(),
                Draft::new(3, 8, 1).bundles(&[(9, 2)]).build(),
            ]
        };
        assert_eq!(obstacle(&revisions(false), 1, &[1]), None);
        assert_eq!(obstacle(&revisions(true), 1, &[1]), Some(Obstacle::Revision));
        let named = [
            Draft::new(1, 9, 1).build(),
            Draft::new(2, 9, 2).build(),
            Draft::new(3, 8, 1).needs(&[9]).build(),
        ];
        assert_eq!(obstacle(&named, 1, &[1]), Some(Obstacle::Needed(uuid(8))));
        assert_eq!(obstacle(&named[..2], 1, &[1]), None);
    }

    #[test]
    fn what_replaces_a_living_update_stays() {
        let revisions = [
            Draft::new(1, 9, 1).build(),
            Draft::new(2, 1, 1).supersedes(&[9]).build(),
            Draft::new(3, 2, 1).supersedes(&[3]).build(),
            Draft::new(4, 3, 1).build(),
        ];
        assert_eq!(obstacle(&revisions, 2, &[2]), Some(Obstacle::Replaces(uuid(9))));
        assert_eq!(obstacle(&revisions, 3, &[3]), None, "it is declined, too");
    }

    #[test]
    fn what_is_bound_together_is_one_unit() {
        let revisions = vec![
            Draft::new(1, 1, 1).bundles(&[(4, 1)]).build(),
            Draft::new(2, 2, 1).build(),
            Draft::new(3, 4, 1).build(),
            Draft::new(4, 3, 1).needs(&[2]).build(),
        ];
        let catalog = Catalog::build(revisions);
        let declined =
            RoaringBitmap::from_iter([1, 2, 3].map(|it| catalog.update(&uuid(it)).unwrap()));
        let removal = Removal::new(&catalog, &declined);
        let gone = removal.removable(&catalog.indices().collect());
        assert_eq!(gone.len(), 4);
        let expected = [RoaringBitmap::from([0, 2]), RoaringBitmap::from([1, 3])];
        assert_eq!(removal.units(&gone), expected, "by the bundle, and by the prerequisite");
    }
}
