//! What the checks go by, and what was found last.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, MutexGuard};

use super::{Check, CheckName, CheckStatus};
use crate::server::tls::Tls;

/// What the checks go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How often a server makes them by itself.
    pub every: Duration,
    /// Checks that are not made unless somebody names them.
    pub off: Vec<CheckName>,
    /// Bytes of room on the disk below which there is a warning. The figures are those of WSUS.
    pub disk_warn: u64,
    /// Bytes below which it is an error.
    pub disk_error: u64,
    /// Days after which the last synchronization is too old.
    pub sync_days: u32,
    /// Most computers that this server is meant for: so many were measured.
    pub computers: u64,
    /// Days after which a computer is silent.
    pub silent_days: u32,
    /// Of silent computers among all.
    pub silent: Percent,
    /// Of computers with a failed installation among all.
    pub install_failures: Percent,
    /// Of computers that cannot say what they have and need among all.
    pub inventory_failures: Percent,
    /// Days before its end from which on the certificate is warned of. Our own is renewed 30 days before.
    pub certificate_days: u32,
}

/// From which share of all on something is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent {
    /// Per cent from which on there is a warning.
    pub warn: u8,
    /// Per cent from which on it is an error.
    pub error: u8,
}

impl Percent {
    /// How bad so many of all are.
    pub(super) fn of(self, some: u64, all: u64) -> CheckStatus {
        let reaches = |percent: u8| {
            let (some, all) = (u128::from(some), u128::from(all));
            some > 0 && some * 100 >= all * u128::from(percent)
        };
        match (reaches(self.error), reaches(self.warn)) {
            (true, _) => CheckStatus::Error,
            (_, true) => CheckStatus::Warn,
            _ => CheckStatus::Ok,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let percent = Percent { warn: 10, error: 20 };
        Self {
            every: Duration::from_secs(600),
            off: Vec::new(),
            disk_warn: 500_000_000,
            disk_error: 200_000_000,
            sync_days: 7,
            computers: 1_000_000,
            silent_days: 30,
            silent: percent,
            install_failures: percent,
            inventory_failures: percent,
            certificate_days: 21,
        }
    }
}

/// Where this process listens.
#[derive(Debug, Clone)]
pub struct Listeners {
    /// The socket for this machine's administrator.
    pub socket: PathBuf,
    /// For clients, plain HTTP.
    pub http: Option<SocketAddr>,
    /// For clients, HTTPS.
    pub https: Option<SocketAddr>,
    /// For administrators, and whether over TLS.
    pub admin: Option<(SocketAddr, bool)>,
    /// What TLS is served with.
    pub certificates: Option<Arc<Tls>>,
}

/// Looks after the health of one process.
#[derive(Debug)]
pub struct Monitor {
    settings: Settings,
    /// When it began, by a clock that nobody sets and by that of the system.
    began: (Instant, i64),
    listeners: OnceLock<Listeners>,
    last: ArcSwap<Vec<Check>>,
    round: Mutex<()>,
}

impl Monitor {
    /// One that goes by `settings`, in a process that began at `now` (unix seconds).
    pub fn new(settings: Settings, now: i64) -> Self {
        Self {
            settings,
            began: (Instant::now(), now),
            listeners: OnceLock::new(),
            last: ArcSwap::default(),
            round: Mutex::new(()),
        }
    }

    /// Says where this process listens, which it does once.
    pub fn listens(&self, listeners: Listeners) {
        drop(self.listeners.set(listeners));
    }

    /// What each check found when it was last made.
    pub fn last(&self) -> Arc<Vec<Check>> {
        self.last.load_full()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn listeners(&self) -> Option<&Listeners> {
        self.listeners.get()
    }

    /// Seconds by which the system's clock, which shows `now`, went on since the beginning, less those
    /// that passed.
    pub(super) fn clock_jumped(&self, now: i64) -> i64 {
        let passed = i64::try_from(self.began.0.elapsed().as_secs()).unwrap_or(i64::MAX);
        now.saturating_sub(self.began.1).saturating_sub(passed)
    }

    /// One round of checks at a time: some look at every computer.
    pub(super) async fn round(&self) -> MutexGuard<'_, ()> {
        self.round.lock().await
    }

    /// Keeps what was found, and says in the log what changed.
    pub(super) fn note(&self, checks: &[Check]) {
        let mut last = Vec::clone(&self.last.load_full());
        for check in checks {
            let Check { name, status, text } = check;
            let before = last.iter_mut().find(|before| before.name == *name);
            let was = before.as_ref().map_or(CheckStatus::Ok, |before| before.status);
            match status {
                status if *status == was => {}
                CheckStatus::Ok => tracing::info!(check = name.name(), text, "it is well again"),
                CheckStatus::Warn => tracing::warn!(check = name.name(), text, "look at this"),
                CheckStatus::Error => tracing::error!(check = name.name(), text, "it is not well"),
            }
            match before {
                Some(before) => before.clone_from(check),
                None => last.push(check.clone()),
            }
        }
        self.last.store(Arc::new(last));
    }
}
