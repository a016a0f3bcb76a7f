//! Prerequisites in conjunctive normal form, each distinct clause and list kept once.
//!
//! Tens of thousands of revisions share a few hundred prerequisite lists ("this product, this
//! language detectoid, this architecture"). Deciding each distinct list once, and adding up the
//! members of those that hold, is what makes a scan cheap.

use std::collections::HashMap;

use roaring::{MultiOps, RoaringBitmap};

use super::adjacency::Adjacency;
use super::revision::{RevisionIndex, UpdateIndex};

/// A distinct clause, or a distinct set of clauses.
type Interned = u32;

/// The Prerequisite Table ([MS-WUSP] 3.1.1) of a whole catalogue.
#[derive(Debug)]
pub(super) struct Prerequisites {
    /// The set of clauses of each revision.
    set_of: Vec<Interned>,
    sets: Vec<PrerequisiteSet>,
    /// The alternatives of each clause. A clause with none, be it that the server knows none of
    /// its updates, can never be satisfied.
    alternatives: Adjacency,
    /// The clauses that name an update.
    clauses_naming: Adjacency,
    /// The sets that contain a clause.
    sets_with: Adjacency,
}

/// One distinct list of clauses, with the revisions that have it.
#[derive(Debug)]
struct PrerequisiteSet {
    clauses: Box<[Interned]>,
    revisions: RoaringBitmap,
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
        sets.map(|&set| &self.sets[set as usize].revisions).union()
    }

    /// The revisions of which every clause has an alternative among `installed`.
    pub(super) fn satisfied_by(&self, installed: &[UpdateIndex]) -> RoaringBitmap {
        let mut holds = vec![false; self.alternatives.len()];
        for &update in installed {
            for &clause in self.clauses_naming.row(update) {
                holds[clause as usize] = true;
            }
        }
        let satisfied =
            self.sets.iter().filter(|set| set.clauses.iter().all(|&clause| holds[clause as usize]));
        satisfied.map(|set| &set.revisions).union()
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

/// Collects the clauses of all revisions, one revision after the other.
#[derive(Debug, Default)]
pub(super) struct Collector {
    clauses: HashMap<Box<[UpdateIndex]>, Interned>,
    alternatives: Vec<(Interned, UpdateIndex)>,
    sets: HashMap<Box<[Interned]>, Interned>,
    interned: Vec<PrerequisiteSet>,
    set_of: Vec<Interned>,
}

impl Collector {
    /// Adds the next revision with its clauses, each given by the updates that the server knows.
    pub(super) fn push(&mut self, clauses: impl Iterator<Item = Vec<UpdateIndex>>) {
        let mut set: Vec<Interned> = clauses.map(|clause| self.intern_clause(clause)).collect();
        set.sort_unstable();
        set.dedup();
        let revision = number(self.set_of.len());
        let set = self.intern_set(set);
        self.interned[set as usize].revisions.insert(revision);
        self.set_of.push(set);
    }

    fn intern_clause(&mut self, mut alternatives: Vec<UpdateIndex>) -> Interned {
        alternatives.sort_unstable();
        alternatives.dedup();
        if let Some(&clause) = self.clauses.get(alternatives.as_slice()) {
            return clause;
        }
        let clause = number(self.clauses.len());
        self.alternatives.extend(alternatives.iter().map(|&update| (clause, update)));
        self.clauses.insert(alternatives.into_boxed_slice(), clause);
        clause
    }

    fn intern_set(&mut self, clauses: Vec<Interned>) -> Interned {
        if let Some(&set) = self.sets.get(clauses.as_slice()) {
            return set;
        }
        let set = number(self.interned.len());
        let clauses = clauses.into_boxed_slice();
        self.sets.insert(clauses.clone(), set);
        self.interned.push(PrerequisiteSet { clauses, revisions: RoaringBitmap::new() });
        set
    }

    /// The finished table, for a catalogue of `updates` updates.
    pub(super) fn finish(self, updates: usize) -> Prerequisites {
        let alternatives = Adjacency::group(self.clauses.len(), &self.alternatives);
        let mut sets_with = Vec::new();
        for (set, content) in (0..).zip(&self.interned) {
            sets_with.extend(content.clauses.iter().map(|&clause| (clause, set)));
        }
        Prerequisites {
            clauses_naming: alternatives.reversed(updates),
            sets_with: Adjacency::relation(alternatives.len(), sets_with),
            alternatives,
            sets: self.interned,
            set_of: self.set_of,
        }
    }
}

/// The next number of a table. Revision ids are `u32`, so no table of revisions outgrows it; a
/// table of clauses would need more memory than any machine has.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
