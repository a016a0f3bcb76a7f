//! One file on its way here.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{info, warn};

use super::address::place;
use super::answer::{RunError, Runs};
use super::limiter::Limiter;
use crate::content::partial::{BLOCK, Partial};
use crate::content::pulled::{RangeSource, Reading};
use crate::http::Location;
use crate::metadata::model::UpdateFile;
use crate::state::{State, StateError};
use crate::upstream::records::SourceRecord;

/// Blocks in one request. Between two requests whoever waits for other blocks has a turn.
const RUN: u32 = 16;

/// Why a file does not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransferError {
    /// Nobody is known to have it.
    #[error("nobody is known to have it")]
    Nowhere,
    /// The place that was asked last.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Our own disk, or what came is another file.
    #[error(transparent)]
    State(#[from] StateError),
}

impl TransferError {
    /// Whether the upstream server does not have the file, or not yet.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Run(RunError::NotFound(_)))
    }
}

/// What several transfers have in common.
pub(super) struct Surroundings {
    pub(super) state: Arc<State>,
    pub(super) limiter: Limiter,
}

/// One file on its way here, shared by all who wait for parts of it.
pub(super) struct Transfer {
    file: UpdateFile,
    source: SourceRecord,
    catalog_only: bool,
    url: Option<String>,
    surroundings: Arc<Surroundings>,
    /// None once it was verified or thrown away.
    partial: Mutex<Option<Partial>>,
    /// Whoever fetches; the others wait, and look again.
    runs: tokio::sync::Mutex<Runs>,
}

impl Transfer {
    /// Goes on with what is here of `file` (blocks for a moment).
    pub(super) fn open(
        file: UpdateFile,
        source: SourceRecord,
        catalog_only: bool,
        url: Option<String>,
        surroundings: Arc<Surroundings>,
    ) -> Result<Self, StateError> {
        let partial = Mutex::new(Some(surroundings.state.contents().partial(&file)?));
        let runs = tokio::sync::Mutex::new(Runs::new());
        Ok(Self { file, source, catalog_only, url, surroundings, partial, runs })
    }

    /// Whether nothing is left to do.
    pub(super) fn has_ended(&self) -> bool {
        self.partial().is_none()
    }

    /// Fetches the whole file and verifies it.
    pub(super) async fn whole(&self) -> Result<(), TransferError> {
        self.ensure(0, u32::MAX).await
    }

    /// Fetches those of the blocks `first` to `last` that are not here.
    async fn ensure(&self, first: u32, last: u32) -> Result<(), TransferError> {
        loop {
            let mut runs = self.runs.lock().await;
            let missing = match &*self.partial() {
                // Verified since.
                None => return Ok(()),
                Some(partial) => partial.missing(first, last, RUN),
            };
            let Some((from, to)) = missing else { return self.finish().await };
            self.run(&mut runs, from, to).await?;
        }
    }

    /// Fetches blocks.
    async fn run(&self, runs: &mut Runs, from: u32, to: u32) -> Result<(), TransferError> {
        let place = place(&self.source, self.catalog_only, &self.file, self.url.as_deref());
        let place = place.ok_or(TransferError::Nowhere)?;
        let outcome = self.blocks(runs, &place, from, to).await;
        if outcome.is_err() {
            runs.hang_up();
        }
        outcome
    }

    async fn blocks(
        &self,
        runs: &mut Runs,
        place: &Location,
        from: u32,
        to: u32,
    ) -> Result<(), TransferError> {
        let range = match &*self.partial() {
            None => return Ok(()),
            Some(partial) => (partial.range_of(from).0, partial.range_of(to).1),
        };
        let mut run = runs.ask(&self.source, place, range, self.file.size).await?;
        for block in from..=to {
            let Some((start, end)) = self.partial().as_ref().map(|partial| partial.range_of(block))
            else {
                return Ok(());
            };
            // A block has at most a mebibyte.
            let bytes = run.take(usize::try_from(end - start).unwrap_or(0)).await?;
            let written = in_place(|| match &mut *self.partial() {
                Some(partial) => partial.write(block, &bytes),
                None => Ok(()),
            });
            written.map_err(StateError::from)?;
            self.surroundings.limiter.pass(bytes.len() as u64).await;
        }
        if run.has_more() {
            // The rest of an answer that knows no ranges.
            runs.hang_up();
        }
        Ok(())
    }

    /// Verifies the file if it is complete.
    async fn finish(&self) -> Result<(), TransferError> {
        let complete = self.partial().take_if(|partial| partial.is_complete());
        let Some(partial) = complete else { return Ok(()) };
        let UpdateFile { name, size, .. } = &self.file;
        match self.surroundings.state.adopt_content(partial, &self.file).await {
            Ok(()) => {
                info!(name, size, sha1 = self.file.sha1.to_hex(), "a file arrived and is verified");
                Ok(())
            }
            Err(error) => {
                warn!(name, %error, "a file that arrived was thrown away");
                Err(error.into())
            }
        }
    }

    fn partial(&self) -> MutexGuard<'_, Option<Partial>> {
        self.partial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads bytes that are here, verified or not.
    fn here(&self, first: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        if let Some(partial) = &mut *self.partial() {
            return partial.read(first, length).map(Some).map_err(io::Error::other);
        }
        let contents = self.surroundings.state.contents();
        let stored = contents.open_file(&self.file.sha1).map_err(io::Error::other)?;
        let Some(stored) = stored else { return Ok(None) };
        let mut file = stored.file;
        let mut bytes = Vec::new();
        io::Seek::seek(&mut file, io::SeekFrom::Start(first))?;
        io::Read::read_to_end(&mut io::Read::take(file, length), &mut bytes)?;
        Ok(Some(bytes))
    }
}

impl Drop for Transfer {
    /// What is here is remembered, for whoever wants the file next.
    fn drop(&mut self) {
        if let Some(partial) = &mut *self.partial()
            && let Err(error) = partial.note()
        {
            warn!(%error, "a part of a file has to be fetched again");
        }
    }
}

/// A client reads a file while it comes.
pub(super) struct Pulled(pub(super) Arc<Transfer>);

impl std::fmt::Debug for Pulled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pulled({:?})", self.0.file.sha1)
    }
}

impl RangeSource for Pulled {
    fn read(&self, first: u64, length: u64) -> Reading {
        let transfer = Arc::clone(&self.0);
        Box::pin(async move {
            let block = |at: u64| u32::try_from(at / BLOCK).unwrap_or(u32::MAX);
            let (from, to) = (block(first), block((first + length).saturating_sub(1)));
            transfer.ensure(from, to).await.map_err(io::Error::other)?;
            let bytes = in_place(|| transfer.here(first, length))?.unwrap_or_default();
            match bytes.len() as u64 == length {
                true => Ok(bytes),
                false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is gone")),
            }
        })
    }

    fn length(&self) -> u64 {
        self.0.file.size
    }
}

/// Waits for the disk where it stands: blocks are small, and the other tasks of this thread are
/// taken over meanwhile.
fn in_place<T>(work: impl FnOnce() -> T) -> T {
    let flavor = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
