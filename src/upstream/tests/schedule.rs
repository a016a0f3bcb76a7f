//! Synchronizations that begin by themselves, also when nobody was there at their time.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::policy::by::By;
use crate::upstream::SyncError;
use crate::upstream::records::ScheduleRecord;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const START: i64 = 20_000 * DAY;

static SECONDS: AtomicI64 = AtomicI64::new(START);

/// A server that is there for one look at the schedule, at this time of this offset; how many runs it
/// has had after that.
async fn looked(fake: &Fake, dir: &TempDir, store: &MemoryStore, at: i64, chance: f64) -> usize {
    SECONDS.store(START + at, Ordering::Relaxed);
    let now = || SECONDS.load(Ordering::Relaxed);
    let settings_of_state = state::Settings::default();
    let state = State::with_store(dir.path(), Box::new(store.clone()), &settings_of_state, now);
    let state = Arc::new(state.unwrap());
    let upstream = Upstream::new(Arc::clone(&state), settings());
    if upstream.source().await.unwrap().is_none() {
        let source = SourceRecord { url: fake.url.clone(), ..SourceRecord::default() };
        upstream.set_source(By::administrator(), source).await.unwrap();
        upstream.set_schedule(By::administrator(), daily(60, 30)).await.unwrap();
    }
    upstream.begin_due(chance).await.unwrap();
    while upstream.running().is_some() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let runs = upstream.history().await.unwrap().len();
    upstream.stop().await;
    state.close().await;
    runs
}

fn daily(first: u16, offset: u16) -> ScheduleRecord {
    ScheduleRecord { first_minute: Some(first), times_a_day: 1, offset_minutes: offset }
}

#[tokio::test]
async fn what_is_due_outlives_restarts_and_what_was_missed_is_caught_up() {
    let fake = Fake::start().await;
    let (dir, store) = (tempfile::tempdir().unwrap(), MemoryStore::new());
    for (at, chance, runs) in [
        // Planned for half past one, with the whole offset.
        (0, 1.0, 0),
        // A restart between its time and the offset neither begins it nor loses it.
        (HOUR + 600, 0.0, 0),
        (HOUR + 1_799, 0.0, 0),
        (HOUR + 1_800, 0.0, 1),
        (HOUR + 1_801, 0.0, 1),
        // The next day at one; the server is away until three, and then for three days.
        (DAY + HOUR - 1, 0.0, 1),
        (DAY + 3 * HOUR, 0.0, 2),
        (DAY + 4 * HOUR, 0.0, 2),
        (4 * DAY + 5 * HOUR, 0.0, 3),
        (4 * DAY + 6 * HOUR, 0.0, 3),
        (5 * DAY + HOUR, 0.0, 4),
    ] {
        assert_eq!(looked(&fake, &dir, &store, at, chance).await, runs, "at {at}");
    }
}

#[tokio::test]
async fn one_that_is_due_waits_for_one_that_runs() {
    let pair = Pair::new().await;
    // The clock stands at 16 minutes and 40 seconds past midnight.
    pair.upstream.set_schedule(By::administrator(), daily(16, 0)).await.unwrap();
    pair.upstream.begin_due(0.0).await.unwrap();
    let due = crate::upstream::records::DueRecord { schedule: daily(16, 0), at: Some(960) };
    pair.state.set_meta(crate::upstream::records::names::DUE, due).await.unwrap();
    pair.upstream.start(By::administrator(), Scope::Categories).await.unwrap();
    pair.upstream.begin_due(0.0).await.unwrap();
    pair.ended().await;
    assert_eq!(pair.upstream.history().await.unwrap().len(), 1);
    for _ in 0..2 {
        pair.upstream.begin_due(0.0).await.unwrap();
        pair.ended().await;
        assert_eq!(pair.upstream.history().await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn an_offset_that_would_skip_synchronizations_is_refused() {
    let pair = Pair::new().await;
    let times = |times_a_day, offset_minutes| ScheduleRecord {
        first_minute: Some(0),
        times_a_day,
        offset_minutes,
    };
    for (schedule, taken) in [
        (times(24, 59), true),
        (times(24, 60), false),
        (times(1, 1_439), true),
        (times(1, 1_440), false),
        (times(4, 400), false),
    ] {
        match pair.upstream.set_schedule(By::administrator(), schedule.clone()).await {
            Ok(()) => assert!(taken, "{schedule:?}"),
            Err(SyncError::Refused(reason)) => {
                assert!(!taken && reason.contains("skipped"), "{schedule:?}: {reason}");
            }
            Err(other) => panic!("{schedule:?}: {other}"),
        }
    }
}
