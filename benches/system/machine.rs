//! Machines that are made up to have given numbers of installed and cached revisions.
//!
//! What an agent has cached is decided by what it has installed: everything whose prerequisites
//! that satisfies. So a machine is a set of installed categories and detectoids, each of which is
//! satisfied by others of the set, chosen at random and then changed until what follows from it
//! has about the size that is wanted. No two machines are alike.

use crate::catalogue::Catalogue;

/// Changes that are tried; most machines need some hundreds.
const TRIES: u32 = 50_000;

/// How far from the size wanted is near enough: one in so many.
const TOLERANCE: usize = 200;

/// What to aim at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    /// Installed updates on which others depend.
    pub(crate) installed: usize,
    /// The others that the agent has cached.
    pub(crate) others: usize,
}

/// A machine: positions in the catalogue.
pub(crate) struct Machine<'c> {
    catalogue: &'c Catalogue,
    installed: Vec<bool>,
    /// How many alternatives of each clause of each update are installed.
    met: Vec<Vec<u32>>,
    /// How many clauses of each update are not met.
    unmet: Vec<usize>,
    count: usize,
    satisfied: usize,
}

impl<'c> Machine<'c> {
    /// A machine as near to the aim as can be found; another one for another seed.
    pub(crate) fn compose(catalogue: &'c Catalogue, aim: Aim, seed: u64) -> Self {
        let mut machine = Self::bare(catalogue);
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let markers: Vec<usize> = (0..catalogue.updates.len())
            .filter(|position| !catalogue.updates[*position].named_by.is_empty())
            .collect();
        let wanted = aim.installed + aim.others;
        for _ in 0..TRIES {
            let miss = machine.satisfied.abs_diff(wanted);
            if machine.count == aim.installed && miss <= wanted / TOLERANCE {
                break;
            }
            let marker = markers[random.below(markers.len())];
            if machine.installed[marker] {
                machine.try_removing(marker, aim, wanted);
            } else {
                machine.try_adding(marker, aim, wanted, &markers, &mut random);
            }
        }
        machine
    }

    fn bare(catalogue: &'c Catalogue) -> Self {
        let updates = &catalogue.updates;
        let unmet: Vec<usize> = updates.iter().map(|update| update.clauses.len()).collect();
        Self {
            catalogue,
            installed: vec![false; updates.len()],
            met: updates.iter().map(|update| vec![0; update.clauses.len()]).collect(),
            satisfied: unmet.iter().filter(|unmet| **unmet == 0).count(),
            unmet,
            count: 0,
        }
    }

    /// Adds a marker that can be there; if the machine is full, in place of another one.
    fn try_adding(
        &mut self,
        marker: usize,
        aim: Aim,
        wanted: usize,
        markers: &[usize],
        random: &mut Random,
    ) {
        if self.unmet[marker] > 0 {
            return;
        }
        let before = self.satisfied.abs_diff(wanted);
        let full = self.count >= aim.installed;
        self.set(marker, true);
        if !full {
            return;
        }
        let removable = |machine: &Self, other: usize| {
            other != marker && machine.installed[other] && !machine.is_needed(other)
        };
        let start = random.below(markers.len());
        let others = markers[start..].iter().chain(&markers[..start]).copied();
        let Some(other) = others.into_iter().find(|other| removable(self, *other)) else {
            return self.set(marker, false);
        };
        self.set(other, false);
        if self.satisfied.abs_diff(wanted) > before {
            self.set(other, true);
            self.set(marker, false);
        }
    }

    /// Removes a marker if there are too many.
    fn try_removing(&mut self, marker: usize, aim: Aim, wanted: usize) {
        let too_many = self.count > aim.installed || self.satisfied > wanted;
        if too_many && !self.is_needed(marker) {
            self.set(marker, false);
        }
    }

    /// Whether another installed update depends on this one alone.
    fn is_needed(&self, marker: usize) -> bool {
        let named_by = self.catalogue.updates[marker].named_by.iter().copied();
        named_by.filter(|update| self.installed[*update]).any(|update| {
            let clauses = self.catalogue.updates[update].clauses.iter().zip(&self.met[update]);
            clauses.into_iter().any(|(clause, met)| *met == 1 && clause.contains(&marker))
        })
    }

    fn set(&mut self, marker: usize, installed: bool) {
        self.installed[marker] = installed;
        self.count = if installed { self.count + 1 } else { self.count - 1 };
        let mut before = None;
        for &update in &self.catalogue.updates[marker].named_by {
            // An update that names it in two clauses is listed twice, one after the other.
            if before == Some(update) {
                continue;
            }
            before = Some(update);
            let clauses = self.catalogue.updates[update].clauses.iter();
            let was_satisfied = self.unmet[update] == 0;
            for (clause, met) in clauses.zip(&mut self.met[update]) {
                if !clause.contains(&marker) {
                    continue;
                }
                let was_met = *met > 0;
                *met = if installed { *met + 1 } else { *met - 1 };
                match (was_met, *met > 0) {
                    (false, true) => self.unmet[update] -= 1,
                    (true, false) => self.unmet[update] += 1,
                    _ => {}
                }
            }
            match (was_satisfied, self.unmet[update] == 0) {
                (false, true) => self.satisfied += 1,
                (true, false) => self.satisfied -= 1,
                _ => {}
            }
        }
    }

    /// What it has installed, and what else its agent has cached.
    pub(crate) fn cached(&self) -> (Vec<usize>, Vec<usize>) {
        let satisfied = (0..self.unmet.len()).filter(|position| self.unmet[*position] == 0);
        satisfied.partition(|position| self.installed[*position])
    }
}

/// The same numbers everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        number as usize % limit.max(1)
    }
}
