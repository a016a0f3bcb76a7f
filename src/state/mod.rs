//! The server's state: what is durable, what readers see, and the only way to change it.
//!
//! Reading is lock-free: [`State::published`] hands out one immutable value, [`State::computers`]
//! one entry a computer. Every change is a method here; it goes to the one writer thread and
//! returns once it is durable and visible.

mod audit;
mod backup;
mod cleanup;
mod compaction;
mod compliance;
mod computers;
mod contact;
mod content;
mod content_cleanup;
mod decide;
mod deletion;
mod downstream;
mod eulas;
mod events;
mod groups;
mod happenings;
mod health;
mod import;
mod library;
mod meta;
mod mirror;
mod model;
mod neighbours;
mod numbering;
mod obsolete;
mod origins;
mod outbox;
mod packages;
mod packed;
mod placement;
mod published;
pub mod records;
mod registry;
mod restore;
mod rollup;
mod rules;
mod schedule;
mod staging;
mod tags;
mod timelines;
mod told;
mod transaction;
mod trends;
mod update_groups;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder};
use time::OffsetDateTime;

pub use audit::{AuditEntry, AuditFilter};
pub use cleanup::{Cleanup, CleanupSettings};
pub use compliance::Standing;
pub use computers::{ComputerDetails, Registration};
pub use contact::{Contact, QuietScan};
pub use content::AddedContent;
pub use content_cleanup::ContentNeeds;
pub use decide::Decision;
pub use events::{Events, Happening, Told, Watcher};
pub use groups::{Children, Members};
pub use health::Measures;
pub use import::{ImportOutcome, Importable, Rejection};
pub use library::Places;
pub use meta::Records;
pub use mirror::{Mirrored, MirroredDeployment, MirroredGroup};
pub use obsolete::{DeletedUpdate, Deletion};
pub use outbox::{Counted, Dropped, Outgoing};
pub use packed::SyncDocument;
pub use published::{ContentHandling, Published};
pub use registry::{Registry, Tracked};
pub use restore::{Verified, restore, verify};
pub use rollup::{LEVELS, RolledUp};
pub use rules::{Plan, Planned};
pub use staging::{Moved, Reveal, Unknown};
pub use timelines::Timelines;

use crate::catalog::RevisionIndex;
use crate::content::files::{ContentError, ContentStore};
use crate::metadata::error::DocumentError;
use crate::metadata::model::{UpdateFile, UpdateMetadata};
use crate::metadata::prepared::{DamagedFragments, PreparedFragments};
use crate::policy::target_group::GroupError;
use crate::policy::terms::TermsError;
use crate::store::backup::tap::{Tap, Tapped};
use crate::store::disposable::Disposable;
use crate::store::journal::Journal;
use crate::store::packs::Place;
use crate::store::sled::SledStore;
use crate::store::{Store, StoreError};
use crate::wire::types::Sha1;
use compaction::Retired;
use downstream::Downstream;
use health::Health;
use library::Library;
use model::Model;
use numbering::SharedNumbers;
use records::DocumentRecord;
use writer::{Owned, Writer};

/// How the state behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How content is dealt with.
    pub content: ContentHandling,
    /// Most bytes of prepared fragments kept in memory. Default 64 MiB: what the scans of a few kinds
    /// of machine need; the rest is read from the disk cache. The fragments of one revision stay in
    /// memory if they take less than a quarter of it.
    pub fragment_cache: u64,
    /// How long readers wait for an import in parts that does not go on, because whoever began it
    /// has gone; then they see what there is of it. 30 s: longer than any part takes.
    pub import_patience: Duration,
}

/// Parts of the fragment cache, each with its own lock and share of the bytes. Few: the largest
/// fragment known has 47 MB and has to fit one.
const FRAGMENT_SHARDS: usize = 4;

impl Default for Settings {
    fn default() -> Self {
        Self {
            content: ContentHandling::default(),
            fragment_cache: 64 << 20,
            import_patience: Duration::from_secs(30),
        }
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
    /// A group cannot be what it was asked to be.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A decision contradicts itself.
    #[error(transparent)]
    Terms(#[from] TermsError),
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
    /// It became impossible to say what is durable. Readers are served on.
    #[error("changes are refused until weir is started again: {0}")]
    Closed(Arc<str>),
    /// The server is shutting down.
    #[error("the server is stopping")]
    Stopped,
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Weighs cached fragments by their bytes.
#[derive(Debug, Clone)]
struct ByBytes;

impl quick_cache::Weighter<Place, Arc<PreparedFragments>> for ByBytes {
    fn weight(&self, _: &Place, fragments: &Arc<PreparedFragments>) -> u64 {
        // The entry itself costs something too: a million empty files must not be free.
        fragments.weight() + 256
    }
}

/// Everything the server knows. One for each data directory.
pub struct State {
    published: Arc<ArcSwap<Published>>,
    registry: Arc<Registry>,
    downstream: Arc<Downstream>,
    numbers: SharedNumbers,
    writer: Writer,
    health: Arc<Health>,
    events: Arc<Events>,
    library: Arc<Library>,
    /// Documents in cabinets, by the document's digest.
    packed: Arc<Disposable>,
    contents: Arc<ContentStore>,
    data: PathBuf,
    journal: PathBuf,
    /// Where a backup hears what is committed.
    tap: Arc<Tap>,
    retired: Mutex<Vec<Retired>>,
    fragments: Cache<Place, Arc<PreparedFragments>, ByBytes>,
    fragment_requests: AtomicU64,
    fragment_reads: AtomicU64,
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
        let (store, tap) = Tapped::new(store);
        let mut store: Box<dyn Store> = Box::new(store);
        let library = Library::open(data)?;
        let contents = ContentStore::open(data.join("content"))?;
        let journal_directory = data.join("journal");
        let mut journal = Journal::open(&journal_directory)?;
        let mut model = Model::load(store.as_ref(), &library)?;
        numbering::migrate(&mut model, store.as_mut())?;
        let numbers = model.numbers.clone();
        if let Some(part) = model.publishing {
            // The process ended while a synchronization became visible.
            let mut entries = Vec::new();
            let (store, library) = (store.as_mut(), &library);
            staging::move_all(
                &mut model,
                store,
                library,
                now(),
                staging::CHUNK,
                part,
                &mut entries,
            )?;
            let at = OffsetDateTime::from_unix_timestamp(now());
            journal.append(at.unwrap_or(OffsetDateTime::UNIX_EPOCH), &entries)?;
        }
        library.settle(model.used_places());
        let library = Arc::new(library);
        let packed = Disposable::open(&data.join("cabinets"))?;
        let registry = Arc::new(Registry::default());
        model.computers.values().for_each(|tracked| registry.put(tracked.clone()));
        let downstream = Arc::new(Downstream::default());
        downstream.replace(model.downstream.clone());
        let published = model.publish(settings.content, None);
        let published = Arc::new(ArcSwap::from_pointee(published));
        let events = Arc::new(Events::new(now));
        let health = Arc::new(Health::new(Arc::clone(&events)));
        health.store_has(store.size_on_disk()?);
        let owned = Owned {
            store,
            journal,
            model,
            library: Arc::clone(&library),
            handling: settings.content,
            patience: settings.import_patience,
            published: Arc::clone(&published),
            registry: Arc::clone(&registry),
            downstream: Arc::clone(&downstream),
            health: Arc::clone(&health),
            events: Arc::clone(&events),
            now,
        };
        let writer = Writer::start(owned).map_err(|error| StoreError::io(data, error))?;
        Ok(Self {
            published,
            registry,
            downstream,
            numbers,
            writer,
            health,
            events,
            library,
            packed: Arc::new(packed),
            contents: Arc::new(contents),
            data: data.to_owned(),
            tap,
            journal: journal_directory,
            retired: Mutex::default(),
            fragments: fragment_cache(settings.fragment_cache),
            fragment_requests: AtomicU64::new(0),
            fragment_reads: AtomicU64::new(0),
            now,
        })
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

    /// The prepared fragments at [`Places::core`] or [`Places::others`], mostly from memory. Of those
    /// who want the same ones at once, one reads them and the others wait for it: after a restart the
    /// whole fleet wants the same, and some are large. Where the disk has to be read, other requests
    /// go on meanwhile.
    pub fn fragments(&self, place: Place) -> Result<Arc<PreparedFragments>, StateError> {
        self.fragment_requests.fetch_add(1, Ordering::Relaxed);
        self.fragments.get_or_insert_with(&place, || {
            self.fragment_reads.fetch_add(1, Ordering::Relaxed);
            let file = in_place(|| self.library.fragments(place))?;
            Ok(Arc::new(PreparedFragments::read(&file)?))
        })
    }

    /// The document of a revision, as imported, in UTF-8 (blocking).
    pub fn document(&self, places: Places) -> Result<String, StateError> {
        let bytes = self.library.document(places)?;
        String::from_utf8(bytes.into())
            .map_err(|_| StoreError::corrupt("a document is not UTF-8").into())
    }

    /// What the document of a revision says, read from the disk. Most questions are answered from
    /// memory, by [`Published::catalog`].
    pub fn metadata(&self, places: Places) -> Result<Arc<UpdateMetadata>, StateError> {
        Ok(self.record(places)?.metadata)
    }

    /// The same of a revision in a snapshot.
    ///
    /// # Errors
    /// When it is not there, or the disk fails.
    pub fn metadata_of(
        &self,
        published: &Published,
        index: RevisionIndex,
    ) -> Result<Arc<UpdateMetadata>, StateError> {
        let missing = || StateError::NotFound { kind: "revision", name: index.to_string() };
        self.metadata(published.places(index).ok_or_else(missing)?)
    }

    /// The same, with the digest of the document.
    pub fn record(&self, places: Places) -> Result<DocumentRecord, StateError> {
        Ok(in_place(|| self.library.record(places))?)
    }

    /// What the metadata says of a file, by its digest: of a revision's own files or licences.
    pub fn file(
        &self,
        published: &Published,
        sha1: &Sha1,
    ) -> Result<Option<UpdateFile>, StateError> {
        let places = published.holder(sha1).and_then(|index| published.places(index));
        let Some(places) = places else { return Ok(None) };
        let metadata = self.metadata(places)?;
        let found = metadata.files().find(|file| file.sha1 == *sha1).cloned();
        Ok(found)
    }

    /// Makes what is queued durable and closes the store.
    pub async fn close(&self) {
        self.writer.stop().await;
    }
}

fn fragment_cache(bytes: u64) -> Cache<Place, Arc<PreparedFragments>, ByBytes> {
    let entries = usize::try_from(bytes / 4096).unwrap_or(usize::MAX);
    let mut options = OptionsBuilder::new();
    options.shards(FRAGMENT_SHARDS).estimated_items_capacity(entries).weight_capacity(bytes);
    match options.build() {
        Ok(options) => Cache::with_options(
            options,
            ByBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ),
        // Only when a capacity were missing.
        Err(_) => Cache::with_weighter(entries, bytes, ByBytes),
    }
}

/// Reads from disk where it stands. On a runtime of several threads the others take over this one's
/// tasks meanwhile.
fn in_place<T>(read: impl FnOnce() -> T) -> T {
    let flavor = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(read),
        _ => read(),
    }
}

/// Runs `work`, which waits for the disk, where it holds up nobody else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StateError> {
    // Not run at all when the runtime is going away.
    tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Stopped)
}

#[cfg(test)]
mod tests;
