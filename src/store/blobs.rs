//! Immutable files named after their content: update documents and prepared fragments.
//!
//! A fragment can be tens of megabytes, and the engine is made for small records, so records hold
//! the digest and the bytes lie in a file of that name. A file is written under another name,
//! synchronised and then renamed: whatever has a blob's name is complete, at every moment and after
//! every crash, and writing it twice is harmless. A record that refers to a blob is therefore
//! committed after [`Blobs::put`] has returned, never before.
//!
//! Files that clients download are not blobs; they belong to the content layer.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{StoreError, durable};
use crate::wire::types::Sha256;

/// Where files are before they have their name.
const UNFINISHED: &str = "tmp";
/// Files that [`Blobs::put_many`] keeps open at a time, well below any limit on descriptors.
const OPEN_FILES: usize = 64;
/// Bytes read at a time while verifying.
const CHUNK: usize = 256 << 10;

/// A blob's name: the SHA-256 digest of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(pub Sha256);

impl BlobId {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(digest::digest(&digest::SHA256, bytes))
    }

    fn from_digest(digest: digest::Digest) -> Self {
        let mut name = [0; 32];
        name.copy_from_slice(digest.as_ref());
        Self(Sha256(name))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

/// What [`Blobs::retain`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of blobs.
    pub blobs: u64,
    /// Their length together.
    pub bytes: u64,
}

/// A directory of blobs. All methods may be called from several threads at once.
#[derive(Debug)]
pub struct Blobs {
    directory: PathBuf,
    next_unfinished: AtomicU64,
}

impl Blobs {
    /// Opens the blobs in `directory`, creating it when it does not exist, and removes the files
    /// that a crash left unfinished. Only for the holder of the data directory's
    /// [lock](super::lock).
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        // All 256 at once, so that later no blob waits for its directory's own name to be durable.
        durable::create_directory(directory)?;
        for first in 0..=u8::MAX {
            let fan = directory.join(format!("{first:02X}"));
            match fs::create_dir(&fan) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(StoreError::io(&fan, error));
                }
                _ => {}
            }
        }
        durable::sync_directory(directory)?;

        let unfinished = directory.join(UNFINISHED);
        durable::create_directory(&unfinished)?;
        for name in durable::names(&unfinished)? {
            let path = unfinished.join(name);
            fs::remove_file(&path).map_err(|error| StoreError::io(&path, error))?;
        }
        Ok(Self { directory: directory.to_owned(), next_unfinished: AtomicU64::new(0) })
    }

    /// Stores `bytes`; when it returns, they survive a power cut. Does not write what is there.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobId, StoreError> {
        let id = BlobId::of(bytes);
        self.put_chunk(&[(id, bytes)])?;
        Ok(id)
    }

    /// Stores every blob of `blobs`, in about the time that the disk needs for one write each and
    /// a few waits. The ids are in the order of `blobs`.
    ///
    /// # Errors
    /// Some blobs may have been stored; storing them again is harmless.
    pub fn put_many(&self, blobs: &[impl AsRef<[u8]>]) -> Result<Vec<BlobId>, StoreError> {
        let named = blobs.iter().map(|bytes| (BlobId::of(bytes.as_ref()), bytes.as_ref()));
        let named: Vec<_> = named.collect();
        for chunk in named.chunks(OPEN_FILES) {
            self.put_chunk(chunk)?;
        }
        Ok(named.into_iter().map(|(id, _)| id).collect())
    }

    /// Writes all before it waits for any, so that the disk can take them together.
    fn put_chunk(&self, blobs: &[(BlobId, &[u8])]) -> Result<(), StoreError> {
        let mut written = Vec::new();
        for (id, bytes) in blobs {
            // A file of another length cannot be ours (a damaged disk, a restored backup).
            if self.length(*id)? != Some(bytes.len() as u64) {
                written.push((*id, Unfinished::write(self.unfinished_path(), bytes)?));
            }
        }
        for (_, unfinished) in &written {
            unfinished.sync()?;
        }
        for (id, unfinished) in written {
            unfinished.rename_to(&self.path(id))?;
        }
        // Also for blobs that were there: another thread may have renamed them a moment ago.
        let fans: BTreeSet<_> = blobs.iter().map(|(id, _)| self.fan(*id)).collect();
        fans.iter().try_for_each(|fan| durable::sync_directory(fan))
    }

    /// The whole blob, verified.
    ///
    /// # Errors
    /// [`StoreError::MissingBlob`] when there is none, [`StoreError::Corrupt`] when the bytes are
    /// not those that were stored.
    pub fn read(&self, id: BlobId) -> Result<Bytes, StoreError> {
        let path = self.path(id);
        let bytes = fs::read(&path).map_err(|error| failed_to_read(id, &path, error))?;
        if BlobId::of(&bytes) != id {
            return Err(damaged(&path));
        }
        Ok(bytes.into())
    }

    /// `length` bytes from `offset`, unverified: the price of not reading the rest.
    ///
    /// # Errors
    /// As [`Blobs::read`]; [`StoreError::Corrupt`] also when the range reaches beyond the end, as
    /// callers know the length of what they stored.
    pub fn read_range(&self, id: BlobId, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let path = self.path(id);
        let failed = |error| failed_to_read(id, &path, error);
        let mut file = File::open(&path).map_err(failed)?;
        let present = file.metadata().map_err(failed)?.len();
        // Before memory is taken for it.
        match offset.checked_add(length as u64) {
            Some(end) if end <= present => {}
            _ => {
                return Err(StoreError::corrupt(format!(
                    "{} has {present} bytes, of which {length} from {offset} were wanted",
                    path.display()
                )));
            }
        }
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }

    /// Reads the blob in small pieces and compares it with its name. Errors as [`Blobs::read`].
    pub fn verify(&self, id: BlobId) -> Result<(), StoreError> {
        let path = self.path(id);
        let failed = |error| failed_to_read(id, &path, error);
        let mut file = File::open(&path).map_err(failed)?;
        let mut context = digest::Context::new(&digest::SHA256);
        let mut piece = vec![0; CHUNK];
        loop {
            match file.read(&mut piece).map_err(failed)? {
                0 => break,
                length => context.update(&piece[..length]),
            }
        }
        if BlobId::from_digest(context.finish()) == id { Ok(()) } else { Err(damaged(&path)) }
    }

    /// The blob's length in bytes, if it is there.
    pub fn length(&self, id: BlobId) -> Result<Option<u64>, StoreError> {
        let path = self.path(id);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io(&path, error)),
        }
    }

    /// Removes the blobs that `keep` does not want. `keep` must want those that were put and are
    /// not committed yet; the simplest way is to put nothing meanwhile.
    pub fn retain(&self, mut keep: impl FnMut(BlobId) -> bool) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for first in 0..=u8::MAX {
            let fan = self.directory.join(format!("{first:02X}"));
            for name in durable::names(&fan)? {
                // What is not a blob is not ours to remove.
                let Some(id) = Sha256::from_hex(&name).map(BlobId) else { continue };
                if !keep(id) {
                    let path = fan.join(&name);
                    let failed = |error| StoreError::io(&path, error);
                    let length = fs::metadata(&path).map_err(failed)?.len();
                    fs::remove_file(&path).map_err(failed)?;
                    swept.blobs += 1;
                    swept.bytes = swept.bytes.saturating_add(length);
                }
            }
        }
        Ok(swept)
    }

    fn fan(&self, id: BlobId) -> PathBuf {
        let BlobId(Sha256([first, ..])) = id;
        self.directory.join(format!("{first:02X}"))
    }

    fn path(&self, id: BlobId) -> PathBuf {
        self.fan(id).join(id.to_string())
    }

    fn unfinished_path(&self) -> PathBuf {
        let number = self.next_unfinished.fetch_add(1, Ordering::Relaxed);
        self.directory.join(UNFINISHED).join(number.to_string())
    }
}

/// A file without its name; removed when it does not get one.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn write(path: PathBuf, bytes: &[u8]) -> Result<Self, StoreError> {
        let file = File::create_new(&path).map_err(|error| StoreError::io(&path, error))?;
        let mut unfinished = Self { path, file };
        match unfinished.file.write_all(bytes) {
            Ok(()) => Ok(unfinished),
            Err(error) => Err(StoreError::io(&unfinished.path, error)),
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(|error| StoreError::io(&self.path, error))
    }

    fn rename_to(self, path: &Path) -> Result<(), StoreError> {
        fs::rename(&self.path, path).map_err(|error| StoreError::io(path, error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already after a rename. Otherwise an attempt: the next open removes it as well.
        let _ = fs::remove_file(&self.path);
    }
}

fn failed_to_read(id: BlobId, path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::MissingBlob(id),
        _ => StoreError::io(path, error),
    }
}

fn damaged(path: &Path) -> StoreError {
    StoreError::corrupt(format!("{} does not have the digest that is its name", path.display()))
}

#[cfg(test)]
mod tests;
