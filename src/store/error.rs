//! What can go wrong with stored data, and what the administrator does about it.
//!
//! These messages reach a person who runs a server, not a person who wrote it: each one names the
//! file or the record and ends with the next step. The layers above decide only whether the error
//! ends one request or the process.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the store, its blob files or its journal.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory belongs to another process at the moment.
    #[error(
        "another weir process{} uses this data directory, {}; stop it first, or name another \
         directory with --data",
        .pid.map_or(String::new(), |pid| format!(" (pid {pid})")),
        .directory.display()
    )]
    Locked {
        /// The data directory.
        directory: PathBuf,
        /// The holder, where it could be read.
        pid: Option<u32>,
    },

    /// What was read is not what was written.
    #[error("stored data is damaged: {what}; stop weir and restore the last backup")]
    Corrupt {
        /// The file or record, and what is wrong with it.
        what: String,
    },

    /// The data was written by a version of weir that came after this one.
    #[error(
        "{what} has format {found}, and this weir reads {supported}; start the newer weir that \
         wrote it, or restore a backup into an empty data directory"
    )]
    NewerFormat {
        /// The record or directory.
        what: String,
        /// The format found.
        found: String,
        /// The newest format this build reads.
        supported: String,
    },

    /// The data was written by a version of weir that was never released.
    #[error(
        "{} belongs to an earlier layout that this weir does not read; import the documents into a \
         new data directory",
        .0.display()
    )]
    EarlierLayout(PathBuf),

    /// The operating system refused to read or write.
    #[error(
        "cannot use {}: {source}; check that it exists, its permissions and the disk",
        .path.display()
    )]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The disk or the quota is exhausted.
    #[error("no space is left to write {}; free some space and start weir again", .path.display())]
    Full {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The engine failed in a way of its own.
    #[error(
        "the store engine failed: {0}; start weir again, and restore the last backup if it fails \
         again"
    )]
    Engine(String),

    /// A write failed before this call, so that what is on disk is unknown until it is reopened.
    #[error(
        "an earlier write to {0} failed, so it is closed; remove the cause that was logged then \
         and start weir again"
    )]
    Broken(&'static str),

    /// A key or value is over the limit that every engine can hold. Our bug.
    #[error("a {what} of {length} bytes is over the store's limit of {limit}; please report this")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },

    /// A record refused to be serialised. Our bug.
    #[error("a {record} cannot be encoded: {reason}; please report this")]
    Unencodable {
        /// The kind of record.
        record: &'static str,
        /// The serialiser's words.
        reason: String,
    },

    /// A record refers to a pack that is gone.
    #[error(
        "{} is missing; restore the directory it was in from a backup, or import what it held into \
         a new data directory",
        .0.display()
    )]
    MissingPack(PathBuf),

    /// A restore was asked into a directory with something in it.
    #[error("{} is not empty; restore into a new data directory", .0.display())]
    NotEmpty(PathBuf),

    /// A restore began and did not end.
    #[error(
        "{} holds half of a restored backup; restore it again with `weir restore`, which begins anew",
        .0.display()
    )]
    HalfRestored(PathBuf),

    /// A backup file cannot be used.
    #[error("line {line} of the backup cannot be used: {reason}; take another backup")]
    BadBackup {
        /// Line number, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },

    /// The file that a backup is written to or read from failed.
    #[error("the backup could not be transferred: {0}; check the file and the disk that holds it")]
    Stream(#[source] io::Error),

    /// What a backup would have to hold is not known any more.
    #[error("the backup is not whole: {0}; take another one")]
    Backup(&'static str),
}

impl StoreError {
    /// Tells a full disk from every other failure of the operating system.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { path, source }
            }
            _ => Self::Io { path, source },
        }
    }

    /// Damage in `what`.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let path = Path::new("data/db");
        let full = StoreError::io(path, io::ErrorKind::StorageFull.into());
        assert!(matches!(full, StoreError::Full { .. }));
        let other = StoreError::io(path, io::ErrorKind::PermissionDenied.into());
        assert!(matches!(other, StoreError::Io { .. }));
    }

    #[test]
    fn the_lock_message_names_the_holder_when_it_is_known() {
        let message = |pid| StoreError::Locked { directory: "data".into(), pid }.to_string();
        assert!(message(Some(42)).starts_with("another weir process (pid 42) uses this data"));
        assert!(message(None).starts_with("another weir process uses this data directory"));
    }
}
