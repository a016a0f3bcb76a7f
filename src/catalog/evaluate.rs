//! What one scan is answered: [MS-WUSP] 3.1.5.7, NeededRevisions and CachedRevisions.
//!
//! A client names by revision id what it evaluated as installed and what else it has cached. It
//! can only evaluate a revision once the prerequisites are installed, so the catalogue reaches it
//! in stages, each unlocked by what it found installed in the one before.

use roaring::RoaringBitmap;

use super::revision::{RevisionIndex, UpdateIndex};
use super::revision_set::RevisionSet;
use super::scope::Scope;
use super::snapshot::Catalog;
use crate::wire::types::RevisionId;

/// What a client says it has, and how it wants to be told what it must drop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// The ids it sent, as it sent them: for a software pass `InstalledNonLeafUpdateIDs` and
    /// `OtherCachedUpdateIDs`, for a driver pass `CachedDriverIDs`.
    pub cached: &'a [&'a [RevisionId]],
    /// Whether the pass is limited to categories and the client wants the revisions that only fall
    /// outside of these told apart (`NeedTwoGroupOutOfScopeUpdates`).
    pub two_groups: bool,
}

/// The difference between what a client needs and what it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// Needed and not cached, ascending by revision id: the order of delivery.
    pub new: Vec<RevisionIndex>,
    /// Needed and cached: candidates for `ChangedUpdates`.
    pub kept: RevisionSet,
    /// Sent ids the client must drop, ascending, each once; those this server never gave included.
    pub out_of_scope: Vec<RevisionId>,
    /// Sent ids that are in scope but not for these categories, ascending, each once: empty unless
    /// two groups were asked for.
    pub deployed_out_of_scope: Vec<RevisionId>,
}

impl Catalog {
    /// The updates, as update indices, of which the client has a revision installed: ascending,
    /// each once.
    ///
    /// [MS-WUSP] 3.1.5.7 counts "the updates whose revision IDs are specified", so any revision
    /// makes the update installed. Ids that this server never gave count for nothing.
    pub fn installed(&self, ids: impl IntoIterator<Item = RevisionId>) -> Vec<UpdateIndex> {
        let (ids, numbers) = (ids.into_iter(), self.numbers_given());
        let mut updates = Vec::with_capacity(ids.size_hint().0);
        let known = ids.filter_map(|id| numbers.find(id));
        updates.extend(known.filter_map(|revision| self.update_of(revision)));
        updates.sort_unstable();
        updates.dedup();
        updates
    }

    /// What a software pass needs: the software in scope whose prerequisites the `installed`
    /// updates satisfy, within `related` if the scan is limited to categories.
    pub fn needed(
        &self,
        scope: &Scope,
        installed: &[UpdateIndex],
        related: Option<&RoaringBitmap>,
    ) -> RoaringBitmap {
        let mut needed = self.satisfied(installed);
        needed &= &scope.software;
        if let Some(related) = related {
            needed &= related;
        }
        needed
    }

    /// All revisions whose prerequisites the `installed` updates satisfy.
    pub(super) fn satisfied(&self, installed: &[UpdateIndex]) -> RoaringBitmap {
        self.prerequisites.satisfied_by(installed)
    }

    /// How the revisions that a client needs differ from those it has cached.
    ///
    /// What it has and does not need, it must drop, even if it is in scope and merely lost a
    /// prerequisite: it is sent again when that comes back.
    pub fn delta(&self, scope: &Scope, needed: &RevisionSet, scan: &Scan<'_>) -> Delta {
        let mut delta = Delta { kept: RevisionSet::within(needed), ..Delta::default() };
        let numbers = self.numbers_given();
        for &ids in scan.cached {
            for &id in ids {
                match numbers.find(id) {
                    Some(revision) if needed.contains(revision) => delta.kept.insert(revision),
                    Some(revision) if scan.two_groups && scope.in_scope.contains(revision) => {
                        delta.deployed_out_of_scope.push(id);
                    }
                    _ => delta.out_of_scope.push(id),
                }
            }
        }
        for ids in [&mut delta.out_of_scope, &mut delta.deployed_out_of_scope] {
            ids.sort_unstable();
            ids.dedup();
        }
        delta.new = needed.without(&delta.kept);
        delta
    }
}
