//! This server as a downstream server ([MS-WSUSSS] 3.2): it takes its catalogue, and as a replica
//! its decisions, from another.
//!
//! [`Upstream`] is the one handle: it holds what the administrator configured, runs at most one
//! synchronization at a time, and says how far that is. What a synchronization does is in `sync`,
//! in the order in which it does it.

mod authorize;
mod configuration;
mod content;
mod deployments;
mod drivers;
mod error;
mod fetch;
mod following;
mod inventory;
mod progress;
mod reaction;
pub mod records;
mod report;
mod reporting;
mod revisions;
mod schedule;
mod select;
mod session;
mod settings;
mod source;
mod sync;
#[cfg(test)]
mod tests;
mod update_data;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::{Notify, watch};
use tracing::{debug, error, info};

pub use content::DownloadsStatus;
pub use error::SyncError;
pub use progress::RunningSync;
pub use select::{Change, SelectableCategory, SelectionChange};
pub use settings::{Patience, Settings, is_dns_name};
pub use source::{MICROSOFT_UPDATE, ROOT_INSTRUCTION};
pub use sync::Scope;

use crate::content::pulled::RangeSource;
use crate::policy::by::By;
use crate::state::{Moved, State};
use crate::wire::types::Sha1;
use authorize::Account;
use content::Downloads;
use following::Occasion;
use inventory::Inventory;
use progress::Progress;
use records::{
    AnchorsRecord, Event, FAILURES_KEPT, HistoryRecord, RUNS, Run, ScheduleRecord, SelectionRecord,
    SourceRecord, names, reason,
};
use sync::{Outcome, Sync};

/// The status of a synchronization that failed.
pub const FAILED: u16 = event::FAILED;
/// The status of one that was called off.
pub const CANCELLED: u16 = event::CANCELLED;

/// Events of ConfigMgr's software update point, which people know and tools look for.
mod event {
    pub(in crate::upstream) const STARTED: u16 = 6701;
    pub(in crate::upstream) const DONE: u16 = 6702;
    pub(in crate::upstream) const FAILED: u16 = 6703;
    pub(in crate::upstream) const IN_PROGRESS: u16 = 6704;
    pub(in crate::upstream) const TOOK_OVER: u16 = 6706;
    pub(in crate::upstream) const OUT_OF_SYNC: u16 = 6707;
    pub(in crate::upstream) const LICENCES_PENDING: u16 = 6708;
    /// ConfigMgr has none for that; this is WSUS's own.
    pub(in crate::upstream) const CANCELLED: u16 = 385;
}

/// This server's relation to its upstream server. One for each state.
pub struct Upstream {
    state: Arc<State>,
    settings: Settings,
    running: Mutex<Option<Running>>,
    downloads: Arc<Downloads>,
    inventory: Inventory,
    /// One report at a time.
    reporting: tokio::sync::Mutex<()>,
    /// There is something to report.
    report_due: Notify,
}

/// A synchronization that runs.
struct Running {
    /// None for the moment in which its number is not known yet.
    progress: Option<Arc<Progress>>,
    /// True when it is to end.
    cancel: watch::Sender<bool>,
}

/// The one place of a synchronization that runs, which is free again when this goes: at its end, and
/// also when it panics or whoever began it does not wait.
struct Place(Arc<Upstream>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.slot() = None;
    }
}

impl Upstream {
    /// A handle on `state`. Nothing begins by itself.
    pub fn new(state: Arc<State>, settings: Settings) -> Arc<Self> {
        let downloads = Arc::new(Downloads::new(Arc::clone(&state), settings.clone()));
        let (running, reporting) = (Mutex::new(None), tokio::sync::Mutex::new(()));
        let inventory = Inventory::default();
        let report_due = Notify::new();
        Arc::new(Self { state, settings, running, downloads, inventory, reporting, report_due })
    }

    /// The upstream server.
    pub async fn source(&self) -> Result<Option<SourceRecord>, SyncError> {
        Ok(self.state.meta(names::SOURCE).await?)
    }

    /// Sets the upstream server, once everything that is said of it can be used.
    pub async fn set_source(&self, by: By, source: SourceRecord) -> Result<(), SyncError> {
        source::check(&source)?;
        let set = self.state.records(move |records| {
            let before: Option<SourceRecord> = records.read(names::SOURCE)?;
            if let Some(anchors) = records.read::<AnchorsRecord>(names::ANCHORS)? {
                // What was decided here meanwhile has to go: all of it is taken over anew.
                records.put(names::ANCHORS, &AnchorsRecord { deployments: None, ..anchors });
            }
            records.journal(&by, json!({ "sync_source": source, "before": before }));
            records.put(names::SOURCE, &source);
            records.follow(source.replica.then_some(source.url));
            Ok(())
        });
        Ok(set.await?)
    }

    /// Whether the files of all updates are to be here, approved or not.
    pub async fn keeps_all_content(&self) -> Result<bool, SyncError> {
        let source = self.source().await?;
        Ok(source.is_some_and(|source| source.content == records::ContentMode::All))
    }

    /// What is selected.
    pub async fn selection(&self) -> Result<SelectionRecord, SyncError> {
        Ok(self.state.meta(names::SELECTION).await?.unwrap_or_default())
    }

    /// When synchronizations begin by themselves.
    pub async fn schedule(&self) -> Result<ScheduleRecord, SyncError> {
        Ok(self.state.meta(names::SCHEDULE).await?.unwrap_or_default())
    }

    /// The synchronizations until now, the latest last.
    pub async fn history(&self) -> Result<Vec<Run>, SyncError> {
        Ok(self.recorded().await?.runs)
    }

    /// What runs and how far it is; none when nothing runs.
    pub fn running(&self) -> Option<RunningSync> {
        self.slot().as_ref()?.progress.as_ref().map(|progress| progress.shown())
    }

    /// Begins a synchronization that somebody wants, and returns its number.
    ///
    /// # Errors
    /// When there is no upstream server, or one runs already.
    pub async fn start(self: &Arc<Self>, by: By, scope: Scope) -> Result<u64, SyncError> {
        self.begin(scope, Occasion::Wanted, Some(by)).await
    }

    async fn begin(
        self: &Arc<Self>,
        scope: Scope,
        occasion: Occasion,
        by: Option<By>,
    ) -> Result<u64, SyncError> {
        let source = self.source().await?.ok_or(SyncError::NoSource)?;
        let account = Account::of(&self.state, &self.settings).await?;
        let (cancel, cancelled) = watch::channel(false);
        {
            let mut slot = self.slot();
            if slot.is_some() {
                return Err(SyncError::Running);
            }
            *slot = Some(Running { progress: None, cancel });
        }
        let place = Place(Arc::clone(self));
        // Read where no other run can be between its end and its entry in the history.
        let number = self.recorded().await?.runs.last().map_or(1, |run| run.number + 1);
        let progress = Arc::new(Progress::new(number, Arc::clone(self.state.events())));
        if let Some(running) = self.slot().as_mut() {
            running.progress = Some(Arc::clone(&progress));
        }
        if let Some(by) = by {
            let entry = json!({ "start_sync": { "number": number, "scope": scope } });
            self.state.note(by, entry).await?;
        }
        tokio::spawn(async move {
            let upstream = &place.0;
            let reports = source.report && scope == Scope::Everything;
            let called_off = cancelled.clone();
            let what = (number, scope, occasion);
            let (run, news) = upstream.run(what, source, account, &progress, cancelled).await;
            let done = !run.came_to_nothing();
            let ended = run.ended_as();
            // A server that stops calls off a look, too, which nobody needs to know.
            let forgotten = occasion == Occasion::Look && *called_off.borrow();
            if !forgotten && let Err(error) = upstream.record(run, news).await {
                error!(%error, "a synchronization is missing in the history");
            }
            if reports && done && news {
                // By whoever follows, so that the next synchronization need not wait for it.
                upstream.report_due.notify_one();
            }
            drop(place);
            progress.tell(ended);
        });
        Ok(number)
    }

    /// Fetches the files that the configuration and the approvals want; never ends.
    pub async fn follow_downloads(self: Arc<Self>) {
        let downloads = &self.downloads;
        let stale = async {
            loop {
                downloads.stale().await;
                // One that runs already does the same.
                if let Err(error) = self.look().await {
                    debug!(%error, "the upstream server was not looked at");
                }
            }
        };
        tokio::join!(Arc::clone(downloads).follow(), Arc::clone(downloads).follow_asking(), stale);
    }

    /// How many files are on their way, and which did not come.
    pub fn downloads(&self) -> DownloadsStatus {
        self.downloads.status()
    }

    /// A file that is not here, to be fetched while it is read; none when that is not configured or
    /// no revision names the file.
    pub async fn pull(&self, sha1: Sha1) -> Option<Arc<dyn RangeSource>> {
        self.downloads.pull(sha1).await
    }

    /// Calls off what runs because somebody wants that; true when something did.
    ///
    /// # Errors
    /// When it cannot be noted who wanted it; then it goes on.
    pub async fn call_off(&self, by: By) -> Result<bool, SyncError> {
        let Some(running) = self.running() else { return Ok(false) };
        self.state.note(by, json!({ "cancel_sync": running.number })).await?;
        Ok(self.cancel())
    }

    /// Calls off what runs; true when something did.
    pub fn cancel(&self) -> bool {
        let slot = self.slot();
        // One that has ended and is being recorded needs no telling.
        slot.as_ref().map(|running| running.cancel.send_replace(true)).is_some()
    }

    /// Calls off what runs, and waits until it has ended.
    pub async fn stop(&self) {
        while self.cancel() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Runs a synchronization. Says of it, besides what the history will, whether it is news.
    async fn run(
        &self,
        (number, scope, occasion): (u64, Scope, Occasion),
        source: SourceRecord,
        account: Account,
        progress: &Arc<Progress>,
        mut cancelled: watch::Receiver<bool>,
    ) -> (Run, bool) {
        let began = self.state.now();
        let mut events = vec![happened(began, event::STARTED, format!("with {}", source.url))];
        if occasion == Occasion::Wanted {
            info!(number, upstream = source.url, "a synchronization began");
        }
        let settings = &occasion.settings(&self.settings);
        let (state, content) = (&self.state, source.content);
        let inventory = &self.inventory;
        let sync = Sync { state, settings, progress, account, source, inventory, occasion };
        let fetched = tokio::select! {
            fetched = sync.fetch(scope) => fetched,
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(SyncError::Cancelled),
        };
        // Whoever calls it off from here on is too late.
        let outcome = match fetched {
            Ok(fetched) => sync.publish(fetched).await,
            Err(error) => Err(error),
        };
        let news = outcome.as_ref().is_ok_and(Outcome::is_news) || occasion == Occasion::Wanted;
        if outcome.is_ok() && news {
            self.state.run_due_rules(true).await;
        }
        let ended = self.state.now();
        events.extend(progress.phases().into_iter().map(|(phase, ago)| {
            let ago = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
            let at = ended.saturating_sub(ago).max(began);
            happened(at, event::IN_PROGRESS, phase.name().to_owned())
        }));
        let licences = self.downloads.pending_licences(content);
        let (status, reason, outcome) = match outcome {
            Ok(outcome) if licences > 0 => (event::LICENCES_PENDING, None, outcome),
            Ok(outcome) => (event::DONE, None, outcome),
            Err(SyncError::Cancelled) => (event::CANCELLED, None, Outcome::default()),
            Err(error) => (event::FAILED, Some(reason(&error)), Outcome::default()),
        };
        let Outcome { moved, unchanged, failed, decisions, anew } = outcome;
        if anew {
            let text = "the upstream server was asked from the beginning".to_owned();
            events.push(happened(ended, event::OUT_OF_SYNC, text));
        }
        if let Some(decisions) = decisions {
            let text = format!("{decisions} decisions taken over");
            events.push(happened(ended, event::TOOK_OVER, text));
        }
        let text = match (status, &reason) {
            (_, Some(reason)) => reason.clone(),
            (event::CANCELLED, None) => "called off".to_owned(),
            (_, None) => {
                let licences = match status {
                    event::LICENCES_PENDING => format!(", {licences} licences on their way"),
                    _ => String::new(),
                };
                let Moved { new, changed } = moved;
                format!("{new} new, {changed} changed, {unchanged} unchanged{licences}")
            }
        };
        if news || status == event::FAILED {
            info!(number, status, text, "a synchronization ended");
        }
        events.push(happened(ended, status, text));
        let run = Run {
            number,
            categories_only: scope == Scope::Categories,
            began,
            ended,
            status,
            reason,
            new: moved.new,
            changed: moved.changed,
            unchanged,
            failures: failed.len() as u64,
            failed: failed.into_iter().take(FAILURES_KEPT).collect(),
            events,
        };
        (run, news)
    }

    async fn recorded(&self) -> Result<HistoryRecord, SyncError> {
        Ok(self.state.meta(names::HISTORY).await?.unwrap_or_default())
    }

    /// Enters a run into the history, unless it is a look that says nothing new.
    async fn record(&self, run: Run, news: bool) -> Result<(), SyncError> {
        let mut history = self.recorded().await?;
        let before = history.runs.iter().rev().find(|run| !run.is_cancelled());
        if !following::is_worth_recording(&run, news, before) {
            return Ok(());
        }
        history.runs.push(run);
        let old = history.runs.len().saturating_sub(RUNS);
        history.runs.drain(..old);
        Ok(self.state.set_meta(names::HISTORY, history).await?)
    }

    /// Enters a run that ended then, with this status, into the history.
    #[cfg(test)]
    pub(crate) async fn remember(&self, ended: i64, status: u16) {
        let number = self.recorded().await.map_or(0, |known| known.runs.len() as u64) + 1;
        let run = Run { number, ended, status, ..Run::default() };
        self.record(run, true).await.expect("recorded");
    }

    fn slot(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn happened(time: i64, id: u16, text: String) -> Event {
    Event { time, id, text }
}
