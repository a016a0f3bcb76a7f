//! How many updates are in which state on each computer, kept from one report to the next.
//!
//! A million computers have half a billion rows, and between two reports few of them report. So what
//! was counted of a computer is kept beside the very statuses that it was counted from: as long as the
//! computer has these, and the same updates count, it is right. Reports on some updates alone are
//! counted each time. What has to be counted is counted on every processor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::RandomState;
use uuid::Uuid;

use super::selection::Selected;
use crate::computers::numbers::UpdateNumber;
use crate::computers::{Counts, Statuses, UpdateInstallationState};
use crate::state::{State, Tracked};

/// Computers that are worth another thread.
const PART: usize = 4096;
/// Computers that are kept beyond twice those that there are, before all are counted anew: the others
/// are gone.
const BEYOND: usize = 10_000;

/// The updates that count, so that those of a computer are counted by looking at its rows alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Considered {
    pub(super) wanted: HashMap<Uuid, i64>,
    /// Since when they are offered, by their numbers; none for one that does not count.
    by_number: Vec<Option<i64>>,
    /// Since when all of them are, ascending.
    arrivals: Vec<i64>,
}

impl Considered {
    pub(super) fn of(state: &State, selected: Vec<Selected>) -> Self {
        let wanted: HashMap<Uuid, i64> =
            selected.into_iter().map(|it| (it.update, it.offered)).collect();
        let arrival = |update: &Uuid| wanted.get(update).copied();
        let by_number = state.numbered_updates().iter().map(arrival).collect();
        let mut arrivals: Vec<i64> = wanted.values().copied().collect();
        arrivals.sort_unstable();
        Self { wanted, by_number, arrivals }
    }

    fn arrival(&self, number: UpdateNumber) -> Option<i64> {
        self.by_number.get(number as usize).copied().flatten()
    }

    fn count(&self, statuses: &Statuses) -> Counts {
        let mut counts = Counts::default();
        let reported_on = |arrival: i64| statuses.detected.is_some_and(|at| arrival <= at);
        let (mut known_rows, mut new_rows) = (0, 0);
        for row in statuses.rows() {
            let Some(arrival) = self.arrival(row.number) else { continue };
            counts.add(row.state, 1);
            match reported_on(arrival) {
                true => known_rows += 1,
                false => new_rows += 1,
            }
        }
        let known = self.arrivals.partition_point(|arrival| reported_on(*arrival)) as u64;
        let new = self.arrivals.len() as u64 - known;
        counts.not_applicable = known.saturating_sub(known_rows);
        counts.unknown = new.saturating_sub(new_rows);
        counts
    }
}

/// What was counted last of every computer, regarding all updates that are on offer.
#[derive(Debug, Default)]
pub struct CountedComputers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// What they were counted by.
    considered: Option<Arc<Considered>>,
    /// By the numbers of computers.
    computers: HashMap<u32, Counted, RandomState>,
}

#[derive(Debug)]
struct Counted {
    /// What it was counted from. Statuses never change; a computer gets others.
    statuses: Arc<Statuses>,
    counts: Packed,
}

/// Counts in half the room. No computer has four billion updates.
#[derive(Debug, Clone, Copy)]
struct Packed([u32; 7]);

impl Packed {
    fn of(counts: &Counts) -> Self {
        let count = |state| u32::try_from(counts.of(state)).unwrap_or(u32::MAX);
        Self(UpdateInstallationState::ALL.map(count))
    }

    fn counts(self) -> Counts {
        let mut counts = Counts::default();
        for (state, count) in UpdateInstallationState::ALL.into_iter().zip(self.0) {
            counts.add(state, count.into());
        }
        counts
    }
}

impl CountedComputers {
    /// The counts of these computers, of so many that are registered, in their order. All updates on
    /// offer are considered.
    pub(super) fn of_all(
        &self,
        considered: Arc<Considered>,
        computers: &[Tracked],
        registered: usize,
    ) -> Vec<Counts> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.considered.as_ref() != Some(&considered)
            || kept.computers.len() > registered.saturating_mul(2).saturating_add(BEYOND)
        {
            *kept = Kept { considered: Some(Arc::clone(&considered)), ..Kept::default() };
        }
        let known = &kept.computers;
        let found = counted(computers, |tracked| {
            let known = known.get(&tracked.computer.number);
            match known.filter(|known| Arc::ptr_eq(&known.statuses, &tracked.statuses)) {
                Some(known) => (known.counts.counts(), true),
                None => (considered.count(&tracked.statuses), false),
            }
        });
        for (tracked, (counts, _)) in computers.iter().zip(&found).filter(|(_, (_, known))| !known)
        {
            let statuses = Arc::clone(&tracked.statuses);
            let counted = Counted { statuses, counts: Packed::of(counts) };
            kept.computers.insert(tracked.computer.number, counted);
        }
        found.into_iter().map(|(counts, _)| counts).collect()
    }
}

#[cfg(test)]
impl CountedComputers {
    /// How many computers are kept.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).computers.len()
    }
}

/// The counts of these computers, in their order, of some updates.
pub(super) fn of_some(considered: &Considered, computers: &[Tracked]) -> Vec<Counts> {
    counted(computers, |tracked| considered.count(&tracked.statuses))
}

fn counted<T: Send>(computers: &[Tracked], count: impl Fn(&Tracked) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = computers.len().div_ceil(threads).max(PART);
    let count = &count;
    std::thread::scope(|scope| {
        let parts = computers.chunks(part);
        let counting: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().map(count).collect::<Vec<T>>()))
            .collect();
        // None panics: what cannot be read of rows ends them.
        counting.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}
