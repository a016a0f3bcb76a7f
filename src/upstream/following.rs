//! Following the upstream server: looking often whether it has something new.
//!
//! [MS-WSUSSS] has no message by which a server could tell those below it anything: they are not
//! reachable by what it knows of them, and begin by a timer or when an administrator says so (3.2.3).
//! So a server that is to be up to date looks itself. A look is a synchronization that tries each
//! call once, leaves alone what was set aside, and is forgotten when it found nothing: some short
//! calls, of which the longest are two lists of nothing. When each level looks, what comes to the
//! top is at the bottom soon, whichever server is at the top.

use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use super::records::Run;
use super::settings::{Patience, Settings, chance};
use super::{Scope, SyncError, Upstream};

/// How often it is looked whether there is an upstream server by now.
const WAIT: Duration = Duration::from_secs(60);

/// Why a synchronization runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Somebody or the schedule wants it.
    Wanted,
    /// There may be something new.
    Look,
}

impl Occasion {
    /// How the synchronization behaves.
    pub(super) fn settings(self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        if self == Self::Look {
            // The next look comes soon, and until then others may want to synchronise.
            settings.patience = Patience { attempts: 1, ..settings.patience };
        }
        settings
    }
}

impl Upstream {
    /// Looks whether the upstream server has something new, again and again; never ends. Where that
    /// is not configured, it never looks.
    pub async fn follow(self: Arc<Self>) {
        let Some(every) = self.settings.follow_every else {
            return std::future::pending().await;
        };
        loop {
            // Servers that started together do not come together for ever.
            tokio::time::sleep(every.mul_f64(0.75 + chance() / 2.0)).await;
            match self.look().await {
                Ok(_) | Err(SyncError::Running) => {}
                Err(SyncError::NoSource) => tokio::time::sleep(WAIT).await,
                Err(error) => debug!(%error, "the upstream server was not looked at"),
            }
        }
    }

    /// Begins a look. Its number is that of the next synchronization, if it finds nothing.
    ///
    /// # Errors
    /// Those of [`Upstream::start`].
    pub(super) async fn look(self: &Arc<Self>) -> Result<u64, SyncError> {
        self.begin(Scope::Everything, Occasion::Look, None).await
    }
}

/// Whether a look says something that the history does not: it brought `news`, or one of it and the
/// run before that was not called off failed and the other did not.
pub(super) fn is_worth_recording(run: &Run, news: bool, before: Option<&Run>) -> bool {
    news || run.failures > 0 || before.is_none_or(Run::is_failed) != run.is_failed()
}
