//! Synchronizations that begin by themselves.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tracing::{info, warn};

use super::error::SyncError;
use super::following::Occasion;
use super::records::{DueRecord, ScheduleRecord, names};
use super::settings::chance;
use super::{Scope, Upstream};
use crate::policy::by::By;

/// How often it is looked whether one is due.
const TICK: Duration = Duration::from_secs(15);

const DAY: i64 = 24 * 60 * 60;

impl Upstream {
    /// Sets the schedule.
    ///
    /// # Errors
    /// When it says something impossible.
    pub async fn set_schedule(&self, by: By, schedule: ScheduleRecord) -> Result<(), SyncError> {
        let refused = |reason: String| Err(SyncError::Refused(reason));
        if schedule.first_minute.is_some_and(|minute| minute >= 24 * 60) {
            return refused("a day has 1440 minutes".to_owned());
        }
        if schedule.first_minute.is_some() && !(1..=24).contains(&schedule.times_a_day) {
            return refused("a server synchronises 1 to 24 times a day".to_owned());
        }
        let between = step(&schedule) / 60;
        if schedule.first_minute.is_some() && i64::from(schedule.offset_minutes) >= between {
            return refused(format!(
                "the random offset of {} minutes has to be less than the {between} minutes between \
                 two synchronizations, or some would be skipped",
                schedule.offset_minutes
            ));
        }
        let set = self.state.records(move |records| {
            let before: ScheduleRecord = records.read(names::SCHEDULE)?.unwrap_or_default();
            records.journal(&by, json!({ "sync_schedule": schedule, "before": before }));
            records.put(names::SCHEDULE, &schedule);
            Ok(())
        });
        Ok(set.await?)
    }

    /// Begins synchronizations as the schedule says; never ends.
    pub async fn follow_schedule(self: Arc<Self>) {
        loop {
            if let Err(error) = self.begin_due(chance()).await {
                warn!(%error, "the schedule cannot be followed");
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Begins a synchronization if one is due, and stores when the next one is. However many were
    /// missed, one is caught up.
    pub(super) async fn begin_due(self: &Arc<Self>, chance: f64) -> Result<(), SyncError> {
        let schedule = self.schedule().await?;
        let now = self.state.now();
        let due: Option<DueRecord> = self.state.meta(names::DUE).await?;
        if let Some(due) = due.filter(|due| due.schedule == schedule) {
            if due.at.is_none_or(|at| now < at) {
                return Ok(());
            }
            match self.begin(Scope::Everything, Occasion::Wanted, None).await {
                Ok(number) => info!(number, "a synchronization was due"),
                // It may be one of categories only, or a look: this one comes after it.
                Err(SyncError::Running) => return Ok(()),
                Err(error) => warn!(%error, "no synchronization, although it was due"),
            }
        }
        // Stored after the other began: killed in between, it would begin a second time, and find
        // nothing.
        let at = next(&schedule, now, chance);
        Ok(self.state.set_meta(names::DUE, DueRecord { schedule, at }).await?)
    }
}

/// The time between two of them, in seconds.
fn step(schedule: &ScheduleRecord) -> i64 {
    DAY / i64::from(schedule.times_a_day.max(1))
}

/// When the next one after `now` is due, in Unix seconds. `chance` is from 0 to 1.
fn next(schedule: &ScheduleRecord, now: i64, chance: f64) -> Option<i64> {
    let first = i64::from(schedule.first_minute?) * 60;
    let midnight = now.div_euclid(DAY) * DAY;
    let step = step(schedule);
    let times = 0..=2 * i64::from(schedule.times_a_day.max(1));
    let slots = times.map(|time| midnight - DAY + first + time * step);
    let slot = slots.chain([midnight + DAY + first]).filter(|slot| *slot > now).min()?;
    // Less than a step also where an earlier version stored more.
    let most = (i64::from(schedule.offset_minutes) * 60).min(step - 60);
    let offset = (most as f64 * chance) as i64;
    Some(slot + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_is_the_next_of_the_day_or_the_first_of_tomorrow() {
        let schedule = |first, times, offset| ScheduleRecord {
            first_minute: Some(first),
            times_a_day: times,
            offset_minutes: offset,
        };
        let hour = 3600;
        let day = 20_000 * DAY;
        for (schedule, now, expected) in [
            (schedule(60, 1, 0), day, day + hour),
            (schedule(60, 1, 0), day + hour, day + DAY + hour),
            (schedule(60, 1, 0), day + 23 * hour, day + DAY + hour),
            (schedule(60, 4, 0), day, day + hour),
            (schedule(60, 4, 0), day + 2 * hour, day + 7 * hour),
            (schedule(60, 4, 0), day + 20 * hour, day + 25 * hour),
            (schedule(23 * 60, 2, 0), day, day + 11 * hour),
            (schedule(60, 1, 60), day, day + hour + hour / 2),
            (schedule(60, 24, 1440), day, day + hour + hour / 2 - 30),
        ] {
            assert_eq!(next(&schedule, now, 0.5), Some(expected), "{schedule:?} at {}", now - day);
        }
        assert_eq!(next(&ScheduleRecord::default(), day, 0.5), None);
    }
}
