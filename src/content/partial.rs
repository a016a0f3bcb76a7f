//! A file of which only some bytes are here yet.
//!
//! It lies beside the verified files under another name, as long as the whole and with holes. What of
//! it is here is known by blocks, and written down now and then, so that a download goes on after a
//! restart. Nothing in it is verified: a digest can only be compared at the end, and then the file
//! either takes its place among the others or is thrown away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use roaring::RoaringBitmap;

use super::files::{ContentError, ContentStore};
use crate::metadata::model::UpdateFile;

/// Bytes of a block: what Delivery Optimization asks for at a time.
pub const BLOCK: u64 = 1 << 20;

/// Blocks that arrive between two times that it is written down which are here.
const NOTED_EVERY: u32 = 16;

/// Largest file, in blocks: more than 4 TiB is no update.
const MOST_BLOCKS: u64 = 1 << 22;

/// A file of which only some blocks are here.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    map: PathBuf,
    here: RoaringBitmap,
    size: u64,
    unnoted: u32,
}

impl Partial {
    /// Opens what is at `path`, or begins it.
    pub(super) fn open(path: PathBuf, size: u64) -> Result<Self, ContentError> {
        if size.div_ceil(BLOCK) > MOST_BLOCKS {
            return Err(at(
                &path,
                io::Error::other("the metadata says that it is larger than 4 TiB"),
            ));
        }
        let map = path.with_extension("map");
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| at(&path, error))?;
        let length = file.metadata().map_err(|error| at(&path, error))?.len();
        let here = match fs::read(&map) {
            Ok(bytes) if length == size => {
                RoaringBitmap::deserialize_from(bytes.as_slice()).unwrap_or_default()
            }
            _ => RoaringBitmap::new(),
        };
        file.set_len(size).map_err(|error| at(&path, error))?;
        let mut partial = Self { file, path, map, here, size, unnoted: 0 };
        let blocks = partial.blocks();
        partial.here.remove_range(blocks..);
        Ok(partial)
    }

    /// How many blocks it has.
    pub fn blocks(&self) -> u32 {
        // Limited when it was opened.
        u32::try_from(self.size.div_ceil(BLOCK)).unwrap_or(u32::MAX)
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.here.len() == u64::from(self.blocks())
    }

    /// Bytes that are here.
    pub fn bytes_here(&self) -> u64 {
        self.here.iter().map(|block| self.block_length(block)).sum()
    }

    /// The first run of missing blocks among `first` to `last`, at most `most` of them: its first
    /// block and its last.
    pub fn missing(&self, first: u32, last: u32, most: u32) -> Option<(u32, u32)> {
        let last = last.min(self.blocks().checked_sub(1)?);
        let start = (first..=last).find(|block| !self.here.contains(*block))?;
        let furthest = last.min(start.saturating_add(most.saturating_sub(1)));
        let end = (start..=furthest).take_while(|block| !self.here.contains(*block)).last()?;
        Some((start, end))
    }

    /// Where a block begins, and behind its last byte.
    pub fn range_of(&self, block: u32) -> (u64, u64) {
        let start = u64::from(block) * BLOCK;
        (start, start + self.block_length(block))
    }

    /// Writes a whole block.
    ///
    /// # Errors
    /// The disk's, and when it has not the block's length.
    pub fn write(&mut self, block: u32, bytes: &[u8]) -> Result<(), ContentError> {
        if bytes.len() as u64 != self.block_length(block) {
            return Err(at(&self.path, io::Error::other("a block has another length")));
        }
        let write = |file: &mut File| {
            file.seek(SeekFrom::Start(u64::from(block) * BLOCK))?;
            file.write_all(bytes)
        };
        write(&mut self.file).map_err(|error| at(&self.path, error))?;
        self.here.insert(block);
        self.unnoted += 1;
        if self.unnoted >= NOTED_EVERY {
            self.note()?;
        }
        Ok(())
    }

    /// Bytes that are here.
    ///
    /// # Errors
    /// The disk's; also when a block of them is missing.
    pub fn read(&mut self, first: u64, length: u64) -> Result<Vec<u8>, ContentError> {
        let missing = || at(&self.path, io::Error::other("these bytes are not here"));
        let end = first.checked_add(length).filter(|end| *end <= self.size).ok_or_else(missing)?;
        let blocks = first / BLOCK..end.div_ceil(BLOCK);
        if !blocks.into_iter().all(|it| u32::try_from(it).is_ok_and(|it| self.here.contains(it))) {
            return Err(missing());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        let read = |file: &mut File, bytes: &mut Vec<u8>| {
            file.seek(SeekFrom::Start(first))?;
            file.take(length).read_to_end(bytes)
        };
        read(&mut self.file, &mut bytes).map_err(|error| at(&self.path, error))?;
        Ok(bytes)
    }

    /// Writes down which blocks are here, after they are durable.
    ///
    /// # Errors
    /// The disk's.
    pub fn note(&mut self) -> Result<(), ContentError> {
        self.file.sync_data().map_err(|error| at(&self.path, error))?;
        let mut bytes = Vec::new();
        self.here.serialize_into(&mut bytes).map_err(|error| at(&self.map, error))?;
        let new = self.map.with_extension("new");
        fs::write(&new, bytes).map_err(|error| at(&new, error))?;
        fs::rename(&new, &self.map).map_err(|error| at(&self.map, error))?;
        self.unnoted = 0;
        Ok(())
    }

    /// Throws it away.
    pub fn discard(&mut self) {
        self.here.clear();
        for path in [&self.map, &self.path] {
            if let Err(error) = fs::remove_file(path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "a part of a file stays");
            }
        }
    }

    fn block_length(&self, block: u32) -> u64 {
        self.size.saturating_sub(u64::from(block) * BLOCK).min(BLOCK)
    }
}

impl ContentStore {
    /// What is here of a file that is not stored yet; begun if nothing is.
    pub fn partial(&self, file: &UpdateFile) -> Result<Partial, ContentError> {
        Partial::open(self.partial_path(&file.sha1), file.size)
    }

    /// Stores a complete file after comparing its length and digests with what the metadata
    /// `expected`. In every case the partial file is gone afterwards.
    ///
    /// # Errors
    /// Names what differs, or whose disk failed.
    pub fn adopt(&self, mut partial: Partial, expected: &UpdateFile) -> Result<(), ContentError> {
        let reread = |file: &mut File| file.seek(SeekFrom::Start(0)).map(|_| ());
        let outcome = reread(&mut partial.file)
            .map_err(|error| at(&partial.path, error))
            .and_then(|()| self.move_in(&mut partial.file, &partial.path, expected));
        partial.discard();
        outcome
    }
}

fn at(path: &Path, error: io::Error) -> ContentError {
    ContentError::Store { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::files::digest_of;

    fn content() -> Vec<u8> {
        (0..2 * BLOCK + 5).map(|byte| (byte % 251) as u8).collect()
    }

    fn described(content: &[u8]) -> UpdateFile {
        let digests = digest_of(content).unwrap();
        UpdateFile {
            sha1: digests.sha1,
            sha256: Some(digests.sha256),
            name: "x.cab".into(),
            size: digests.length,
        }
    }

    fn block(content: &[u8], block: usize) -> &[u8] {
        content.chunks(BLOCK as usize).nth(block).unwrap()
    }

    #[test]
    fn blocks_come_in_any_order_and_the_whole_is_verified() {
        let dir = tempfile::tempdir().unwrap();
        let store = ContentStore::open(dir.path()).unwrap();
        let (content, file) = (content(), described(&content()));
        let mut partial = store.partial(&file).unwrap();
        assert_eq!(partial.blocks(), 3);
        assert_eq!(partial.missing(0, 9, 9), Some((0, 2)));
        assert_eq!(partial.missing(0, 9, 2), Some((0, 1)));
        partial.write(1, block(&content, 1)).unwrap();
        assert_eq!(partial.missing(0, 9, 9), Some((0, 0)));
        assert_eq!(partial.missing(1, 1, 9), None);
        assert_eq!(partial.read(BLOCK + 3, 4).unwrap(), &content[BLOCK as usize + 3..][..4]);
        assert!(partial.read(BLOCK - 1, 2).is_err() && partial.read(2 * BLOCK, 6).is_err());
        assert!(partial.write(2, b"123456").is_err());
        partial.write(2, block(&content, 2)).unwrap();
        partial.write(0, block(&content, 0)).unwrap();
        assert!(partial.is_complete());
        store.adopt(partial, &file).unwrap();
        assert!(store.contains(&file.sha1, file.size));
        assert_eq!(fs::read_dir(dir.path().join("partial")).unwrap().count(), 0);
    }

    #[test]
    fn a_download_goes_on_after_a_restart_with_what_was_noted() {
        let dir = tempfile::tempdir().unwrap();
        let (content, file) = (content(), described(&content()));
        let mut partial = ContentStore::open(dir.path()).unwrap().partial(&file).unwrap();
        partial.write(0, block(&content, 0)).unwrap();
        partial.note().unwrap();
        partial.write(1, block(&content, 1)).unwrap();
        drop(partial);
        let store = ContentStore::open(dir.path()).unwrap();
        let partial = store.partial(&file).unwrap();
        assert_eq!((partial.bytes_here(), partial.missing(0, 9, 9)), (BLOCK, Some((1, 2))));
        // A map that is none, or that of another file, says nothing.
        fs::write(&partial.map, b"x").unwrap();
        assert_eq!(store.partial(&file).unwrap().bytes_here(), 0);
    }

    #[test]
    fn a_forgery_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let store = ContentStore::open(dir.path()).unwrap();
        let (content, file) = (content(), described(&content()));
        let mut partial = store.partial(&file).unwrap();
        for number in 0..3 {
            let mut bytes = block(&content, number).to_vec();
            bytes[0] ^= 1;
            partial.write(number as u32, &bytes).unwrap();
        }
        assert!(matches!(store.adopt(partial, &file), Err(ContentError::Sha1 { .. })));
        assert!(!store.contains(&file.sha1, file.size));
        assert_eq!(store.partial(&file).unwrap().bytes_here(), 0);
    }
}
