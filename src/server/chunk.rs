//! Pieces of files in memory that is used again.
//!
//! Memory fresh from the system is cleared page by page when it is first touched, which costs about
//! as much as reading the file into it. A chunk gives its memory back when the connection has sent
//! it, to be filled by the next.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Most bytes of a chunk: few enough for thousands of slow clients and to be still in the
/// processor's cache when they are sent, enough that the calls for each do not matter.
pub(super) const CHUNK: usize = 128 * 1024;

/// Most chunks kept for later: 4 MiB. In use there are as many as there are downloads.
const KEPT: usize = 32;

static FREE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// What a read without waiting found.
pub(super) enum AtHand {
    /// Some of the bytes wanted, at least one.
    Read(Bytes),
    /// Reading has to wait for the disk.
    OnDisk,
}

/// Reads up to `wanted` bytes at `offset` if the system has them in memory.
pub(super) fn read_at_hand(file: &File, offset: u64, wanted: usize) -> io::Result<AtHand> {
    let mut chunk = Chunk::take(wanted);
    match read_cached(file, &mut chunk.memory[..chunk.length], offset) {
        Ok(0) => Err(shrank()),
        Ok(read) => {
            chunk.length = read;
            Ok(AtHand::Read(Bytes::from_owner(chunk)))
        }
        // Not in memory, or a file system that cannot tell.
        Err(_) => Ok(AtHand::OnDisk),
    }
}

/// Reads `wanted` bytes at `offset`, however long it takes.
pub(super) fn read(file: &File, offset: u64, wanted: usize) -> io::Result<Bytes> {
    let mut chunk = Chunk::take(wanted);
    let length = chunk.length;
    file.read_exact_at(&mut chunk.memory[..length], offset).map_err(|error| {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => shrank(),
            _ => error,
        }
    })?;
    Ok(Bytes::from_owner(chunk))
}

#[cfg(target_os = "linux")]
fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    use std::io::IoSliceMut;

    Ok(preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT)?)
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

fn shrank() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file shrank")
}

/// Memory of [`CHUNK`] bytes, of which the first `length` are of use.
struct Chunk {
    memory: Vec<u8>,
    length: usize,
}

impl Chunk {
    fn take(length: usize) -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { memory: free.unwrap_or_else(|| vec![0; CHUNK]), length: length.min(CHUNK) }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn reads_what_is_there_and_no_more() {
        let mut file = tempfile::tempfile().expect("a file");
        let bytes: Vec<u8> = (0..=255).cycle().take(CHUNK + 100).collect();
        file.write_all(&bytes).expect("written");
        for (offset, wanted) in [(0, 1), (7, CHUNK), (CHUNK as u64 + 90, 10)] {
            let from = usize::try_from(offset).expect("small");
            assert_eq!(read(&file, offset, wanted).expect("read"), bytes[from..from + wanted]);
            if let AtHand::Read(read) = read_at_hand(&file, offset, wanted).expect("read") {
                assert_eq!(read, bytes[from..from + read.len()]);
                assert!(!read.is_empty());
            }
        }
        let end = bytes.len() as u64;
        assert!(read(&file, end - 1, 2).is_err() && read(&file, end, 1).is_err());
        assert!(!matches!(read_at_hand(&file, end, 1), Ok(AtHand::Read(_))));
    }
}
