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
    /// Those that a revision in scope bundles. Software among them is deployed as Bundle.
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
        let offered = self.tops.iter().filter(|&&(update, _)| {
            !declined.contains(update) || self.is_category_or_detectoid(update)
        });
        let tops: RoaringBitmap = offered.map(|&(_, revision)| revision).collect();
        let in_scope = self.highest_of_each(&self.with_dependencies(&tops));
        let bundled = |&revision: &RevisionIndex| {
            self.parents(revision).iter().any(|&parent| in_scope.contains(parent))
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
