//! The embedded engine: sled 0.34, kept on a short leash.
//!
//! Three properties of this release decide the code below. Its `flush` does not reach the platters
//! on Linux, and its configuration and values that outgrow a page are files that it never
//! synchronises, so a commit may be called durable only after an `fdatasync` of ours. A crash while
//! it opens can leave a half-written snapshot or configuration that keeps it from ever opening
//! again, so such files are removed first. And its transactions hold a process-wide lock, which
//! costs nothing as long as one thread owns the store and reads are answered from memory. The
//! format belongs to this release for ever, hence the version in the directory's name.
//!
//! `flush_async` deadlocks when called concurrently, and no flush interval means no garbage
//! collection: neither is used.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use sled::transaction::{TransactionError, Transactional};

use super::batch::{Batch, Change};
use super::lock::DirectoryLock;
use super::{EachRecord, Page, Store, StoreError, Tree, durable, restoring};
use crate::panics::contained;

/// The engine's directory within the data directory.
const DIRECTORY: &str = "sled-0.34-v1";
/// What any version of this engine's directory starts with.
const DIRECTORY_FAMILY: &str = "sled-";
/// Everything is read once, so the default of 1 GiB would only be memory lost.
const CACHE_BYTES: u64 = 16 << 20;
/// Also the interval of garbage collection, which runs nowhere else.
const FLUSH_EVERY_MS: u64 = 500;

/// An open sled database.
pub struct SledStore {
    // Dropped in this order: the engine closes its files before the lock is given back.
    trees: Vec<sled::Tree>,
    db: sled::Db,
    /// A second handle of the engine's only log file, to synchronise it.
    log: File,
    /// Oversized values that are known to be on disk.
    synced_blobs: HashSet<String>,
    /// Set while a commit is under way, and left set by one that failed.
    broken: bool,
    directory: PathBuf,
    _lock: DirectoryLock,
}

impl SledStore {
    /// Locks `data_directory` and opens the store in it, creating what does not exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process uses the directory, [`StoreError::NewerFormat`]
    /// when only a store of another format is there, [`StoreError::HalfRestored`] when a restore did
    /// not end, [`StoreError::Corrupt`] when the engine cannot
    /// read its files.
    pub fn open(data_directory: &Path) -> Result<Self, StoreError> {
        let lock = DirectoryLock::take(data_directory)?;
        restoring::check(data_directory)?;
        Self::open_locked(data_directory, lock)
    }

    /// The same, by somebody who has locked the directory.
    ///
    /// # Errors
    /// As of [`SledStore::open`], but for the lock.
    pub fn open_locked(data_directory: &Path, lock: DirectoryLock) -> Result<Self, StoreError> {
        let directory = data_directory.join(DIRECTORY);
        refuse_other_formats(data_directory, &directory)?;
        durable::create_directory(&directory)?;
        remove_torn_snapshots(&directory)?;
        remove_torn_configuration(&directory)?;

        let (db, trees) = open_engine(&directory)?;
        let path = directory.join("db");
        let log = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| StoreError::io(&path, error))?;
        let configuration = directory.join("conf");
        durable::sync_file(&configuration)
            .map_err(|error| StoreError::io(&configuration, error))?;
        durable::sync_directory(&directory)?;

        let synced_blobs = HashSet::new();
        Ok(Self { trees, db, log, synced_blobs, broken: false, directory, _lock: lock })
    }

    fn tree(&self, tree: Tree) -> Result<&sled::Tree, StoreError> {
        if self.broken {
            return Err(StoreError::Broken("the store"));
        }
        Ok(&self.trees[tree.index()])
    }

    /// One transaction over all trees. The closure may run more than once and must not touch
    /// `self.trees`: they wait for it.
    fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        let applied = self.trees[..].transaction(|trees| {
            for change in batch.changes() {
                match change {
                    Change::Put { tree, key, value } => {
                        trees[tree.index()].insert(&key[..], &value[..])?;
                    }
                    Change::Delete { tree, key } => {
                        trees[tree.index()].remove(&key[..])?;
                    }
                }
            }
            Ok(())
        });
        applied.map_err(|error| match error {
            TransactionError::Storage(error) => self.failed(error),
            TransactionError::Abort(()) => StoreError::Engine("a transaction was aborted".into()),
        })
    }

    /// Takes what was applied to the disk itself.
    fn make_durable(&mut self) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| self.failed(error))?;
        self.sync_new_blobs()?;
        self.log.sync_data().map_err(|error| StoreError::io(&self.directory.join("db"), error))
    }

    /// Synchronises the files of oversized values. With records as small as they should be there
    /// are none, and this is one look into an empty directory.
    fn sync_new_blobs(&mut self) -> Result<(), StoreError> {
        let directory = self.directory.join("blobs");
        let mut present = HashSet::new();
        let mut created = false;
        for name in durable::names(&directory)? {
            if !self.synced_blobs.contains(&name) {
                let path = directory.join(&name);
                match durable::sync_file(&path) {
                    Ok(()) => created = true,
                    // The engine's own thread removes values that were replaced.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(StoreError::io(&path, error)),
                }
            }
            present.insert(name);
        }
        self.synced_blobs = present;
        if created { durable::sync_directory(&directory) } else { Ok(()) }
    }

    fn failed(&self, error: sled::Error) -> StoreError {
        engine_error(&self.directory, error)
    }
}

impl Store for SledStore {
    fn load(&self, tree: Tree, each: &mut EachRecord<'_>) -> Result<(), StoreError> {
        for record in self.tree(tree)?.iter() {
            let (key, value) = record.map_err(|error| self.failed(error))?;
            each(&key, &value)?;
        }
        Ok(())
    }

    fn page(&self, tree: Tree, after: Option<&[u8]>, bytes: usize) -> Result<Page, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut left = bytes;
        let mut page = Vec::new();
        for record in self.tree(tree)?.range::<&[u8], _>((from, Bound::Unbounded)) {
            if left == 0 {
                break;
            }
            let (key, value) = record.map_err(|error| self.failed(error))?;
            left = left.saturating_sub(key.len() + value.len() + 1);
            page.push((key.to_vec(), value.to_vec()));
        }
        Ok(page)
    }

    fn read(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.tree(tree)?.get(key).map_err(|error| self.failed(error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        batch.check_limits()?;
        if self.broken {
            return Err(StoreError::Broken("the store"));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.broken = true;
        self.apply(batch)?;
        self.make_durable()?;
        self.broken = false;
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.db.size_on_disk().map_err(|error| self.failed(error))
    }
}

/// A weir that went back to an older version must not begin an empty store beside the full one.
fn refuse_other_formats(data_directory: &Path, directory: &Path) -> Result<(), StoreError> {
    if directory.exists() {
        return Ok(());
    }
    let names = durable::names(data_directory)?;
    match names.into_iter().find(|name| name.starts_with(DIRECTORY_FAMILY)) {
        Some(found) => Err(StoreError::NewerFormat {
            what: format!("the store in {}", data_directory.display()),
            found,
            supported: DIRECTORY.into(),
        }),
        None => Ok(()),
    }
}

/// sled writes `snap.X.generating` and renames it to `snap.X`, but reads any file that starts with
/// `snap.`, the greatest name first. A file that was never renamed is of no use to anybody.
fn remove_torn_snapshots(directory: &Path) -> Result<(), StoreError> {
    for name in durable::names(directory)? {
        if name.starts_with("snap.") && name.ends_with(".generating") {
            let path = directory.join(&name);
            fs::remove_file(&path).map_err(|error| StoreError::io(&path, error))?;
            tracing::warn!(file = %path.display(), "removed an unfinished snapshot");
        }
    }
    Ok(())
}

/// The configuration is written in place and in two steps, and half of it is refused for ever. It
/// holds nothing but the parameters of [`open_engine`], which are always the same: when it is not
/// there, the engine writes it anew.
fn remove_torn_configuration(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join("conf");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io(&path, error)),
    };
    match bytes.split_last_chunk() {
        Some((text, checksum)) if crc32fast::hash(text) == u32::from_le_bytes(*checksum) => Ok(()),
        _ => {
            tracing::warn!(file = %path.display(), "removed an unfinished configuration");
            fs::remove_file(&path).map_err(|error| StoreError::io(&path, error))
        }
    }
}

/// Damaged files can make this release panic instead of returning an error; both become an error
/// here.
fn open_engine(directory: &Path) -> Result<(sled::Db, Vec<sled::Tree>), StoreError> {
    let open = || {
        let db = sled::Config::new()
            .path(directory)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .open()?;
        let trees = Tree::ALL.iter().map(|tree| db.open_tree(tree.name()));
        let trees = trees.collect::<sled::Result<Vec<_>>>()?;
        Ok((db, trees))
    };
    match contained(open) {
        Ok(opened) => opened.map_err(|error| engine_error(directory, error)),
        Err(_) => Err(StoreError::corrupt(format!(
            "{} made the store engine panic while opening",
            directory.display()
        ))),
    }
}

fn engine_error(directory: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => StoreError::io(directory, error),
        sled::Error::Corruption { at, .. } => StoreError::corrupt(match at {
            Some(at) => format!("{} at {at:?}", directory.display()),
            None => format!("the files in {}", directory.display()),
        }),
        other => StoreError::Engine(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite;

    fn make(path: &Path) -> Box<dyn Store> {
        Box::new(SledStore::open(path).unwrap())
    }

    fn one_record() -> Batch {
        let mut batch = Batch::new();
        batch.put(Tree::Meta, b"key", b"value");
        batch
    }

    #[test]
    fn passes_the_suite() {
        suite::suite(make);
    }

    #[test]
    fn agrees_with_the_model() {
        suite::agrees_with_the_model(8, make);
    }

    #[test]
    fn an_unfinished_snapshot_does_not_keep_the_store_from_opening() {
        let scratch = tempfile::tempdir().unwrap();
        SledStore::open(scratch.path()).unwrap().commit(&one_record()).unwrap();
        for (name, content) in [("EMPTY", &b""[..]), ("FFFFFFFFFFFFFFFF", b"truncated snapshot")] {
            let torn = scratch.path().join(DIRECTORY).join(format!("snap.{name}.generating"));
            fs::write(&torn, content).unwrap();
            let store = SledStore::open(scratch.path()).unwrap();
            assert!(store.read(Tree::Meta, b"key").unwrap().is_some());
            assert!(!torn.exists());
        }
    }

    #[test]
    fn an_unfinished_configuration_does_not_keep_the_store_from_opening() {
        let scratch = tempfile::tempdir().unwrap();
        SledStore::open(scratch.path()).unwrap().commit(&one_record()).unwrap();
        let path = scratch.path().join(DIRECTORY).join("conf");
        let whole = fs::read(&path).unwrap();
        for torn in [&whole[..0], &whole[..3], &whole[..whole.len() - 4], &vec![0; whole.len()]] {
            fs::write(&path, torn).unwrap();
            let store = SledStore::open(scratch.path()).unwrap();
            assert!(store.read(Tree::Meta, b"key").unwrap().is_some());
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn damage_is_an_error_and_not_a_panic() {
        let scratch = tempfile::tempdir().unwrap();
        drop(SledStore::open(scratch.path()).unwrap());
        let snapshot = scratch.path().join(DIRECTORY).join("snap.FFFFFFFFFFFFFFFF");
        fs::write(snapshot, b"not a snapshot, but long enough to be read as one").unwrap();
        let error = SledStore::open(scratch.path()).err().unwrap();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }

    #[test]
    fn a_second_handle_is_refused_with_the_holder() {
        let scratch = tempfile::tempdir().unwrap();
        let _first = SledStore::open(scratch.path()).unwrap();
        let error = SledStore::open(scratch.path()).err().unwrap();
        let own = std::process::id();
        assert!(matches!(error, StoreError::Locked { pid: Some(pid), .. } if pid == own));
    }

    #[test]
    fn a_store_of_another_format_is_not_shadowed_by_an_empty_one() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("sled-1.0-v2")).unwrap();
        let error = SledStore::open(scratch.path()).err().unwrap();
        let StoreError::NewerFormat { found, .. } = error else { panic!("{error}") };
        assert_eq!(found, "sled-1.0-v2");
        assert!(!scratch.path().join(DIRECTORY).exists());
    }

    #[test]
    fn files_of_oversized_values_are_part_of_a_durable_commit() {
        let scratch = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(scratch.path()).unwrap();
        store.commit(&one_record()).unwrap();
        assert!(store.synced_blobs.is_empty());
        let mut batch = Batch::new();
        batch.put(Tree::Contents, b"large", vec![7; 200 << 10]);
        store.commit(&batch).unwrap();
        assert!(!store.synced_blobs.is_empty());
    }

    #[test]
    fn a_store_that_failed_stays_closed() {
        let scratch = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(scratch.path()).unwrap();
        store.commit(&one_record()).unwrap();
        // Without the directory the large values would go to, durability cannot be had.
        fs::remove_dir_all(scratch.path().join(DIRECTORY).join("blobs")).unwrap();
        assert!(matches!(store.commit(&one_record()), Err(StoreError::Io { .. })));
        assert!(matches!(store.commit(&one_record()), Err(StoreError::Broken(_))));
        assert!(matches!(store.read(Tree::Meta, b"key"), Err(StoreError::Broken(_))));
    }
}
