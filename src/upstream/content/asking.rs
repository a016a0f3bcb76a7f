//! DownloadFiles ([MS-WSUSSS] 3.1.4.11): having the upstream server fetch what it does not have itself.
//!
//! Files are tried two at a time, and a server that fetches nothing before somebody wants it answers
//! one after the other with 404. So they are gathered for a moment, and asked for together: one
//! session a round instead of one a file. A file that the server does not even know comes of updates
//! that it deleted or revised; then the protocol is to be restarted, which is a look for news. One
//! such file causes one look: if it is still wanted after that, another would bring nothing either.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::downloads::Downloads;
use crate::upstream::authorize::Account;
use crate::upstream::error::SyncError;
use crate::upstream::records::{SourceRecord, names};
use crate::upstream::session::{Connection, Session};
use crate::upstream::source;
use crate::wire::fault::ErrorCode;
use crate::wire::types::Sha1;
use crate::wire::wsusss::server_sync::DownloadFilesRequest;

/// Files in one call: what Weir takes, and enough for others.
const FILES: usize = 100;

/// How long files are gathered.
const GATHER: Duration = Duration::from_secs(2);

/// The files to ask for.
#[derive(Default)]
pub(super) struct ToAskFor {
    files: Mutex<BTreeSet<Sha1>>,
    /// Those that the upstream server said it does not know.
    unknown: Mutex<HashSet<Sha1>>,
    /// What we know of the upstream server is old.
    stale: Notify,
}

impl ToAskFor {
    /// Adds a file that the upstream server does not have.
    pub(super) fn add(&self, sha1: Sha1) {
        lock(&self.files).insert(sha1);
    }

    /// Some of the files, which are asked for from now on.
    fn take(&self) -> Vec<Sha1> {
        let mut files = lock(&self.files);
        std::iter::from_fn(|| files.pop_first()).take(FILES).collect()
    }

    /// Takes note of what the upstream server does not know.
    fn are_unknown(&self, files: Vec<Sha1>) {
        let mut unknown = lock(&self.unknown);
        let before = unknown.len();
        unknown.extend(files);
        if unknown.len() > before {
            self.stale.notify_one();
        }
    }
}

impl Downloads {
    /// Asks for files that the upstream server does not have; never ends.
    pub(in crate::upstream) async fn follow_asking(self: Arc<Self>) {
        loop {
            tokio::time::sleep(GATHER).await;
            let files = self.to_ask_for.take();
            if !files.is_empty()
                && let Err(error) = self.ask_for(files).await
            {
                warn!(%error, "the upstream server does not fetch files");
            }
        }
    }

    /// Waits until the upstream server did not know a file of which it told us.
    pub(in crate::upstream) async fn stale(&self) {
        self.to_ask_for.stale.notified().await;
    }

    /// Asks for files, at most a hundred.
    ///
    /// # Errors
    /// When the upstream server cannot be asked, or refuses for another reason than not knowing some.
    pub(in crate::upstream) async fn ask_for(&self, mut files: Vec<Sha1>) -> Result<(), SyncError> {
        let state = &self.surroundings.state;
        let source: Option<SourceRecord> = state.meta(names::SOURCE).await?;
        let Some(source) = source else { return Ok(()) };
        let account = Account::of(state, &self.settings).await?;
        let session = Session::new(source::server(&source)?, account, &self.settings);
        let mut connection = session.connection();
        if let Err(error) = download_files(&mut connection, &files).await {
            let Some(unknown) = unknown(&error) else { return Err(error) };
            warn!(%error, "the upstream server does not know files of updates that it had");
            let (missing, others): (Vec<_>, Vec<_>) =
                files.into_iter().partition(|sha1| unknown.contains(sha1));
            // Where none of ours is named, it may be each.
            if missing.is_empty() {
                self.to_ask_for.are_unknown(others);
                return Ok(());
            }
            self.to_ask_for.are_unknown(missing);
            files = others;
            if files.is_empty() {
                return Ok(());
            }
            // It took note of none, so it is asked for the others again.
            download_files(&mut connection, &files).await?;
        }
        info!(files = files.len(), "the upstream server fetches files");
        Ok(())
    }
}

async fn download_files(connection: &mut Connection, files: &[Sha1]) -> Result<(), SyncError> {
    let digests: Vec<Vec<u8>> = files.iter().map(|sha1| sha1.0.to_vec()).collect();
    let request = move |cookie| DownloadFilesRequest {
        cookie: Some(cookie),
        file_digest_list: Some(digests.clone()),
    };
    connection.call(request, |_| ()).await
}

/// The files that a fault names as unknown: in base64, with bars in between. None for another fault.
fn unknown(error: &SyncError) -> Option<HashSet<Sha1>> {
    let SyncError::Fault { fault, .. } = error else { return None };
    if fault.code != Some(ErrorCode::FileDigestsMissing) {
        return None;
    }
    let named = fault.message.as_deref().unwrap_or_default().split('|').take(FILES);
    let sha1 = |text: &str| STANDARD.decode(text.trim()).ok()?.try_into().ok().map(Sha1);
    Some(named.filter_map(sha1).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
