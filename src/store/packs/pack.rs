//! One pack: a file that begins with its format and holds entries one behind the other.
//!
//! An entry is its length and the CRC-32 of length and bytes, both as 32 bits little-endian, and
//! then the bytes. Whoever reads knows place and length; what the entry says of itself is compared
//! with that, so that neither a damaged disk nor a wrong place passes for an entry. It also lets
//! the entries of a pack be found when the records that refer to them are lost.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::{Buf, Bytes};

use super::super::{StoreError, durable};

/// What a pack begins with.
const FORMAT: &[u8; 8] = b"weirpak1";
/// Where the first entry begins.
pub(super) const BEGIN: u64 = FORMAT.len() as u64;
/// Bytes of an entry before its content.
pub(super) const HEADER: usize = 8;
const EXTENSION: &str = ".pack";

/// An open pack.
#[derive(Debug)]
pub(super) struct Pack {
    number: u32,
    file: File,
    path: PathBuf,
}

impl Pack {
    /// Makes the pack `number`, durably.
    pub(super) fn create(directory: &Path, number: u32) -> Result<Self, StoreError> {
        let path = path(directory, number);
        let failed = |error| StoreError::io(&path, error);
        // A process that was killed here may have left the name, and nothing refers to the file.
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true);
        let file = file.open(&path).map_err(failed)?;
        file.write_all_at(FORMAT, 0).and_then(|()| file.sync_all()).map_err(failed)?;
        durable::sync_directory(directory)?;
        Ok(Self { number, file, path })
    }

    /// Opens the pack `number`.
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`] when another version of weir wrote it. One that was killed when
    /// it had created the file has written less than the format, which is no error.
    pub(super) fn open(directory: &Path, number: u32) -> Result<Self, StoreError> {
        let path = path(directory, number);
        let failed = |error| StoreError::io(&path, error);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut format = [0; FORMAT.len()];
        if length >= BEGIN {
            file.read_exact_at(&mut format, 0).map_err(failed)?;
        } else {
            file.write_all_at(FORMAT, 0).map_err(failed)?;
            format = *FORMAT;
        }
        if format != *FORMAT {
            return Err(StoreError::NewerFormat {
                what: path.display().to_string(),
                found: String::from_utf8_lossy(&format).escape_debug().to_string(),
                supported: String::from_utf8_lossy(FORMAT).into_owned(),
            });
        }
        Ok(Self { number, file, path })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn length(&self) -> Result<u64, StoreError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| self.failed(error))
    }

    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all_at(bytes, at).map_err(|error| self.failed(error))
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| self.failed(error))
    }

    /// The content of the entry at `offset`, of which the caller knows the length.
    pub(super) fn read(&self, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        let present = self.length()?;
        let end = u64::from(offset) + HEADER as u64 + u64::from(length);
        // Before memory is taken for it.
        if end > present {
            return Err(self.damaged(offset, "is cut off"));
        }
        let mut bytes = vec![0; HEADER + length as usize];
        self.file
            .read_exact_at(&mut bytes, u64::from(offset))
            .map_err(|error| self.failed(error))?;
        let mut bytes = Bytes::from(bytes);
        let found = bytes.split_to(HEADER);
        if found.chunk() != header(&bytes) {
            return Err(self.damaged(offset, "is not what was written"));
        }
        Ok(bytes)
    }

    /// Fills `bytes` with what is at `offset`, whatever it is.
    pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), StoreError> {
        self.file.read_exact_at(bytes, offset).map_err(|error| self.failed(error))
    }

    /// Shortens the file to `length` bytes, durably.
    pub(super) fn cut(&self, length: u64) -> Result<(), StoreError> {
        let cut = self.file.set_len(length).and_then(|()| self.file.sync_all());
        cut.map_err(|error| self.failed(error))
    }

    pub(super) fn remove(&self) -> Result<(), StoreError> {
        fs::remove_file(&self.path).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> StoreError {
        StoreError::io(&self.path, error)
    }

    fn damaged(&self, offset: u32, how: &str) -> StoreError {
        StoreError::corrupt(format!("the entry at {offset} of {} {how}", self.path.display()))
    }
}

/// What precedes an entry with these bytes, of which there are less than 4 GiB.
pub(super) fn header(entry: &[u8]) -> [u8; HEADER] {
    let length = (entry.len() as u32).to_le_bytes();
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&length);
    checksum.update(entry);
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&length);
    header[4..].copy_from_slice(&checksum.finalize().to_le_bytes());
    header
}

/// The file of the pack `number`.
pub(super) fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(name(number))
}

/// What its file is called.
pub(super) fn name(number: u32) -> String {
    format!("{number:08x}{EXTENSION}")
}

/// The number of the pack whose file is called `name`, if it is one.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(EXTENSION).filter(|digits| digits.len() == 8)?;
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    digits.bytes().all(is_digit).then(|| u32::from_str_radix(digits, 16).ok())?
}
