//! Files that can be made again: what was worked out of documents, named by the document's digest.
//!
//! Nothing waits for the disk here, and losing all of it costs only the work. A file that a power
//! cut left torn is noticed by its checksum and made again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{StoreError, durable};
use crate::wire::types::Sha256;

/// Bytes of the checksum behind the content: CRC-32, little-endian.
const CHECKSUM: usize = 4;

/// A directory of such files. All methods may be called from several threads at once.
#[derive(Debug)]
pub struct Disposable {
    directory: PathBuf,
    next_unfinished: AtomicU64,
}

impl Disposable {
    /// Opens the directory, creating it when it does not exist, and removes what was not finished
    /// and what `keep` does not want.
    pub fn open(directory: &Path, keep: impl Fn(Sha256) -> bool) -> Result<Self, StoreError> {
        durable::create_directory(directory)?;
        for first in 0..=u8::MAX {
            let fan = directory.join(format!("{first:02X}"));
            match fs::create_dir(&fan) {
                Ok(()) => continue,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::io(&fan, error)),
            }
            for name in durable::names(&fan)? {
                if !Sha256::from_hex(&name).is_some_and(&keep) {
                    let path = fan.join(name);
                    fs::remove_file(&path).map_err(|error| StoreError::io(&path, error))?;
                }
            }
        }
        Ok(Self { directory: directory.to_owned(), next_unfinished: AtomicU64::new(0) })
    }

    /// The content that was put under this name, if it is there and whole.
    pub fn get(&self, name: Sha256) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.path(name)).ok()?;
        let at = bytes.len().checked_sub(CHECKSUM)?;
        let (content, checksum) = bytes.split_at(at);
        let whole = crc32fast::hash(content).to_le_bytes() == checksum;
        bytes.truncate(at);
        whole.then_some(bytes)
    }

    /// Keeps `content` under this name.
    pub fn put(&self, name: Sha256, content: &[u8]) -> io::Result<()> {
        let number = self.next_unfinished.fetch_add(1, Ordering::Relaxed);
        let path = self.path(name);
        let unfinished = path.with_extension(number.to_string());
        let bytes = [content, &crc32fast::hash(content).to_le_bytes()].concat();
        let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        written
    }

    /// Removes what was put under this name, if anything was. What cannot be removed stays.
    pub fn remove(&self, name: Sha256) {
        drop(fs::remove_file(self.path(name)));
    }

    fn path(&self, name: Sha256) -> PathBuf {
        let name = name.to_hex();
        self.directory.join(&name[..2]).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_there_until_it_is_damaged_or_unwanted() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path().join("derived");
        let [kept, dropped, torn] = [1, 2, 3].map(|byte| Sha256([byte; 32]));
        let open = || Disposable::open(&directory, |name| name != dropped).expect("opened");
        let files = open();
        for name in [kept, dropped, torn] {
            assert_eq!(files.get(name), None);
            files.put(name, b"old").expect("put");
            files.put(name, &name.0).expect("put again");
            assert_eq!(files.get(name).as_deref(), Some(&name.0[..]));
        }
        files.remove(dropped);
        assert_eq!(files.get(dropped), None);
        files.put(dropped, b"again").expect("put");
        fs::write(files.path(torn), b"half").expect("written");
        fs::write(files.path(kept).with_extension("7"), b"unfinished").expect("written");
        let files = open();
        assert_eq!(files.get(kept).as_deref(), Some(&kept.0[..]));
        assert_eq!((files.get(dropped), files.get(torn)), (None, None));
        let left = fs::read_dir(directory.join("01")).expect("a directory").count();
        assert_eq!(left, 1, "what was not finished is removed");
    }
}
