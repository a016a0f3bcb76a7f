//! Counting everybody at once, as a start does.
//!
//! Half a billion rows of a million computers are counted into a table that has a place for every
//! number, and not into one that has to be searched for each; on every processor, as computers do not
//! depend on each other. Such a table is as long as there are numbers, so each thread has one, and what
//! it held of a cohort is put together with what others found of the same.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use uuid::Uuid;

use super::{Census, Cohort, Held, Member, is_stale};
use crate::computers::numbers::UpdateNumber;

/// Computers of one cohort that a thread counts at a time: so many that putting together what the
/// threads found is nothing beside it.
const PART: usize = 16_384;

impl Census {
    /// Counts computers, none of whom was counted before. All arrivals have to be known.
    pub fn count_all(&mut self, members: &[Member<'_>]) {
        let mut by_groups: HashMap<&[Uuid], Vec<Member<'_>>> = HashMap::new();
        for member in members {
            by_groups.entry(member.groups).or_default().push(*member);
        }
        let parts: Vec<_> = by_groups
            .iter()
            .flat_map(|(groups, members)| members.chunks(PART).map(move |part| (*groups, part)))
            .collect();
        let (next, arrivals, unsettled) = (AtomicUsize::new(0), &self.arrivals, &self.unsettled);
        let count = || {
            let mut counting = Counting { arrivals, unsettled, table: Vec::new() };
            let mut found: HashMap<&[Uuid], Cohort> = HashMap::new();
            while let Some((groups, part)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                found.entry(groups).or_default().merge(counting.cohort(part));
            }
            found
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let found = std::thread::scope(|scope| {
            let others: Vec<_> =
                (1..threads.min(parts.len())).map(|_| scope.spawn(count)).collect();
            let own = count();
            // A panic ends the process, so that none is left without an answer.
            let others = others.into_iter().filter_map(|thread| thread.join().ok());
            std::iter::once(own).chain(others).collect::<Vec<_>>()
        });
        for (groups, cohort) in found.into_iter().flatten() {
            match self.cohorts.get_mut(groups) {
                Some(known) => known.merge(cohort),
                None => drop(self.cohorts.insert(groups.into(), cohort)),
            }
        }
    }
}

/// What a thread counts with.
struct Counting<'c> {
    arrivals: &'c [Option<i64>],
    unsettled: &'c BTreeSet<UpdateNumber>,
    /// By number; empty between two parts.
    table: Vec<Held>,
}

impl Counting<'_> {
    /// The counters of some computers that are in the same groups.
    fn cohort(&mut self, members: &[Member<'_>]) -> Cohort {
        let mut reports: Vec<i64> = Vec::new();
        for Member { statuses, .. } in members {
            reports.extend(statuses.detected);
            for row in statuses.rows() {
                let at = row.number as usize;
                if at >= self.table.len() {
                    self.table.resize(at + 1, Held::default());
                }
                let stale = is_stale(self.arrivals, row.number, statuses)
                    && (self.unsettled.is_empty() || !self.unsettled.contains(&row.number));
                if let Some(held) = self.table.get_mut(at) {
                    held.add(row.state, stale);
                }
            }
        }
        let silent = (members.len() - reports.len()) as u64;
        let mut cohort = Cohort { computers: members.len() as u64, silent, ..Cohort::default() };
        reports.sort_unstable();
        for at in reports.chunk_by(|one, other| one == other) {
            cohort.reports.extend(at.first().map(|first| (*first, at.len() as u64)));
        }
        for (number, held) in (0..).zip(&mut self.table) {
            let held = std::mem::take(held);
            if held != Held::default() {
                cohort.rows.insert(number, held);
            }
        }
        cohort
    }
}

impl Cohort {
    /// Adds other computers of the same groups.
    fn merge(&mut self, other: Self) {
        self.computers += other.computers;
        self.silent += other.silent;
        if self.reports.is_empty() {
            self.reports = other.reports;
        } else {
            for (at, count) in other.reports {
                *self.reports.entry(at).or_default() += count;
            }
        }
        if self.rows.is_empty() {
            self.rows = other.rows;
        } else {
            for (number, held) in other.rows {
                self.rows.entry(number).or_default().add_all(&held);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::computers::Statuses;
    use crate::computers::UpdateInstallationState::{Failed, Installed, NotInstalled};
    use crate::computers::numbers::Numbers;
    use crate::computers::status::UpdateStatus;

    /// What is counted at once is what is counted one after the other, in several cohorts, of more
    /// computers than a thread takes at a time, before and after what they report on arrived.
    #[test]
    fn counted_at_once_is_counted_one_by_one() {
        let mut numbers = Numbers::default();
        let updates: Vec<Uuid> = (1..=40).map(Uuid::from_u128).collect();
        for update in &updates {
            numbers.give(*update, true).expect("a number");
        }
        let groups =
            [vec![], vec![Uuid::from_u128(7)], vec![Uuid::from_u128(8), Uuid::from_u128(9)]];
        let count = PART as u32 * 2 + 17;
        let computers: Vec<(&[Uuid], Statuses)> = (0..count)
            .map(|number| {
                let detected = (number % 5 != 0).then(|| i64::from(number % 300));
                let mut statuses = Statuses { detected, ..Statuses::default() };
                let rows: Vec<UpdateStatus> = updates
                    .iter()
                    .zip(0..)
                    .filter(|(_, at)| (number + at) % 11 == 0)
                    .map(|(update, at)| UpdateStatus {
                        update: *update,
                        state: [Installed, NotInstalled, Failed][((number / 7 + at) % 3) as usize],
                        since: 0,
                    })
                    .collect();
                statuses.renumber(&rows, &mut numbers);
                (&groups[usize::from(number % 17 == 0) * (1 + number as usize % 2)][..], statuses)
            })
            .collect();
        let members: Vec<Member<'_>> =
            computers.iter().map(|(groups, statuses)| Member { groups, statuses }).collect();
        let arrived = || {
            let mut census = Census::default();
            for number in 0..40 {
                census.arrive(number, (number % 3 != 0).then(|| i64::from(number) * 10));
            }
            census
        };
        let (mut at_once, mut one_by_one) = (arrived(), arrived());
        at_once.count_all(&members);
        members.iter().for_each(|member| one_by_one.change(None, Some(*member)));
        let all = |census: &Census| {
            let tally = census.tally(|_| true);
            let counts = (0..40).map(|number| tally.counts(Some(number), tally.arrival(number)));
            (tally.computers(), counts.collect::<Vec<_>>())
        };
        assert_eq!(all(&at_once), all(&one_by_one));
        assert_eq!(at_once.cohorts.len(), 3);
        for (groups, cohort) in &at_once.cohorts {
            let other = &one_by_one.cohorts[groups];
            assert_eq!((cohort.computers, cohort.silent), (other.computers, other.silent));
            assert_eq!((&cohort.reports, &cohort.rows), (&other.reports, &other.rows));
        }
        // Counted in two parts, it is the same, and what changes later is taken from it.
        let mut parts = arrived();
        let (some, others) = members.split_at(members.len() / 3);
        parts.count_all(some);
        parts.count_all(others);
        assert_eq!(all(&parts), all(&one_by_one));
        members.iter().for_each(|member| at_once.change(Some(*member), None));
        assert_eq!(all(&at_once), all(&arrived()));
    }
}
