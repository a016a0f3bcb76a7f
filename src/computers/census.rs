//! How many computers are in which state, kept with every change.
//!
//! Nobody walks a million computers to show a list of updates. Computers in exactly the same groups
//! are one cohort, of which there are few, and a cohort counts its rows by update and state. A group
//! is the cohorts that are in it or below it, so moving a group costs nothing.
//!
//! What has no row is not applicable or, on computers whose report is older than the update, unknown.
//! The latter are those whose report goes by a time before the update arrived, which these times tell,
//! less those of them that have a row all the same: a new revision arrived, or an event came without a
//! report. These rows are called stale, and are counted beside the others.
//!
//! Counters are not stored: they follow from what is, and are made of it at the start
//! ([`bulk`]).

mod bulk;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use uuid::Uuid;

use super::counts::Counts;
use super::numbers::UpdateNumber;
use super::rows::Row;
use super::{Statuses, UpdateInstallationState};

/// A computer, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The groups that it was put into.
    pub groups: &'a [Uuid],
    /// What it reported.
    pub statuses: &'a Statuses,
}

/// The counters of all computers.
#[derive(Debug, Default)]
pub struct Census {
    /// By the groups of their computers.
    cohorts: HashMap<Box<[Uuid]>, Cohort>,
    /// Unix seconds of when updates came here, by their numbers; none for those that are not here.
    arrivals: Vec<Option<i64>>,
    /// Updates whose stale rows have to be counted anew.
    unsettled: BTreeSet<UpdateNumber>,
}

/// Computers that are in exactly the same groups.
#[derive(Debug, Default)]
struct Cohort {
    computers: u64,
    /// How many of them reported last by the updates of which time (unix seconds).
    reports: BTreeMap<i64, u64>,
    /// How many never reported.
    silent: u64,
    rows: HashMap<UpdateNumber, Held, BuildHasherDefault<ByNumber>>,
}

/// Spreads numbers over a table. They are our own and dense, so nobody can choose them to collide.
#[derive(Debug, Default)]
struct ByNumber(u64);

impl Hasher for ByNumber {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The rows of one update in a cohort.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Held {
    /// By state, from NotInstalled.
    states: [u32; 5],
    /// How many are of computers whose report is older than the update.
    stale: u32,
}

impl Census {
    /// Takes in that a computer is now what it was not before; none for one that is not there.
    pub fn change(&mut self, before: Option<Member<'_>>, after: Option<Member<'_>>) {
        if let (Some(before), Some(after)) = (before, after)
            && before.groups == after.groups
        {
            if let Some(cohort) = self.cohorts.get_mut(before.groups) {
                cohort.count_report(before.statuses, false);
                cohort.count_report(after.statuses, true);
            }
            return self.change_rows(before.groups, Some(before.statuses), Some(after.statuses));
        }
        if let Some(Member { groups, statuses }) = before {
            self.change_rows(groups, Some(statuses), None);
            if let Some(cohort) = self.cohorts.get_mut(groups) {
                cohort.computers = cohort.computers.saturating_sub(1);
                cohort.count_report(statuses, false);
                if cohort.computers == 0 {
                    self.cohorts.remove(groups);
                }
            }
        }
        if let Some(Member { groups, statuses }) = after {
            let cohort = self.cohorts.entry(groups.into()).or_default();
            cohort.computers += 1;
            cohort.count_report(statuses, true);
            self.change_rows(groups, None, Some(statuses));
        }
    }

    /// Counts what differs between the rows before and after.
    fn change_rows(
        &mut self,
        groups: &[Uuid],
        before: Option<&Statuses>,
        after: Option<&Statuses>,
    ) {
        let Self { cohorts, arrivals, unsettled } = self;
        let Some(cohort) = cohorts.get_mut(groups) else { return };
        let kind = |row: Row, statuses: &Statuses| {
            let stale = is_stale(arrivals, row.number, statuses);
            (row.state, stale && (unsettled.is_empty() || !unsettled.contains(&row.number)))
        };
        let mut old = before.into_iter().flat_map(|it| it.rows().map(move |row| (row, it)));
        let mut new = after.into_iter().flat_map(|it| it.rows().map(move |row| (row, it)));
        let (mut was, mut is) = (old.next(), new.next());
        loop {
            let (gone, came) = match (was, is) {
                (None, None) => break,
                (Some((a, _)), Some((b, _))) if a.number == b.number => (true, true),
                (Some((a, _)), Some((b, _))) => (a.number < b.number, b.number < a.number),
                (was, is) => (was.is_some(), is.is_some()),
            };
            let gone = was.filter(|_| gone);
            let came = is.filter(|_| came);
            let kinds = [gone, came].map(|it| it.map(|(row, statuses)| kind(row, statuses)));
            if kinds[0] != kinds[1]
                && let Some((row, _)) = gone.or(came)
            {
                cohort.recount(row.number, kinds[0], kinds[1]);
            }
            if gone.is_some() {
                was = old.next();
            }
            if came.is_some() {
                is = new.next();
            }
        }
    }

    /// Takes in when an update came here; none when it is here no more.
    pub fn arrive(&mut self, number: UpdateNumber, arrival: Option<i64>) {
        let index = number as usize;
        if self.arrivals.len() <= index {
            self.arrivals.resize(index + 1, None);
        }
        let Some(known) = self.arrivals.get_mut(index) else { return };
        if *known == arrival {
            return;
        }
        *known = arrival;
        self.unsettled.remove(&number);
        // Mostly it is later than every report, or there are no rows.
        for cohort in self.cohorts.values_mut() {
            let latest = cohort.reports.last_key_value().map(|(at, _)| *at);
            let Some(held) = cohort.rows.get_mut(&number) else { continue };
            match arrival {
                None => held.stale = 0,
                Some(arrival) if latest.is_none_or(|at| at < arrival) => {
                    held.stale = held.states.iter().sum();
                }
                Some(_) => {
                    self.unsettled.insert(number);
                }
            }
        }
    }

    /// Whether [`Self::settle`] has anything to do.
    pub fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// Counts the stale rows of the updates that arrived, where they could not be derived.
    pub fn settle<'m>(&mut self, computers: impl Iterator<Item = Member<'m>>) {
        let unsettled = std::mem::take(&mut self.unsettled);
        for cohort in self.cohorts.values_mut() {
            for number in &unsettled {
                if let Some(held) = cohort.rows.get_mut(number) {
                    held.stale = 0;
                }
            }
        }
        for Member { groups, statuses } in computers {
            let Some(cohort) = self.cohorts.get_mut(groups) else { continue };
            for row in statuses.rows().filter(|row| unsettled.contains(&row.number)) {
                if is_stale(&self.arrivals, row.number, statuses)
                    && let Some(held) = cohort.rows.get_mut(&row.number)
                {
                    held.stale += 1;
                }
            }
        }
    }

    /// The sets of groups that computers are in, with what those in exactly these add up to.
    ///
    /// It has to be settled.
    pub fn each_cohort(&self) -> impl Iterator<Item = (&[Uuid], Tally<'_>)> {
        let cohorts = self.cohorts.iter();
        cohorts.map(|(groups, cohort)| (&groups[..], self.tally_of([cohort].into_iter())))
    }

    /// What the computers add up to whose groups `counts`.
    ///
    /// It has to be settled.
    pub fn tally(&self, counts: impl Fn(&[Uuid]) -> bool) -> Tally<'_> {
        let cohorts = self.cohorts.iter().filter(|(groups, _)| counts(groups));
        self.tally_of(cohorts.map(|(_, cohort)| cohort))
    }

    fn tally_of<'c>(&'c self, cohorts: impl Iterator<Item = &'c Cohort>) -> Tally<'c> {
        let cohorts = cohorts.map(|cohort| {
            let mut sum = cohort.silent;
            let sums = cohort.reports.iter().map(|(at, count)| {
                sum += count;
                (*at, sum)
            });
            (cohort, sums.collect())
        });
        Tally { cohorts: cohorts.collect(), arrivals: &self.arrivals }
    }
}

impl Cohort {
    fn count_report(&mut self, statuses: &Statuses, more: bool) {
        let Some(at) = statuses.detected else {
            self.silent = if more { self.silent + 1 } else { self.silent.saturating_sub(1) };
            return;
        };
        let count = self.reports.entry(at).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            self.reports.remove(&at);
        }
    }

    fn recount(
        &mut self,
        number: UpdateNumber,
        gone: Option<(UpdateInstallationState, bool)>,
        came: Option<(UpdateInstallationState, bool)>,
    ) {
        let held = self.rows.entry(number).or_default();
        if let Some((state, stale)) = gone {
            if let Some(count) = held.states.get_mut(place(state)) {
                *count = count.saturating_sub(1);
            }
            held.stale = held.stale.saturating_sub(stale.into());
        }
        if let Some((state, stale)) = came {
            held.add(state, stale);
        }
        if held.states == [0; 5] {
            self.rows.remove(&number);
        }
    }
}

/// Where rows in a state are counted.
fn place(state: UpdateInstallationState) -> usize {
    (state as usize).wrapping_sub(UpdateInstallationState::NotInstalled as usize)
}

impl Held {
    fn add(&mut self, state: UpdateInstallationState, stale: bool) {
        if let Some(count) = self.states.get_mut(place(state)) {
            *count += 1;
        }
        self.stale += u32::from(stale);
    }

    fn add_all(&mut self, other: &Self) {
        for (count, more) in self.states.iter_mut().zip(other.states) {
            *count += more;
        }
        self.stale += other.stale;
    }
}

/// Whether the computer's report is older than the update that it has a row of.
fn is_stale(arrivals: &[Option<i64>], number: UpdateNumber, statuses: &Statuses) -> bool {
    let arrival = arrivals.get(number as usize).copied().flatten();
    arrival.is_some_and(|arrival| statuses.detected.is_none_or(|detected| detected < arrival))
}

/// Some cohorts, ready to be asked about many updates.
#[derive(Debug)]
pub struct Tally<'a> {
    /// With the times of reports, and how many computers reported last until then or never.
    cohorts: Vec<(&'a Cohort, Vec<(i64, u64)>)>,
    arrivals: &'a [Option<i64>],
}

impl Tally<'_> {
    /// How many computers there are.
    pub fn computers(&self) -> u64 {
        self.cohorts.iter().map(|(cohort, _)| cohort.computers).sum()
    }

    /// How many of them are in which state regarding an update. One without a number has no rows;
    /// one without an arrival is not offered, and only its rows count.
    pub fn counts(&self, number: Option<UpdateNumber>, arrival: Option<i64>) -> Counts {
        let mut counts = Counts::default();
        for (cohort, reports) in &self.cohorts {
            let held = number.and_then(|number| cohort.rows.get(&number)).copied();
            let Held { states, stale } = held.unwrap_or_default();
            let mut rows = 0;
            let kinds = UpdateInstallationState::ALL.into_iter().skip(2);
            for (state, count) in kinds.zip(states) {
                counts.add(state, count.into());
                rows += u64::from(count);
            }
            let Some(arrival) = arrival else { continue };
            let before = reports.partition_point(|(at, _)| *at < arrival);
            let before = before.checked_sub(1).and_then(|last| reports.get(last));
            let before = before.map_or(cohort.silent, |(_, sum)| *sum);
            let unknown = before.saturating_sub(stale.into());
            counts.unknown += unknown;
            counts.not_applicable += cohort.computers.saturating_sub(rows + unknown);
        }
        counts
    }

    /// When an update came here, by its number.
    pub fn arrival(&self, number: UpdateNumber) -> Option<i64> {
        self.arrivals.get(number as usize).copied().flatten()
    }

    /// The updates that some computer has a row of.
    pub fn reported(&self) -> BTreeSet<UpdateNumber> {
        self.cohorts.iter().flat_map(|(cohort, _)| cohort.rows.keys().copied()).collect()
    }
}
