//! What is offered under a policy, whoever asks.
//!
//! A WSUS offers every update that is not declined, approved or not (what is not approved is only
//! checked and reported), with everything these depend on. Supersedence never hides an update:
//! administrators decide that, by declining.

use roaring::RoaringBitmap;

use super::prerequisites::FollowedClauses;
use super::revision::{RevisionIndex, UpdateIndex};
use super::snapshot::Catalog;

/// The revisions offered under one policy: at most one of each update.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// All of them.
    pub in_scope: RoaringBitmap,
    /// Those of a software pass: software, categories and detectoids.
    pub software: RoaringBitmap,
    /// Those of a driver pass.
    pub drivers: RoaringBitmap,
    /// Those that are in scope because of a bundle, also where a later revision of that bundle took its
    /// place in the scope: what they are does not change with that. Software among them is deployed as
    /// Bundle.
    pub members: RoaringBitmap,
    /// Those in scope for their own sake. The others are there because one of these depends on
    /// them, and a declined or expired update among those is never to be offered.
    pub tops: RoaringBitmap,
}

impl Catalog {
    /// What is offered when the updates of `declined` are declined.
    ///
    /// 1. In scope for its own sake is the latest revision of every update, unless that revision
    ///    is expired, the update is declined, or it exists only as a member of bundles: never
    ///    explicitly deployable, and bundled by some revision of another update. Categories and
    ///    detectoids are in scope even if declined or bundled.
    /// 2. With a revision come the revisions it bundles, exactly, and the latest revisions of the
    ///    updates its prerequisites name; and what comes with those. Dependencies may be declined
    ///    or expired: without them the update that needs them would be lost
    ///    ([MS-WUSP] 3.1.5.7, "combined with any dependencies").
    /// 3. If that leads to several revisions of one update, the highest stays.
    pub fn scope(&self, declined: &RoaringBitmap) -> Scope {
        let is_offered = |revision: &RevisionIndex| {
            self.update_of(*revision).is_some_and(|update| {
                !declined.contains(update) || self.is_category_or_detectoid(update)
            })
        };
        let tops: RoaringBitmap = self.tops.iter().filter(is_offered).collect();
        let reached = self.with_dependencies(&tops);
        let in_scope = self.highest_of_each(&reached);
        let bundled = |&revision: &RevisionIndex| {
            self.parents(revision).iter().any(|&parent| reached.contains(parent))
        };
        Scope {
            software: &in_scope - &self.drivers,
            drivers: &in_scope & &self.drivers,
            members: in_scope.iter().filter(bundled).collect(),
            tops,
            in_scope,
        }
    }

    fn with_dependencies(&self, roots: &RoaringBitmap) -> RoaringBitmap {
        let mut reached = roots.clone();
        let mut open: Vec<RevisionIndex> = roots.iter().collect();
        let mut followed = FollowedClauses::default();
        while let Some(revision) = open.pop() {
            let members = self.members(revision).iter().copied();
            open.extend(members.filter(|&member| reached.insert(member)));
            for update in followed.follow(&self.prerequisites, revision) {
                open.extend(self.latest(update).filter(|&latest| reached.insert(latest)));
            }
        }
        reached
    }

    fn highest_of_each(&self, revisions: &RoaringBitmap) -> RoaringBitmap {
        let updates = (0..).take(self.update_count());
        updates.filter_map(|update| self.revision_within(update, revisions)).collect()
    }

    /// The highest revision of `update` among `revisions`; in a scope, the one in scope.
    pub(super) fn revision_within(
        &self,
        update: UpdateIndex,
        revisions: &RoaringBitmap,
    ) -> Option<RevisionIndex> {
        let history = self.history(update).iter().copied();
        history.rev().find(|&revision| revisions.contains(revision))
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::{Draft, uuid};
    use super::super::revision::NewRevision;
    use super::*;

    /// The ids in scope when the updates `declined` are declined.
    fn in_scope(revisions: &[NewRevision], declined: &[u32]) -> (Scope, Vec<u32>) {
        let catalog = Catalog::build(revisions.to_vec());
        let declined =
            declined.iter().filter_map(|&update| catalog.update(&uuid(u128::from(update))));
        let scope = catalog.scope(&declined.collect());
        let id = |index: RevisionIndex| catalog.revision(index).map(|revision| revision.id.0);
        let ids = scope.in_scope.iter().filter_map(id).collect();
        (scope, ids)
    }

    #[test]
    fn members_come_with_their_bundle_and_in_its_revision() {
        let revisions = [
            Draft::new(1, 1, 1).explicitly_deployable(true).bundles(&[(2, 1), (2, 2)]).build(),
            Draft::new(2, 2, 1).build(),
            Draft::new(3, 2, 2).bundles(&[(3, 1)]).build(),
            Draft::new(4, 2, 3).build(),
            Draft::new(5, 3, 1).build(),
        ];
        let (scope, ids) = in_scope(&revisions, &[]);
        assert_eq!(ids, [1, 3, 5]);
        assert_eq!(scope.members, RoaringBitmap::from([2, 4]));
        assert_eq!(scope.tops, RoaringBitmap::from([0]));
        assert!(in_scope(&revisions, &[1]).1.is_empty(), "declined with all that only it bundles");
    }

    #[test]
    fn a_member_stays_one_whoever_else_needs_a_later_revision_of_its_bundle() {
        let revisions = [
            Draft::new(1, 1, 1).needs(&[2]).build(),
            Draft::new(2, 2, 1).bundles(&[(3, 1)]).build(),
            Draft::new(3, 2, 2).expired(true).build(),
            Draft::new(4, 3, 1).build(),
            Draft::new(5, 4, 1).bundles(&[(2, 1)]).build(),
        ];
        let (scope, ids) = in_scope(&revisions, &[]);
        assert_eq!(ids, [1, 3, 4, 5], "what is needed is the latest, which is expired");
        assert!(scope.members.contains(3));
        let (scope, ids) = in_scope(&revisions, &[1]);
        assert_eq!(ids, [2, 4, 5]);
        assert!(scope.members.contains(3), "nobody has to be told of it");
    }

    #[test]
    fn an_explicitly_deployable_member_is_there_for_its_own_sake() {
        let revisions = [
            Draft::new(1, 1, 1).bundles(&[(2, 1)]).build(),
            Draft::new(2, 2, 1).explicitly_deployable(true).build(),
            Draft::new(3, 2, 2).build(),
        ];
        let (scope, ids) = in_scope(&revisions, &[]);
        assert_eq!(ids, [1, 3], "one revision of an update: the highest");
        assert!(scope.members.is_empty(), "the one in scope is not the one bundled");
        assert_eq!(in_scope(&revisions, &[1]).1, [3]);
    }

    #[test]
    fn declined_and_expired_updates_stay_as_dependencies_only() {
        let revisions = [
            Draft::new(1, 1, 1).build(),
            Draft::new(2, 2, 1).build(),
            Draft::new(3, 2, 2).expired(true).build(),
            Draft::new(4, 3, 1).needs(&[1]).needs(&[2]).build(),
        ];
        let (scope, ids) = in_scope(&revisions, &[1]);
        assert_eq!(ids, [1, 3, 4]);
        assert_eq!(scope.tops, RoaringBitmap::from([3]));
        assert!(in_scope(&revisions, &[1, 3]).1.is_empty());
    }

    #[test]
    fn categories_and_superseded_updates_stay_and_drivers_are_apart() {
        use crate::metadata::model::{CategoryType, UpdateType};
        let revisions = [
            Draft::new(1, 1, 1).category(CategoryType::Product).build(),
            Draft::new(2, 2, 1).detectoid().build(),
            Draft::new(3, 3, 1).build(),
            Draft::new(4, 4, 1).supersedes(&[3]).build(),
            Draft::new(5, 5, 1).update_type(UpdateType::Driver).build(),
        ];
        let (scope, ids) = in_scope(&revisions, &[1, 2]);
        assert_eq!(ids, [1, 2, 3, 4, 5]);
        assert_eq!(scope.software, RoaringBitmap::from([0, 1, 2, 3]));
        assert_eq!(scope.drivers, RoaringBitmap::from([4]));
    }

    #[test]
    fn bundles_in_a_circle_that_nothing_deploys_are_not_in_scope() {
        let revisions = [
            Draft::new(1, 1, 1).bundles(&[(2, 1)]).build(),
            Draft::new(2, 2, 1).bundles(&[(1, 1)]).build(),
            Draft::new(3, 3, 1).bundles(&[(3, 1), (3, 2)]).build(),
        ];
        assert_eq!(in_scope(&revisions, &[]).1, [3], "but one that bundles itself is");
    }
}
