//! Prerequisites in conjunctive normal form, each distinct clause and list kept once.
//!
//! Tens of thousands of revisions share a few hundred prerequisite lists ("this product, this
//! language detectoid, this architecture"). Deciding each distinct list once, and adding up the
//! members of those that hold, is what makes a scan cheap.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use roaring::{MultiOps, RoaringBitmap};

use super::chunks::Chunks;
use super::revision::{RevisionIndex, UpdateIndex};
use super::rows::Rows;

/// A distinct clause, or a distinct set of clauses.
type Interned = u32;

/// The Prerequisite Table ([MS-WUSP] 3.1.1) of a whole catalogue.
#[derive(Debug, Clone, Default)]
pub(super) struct Prerequisites {
    /// The set of clauses of each revision.
    set_of: Chunks<Interned>,
    sets: Chunks<Arc<PrerequisiteSet>>,
    /// The alternatives of each clause. A clause with none, or of which the server knows none, can
    /// never be satisfied.
    alternatives: Rows<UpdateIndex>,
    /// Number of clauses.
    clauses: Interned,
    /// The clauses of some revision that name an update.
    clauses_naming: Rows<Interned>,
    /// The sets of some revision that contain a clause.
    sets_with: Rows<Interned>,
}

/// One distinct list of clauses, with the revisions that have it.
#[derive(Debug, Clone)]
struct PrerequisiteSet {
    clauses: Box<[Interned]>,
    revisions: RoaringBitmap,
}

/// What the writer needs to find a clause or a set that is there already.
#[derive(Debug, Default)]
pub(super) struct Interner {
    clauses: HashMap<Box<[UpdateIndex]>, Interned, RandomState>,
    sets: HashMap<Box<[Interned]>, Interned, RandomState>,
}

impl Prerequisites {
    /// The updates that a revision's clauses name. One may come twice.
    pub(super) fn alternatives_of(
        &self,
        revision: RevisionIndex,
    ) -> impl Iterator<Item = UpdateIndex> + '_ {
        self.clauses_of(revision).iter().flat_map(|&clause| self.alternatives.row(clause)).copied()
    }

    fn clauses_of(&self, revision: RevisionIndex) -> &[Interned] {
        let set = self.set_of.get(revision as usize).and_then(|&set| self.sets.get(set as usize));
        set.map_or(&[], |set| &set.clauses)
    }

    /// Whether any revision names `update` in any clause.
    pub(super) fn is_named(&self, update: UpdateIndex) -> bool {
        !self.clauses_naming.row(update).is_empty()
    }

    /// The revisions that name `update` in a clause.
    pub(super) fn naming(&self, update: UpdateIndex) -> RoaringBitmap {
        let clauses = self.clauses_naming.row(update).iter();
        let sets = clauses.flat_map(|&clause| self.sets_with.row(clause));
        sets.filter_map(|&set| self.sets.get(set as usize)).map(|set| &set.revisions).union()
    }

    /// The revisions of which every clause has an alternative among `installed`.
    pub(super) fn satisfied_by(&self, installed: &[UpdateIndex]) -> RoaringBitmap {
        let mut holds = vec![false; self.clauses as usize];
        for &update in installed {
            for &clause in self.clauses_naming.row(update) {
                holds[clause as usize] = true;
            }
        }
        let satisfied =
            self.sets.iter().filter(|set| set.clauses.iter().all(|&clause| holds[clause as usize]));
        satisfied.map(|set| &set.revisions).union()
    }

    /// Adds the next revision with its clauses.
    pub(super) fn push(
        &mut self,
        interner: &mut Interner,
        clauses: impl Iterator<Item = Vec<UpdateIndex>>,
    ) {
        let mut set = Vec::new();
        clauses.for_each(|clause| set.push(self.intern_clause(interner, clause)));
        set.sort_unstable();
        set.dedup();
        let revision = number(self.set_of.len());
        let set = self.intern_set(interner, set);
        if let Some(members) = self.sets.get_mut(set as usize) {
            let members = &mut Arc::make_mut(members).revisions;
            let is_first = members.is_empty();
            members.insert(revision);
            if is_first {
                self.link(set);
            }
        }
        self.set_of.push(set);
    }

    /// Takes a revision away. What only it named is named no longer.
    pub(super) fn remove(&mut self, revision: RevisionIndex) {
        let Some(set) = self.set_of.get(revision as usize).copied() else { return };
        let Some(members) = self.sets.get_mut(set as usize) else { return };
        let members = &mut Arc::make_mut(members).revisions;
        if members.remove(revision) && members.is_empty() {
            self.unlink(set);
        }
    }

    /// Lets a set that got its first revision be found by what it names.
    fn link(&mut self, set: Interned) {
        for clause in self.clauses_in(set) {
            if self.sets_with.row(clause).is_empty() {
                for update in self.alternatives.row(clause).to_vec() {
                    self.clauses_naming.push(update, clause);
                }
            }
            self.sets_with.push(clause, set);
        }
    }

    /// Undoes [`Self::link`] once the last revision is gone.
    fn unlink(&mut self, set: Interned) {
        for clause in self.clauses_in(set) {
            self.sets_with.retain(clause, |other| *other != set);
            if self.sets_with.row(clause).is_empty() {
                for update in self.alternatives.row(clause).to_vec() {
                    self.clauses_naming.retain(update, |other| *other != clause);
                }
            }
        }
    }

    fn clauses_in(&self, set: Interned) -> Vec<Interned> {
        self.sets.get(set as usize).map_or_else(Vec::new, |set| set.clauses.to_vec())
    }

    fn intern_clause(
        &mut self,
        interner: &mut Interner,
        mut alternatives: Vec<UpdateIndex>,
    ) -> Interned {
        alternatives.sort_unstable();
        alternatives.dedup();
        if let Some(&clause) = interner.clauses.get(alternatives.as_slice()) {
            return clause;
        }
        let clause = self.clauses;
        self.clauses = clause.saturating_add(1);
        alternatives.iter().for_each(|update| self.alternatives.push(clause, *update));
        interner.clauses.insert(alternatives.into_boxed_slice(), clause);
        clause
    }

    fn intern_set(&mut self, interner: &mut Interner, clauses: Vec<Interned>) -> Interned {
        if let Some(&set) = interner.sets.get(clauses.as_slice()) {
            return set;
        }
        let set = number(self.sets.len());
        let clauses = clauses.into_boxed_slice();
        interner.sets.insert(clauses.clone(), set);
        self.sets.push(Arc::new(PrerequisiteSet { clauses, revisions: RoaringBitmap::new() }));
        set
    }
}

/// The clauses that a walk over the graph has already followed.
#[derive(Debug, Default)]
pub(super) struct FollowedClauses(RoaringBitmap);

impl FollowedClauses {
    /// The updates named by those clauses of `revision` that the walk has not met before.
    pub(super) fn follow<'a>(
        &'a mut self,
        prerequisites: &'a Prerequisites,
        revision: RevisionIndex,
    ) -> impl Iterator<Item = UpdateIndex> + 'a {
        let clauses = prerequisites.clauses_of(revision).iter();
        let unmet = clauses.filter(|&&clause| self.0.insert(clause));
        unmet.flat_map(|&clause| prerequisites.alternatives.row(clause)).copied()
    }
}

/// The next number of a table. Revision ids are `u32`, so no table of revisions outgrows it; a
/// table of clauses would need more memory than any machine has.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
