//! One row a day of what the counters say.
//!
//! The writer adds it with the first change of a day, or within the hour when there is none: the
//! states at the end of the day before, as far as anything happened.

use uuid::Uuid;

use super::model::Model;
use super::published::Published;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::computers::Counts;
use crate::computers::trend::{DAYS_KEPT, DayRecord, GroupDay, day_of};
use crate::policy::target_group::effective;

/// The day (of [`day_of`]) whose row is missing at `now`, if one is. Without computers there is
/// nothing to remember.
pub(super) fn is_due(model: &Model, now: i64) -> Option<u32> {
    let day = day_of(now).filter(|day| model.last_day.is_none_or(|last| last < *day))?;
    (!model.computers.is_empty()).then_some(day)
}

/// Adds the day's row, if it is due, and forgets those that are too old.
pub(super) fn note_day(transaction: &mut Transaction<'_>, published: &Published) {
    let now = transaction.now;
    let Some(day) = is_due(transaction.model, now) else { return };
    let groups = groups(transaction.model, published);
    transaction.put_day(day, &DayRecord { at: now, groups });
    let oldest = day.saturating_sub(DAYS_KEPT);
    let days = std::mem::take(&mut transaction.model.days);
    let (old, kept) = days.into_iter().partition(|known| *known < oldest);
    transaction.model.days = kept;
    transaction.delete_days(old);
}

fn groups(model: &mut Model, published: &Published) -> Vec<GroupDay> {
    model.settled_census();
    let numbers = model.numbers.read();
    let offered: Vec<_> = published
        .decidable()
        .map(|revision| {
            let identity = &revision.metadata.identity;
            let since = published.policy.offered_since(identity, revision.imported);
            (numbers.number(&identity.update_id), since)
        })
        .collect();
    let policy = &model.policy;
    let mut days: Vec<GroupDay> = policy.groups.keys().map(|group| day(*group)).collect();
    for (groups, tally) in model.census.each_cohort() {
        let mut counts = Counts::default();
        for &(number, since) in &offered {
            let arrival = number.and_then(|number| tally.arrival(number)).unwrap_or(since);
            counts.add_all(&tally.counts(number, Some(arrival)));
        }
        let lineage = policy.lineage(&effective(groups));
        for day in days.iter_mut().filter(|day| lineage.depth(day.group).is_some()) {
            day.computers += tally.computers();
            day.counts.add_all(&counts);
        }
    }
    days
}

fn day(group: Uuid) -> GroupDay {
    GroupDay { group, computers: 0, counts: Counts::default() }
}

impl State {
    /// The rows of a group, each with its day (of [`day_of`]), ascending.
    pub async fn trend(&self, group: Uuid) -> Result<Vec<(u32, GroupDay)>, StateError> {
        self.writer
            .submit(move |transaction| {
                let days = transaction.days()?.into_iter();
                let of_group = days.filter_map(|(day, record)| {
                    let found = record.groups.into_iter().find(|it| it.group == group);
                    found.map(|found| (day, found))
                });
                Ok(of_group.collect())
            })
            .await
    }
}
