//! The states of a day, so that next month's can be compared with them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Counts;

/// Days that are kept: a year, and a month to look back from its end.
pub const DAYS_KEPT: u32 = 400;

/// What the counters said at the beginning of a day. In `trends`, by the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRecord {
    /// Unix seconds of when they were read.
    pub at: i64,
    /// Of every group, with those below it.
    pub groups: Vec<GroupDay>,
}

/// What they said of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDay {
    /// The group.
    pub group: Uuid,
    /// How many computers there were.
    pub computers: u64,
    /// Pairs of computer and update on offer by their state.
    pub counts: Counts,
}

/// The number of the day of a time (unix seconds), in UTC, from 1970; none before and in the far
/// future.
pub fn day_of(at: i64) -> Option<u32> {
    u32::try_from(at.div_euclid(86_400)).ok()
}
