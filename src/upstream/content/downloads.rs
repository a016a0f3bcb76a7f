//! Which files are fetched, and when.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;

use super::asking::ToAskFor;
use super::limiter::Limiter;
use super::transfer::{Pulled, Surroundings, Transfer, TransferError};
use crate::catalog::RevisionIndex;
use crate::content::pulled::RangeSource;
use crate::metadata::model::UpdateFile;
use crate::state::{Published, State, StateError};
use crate::upstream::error::SyncError;
use crate::upstream::records::{ContentMode, SourceRecord, UpstreamRecord, names, reason};
use crate::upstream::settings::Settings;
use crate::wire::types::Sha1;

/// Files that are fetched by themselves at once.
const AT_ONCE: usize = 2;

/// How often it is looked for what is to be fetched.
const TICK: Duration = Duration::from_secs(2);

/// Files on their way, and those that did not come.
pub(in crate::upstream) struct Downloads {
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) settings: Settings,
    /// One a file, as long as somebody waits for a part of it.
    transfers: Mutex<HashMap<Sha1, Weak<Transfer>>>,
    /// Those that are fetched whole.
    running: Mutex<HashSet<Sha1>>,
    failed: Mutex<HashMap<Sha1, Failed>>,
    /// Those that the upstream server does not have either.
    pub(super) to_ask_for: ToAskFor,
    /// The lengths of files that were wanted, in bytes: they stand in documents, on disk, and it is
    /// looked for files often.
    lengths: Mutex<HashMap<Sha1, u64>>,
}

/// How the downloads go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DownloadsStatus {
    /// How many files are fetched whole at this moment.
    pub files_on_their_way: usize,
    /// The files that did not come yet; they are tried again.
    pub files_failed: Vec<FailedDownload>,
}

/// A file that did not come, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedDownload {
    /// Its SHA-1.
    pub sha1: String,
    /// What happened at the last attempt.
    pub reason: String,
}

/// A file that did not come.
struct Failed {
    attempts: u32,
    next: Instant,
    reason: String,
}

impl Downloads {
    pub(in crate::upstream) fn new(state: Arc<State>, settings: Settings) -> Self {
        let limiter = Limiter::new(settings.bytes_per_second);
        Self {
            surroundings: Arc::new(Surroundings { state, limiter }),
            settings,
            transfers: Mutex::default(),
            running: Mutex::default(),
            failed: Mutex::default(),
            to_ask_for: ToAskFor::default(),
            lengths: Mutex::default(),
        }
    }

    /// Fetches what the configuration and the approvals want; never ends.
    pub(in crate::upstream) async fn follow(self: Arc<Self>) {
        let mut running = JoinSet::new();
        loop {
            if let Err(error) = self.begin(&mut running).await {
                warn!(%error, "no files are fetched");
            }
            tokio::select! {
                Some(_) = running.join_next() => {}
                () = tokio::time::sleep_until(self.next_look()) => {}
            }
        }
    }

    /// When there may be something to begin: what failed is due again, or somebody approved.
    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let due = lock(&self.failed).values().map(|it| it.next).filter(|at| *at > now).min();
        let tick = now + TICK;
        due.map_or(tick, |due| due.min(tick))
    }

    /// What is on its way and what did not come.
    pub(in crate::upstream) fn status(&self) -> DownloadsStatus {
        let failed = lock(&self.failed);
        let failed = failed.iter().map(|(sha1, failed)| FailedDownload {
            sha1: sha1.to_hex(),
            reason: failed.reason.clone(),
        });
        let files_failed = failed.collect();
        DownloadsStatus { files_on_their_way: lock(&self.running).len(), files_failed }
    }

    /// The files whose last attempt failed.
    pub(in crate::upstream) fn failed(&self) -> HashSet<Sha1> {
        lock(&self.failed).keys().copied().collect()
    }

    /// How many licences of what is to be downloaded are not here yet.
    pub(in crate::upstream) fn pending_licences(&self, mode: ContentMode) -> usize {
        let published = self.surroundings.state.published();
        let catalog = &published.catalog;
        let revisions = revisions(&published, mode).into_iter();
        let licences: HashSet<Sha1> =
            revisions.flat_map(|index| catalog.licences(index).iter().copied()).collect();
        licences.iter().filter(|sha1| !published.contents.contains_key(sha1)).count()
    }

    /// A file that a client wants and that is not here, if it may be fetched for it.
    pub(in crate::upstream) async fn pull(&self, sha1: Sha1) -> Option<Arc<dyn RangeSource>> {
        let state = &self.surroundings.state;
        let source: Option<SourceRecord> = state.meta(names::SOURCE).await.ok().flatten();
        let source = source.filter(|source| source.pull_through)?;
        let file = state.file(&state.published(), &sha1).ok().flatten()?;
        match self.transfer(file, source).await {
            Ok(transfer) => Some(Arc::new(Pulled(transfer))),
            Err(error) => {
                warn!(%error, "a file cannot be fetched for a client");
                None
            }
        }
    }

    /// Begins to fetch as many files as there is room for.
    async fn begin(self: &Arc<Self>, running: &mut JoinSet<()>) -> Result<(), SyncError> {
        if running.len() >= AT_ONCE {
            return Ok(());
        }
        let state = &self.surroundings.state;
        let source: Option<SourceRecord> = state.meta(names::SOURCE).await?;
        let Some(source) = source else { return Ok(()) };
        let published = state.published();
        let mut wanted = self.wanted(&published, source.content)?;
        // What servers below asked for (DownloadFiles) comes after what is wanted here. It comes also
        // where nothing else is fetched: they were told that files are to be had here.
        let here: HashSet<Sha1> = wanted.iter().copied().collect();
        let below = state.wanted_content().await?;
        wanted.extend(below.into_iter().filter(|sha1| !here.contains(sha1)));
        let now = Instant::now();
        wanted.retain(|sha1| {
            let waits = lock(&self.failed).get(sha1).is_some_and(|failed| failed.next > now);
            !waits && !lock(&self.running).contains(sha1)
        });
        for sha1 in wanted.into_iter().take(AT_ONCE - running.len()) {
            let Some(file) = state.file(&published, &sha1)? else { continue };
            let (downloads, source) = (Arc::clone(self), source.clone());
            lock(&self.running).insert(sha1);
            running.spawn(async move {
                let outcome = match downloads.transfer(file, source).await {
                    Ok(transfer) => transfer.whole().await,
                    Err(error) => Err(error),
                };
                if outcome.as_ref().is_err_and(TransferError::is_not_found) {
                    downloads.to_ask_for.add(sha1);
                }
                downloads.ended(sha1, outcome);
            });
        }
        Ok(())
    }

    /// The files that are wanted and not here, the most urgent first: licences, which nobody can
    /// accept unread; then the small ones, so that much is here soon.
    fn wanted(&self, published: &Published, mode: ContentMode) -> Result<Vec<Sha1>, StateError> {
        let catalog = &published.catalog;
        let mut files: Vec<(bool, u64, Sha1)> = Vec::new();
        let mut seen = HashSet::new();
        for index in revisions(published, mode) {
            let licences = catalog.licences(index).iter().map(|sha1| (false, sha1));
            let express: &[Sha1] = match published.handling.express_files {
                true => catalog.express_files(index),
                false => &[],
            };
            let content = catalog.files(index).iter().chain(express).map(|sha1| (true, sha1));
            for (is_content, sha1) in licences.chain(content) {
                if !published.contents.contains_key(sha1) && seen.insert(*sha1) {
                    files.push((is_content, self.length(published, index, sha1)?, *sha1));
                }
            }
        }
        let packaged = published.policy.packages.values().flat_map(|it| it.files().into_values());
        for file in packaged.filter(|_| mode != ContentMode::None) {
            if !published.contents.contains_key(&file.sha1) && seen.insert(file.sha1) {
                files.push((true, file.size, file.sha1));
            }
        }
        files.sort_unstable();
        Ok(files.into_iter().map(|(_, _, sha1)| sha1).collect())
    }

    /// How long a file of a revision is, in bytes.
    fn length(
        &self,
        published: &Published,
        index: RevisionIndex,
        sha1: &Sha1,
    ) -> Result<u64, StateError> {
        if let Some(length) = lock(&self.lengths).get(sha1) {
            return Ok(*length);
        }
        let Some(places) = published.places(index) else { return Ok(0) };
        let metadata = self.surroundings.state.metadata(places)?;
        let mut lengths = lock(&self.lengths);
        lengths.extend(metadata.files().map(|file| (file.sha1, file.size)));
        Ok(lengths.get(sha1).copied().unwrap_or(0))
    }

    fn ended(&self, sha1: Sha1, outcome: Result<(), TransferError>) {
        lock(&self.running).remove(&sha1);
        let mut failed = lock(&self.failed);
        let Err(error) = outcome else {
            failed.remove(&sha1);
            return;
        };
        let patience = self.settings.patience;
        let attempts = failed.get(&sha1).map_or(0, |failed| failed.attempts);
        // Never given up: what is approved is wanted. An upstream server that was asked for a file
        // needs its time to have it.
        let wait = patience.before(attempts.min(patience.attempts.saturating_sub(2)));
        let wait = wait.unwrap_or(patience.longest);
        warn!(sha1 = sha1.to_hex(), %error, ?wait, "a file did not come");
        let next = Instant::now() + wait;
        failed.insert(sha1, Failed { attempts: attempts + 1, next, reason: reason(&error) });
    }

    /// The transfer of a file; there is one at most.
    async fn transfer(
        &self,
        file: UpdateFile,
        source: SourceRecord,
    ) -> Result<Arc<Transfer>, TransferError> {
        let known = |transfers: &HashMap<Sha1, Weak<Transfer>>| {
            transfers.get(&file.sha1).and_then(Weak::upgrade).filter(|it| !it.has_ended())
        };
        if let Some(transfer) = known(&lock(&self.transfers)) {
            return Ok(transfer);
        }
        let state = &self.surroundings.state;
        let upstream: Option<UpstreamRecord> = state.meta(names::UPSTREAM).await?;
        let origin = state.origins(vec![file.sha1]).await?.remove(&file.sha1);
        let mut transfers = lock(&self.transfers);
        // Somebody else may have begun meanwhile.
        if let Some(transfer) = known(&transfers) {
            return Ok(transfer);
        }
        transfers.retain(|_, transfer| transfer.strong_count() > 0);
        let sha1 = file.sha1;
        let transfer = Arc::new(Transfer::open(
            file,
            source,
            upstream.is_some_and(|upstream| upstream.catalog_only),
            origin.and_then(|origin| origin.mu_url),
            Arc::clone(&self.surroundings),
        )?);
        transfers.insert(sha1, Arc::downgrade(&transfer));
        Ok(transfer)
    }
}

/// The revisions whose files are to be downloaded.
fn revisions(published: &Published, mode: ContentMode) -> Vec<RevisionIndex> {
    match mode {
        ContentMode::None => Vec::new(),
        ContentMode::Approved => published.installed_by_approvals(),
        ContentMode::All => published.catalog.indices().collect(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
