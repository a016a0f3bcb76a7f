//! The journal of decisions: approvals, groups and computers, in the order in which they were made.
//!
//! A catalogue can be synchronised again; what an administrator decided cannot. So these changes
//! are also appended to plain text files that no engine is needed to read, one JSON object a line,
//! numbered and with a checksum. Files are never rewritten; when one has grown, the next begins.
//! Each is named after the number of its first entry, so that a missing file is noticed.
//!
//! A power cut can damage only what was being appended: everything before was synchronised. So at
//! open a damaged end is cut off when nothing that was acknowledged can lie behind the damage, and
//! any other damage is an error that names the line.

mod line;
mod segment;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use time::OffsetDateTime;

use self::segment::Segment;
use super::{StoreError, durable};

/// Bytes after which a file is followed by the next one.
const ROTATE_AT: u64 = 64 << 20;

/// One entry as it was appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Counts all entries of the journal from 1, without gaps.
    pub sequence: u64,
    /// When the entry was made.
    pub time: OffsetDateTime,
    /// What was decided.
    pub value: Value,
}

/// The damaged end that was found in the last file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub path: PathBuf,
    /// The first line that is damaged, from 1.
    pub line: u64,
    /// Bytes from that line to the end of the file.
    pub bytes: u64,
}

/// The open journal: its last file, ready to be appended to.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    rotate_at: u64,
    path: PathBuf,
    file: File,
    length: u64,
    next_sequence: u64,
    torn: Option<TornTail>,
    /// Set while an append is under way, and left set by one that failed.
    broken: bool,
}

impl Journal {
    /// Opens the journal in `directory`, creating it when it does not exist, and cuts off an end
    /// that a crash left damaged. Only for the holder of the data directory's
    /// [lock](super::lock).
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with file and line when entries are damaged that were acknowledged.
    /// Only the last file is read here; [`entries`] reads all.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_rotating(directory, ROTATE_AT)
    }

    /// As [`Journal::open`]; a file is followed by the next after `rotate_at` bytes.
    pub(crate) fn open_rotating(directory: &Path, rotate_at: u64) -> Result<Self, StoreError> {
        durable::create_directory(directory)?;
        let first = match first_sequences(directory)?.last() {
            Some(&first) => first,
            None => {
                create_file(directory, 1)?;
                1
            }
        };
        let path = file_path(directory, first);
        let mut segment = Segment::read(&path, first, true)?;
        while segment.next_entry()?.is_some() {}

        let failed = |error| StoreError::io(&path, error);
        let file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
        if let Some(torn) = segment.torn() {
            let cut = file.set_len(segment.intact_bytes()).and_then(|()| file.sync_all());
            cut.map_err(failed)?;
            tracing::warn!(
                file = %torn.path.display(),
                line = torn.line,
                bytes = torn.bytes,
                "cut off the end of the journal, which a crash left unfinished"
            );
        }
        Ok(Self {
            directory: directory.to_owned(),
            rotate_at,
            path,
            file,
            length: segment.intact_bytes(),
            next_sequence: segment.next_sequence(),
            torn: segment.torn().cloned(),
            broken: false,
        })
    }

    /// Appends `entries`, made at `time`; when it returns, they survive a power cut.
    ///
    /// # Errors
    /// Some of the entries may be there after a restart. Until then every call fails with
    /// [`StoreError::Broken`], because what would follow a damaged line could not be trusted.
    pub fn append(&mut self, time: OffsetDateTime, entries: &[Value]) -> Result<(), StoreError> {
        if self.broken {
            return Err(StoreError::Broken("the journal"));
        }
        if entries.is_empty() {
            return Ok(());
        }
        let first = self.next_sequence;
        let mut lines = Vec::new();
        for (sequence, value) in (first..).zip(entries) {
            line::encode(&mut lines, sequence, first, time, value)?;
        }
        self.broken = true;
        self.rotate_when_grown()?;
        self.file
            .write_all(&lines)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| StoreError::io(&self.path, error))?;
        self.broken = false;
        self.length += lines.len() as u64;
        self.next_sequence += entries.len() as u64;
        Ok(())
    }

    /// The number that the next entry gets; one more than there are entries.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// What was cut off at open.
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    fn rotate_when_grown(&mut self) -> Result<(), StoreError> {
        if self.length < self.rotate_at {
            return Ok(());
        }
        self.file = create_file(&self.directory, self.next_sequence)?;
        self.path = file_path(&self.directory, self.next_sequence);
        self.length = 0;
        Ok(())
    }
}

/// All entries of the journal in `directory`, oldest first, whether or not it is open. A damaged
/// end that [`Journal::open`] would cut off ends the iteration.
///
/// # Errors
/// An item is [`StoreError::Corrupt`] with file and line when entries before the end are damaged or
/// missing; it is the last item.
pub fn entries(directory: &Path) -> Result<Entries, StoreError> {
    let mut remaining = first_sequences(directory)?;
    remaining.reverse();
    Ok(Entries { directory: directory.to_owned(), remaining, current: None })
}

/// The iterator that [`entries`] returns. It holds one file in memory at a time.
#[derive(Debug)]
pub struct Entries {
    directory: PathBuf,
    /// The files that follow `current`, oldest last.
    remaining: Vec<u64>,
    current: Option<Segment>,
}

/// The files of the journal in `directory` with their names, each as long as it is now: to be copied,
/// by somebody who knows that nothing is being appended.
pub fn extents(directory: &Path) -> Result<Vec<(String, File, u64)>, StoreError> {
    let mut all = Vec::new();
    for first in first_sequences(directory)? {
        let path = file_path(directory, first);
        let failed = |error| StoreError::io(&path, error);
        let file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        all.push((file_name(first), file, length));
    }
    Ok(all)
}

impl Entries {
    fn advance(&mut self) -> Result<Option<Entry>, StoreError> {
        loop {
            let mut expected = None;
            if let Some(segment) = &mut self.current {
                if let Some(entry) = segment.next_entry()? {
                    return Ok(Some(entry));
                }
                expected = Some(segment.next_sequence());
            }
            let Some(first) = self.remaining.pop() else { return Ok(None) };
            let path = file_path(&self.directory, first);
            if expected.is_some_and(|expected| expected != first) {
                let what = format!("a file before {} is missing or cut", path.display());
                return Err(StoreError::corrupt(what));
            }
            self.current = Some(Segment::read(&path, first, self.remaining.is_empty())?);
        }
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.remaining.clear();
            self.current = None;
        }
        item
    }
}

fn file_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(file_name(first))
}

fn file_name(first: u64) -> String {
    format!("{first:08}.log")
}

/// The first entry of each of the journal's files, ascending.
fn first_sequences(directory: &Path) -> Result<Vec<u64>, StoreError> {
    let names = durable::names(directory)?;
    let first = |name: &String| name.strip_suffix(".log")?.parse().ok();
    let mut firsts: Vec<u64> = names.iter().filter_map(first).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

fn create_file(directory: &Path, first: u64) -> Result<File, StoreError> {
    let path = file_path(directory, first);
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| StoreError::io(&path, error))?;
    durable::sync_directory(directory)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
