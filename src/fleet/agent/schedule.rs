//! When an agent asks the server, and when it looks into its own store.
//!
//! Time is simulated: a fleet lives through days within minutes. The agent of Windows asks every 22
//! hours, less up to a fifth of that by chance, so that a fleet spreads by itself. Management
//! clients ask for more scans, most of which reach no server: what is younger than the time to live
//! is not asked for again.

use std::time::Duration;

use crate::fleet::catalogue::random::Random;

/// `DetectionFrequency`: 22 hours by default.
const DETECTION_FREQUENCY: Duration = Duration::from_secs(22 * 3600);

/// How long metadata is good for, by default.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(24 * 3600);

/// Deployments are evaluated again after so long.
const REEVALUATION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a scan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The agent's own schedule.
    Detection,
    /// A user asks.
    Demand,
    /// Deployments are evaluated again.
    Reevaluation,
    /// Something is about to be downloaded.
    BeforeDownload,
    /// Something is about to be installed.
    BeforeInstallation,
    /// Something was installed.
    AfterInstallation,
    /// The computer was restarted.
    AfterRestart,
    /// A program asks what is known, and does not want the server to be asked.
    LookUp,
}

/// What kind of scan it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scan {
    /// Whether the last result will not do, however young it is.
    pub(super) is_forced: bool,
    /// Whether it may ask the server.
    pub(super) is_online: bool,
}

/// What a scan comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// The server is asked.
    AskServer,
    /// What is in the store is evaluated.
    Evaluate,
    /// The last result stands.
    LastResult,
}

impl Trigger {
    /// The kind of scan.
    pub(super) fn scan(self) -> Scan {
        let (is_forced, is_online) = match self {
            Self::Detection | Self::Demand => (true, true),
            Self::Reevaluation | Self::BeforeDownload | Self::BeforeInstallation => (false, true),
            Self::AfterInstallation | Self::AfterRestart => (true, false),
            Self::LookUp => (false, false),
        };
        Scan { is_forced, is_online }
    }
}

impl Scan {
    /// What the scan comes to when the store is as old as this; none for an empty one.
    pub(super) fn work(self, age: Option<Duration>, time_to_live: Duration) -> Work {
        let is_fresh = age.is_some_and(|age| age < time_to_live);
        match (self.is_forced, self.is_online) {
            (true, true) => Work::AskServer,
            (false, true) if !is_fresh => Work::AskServer,
            (false, _) if is_fresh => Work::LastResult,
            _ => Work::Evaluate,
        }
    }
}

/// A computer's clock, and what is due.
#[derive(Debug)]
pub(super) struct Schedule {
    random: Random,
    now: Duration,
    last_online: Option<Duration>,
    last_evaluation: Duration,
    time_to_live: Duration,
}

impl Schedule {
    /// A computer that is switched on now.
    pub(super) fn new(random: Random, time_to_live: Duration) -> Self {
        let zero = Duration::ZERO;
        Self { random, now: zero, last_online: None, last_evaluation: zero, time_to_live }
    }

    /// Simulated time since the computer was switched on.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Lets time pass until the next detection is due.
    pub(super) fn wait(&mut self) {
        let per_mille = u32::try_from(self.random.between(800, 1_000)).unwrap_or(1_000);
        self.now += DETECTION_FREQUENCY * per_mille / 1_000;
    }

    /// What a scan for this reason comes to now.
    pub(super) fn work(&self, trigger: Trigger) -> Work {
        let age = self.last_online.map(|last| self.now - last);
        trigger.scan().work(age, self.time_to_live)
    }

    /// Takes note that the store was brought up to date.
    pub(super) fn asked(&mut self) {
        self.last_online = Some(self.now);
    }

    /// Whether deployments have to be evaluated again; if so, they are from now on.
    pub(super) fn reevaluates(&mut self) -> bool {
        let is_due = self.now - self.last_evaluation >= REEVALUATION;
        if is_due {
            self.last_evaluation = self.now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn six_kinds_of_scan() {
        let work = |is_forced, is_online, age: u32| {
            Scan { is_forced, is_online }.work(Some(HOUR * age), TIME_TO_LIVE)
        };
        assert_eq!(work(true, true, 1), Work::AskServer, "forced, online");
        assert_eq!(work(false, true, 25), Work::AskServer, "not forced, online, outdated");
        assert_eq!(work(false, true, 1), Work::LastResult, "not forced, online, fresh");
        assert_eq!(work(true, false, 1), Work::Evaluate, "forced, offline");
        assert_eq!(work(false, false, 1), Work::LastResult, "not forced, offline, fresh");
        assert_eq!(work(false, false, 25), Work::Evaluate, "not forced, offline, outdated");
        assert_eq!(work(false, true, 24), Work::AskServer, "good for less than the time to live");
        let empty = Scan { is_forced: false, is_online: true };
        assert_eq!(empty.work(None, TIME_TO_LIVE), Work::AskServer, "an empty store");
    }

    #[test]
    fn detection_is_due_after_four_fifths_of_22_hours_to_22_hours() {
        let mut schedule = Schedule::new(Random::keyed(1, &[]), TIME_TO_LIVE);
        let mut waits = Vec::new();
        for _ in 0..500 {
            let before = schedule.now();
            schedule.wait();
            waits.push(schedule.now() - before);
        }
        let (shortest, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*shortest >= DETECTION_FREQUENCY * 4 / 5 && *longest <= DETECTION_FREQUENCY);
        assert!(*longest - *shortest > HOUR * 4, "spread over most of the allowed time");
    }

    #[test]
    fn only_some_triggers_reach_the_server() {
        let mut schedule = Schedule::new(Random::keyed(1, &[]), TIME_TO_LIVE);
        assert_eq!(schedule.work(Trigger::BeforeDownload), Work::AskServer);
        schedule.asked();
        assert_eq!(schedule.work(Trigger::Detection), Work::AskServer);
        assert_eq!(schedule.work(Trigger::Demand), Work::AskServer);
        assert_eq!(schedule.work(Trigger::BeforeDownload), Work::LastResult);
        assert_eq!(schedule.work(Trigger::BeforeInstallation), Work::LastResult);
        assert_eq!(schedule.work(Trigger::AfterInstallation), Work::Evaluate);
        assert_eq!(schedule.work(Trigger::AfterRestart), Work::Evaluate);
        schedule.wait();
        assert_eq!(schedule.work(Trigger::BeforeDownload), Work::LastResult, "22 hours");
        assert_eq!(schedule.work(Trigger::LookUp), Work::LastResult, "22 hours");
        schedule.wait();
        assert_eq!(schedule.work(Trigger::BeforeDownload), Work::AskServer, "44 hours");
        assert_eq!(schedule.work(Trigger::LookUp), Work::Evaluate, "44 hours");
        assert!(!schedule.reevaluates());
        (0..8).for_each(|_| schedule.wait());
        assert!(schedule.reevaluates() && !schedule.reevaluates());
        assert_eq!(schedule.work(Trigger::Reevaluation), Work::AskServer);
    }
}
