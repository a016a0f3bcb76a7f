//! How far a running synchronization is, for whoever looks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::{Events, Happening};

/// How often whoever watches is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Who we are, and what the upstream server allows.
    Connecting,
    /// Which categories, classifications and detectoids there are.
    ListingCategories,
    /// Their documents.
    Categories,
    /// Which updates there are.
    ListingUpdates,
    /// Which drivers there are for the hardware here.
    ListingDrivers,
    /// Their documents.
    Updates,
    /// All of it becomes visible.
    Publishing,
    /// The upstream server's decisions.
    Deployments,
}

impl Phase {
    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::ListingCategories => "listing categories",
            Self::Categories => "fetching categories",
            Self::ListingUpdates => "listing updates",
            Self::ListingDrivers => "listing drivers",
            Self::Updates => "fetching updates",
            Self::Publishing => "publishing",
            Self::Deployments => "taking over decisions",
        }
    }
}

/// How far a running synchronization is, as far as that is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunningSync {
    /// Its number.
    pub number: u64,
    /// What is being done.
    pub phase: String,
    /// How many things of this phase are done.
    pub done: u64,
    /// How many there are; 0 when that is not known.
    pub total: u64,
    /// How many failed.
    pub failed: u64,
    /// How many are done in a second.
    pub per_second: f64,
    /// How many seconds the others will take.
    pub seconds_left: Option<u64>,
}

/// The progress of one synchronization.
pub(super) struct Progress {
    phase: Mutex<(Phase, Instant)>,
    /// The phases until now, each with its beginning.
    begun: Mutex<Vec<(Phase, Instant)>>,
    done: AtomicU64,
    total: AtomicU64,
    failed: AtomicU64,
    number: u64,
    events: Arc<Events>,
    told: Mutex<Option<Instant>>,
}

impl Progress {
    /// The progress of the synchronization with this number.
    pub(super) fn new(number: u64, events: Arc<Events>) -> Self {
        Self {
            number,
            events,
            told: Mutex::default(),
            phase: Mutex::new((Phase::Connecting, Instant::now())),
            begun: Mutex::default(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Begins a phase with `total` things to do; 0 when that is not known.
    pub(super) fn begin(&self, phase: Phase, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        let begun = (phase, Instant::now());
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(begun);
        self.tell(phase.name());
    }

    /// The phases until now, each with how long ago it began.
    pub(super) fn phases(&self) -> Vec<(Phase, Duration)> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.iter().map(|(phase, since)| (*phase, since.elapsed())).collect()
    }

    /// Tells whoever watches how far it is, or how it ended.
    pub(super) fn tell(&self, phase: &str) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.events.tell(|| Happening::Sync {
            number: self.number,
            phase: phase.to_owned(),
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        });
    }

    pub(super) fn advance(&self, done: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.tell(self.phase().name());
        }
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// What is being done.
    pub(super) fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// How far the synchronization is.
    pub(super) fn shown(&self) -> RunningSync {
        let (phase, since) = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.done.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let seconds = since.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
        let left = (rate > 0.0).then(|| (total.saturating_sub(done) as f64 / rate).round() as u64);
        RunningSync {
            number: self.number,
            phase: phase.name().to_owned(),
            done,
            total,
            failed: self.failed.load(Ordering::Relaxed),
            per_second: (rate * 10.0).round() / 10.0,
            seconds_left: left.filter(|_| total > 0),
        }
    }
}
