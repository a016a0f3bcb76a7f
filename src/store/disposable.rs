//! What can be made again: what was worked out of documents, under the documents' digests.
//!
//! One file that is only appended to, as a file each would cost more than the work. Nothing waits for
//! the disk here, and losing all of it costs only the work. So there is no index on disk: the file
//! is read through when something is first wanted. An entry that a power cut left torn is noticed by
//! its checksum and made again, and when more is dead than alive, all of it is thrown away.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use crate::wire::types::Sha256;

/// Bytes before the content: the name, the length and the CRC-32 of both and the content, the latter
/// two in 32 bits, little-endian.
const HEADER: usize = 40;

/// Dead bytes that are not worth the trouble.
const TRIFLE: u64 = 16 << 20;

/// Such a file. All methods may be called from several threads at once, and block.
#[derive(Debug)]
pub struct Disposable {
    path: PathBuf,
    file: Arc<File>,
    /// None until something is wanted.
    kept: Mutex<Option<Kept>>,
}

/// What is in the file.
#[derive(Debug, Default)]
struct Kept {
    places: HashMap<Sha256, Place, ahash::RandomState>,
    end: u64,
    dead: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u32,
}

impl Place {
    /// Bytes that the entry takes.
    fn size(self) -> u64 {
        HEADER as u64 + u64::from(self.length)
    }
}

impl Disposable {
    /// Opens the file, creating it when it does not exist.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = Arc::new(file.map_err(|error| StoreError::io(path, error))?);
        Ok(Self { path: path.to_owned(), file, kept: Mutex::new(None) })
    }

    /// The content that was put under this name, if it is there and whole.
    pub fn get(&self, name: Sha256) -> Option<Vec<u8>> {
        let place = self.kept().as_ref().and_then(|kept| kept.places.get(&name).copied())?;
        let mut entry = vec![0; HEADER + place.length as usize];
        self.file.read_exact_at(&mut entry, place.offset).ok()?;
        let content = entry.split_off(HEADER);
        (header(name, &content)? == *entry).then_some(content)
    }

    /// Keeps `content` under this name.
    pub fn put(&self, name: Sha256, content: &[u8]) -> Result<(), StoreError> {
        let failed = |error| StoreError::io(&self.path, error);
        let header = header(name, content);
        let header = header.ok_or_else(|| failed(io::ErrorKind::FileTooLarge.into()))?;
        let mut kept = self.kept();
        let kept = kept.get_or_insert_default();
        self.file.write_all_at(&[&header, content].concat(), kept.end).map_err(failed)?;
        let place = Place { offset: kept.end, length: content.len() as u32 };
        kept.end += place.size();
        kept.dead += kept.places.insert(name, place).map_or(0, Place::size);
        Ok(())
    }

    /// Forgets what was put under this name, if anything was.
    pub fn remove(&self, name: Sha256) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let kept = kept.get_or_insert_default();
        kept.dead += kept.places.remove(&name).map_or(0, Place::size);
        if kept.dead > TRIFLE && kept.dead > kept.end / 2 {
            // Whoever is reading an entry notices.
            self.file.set_len(0).map_err(|error| StoreError::io(&self.path, error))?;
            *kept = Kept::default();
        }
        Ok(())
    }

    /// What is in the file, read when nobody did yet.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be read is made again, and written over.
        kept.get_or_insert_with(|| read_through(&self.file).unwrap_or_default());
        kept
    }
}

/// Finds the entries of `file`, up to the first that is not whole.
fn read_through(file: &File) -> io::Result<Kept> {
    let length = file.metadata()?.len();
    let mut kept = Kept::default();
    let mut header = [0; HEADER];
    while length.saturating_sub(kept.end) >= HEADER as u64 {
        file.read_exact_at(&mut header, kept.end)?;
        let (name, [size, _]) = parts(&header);
        let place = Place { offset: kept.end, length: u32::from_le_bytes(size) };
        if place.size() > length - kept.end {
            break;
        }
        kept.end += place.size();
        kept.dead += kept.places.insert(name, place).map_or(0, Place::size);
    }
    Ok(kept)
}

/// Name, length and checksum of an entry.
fn parts(header: &[u8; HEADER]) -> (Sha256, [[u8; 4]; 2]) {
    let mut name = [0; 32];
    name.copy_from_slice(&header[..32]);
    let (mut size, mut checksum) = ([0; 4], [0; 4]);
    size.copy_from_slice(&header[32..36]);
    checksum.copy_from_slice(&header[36..]);
    (Sha256(name), [size, checksum])
}

/// What precedes `content`; none when its length has more than 32 bits.
fn header(name: Sha256, content: &[u8]) -> Option<[u8; HEADER]> {
    let size = u32::try_from(content.len()).ok()?.to_le_bytes();
    let mut checksum = crc32fast::Hasher::new();
    for part in [&name.0[..], &size, content] {
        checksum.update(part);
    }
    let mut header = [0; HEADER];
    header[..32].copy_from_slice(&name.0);
    header[32..36].copy_from_slice(&size);
    header[36..].copy_from_slice(&checksum.finalize().to_le_bytes());
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_there_until_it_is_damaged_or_unwanted() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("made");
        let [kept, dropped, torn] = [1, 2, 3].map(|byte| Sha256([byte; 32]));
        let files = Disposable::open(&path).expect("opened");
        for name in [kept, dropped, torn] {
            assert_eq!(files.get(name), None);
            files.put(name, b"old").expect("put");
            files.put(name, &name.0).expect("put again");
            assert_eq!(files.get(name).as_deref(), Some(&name.0[..]));
        }
        files.remove(dropped).expect("removed");
        assert_eq!(files.get(dropped), None);
        drop(files);

        let length = std::fs::metadata(&path).expect("a file").len();
        OpenOptions::new()
            .write(true)
            .open(&path)
            .expect("opened")
            .set_len(length - 1)
            .expect("cut");
        let files = Disposable::open(&path).expect("opened");
        assert_eq!(files.get(kept).as_deref(), Some(&kept.0[..]));
        // The last whole one before it is as good.
        assert_eq!(files.get(torn).as_deref(), Some(&b"old"[..]));
        files.put(torn, b"anew").expect("put");
        drop(files);

        let files = Disposable::open(&path).expect("opened");
        assert_eq!(files.get(torn).as_deref(), Some(&b"anew"[..]));
        let file = OpenOptions::new().write(true).open(&path).expect("opened");
        let place = files.kept().as_ref().expect("read").places[&kept];
        file.write_all_at(b"x", place.offset + place.size() - 1).expect("damaged");
        assert_eq!(files.get(kept), None);
    }

    #[test]
    fn a_file_of_mostly_dead_entries_begins_anew() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("made");
        let files = Disposable::open(&path).expect("opened");
        let content = vec![7; (TRIFLE / 2) as usize];
        let names = [1, 2, 3, 4].map(|byte| Sha256([byte; 32]));
        names.iter().for_each(|name| files.put(*name, &content).expect("put"));
        names[..3].iter().for_each(|name| files.remove(*name).expect("removed"));
        assert_eq!(files.get(names[3]), None);
        assert_eq!(std::fs::metadata(&path).expect("a file").len(), 0);
        files.put(names[3], b"once more").expect("put");
        assert_eq!(files.get(names[3]).as_deref(), Some(&b"once more"[..]));
    }
}
