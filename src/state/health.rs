//! How the state is, for those who watch the process from outside.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Events, Happening, State, StateError};

const PANICKED: &str = "the writer ended by a bug of ours; please report it";

/// What the writer tells everybody else.
#[derive(Debug)]
pub(super) struct Health {
    events: Arc<Events>,
    /// Why changes are refused, once they are.
    closed: OnceLock<Arc<str>>,
    /// Whether the writer was asked to end.
    stopping: AtomicBool,
    store_bytes: AtomicU64,
    waiting_messages: AtomicU64,
    dropped_messages: AtomicU64,
}

impl Health {
    /// The health of a state that is well.
    pub(super) fn new(events: Arc<Events>) -> Self {
        Self {
            events,
            closed: OnceLock::new(),
            stopping: AtomicBool::new(false),
            store_bytes: AtomicU64::new(0),
            waiting_messages: AtomicU64::new(0),
            dropped_messages: AtomicU64::new(0),
        }
    }

    /// Refuses all changes from now on. The first reason stays: later ones follow from it.
    pub(super) fn close(&self, reason: impl Into<Arc<str>>) {
        let reason = reason.into();
        if self.closed.set(Arc::clone(&reason)).is_ok() {
            self.events
                .tell(|| Happening::Health { healthy: false, reason: reason.as_ref().to_owned() });
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get().is_some()
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// What a caller is told whom the writer did not answer.
    pub(super) fn refusal(&self) -> StateError {
        match self.closed.get() {
            Some(reason) => StateError::Closed(Arc::clone(reason)),
            None if self.stopping.load(Ordering::Relaxed) => StateError::Stopped,
            None => StateError::Closed(PANICKED.into()),
        }
    }

    /// Closes the state for a writer that nobody asked to end.
    pub(super) fn panicked(&self) {
        self.close(PANICKED);
    }

    pub(super) fn store_has(&self, bytes: u64) {
        self.store_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn outbox_has(&self, waiting: u64, dropped: u64) {
        self.waiting_messages.store(waiting, Ordering::Relaxed);
        self.dropped_messages.store(dropped, Ordering::Relaxed);
    }
}

/// Sizes and counts that are cheap to read at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// Number of the commit that readers see.
    pub sequence: u64,
    /// Revisions that readers see.
    pub revisions: u64,
    /// Registered computers.
    pub computers: u64,
    /// Content files that are here.
    pub content_files: u64,
    /// Bytes of the store's records on disk, as of the latest commit.
    pub store_bytes: u64,
    /// Bytes of prepared fragments in memory.
    pub fragment_bytes: u64,
    /// Requests for fragments that memory answered.
    pub fragment_hits: u64,
    /// Requests for fragments that were read from disk.
    pub fragment_reads: u64,
    /// Changes that wait for the writer.
    pub waiting_changes: u64,
    /// Messages to people and programs outside that wait, when the outbox was last looked at.
    pub waiting_messages: u64,
    /// Messages that nobody got, likewise.
    pub dropped_messages: u64,
}

impl State {
    /// Whether changes are taken.
    ///
    /// # Errors
    /// [`StateError::Closed`] once a failure of the store or of our own made it impossible to say
    /// what is durable. Readers are served on.
    pub fn health(&self) -> Result<(), StateError> {
        if self.health.is_closed() { Err(self.health.refusal()) } else { Ok(()) }
    }

    /// Bytes of room on the disk, the lesser of where records and where content lie.
    ///
    /// # Errors
    /// The operating system's.
    pub fn free_space(&self) -> std::io::Result<u64> {
        let free = |path: &Path| -> std::io::Result<u64> {
            let disk = rustix::fs::statvfs(path)?;
            Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
        };
        Ok(free(&self.journal)?.min(free(self.contents.root())?))
    }

    /// The data directory, if others than its owner may enter it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn others_may_read(&self) -> std::io::Result<Option<PathBuf>> {
        let data = self.journal.parent().unwrap_or(&self.journal);
        let mode = std::fs::metadata(data)?.permissions().mode();
        Ok((mode & 0o077 != 0).then(|| data.to_owned()))
    }

    /// What there is of everything.
    pub fn measures(&self) -> Measures {
        let published = self.published();
        let requests = self.fragment_requests.load(Ordering::Relaxed);
        let reads = self.fragment_reads.load(Ordering::Relaxed);
        Measures {
            sequence: published.sequence,
            revisions: published.catalog.len() as u64,
            computers: self.registry.len() as u64,
            content_files: published.contents.len() as u64,
            store_bytes: self.health.store_bytes.load(Ordering::Relaxed),
            fragment_bytes: self.fragments.weight(),
            fragment_hits: requests.saturating_sub(reads),
            fragment_reads: reads,
            waiting_changes: self.writer.waiting() as u64,
            waiting_messages: self.health.waiting_messages.load(Ordering::Relaxed),
            dropped_messages: self.health.dropped_messages.load(Ordering::Relaxed),
        }
    }
}
