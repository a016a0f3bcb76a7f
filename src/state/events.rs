//! What happens, told to whoever watches.
//!
//! Telling never waits: each watcher has a short queue of its own, and what does not fit is counted
//! instead. Once a slow watcher has taken what was queued it is told how many it missed, at the place
//! where they were. While nobody watches, nothing is put together at all. Nothing is kept either:
//! whoever was away looks at the lists, which are always true.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{State, StateError};
use crate::computers::counts::Counts;
use crate::wire::time::DateTime;

/// Events that wait for one watcher. A second of a large fleet's reports.
const QUEUE: usize = 512;
/// Most watchers.
const WATCHERS: usize = 32;
/// Most updates that one event names.
pub(super) const NAMED: usize = 100;

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// When.
    pub at: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A computer registered, or what is known of it changed.
    ComputerChanged {
        /// Its client id.
        computer: String,
        /// What it calls itself.
        name: String,
        /// Whether it was not known before.
        new: bool,
    },
    /// A computer reported.
    ComputerReported {
        /// Its client id.
        computer: String,
        /// What it calls itself.
        name: String,
        /// How many updates are in which state on it, as far as it named them.
        states: Counts,
    },
    /// A computer is no longer known.
    ComputerForgotten {
        /// Its client id.
        computer: String,
    },
    /// Of these updates more or fewer computers than before are in some state.
    CountersChanged {
        /// Their ids, the first hundred.
        updates: Vec<Uuid>,
        /// How many more there are.
        more: u64,
    },
    /// Revisions of updates came.
    UpdatesImported {
        /// How many revisions.
        revisions: u64,
        /// The updates' ids, the first hundred; none where a synchronization brought them.
        updates: Vec<Uuid>,
    },
    /// Somebody decided something: an approval, a decline, a group.
    Decided {
        /// As the audit trail has it.
        what: serde_json::Value,
    },
    /// A synchronization began, goes on, or ended.
    Sync {
        /// Its number.
        number: u64,
        /// What is being done; `done`, `failed` or `cancelled` at the end.
        phase: String,
        /// How many things of this phase are done.
        done: u64,
        /// How many there are; 0 when that is not known.
        total: u64,
        /// How many failed.
        failed: u64,
    },
    /// A job began, goes on, or ended.
    Job {
        /// Its number.
        job: u64,
        /// The operation that it carries out.
        operation: String,
        /// `running`, `done`, `failed` or `cancelled`.
        state: String,
        /// How many things are done.
        done: u64,
        /// How many there are to do; 0 when that is not known.
        total: u64,
    },
    /// A content file is here.
    ContentArrived {
        /// Its SHA-1.
        sha1: String,
        /// Its length in bytes.
        size: u64,
    },
    /// The server takes no changes any more.
    Health {
        /// False.
        healthy: bool,
        /// Why.
        reason: String,
    },
    /// So many events were not told to this watcher, which took them too slowly.
    Missed {
        /// How many.
        count: u64,
    },
}

impl Happening {
    /// Its name: the value of the field `event`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ComputerChanged { .. } => "computer_changed",
            Self::ComputerReported { .. } => "computer_reported",
            Self::ComputerForgotten { .. } => "computer_forgotten",
            Self::CountersChanged { .. } => "counters_changed",
            Self::UpdatesImported { .. } => "updates_imported",
            Self::Decided { .. } => "decided",
            Self::Sync { .. } => "sync",
            Self::Job { .. } => "job",
            Self::ContentArrived { .. } => "content_arrived",
            Self::Health { .. } => "health",
            Self::Missed { .. } => "missed",
        }
    }
}

/// Everybody who watches.
#[derive(Debug)]
pub struct Events {
    now: fn() -> i64,
    watchers: Mutex<Vec<Arc<Queue>>>,
    /// How many there are, without the lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Arc<Told>>,
    missed: u64,
}

/// Somebody who watches, until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    events: Arc<Events>,
    queue: Arc<Queue>,
}

impl Events {
    pub(super) fn new(now: fn() -> i64) -> Self {
        Self { now, watchers: Mutex::default(), count: AtomicUsize::new(0) }
    }

    /// Whether anybody watches.
    pub fn watched(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Tells everybody who watches; `what` is made only if somebody does.
    pub fn tell(&self, what: impl FnOnce() -> Happening) {
        if !self.watched() {
            return;
        }
        let told = Arc::new(Told { at: self.instant(), what: what() });
        for queue in self.watchers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            queue.put(&told);
        }
    }

    /// Begins to watch.
    ///
    /// # Errors
    /// When too many do.
    pub fn watch(self: &Arc<Self>) -> Result<Watcher, StateError> {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if watchers.len() >= WATCHERS {
            let reason = format!("{WATCHERS} watch already; somebody has to stop first");
            return Err(StateError::Refused(reason));
        }
        let queue = Arc::<Queue>::default();
        watchers.push(Arc::clone(&queue));
        self.count.store(watchers.len(), Ordering::Relaxed);
        Ok(Watcher { events: Arc::clone(self), queue })
    }

    fn instant(&self) -> Option<String> {
        DateTime::from_unix((self.now)(), 0).map(|instant| instant.to_string())
    }
}

impl Queue {
    fn put(&self, told: &Arc<Told>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // What comes after a gap waits until the gap was told.
        if waiting.missed > 0 || waiting.events.len() >= QUEUE {
            waiting.missed = waiting.missed.saturating_add(1);
        } else {
            waiting.events.push_back(Arc::clone(told));
        }
        drop(waiting);
        self.wake.notify_one();
    }
}

impl Watcher {
    /// The next thing that happens.
    pub async fn next(&self) -> Arc<Told> {
        loop {
            if let Some(told) = self.waiting() {
                return told;
            }
            self.queue.wake.notified().await;
        }
    }

    fn waiting(&self) -> Option<Arc<Told>> {
        let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = waiting.events.pop_front() {
            return Some(told);
        }
        let count = std::mem::take(&mut waiting.missed);
        let what = Happening::Missed { count };
        (count > 0).then(|| Arc::new(Told { at: self.events.instant(), what }))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watchers = self.events.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.events.count.store(watchers.len(), Ordering::Relaxed);
    }
}

impl State {
    /// Where it is told what happens.
    pub fn events(&self) -> &Arc<Events> {
        &self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(number: usize) -> Happening {
        Happening::ComputerForgotten { computer: number.to_string() }
    }

    #[test]
    fn nothing_is_made_for_nobody() {
        let events = Arc::new(Events::new(|| 0));
        events.tell(|| panic!("nobody watches"));
        drop(events.watch().expect("room"));
        events.tell(|| panic!("nobody watches any more"));
    }

    #[tokio::test]
    async fn every_watcher_is_told_in_order() {
        let events = Arc::new(Events::new(|| 0));
        let (one, other) = (events.watch().expect("room"), events.watch().expect("room"));
        (0..3).for_each(|number| events.tell(|| forgotten(number)));
        for watcher in [one, other] {
            for number in 0..3 {
                assert_eq!(watcher.next().await.what, forgotten(number));
            }
        }
    }

    #[tokio::test]
    async fn a_slow_watcher_is_told_once_how_much_it_missed_and_holds_nobody_up() {
        let events = Arc::new(Events::new(|| 0));
        let (slow, quick) = (events.watch().expect("room"), events.watch().expect("room"));
        for number in 0..QUEUE + 1000 {
            events.tell(|| forgotten(number));
            assert_eq!(quick.next().await.what, forgotten(number));
        }
        assert_eq!(slow.queue.waiting.lock().expect("unlocked").events.len(), QUEUE, "bounded");
        for number in 0..QUEUE {
            assert_eq!(slow.next().await.what, forgotten(number));
        }
        // Not told before the gap, though there is room for it.
        events.tell(|| forgotten(7));
        assert_eq!(slow.next().await.what, Happening::Missed { count: 1001 });
        events.tell(|| forgotten(8));
        assert_eq!(slow.next().await.what, forgotten(8));
    }

    #[test]
    fn no_more_may_watch_than_that() {
        let events = Arc::new(Events::new(|| 0));
        let mut watchers: Vec<_> = (0..WATCHERS).map(|_| events.watch().expect("room")).collect();
        assert!(matches!(events.watch(), Err(StateError::Refused(_))));
        watchers.pop();
        watchers.push(events.watch().expect("somebody left"));
    }

    #[test]
    fn an_event_has_its_name_in_it() {
        let told = Told { at: None, what: Happening::Missed { count: 3 } };
        let value = serde_json::to_value(&told).expect("JSON");
        assert_eq!(value["event"], told.what.name());
        assert_eq!(serde_json::from_value::<Told>(value).expect("the same"), told);
    }
}
