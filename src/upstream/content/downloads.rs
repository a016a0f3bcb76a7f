//! Which files are fetched, and when.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{info, warn};

use super::limiter::Limiter;
use super::transfer::{Pulled, Surroundings, Transfer, TransferError};
use crate::content::pulled::RangeSource;
use crate::metadata::model::UpdateFile;
use crate::state::{Published, State};
use crate::upstream::authorize::Account;
use crate::upstream::error::SyncError;
use crate::upstream::records::{ContentMode, SourceRecord, UpstreamRecord, names, reason};
use crate::upstream::session::Session;
use crate::upstream::settings::Settings;
use crate::upstream::source;
use crate::wire::types::Sha1;
use crate::wire::wsusss::server_sync::DownloadFilesRequest;

/// Files that are fetched by themselves at once.
const AT_ONCE: usize = 2;

/// How often it is looked for what is to be fetched.
const TICK: Duration = Duration::from_secs(2);

/// Files on their way, and those that did not come.
pub(in crate::upstream) struct Downloads {
    surroundings: Arc<Surroundings>,
    settings: Settings,
    /// One a file, as long as somebody waits for a part of it.
    transfers: Mutex<HashMap<Sha1, Weak<Transfer>>>,
    /// Those that are fetched whole.
    running: Mutex<HashSet<Sha1>>,
    failed: Mutex<HashMap<Sha1, Failed>>,
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
    pub(in crate::upstream) fn show(&self) -> Value {
        let failed: Vec<Value> = lock(&self.failed)
            .iter()
            .map(|(sha1, failed)| json!({ "sha1": sha1.to_hex(), "reason": failed.reason }))
            .collect();
        json!({ "files_on_their_way": lock(&self.running).len(), "files_failed": failed })
    }

    /// A file that a client wants and that is not here, if it may be fetched for it.
    pub(in crate::upstream) async fn pull(&self, sha1: Sha1) -> Option<Arc<dyn RangeSource>> {
        let state = &self.surroundings.state;
        let source: Option<SourceRecord> = state.meta(names::SOURCE).await.ok().flatten();
        let source = source.filter(|source| source.pull_through)?;
        let file = state.published().file(&sha1)?.clone();
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
        let mut wanted = wanted(&published, source.content);
        let now = Instant::now();
        wanted.retain(|file| {
            let waits = lock(&self.failed).get(&file.sha1).is_some_and(|failed| failed.next > now);
            !waits && !lock(&self.running).contains(&file.sha1)
        });
        for file in wanted.into_iter().take(AT_ONCE - running.len()) {
            let (downloads, source) = (Arc::clone(self), source.clone());
            lock(&self.running).insert(file.sha1);
            running.spawn(async move {
                let sha1 = file.sha1;
                let outcome = match downloads.transfer(file, source.clone()).await {
                    Ok(transfer) => transfer.whole().await,
                    Err(error) => Err(error),
                };
                if outcome.as_ref().is_err_and(TransferError::is_not_found) {
                    downloads.ask_for(sha1, source).await;
                }
                downloads.ended(sha1, outcome);
            });
        }
        Ok(())
    }

    /// Has the upstream server fetch a file that it does not have itself ([MS-WSUSSS] 3.1.4.11).
    async fn ask_for(&self, sha1: Sha1, source: SourceRecord) {
        let asked = async {
            let state = &self.surroundings.state;
            let account = Account::of(state, &self.settings).await?;
            let session = Session::new(source::server(&source)?, account, &self.settings);
            let request = move |cookie| DownloadFilesRequest {
                cookie: Some(cookie),
                file_digest_list: Some(vec![sha1.0.to_vec()]),
            };
            session.connection().call(request, |_| ()).await
        };
        match asked.await {
            Ok(()) => info!(sha1 = sha1.to_hex(), "the upstream server fetches a file"),
            Err(error) => warn!(%error, "the upstream server does not fetch a file"),
        }
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

/// The files that are wanted and not here, the most urgent first: licences, which nobody can accept
/// unread; then what has a deadline; then the small ones, so that much is here soon.
fn wanted(published: &Published, mode: ContentMode) -> Vec<UpdateFile> {
    let mut files: Vec<(bool, UpdateFile)> = Vec::new();
    let mut seen = HashSet::new();
    let revisions = match mode {
        ContentMode::None => return Vec::new(),
        ContentMode::Approved => published.installed_by_approvals(),
        ContentMode::All => (0..).take(published.catalog.len()).collect(),
    };
    for index in revisions {
        let Some(revision) = published.catalog.revision(index) else { continue };
        let metadata = &revision.metadata;
        let eulas = metadata.eulas.iter().map(|eula| (true, &eula.file));
        for (is_eula, file) in eulas.chain(metadata.files.iter().map(|file| (false, file))) {
            if !published.contents.contains_key(&file.sha1) && seen.insert(file.sha1) {
                files.push((is_eula, file.clone()));
            }
        }
    }
    files.sort_by_key(|(is_eula, file)| (!is_eula, file.size));
    files.into_iter().map(|(_, file)| file).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
