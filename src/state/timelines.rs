//! Which past of this server counts.
//!
//! A server that is restored from a backup goes on from there, and gives the numbers of commits,
//! revisions and deployments that were lost to others. By such a number alone nobody can say of which
//! past it speaks. So each restore begins a timeline, with an id that no other has, and remembers at which
//! commit it left the one before: what computers were told up to there holds, and of what they were
//! told later, there or in the timeline of another restore of the same backup, nothing does.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::meta::ROLLUP;
use super::records::{RollupRecord, first_version};
use super::{Published, State, StateError};
use crate::policy::by::By;

/// Name of the record in `meta`.
pub(super) const TIMELINES: &str = "timelines";

/// The timelines of this server. In `meta` as `timelines`, once it was restored for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timelines {
    /// The one that goes on; nil for that of a server that was never restored.
    current: Uuid,
    /// Those that it comes from.
    left: Vec<Left>,
}

/// A timeline that ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    timeline: Uuid,
    /// Its last commit that is also one of this server's.
    at: u64,
}

first_version! {
    Timelines, "record of timelines";
}

impl Timelines {
    /// The one that goes on.
    pub fn current(&self) -> Uuid {
        self.current
    }

    /// Leaves the current one after commit `at`.
    fn begin(&mut self, timeline: Uuid, at: u64) {
        self.left.push(Left { timeline: self.current, at });
        self.current = timeline;
    }

    /// The last commit of `timeline` that is this server's, which is at `sequence`; none of one that
    /// it does not come from.
    fn last_of(&self, timeline: Uuid, sequence: u64) -> Option<u64> {
        if timeline == self.current {
            return Some(sequence);
        }
        self.left.iter().find(|left| left.timeline == timeline).map(|left| left.at)
    }
}

impl Published {
    /// Whether `commit` of `timeline` is one of this server's. Where it is not, who was told of it has
    /// to start over.
    pub fn remembers(&self, timeline: Uuid, commit: u64) -> bool {
        self.timelines.last_of(timeline, self.sequence).is_some_and(|last| commit <= last)
    }
}

impl State {
    /// Begins a timeline, as this state was just made of a backup, and enters into the journal of
    /// which. Servers below are to report everything anew: what they did since was lost.
    pub(crate) async fn begin_timeline(
        &self,
        by: By,
        backup: serde_json::Value,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let mut timelines = transaction.model.timelines.as_ref().clone();
                timelines.begin(Uuid::new_v4(), transaction.model.counters.sequence);
                transaction.journal(&by, json!({ "restore_backup": backup }));
                transaction.put_timelines(timelines);
                transaction.put_meta(ROLLUP, &RollupRecord { reset: Uuid::new_v4() });
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Settings;

    #[tokio::test]
    async fn servers_below_are_told_that_what_they_reported_is_lost() {
        let dir = tempfile::tempdir().expect("a directory");
        let state = State::open(dir.path(), &Settings::default(), || 0).expect("opened");
        let before = state.rollup_reset().await.expect("read");
        state.begin_timeline(By::administrator(), json!({})).await.expect("begun");
        assert_ne!(state.rollup_reset().await.expect("read"), before);
        state.close().await;
    }

    #[test]
    fn of_each_timeline_the_part_counts_that_led_here() {
        let [first, second, third] = [Uuid::nil(), Uuid::from_u128(1), Uuid::from_u128(2)];
        let mut timelines = Timelines::default();
        timelines.begin(second, 40);
        let mut other = timelines.clone();
        timelines.begin(third, 60);
        assert_eq!(timelines.last_of(first, 70), Some(40));
        assert_eq!(timelines.last_of(second, 70), Some(60));
        assert_eq!(timelines.last_of(third, 70), Some(70));
        other.begin(Uuid::from_u128(3), 60);
        assert_eq!(other.last_of(third, 70), None, "of the same backup, restored twice");
    }
}
