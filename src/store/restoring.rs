//! A data directory that is made from a backup: all of it, or nothing that anybody opens.
//!
//! Files and records cannot appear at one moment, and the directory may be a mount that nothing can
//! be renamed to. So a mark is made first and removed last, durably, and no store is opened beside
//! it but by whoever restores. One that was killed leaves the mark, and the next one begins anew.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::lock::DirectoryLock;
use super::sled::SledStore;
use super::{StoreError, durable};

/// The name of the mark.
const MARK: &str = "restoring";
/// What may be in an empty directory: our lock, and what file systems put at their root.
const NOTHING: [&str; 2] = ["lock", "lost+found"];

/// A directory that is being filled.
#[derive(Debug)]
pub struct Restoring {
    data: PathBuf,
    directories: BTreeSet<PathBuf>,
}

/// Refuses a directory that a restore left half filled.
pub(super) fn check(data: &Path) -> Result<(), StoreError> {
    match data.join(MARK).exists() {
        true => Err(StoreError::HalfRestored(data.to_owned())),
        false => Ok(()),
    }
}

impl Restoring {
    /// Begins to fill `data`, and gives the empty store in it.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when anything is in it but what another restore left behind,
    /// [`StoreError::Locked`] when somebody uses it.
    pub fn begin(data: &Path) -> Result<(Self, SledStore), StoreError> {
        durable::create_directory(data)?;
        let mark = data.join(MARK);
        let names = durable::names(data)?;
        if !mark.exists() && names.iter().any(|name| !NOTHING.contains(&name.as_str())) {
            return Err(StoreError::NotEmpty(data.to_owned()));
        }
        let lock = DirectoryLock::take(data)?;
        let failed = |error| StoreError::io(&mark, error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&mark);
        file.and_then(|file| file.sync_all()).map_err(failed)?;
        durable::sync_directory(data)?;
        for name in durable::names(data)? {
            if name != MARK && !NOTHING.contains(&name.as_str()) {
                remove(&data.join(name))?;
            }
        }
        let store = SledStore::open_locked(data, lock)?;
        Ok((Self { data: data.to_owned(), directories: BTreeSet::new() }, store))
    }

    /// Makes the file at `path`, which is relative and leads nowhere else, of what `write` puts in.
    ///
    /// # Errors
    /// Those of `write`, and the disk's.
    pub fn file(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut File) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.data.join(path);
        let failed = |error| StoreError::io(&path, error);
        let directory = path.parent().unwrap_or(&self.data);
        if self.directories.insert(directory.to_owned()) {
            durable::create_directory(directory)?;
        }
        // Some are keys.
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(failed)?;
        write(&mut file)?;
        file.sync_all().map_err(failed)
    }

    /// Makes the names of all files durable.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.directories.iter().try_for_each(|directory| durable::sync_directory(directory))
    }

    /// Lets the directory be opened.
    pub fn end(self) -> Result<(), StoreError> {
        let mark = self.data.join(MARK);
        fs::remove_file(&mark).map_err(|error| StoreError::io(&mark, error))?;
        durable::sync_directory(&self.data)
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match path.is_dir() && !path.is_symlink() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    removed.map_err(|error| StoreError::io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, Store, Tree};

    fn record() -> Batch {
        let mut batch = Batch::new();
        batch.put(Tree::Meta, b"key", b"value");
        batch
    }

    #[test]
    fn nobody_opens_half_of_it_and_the_next_begins_anew() {
        let scratch = tempfile::tempdir().expect("a directory");
        let data = scratch.path().join("new");
        let (mut half, mut store) = Restoring::begin(&data).expect("begun");
        store.commit(&record()).expect("committed");
        half.file(Path::new("a/b"), |_| Ok(())).expect("made");
        assert!(matches!(Restoring::begin(&data), Err(StoreError::Locked { .. })));
        drop((half, store));
        assert!(matches!(SledStore::open(&data), Err(StoreError::HalfRestored(_))));

        let (whole, mut store) = Restoring::begin(&data).expect("begun anew");
        assert!(!data.join("a").exists());
        assert_eq!(store.read(Tree::Meta, b"key").expect("readable"), None);
        store.commit(&record()).expect("committed");
        drop(store);
        whole.end().expect("ended");
        let store = SledStore::open(&data).expect("opened");
        assert!(store.read(Tree::Meta, b"key").expect("readable").is_some());
    }

    #[test]
    fn what_has_something_in_it_is_left_alone() {
        let scratch = tempfile::tempdir().expect("a directory");
        let mine = scratch.path().join("mine");
        fs::write(&mine, "x").expect("written");
        assert!(matches!(Restoring::begin(scratch.path()), Err(StoreError::NotEmpty(_))));
        assert_eq!(durable::names(scratch.path()).expect("names"), ["mine"]);
    }
}
