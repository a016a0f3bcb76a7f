//! The server's state: what is durable, what readers see, and the only way to change it.
//!
//! Reading is lock-free: [`State::published`] hands out one immutable value, [`State::computers`]
//! one entry a computer. Every change is a method here; it goes to the one writer thread and
//! returns once it is durable and visible.

mod computers;
mod content;
mod decide;
mod groups;
mod import;
mod meta;
mod model;
mod neighbours;
mod published;
pub mod records;
mod registry;
mod transaction;
mod writer;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use quick_cache::sync::Cache;

pub use computers::{ComputerDetails, Registration};
pub use content::AddedContent;
pub use decide::Decision;
pub use import::{ImportOutcome, Importable, Rejection};
pub use published::Published;
pub use registry::{Registry, Tracked};

use crate::content::files::{ContentError, ContentStore};
use crate::metadata::error::DocumentError;
use crate::metadata::prepared::{DamagedFragments, PreparedFragments};
use crate::policy::target_group::GroupNameError;
use crate::store::blobs::{BlobId, Blobs};
use crate::store::journal::Journal;
use crate::store::sled::SledStore;
use crate::store::{Store, StoreError};
use crate::wire::types::{Sha1, Sha256};
use model::Model;
use records::RevisionRecord;
use writer::{Owned, Writer};

/// How the state behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether an Install is delivered as PreDeploymentCheck until all its files are here.
    pub hold_installs: bool,
    /// Most bytes of prepared fragments kept in memory. Default 256 MiB: the fragments of a
    /// well-kept catalogue; a larger one is read from the disk cache.
    pub fragment_cache: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { hold_installs: true, fragment_cache: 256 << 20 }
    }
}

/// Why a change was not made, or something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed. Readers are served on.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// A content file was refused, or could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A document on disk is not what was imported.
    #[error("a stored document is damaged: {0}")]
    Document(#[from] DocumentError),
    /// A fragment file on disk is not what was written.
    #[error(transparent)]
    Fragments(#[from] DamagedFragments),
    /// The name of a group.
    #[error(transparent)]
    GroupName(#[from] GroupNameError),
    /// No such thing.
    #[error("there is no {kind} '{name}'")]
    NotFound {
        /// Update, group, computer or file.
        kind: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// The change contradicts what is there.
    #[error("{0}")]
    Refused(String),
    /// The server is shutting down.
    #[error("the server is stopping")]
    Stopped,
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl StateError {
    /// The same error for a second caller of the same failed commit.
    fn again(&self) -> Self {
        match self {
            Self::Store(cause) => Self::Store(Arc::clone(cause)),
            _ => Self::Stopped,
        }
    }
}

/// Weighs cached fragments by their bytes.
#[derive(Debug, Clone)]
struct ByBytes;

impl quick_cache::Weighter<Sha256, Arc<PreparedFragments>> for ByBytes {
    fn weight(&self, _: &Sha256, fragments: &Arc<PreparedFragments>) -> u64 {
        // The entry itself costs something too: a million empty files must not be free.
        fragments.weight() + 256
    }
}

/// Everything the server knows. One for each data directory.
pub struct State {
    published: Arc<ArcSwap<Published>>,
    registry: Arc<Registry>,
    writer: Writer,
    blobs: Blobs,
    contents: ContentStore,
    fragments: Cache<Sha256, Arc<PreparedFragments>, ByBytes>,
    now: fn() -> i64,
}

impl State {
    /// Opens the state in `data` with the embedded store, creating what does not exist.
    ///
    /// # Errors
    /// When another process uses the directory, or what is in it cannot be read.
    pub fn open(data: &Path, settings: &Settings, now: fn() -> i64) -> Result<Self, StateError> {
        let store = SledStore::open(data)?;
        Self::with_store(data, Box::new(store), settings, now)
    }

    /// Opens the state with another engine.
    pub fn with_store(
        data: &Path,
        store: Box<dyn Store>,
        settings: &Settings,
        now: fn() -> i64,
    ) -> Result<Self, StateError> {
        let blobs = Blobs::open(&data.join("blobs"))?;
        let contents = ContentStore::open(data.join("content"))?;
        let journal = Journal::open(&data.join("journal"))?;
        let model = Model::load(store.as_ref())?;
        let registry = Arc::new(Registry::default());
        model.computers.values().for_each(|tracked| registry.put(tracked.clone()));
        let published = model.publish(settings.hold_installs, None);
        let published = Arc::new(ArcSwap::from_pointee(published));
        let owned = Owned {
            store,
            journal,
            model,
            hold_installs: settings.hold_installs,
            published: Arc::clone(&published),
            registry: Arc::clone(&registry),
            now,
        };
        let writer = Writer::start(owned).map_err(|error| StoreError::io(data, error))?;
        let entries = usize::try_from(settings.fragment_cache / 4096).unwrap_or(usize::MAX);
        let fragments = Cache::with_weighter(entries, settings.fragment_cache, ByBytes);
        Ok(Self { published, registry, writer, blobs, contents, fragments, now })
    }

    /// What readers answer from. Load it once a request.
    pub fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The registered computers.
    pub fn computers(&self) -> &Registry {
        &self.registry
    }

    /// Unix seconds, by the clock the state was opened with.
    pub fn now(&self) -> i64 {
        (self.now)()
    }

    /// The content files.
    pub fn contents(&self) -> &ContentStore {
        &self.contents
    }

    /// Whether a file was verified and is here.
    pub fn has_content(&self, sha1: &Sha1) -> bool {
        self.published.load().contents.contains_key(sha1)
    }

    /// The prepared fragments of a revision, mostly from memory. Where the disk has to be read,
    /// other requests go on meanwhile.
    pub fn fragments(&self, record: &RevisionRecord) -> Result<Arc<PreparedFragments>, StateError> {
        if let Some(fragments) = self.fragments.get(&record.fragments) {
            return Ok(fragments);
        }
        let read = || self.blobs.read(BlobId(record.fragments));
        let file: Bytes = tokio::task::block_in_place(read)?;
        let fragments = Arc::new(PreparedFragments::read(&file)?);
        self.fragments.insert(record.fragments, Arc::clone(&fragments));
        Ok(fragments)
    }

    /// The document of a revision, as imported, in UTF-8 (blocking).
    pub fn document(&self, record: &RevisionRecord) -> Result<String, StateError> {
        let bytes = self.blobs.read(BlobId(record.document))?;
        String::from_utf8(bytes.into()).map_err(|_| {
            let id = BlobId(record.document);
            StoreError::corrupt(format!("document {id} is not UTF-8")).into()
        })
    }

    /// Makes what is queued durable and closes the store.
    pub async fn close(&self) {
        self.writer.stop().await;
    }
}
