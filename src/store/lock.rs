//! One process per data directory.
//!
//! Two writers would destroy the journal and the blob files, and the engine's own lock says only
//! "could not acquire lock". So the first thing taken is a lock of ours, which can name its holder.
//! The operating system owns the lock, not the file: it goes when the process goes, however that
//! ends, and the file stays behind without a meaning.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::{StoreError, durable};

/// The name of the lock file in the data directory.
const FILE_NAME: &str = "lock";

/// The right to use a data directory; given back when dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    /// Held open: closing it is what releases the lock.
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock of `directory`, which is created when it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] at once, without waiting, when another handle holds it, even one of
    /// this process.
    pub fn take(directory: &Path) -> Result<Self, StoreError> {
        durable::create_directory(directory)?;
        let path = directory.join(FILE_NAME);
        let failed = |error| StoreError::io(&path, error);

        // Not truncated here: until the lock is ours, the content is the holder's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    directory: directory.to_owned(),
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }

        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// The process id that the holder wrote. None when it cannot be read, as on Windows, where a lock
/// also covers the bytes.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_holder_is_told_who_is_the_first() {
        let scratch = tempfile::tempdir().unwrap();
        let first = DirectoryLock::take(scratch.path()).unwrap();
        let error = DirectoryLock::take(scratch.path()).unwrap_err();
        let StoreError::Locked { directory, pid } = error else { panic!("{error}") };
        assert_eq!(directory, scratch.path());
        assert_eq!(pid, Some(std::process::id()));

        drop(first);
        DirectoryLock::take(scratch.path()).unwrap();
    }

    #[test]
    fn a_lock_file_that_a_dead_process_left_means_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join(FILE_NAME), "4294967295\n and more").unwrap();
        let _lock = DirectoryLock::take(scratch.path()).unwrap();
        let text = std::fs::read_to_string(scratch.path().join(FILE_NAME)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }
}
