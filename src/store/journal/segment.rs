//! Reading one file of the journal, and telling a crash from damage.
//!
//! A damaged line is the trace of a crash when it was never acknowledged, that is when no later
//! append follows it: an append begins only after the one before is on the disk. Lines of the same
//! append may well follow intact, as a disk writes in an order of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::{self, Line};
use super::{Entry, StoreError, TornTail};

/// One file, read into memory and decoded line by line.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Up to here lines were decoded.
    offset: usize,
    lines: u64,
    next_sequence: u64,
    last: bool,
    torn: Option<TornTail>,
}

impl Segment {
    /// Reads the file at `path`, which begins with entry `first`. Only the `last` file of a journal
    /// may have a torn tail.
    pub(super) fn read(path: &Path, first: u64, last: bool) -> Result<Self, StoreError> {
        let bytes = fs::read(path).map_err(|error| StoreError::io(path, error))?;
        let path = path.to_owned();
        Ok(Self { path, bytes, offset: 0, lines: 0, next_sequence: first, last, torn: None })
    }

    /// The next entry; none at the end and at a torn tail.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, StoreError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if rest.is_empty() || self.torn.is_some() {
            return Ok(None);
        }
        match first_line(rest) {
            Ok((Line { entry, .. }, length)) if entry.sequence == self.next_sequence => {
                self.next_sequence = self.next_sequence.saturating_add(1);
                self.offset += length;
                self.lines += 1;
                Ok(Some(entry))
            }
            Ok((Line { entry, .. }, _)) => Err(self.corrupt(&format!(
                "it holds entry {} where entry {} is expected",
                entry.sequence, self.next_sequence
            ))),
            Err(_) if self.last && !self.was_acknowledged(rest) => {
                let (line, bytes) = (self.lines + 1, rest.len() as u64);
                self.torn = Some(TornTail { path: self.path.clone(), line, bytes });
                Ok(None)
            }
            Err(reason) => Err(self.corrupt(&reason)),
        }
    }

    /// The number that follows the last entry that was read.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Length of the file up to the last entry that was read.
    pub(super) fn intact_bytes(&self) -> u64 {
        self.offset as u64
    }

    /// The tail at which reading ended.
    pub(super) fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// Whether a later append follows the damaged line that `rest` begins with. The last intact
    /// line tells, as appends are numbered in order.
    fn was_acknowledged(&self, rest: &[u8]) -> bool {
        rest.rsplit(|byte| *byte == b'\n')
            .find_map(|line| line::decode(line).ok())
            .is_some_and(|later| later.append > self.next_sequence)
    }

    fn corrupt(&self, reason: &str) -> StoreError {
        let line = self.lines + 1;
        StoreError::corrupt(format!("line {line} of {}: {reason}", self.path.display()))
    }
}

/// The line that `bytes` begin with, and its length with its end.
fn first_line(bytes: &[u8]) -> Result<(Line, usize), String> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Err("it has no end".into());
    };
    let line = line::decode(bytes.get(..end).unwrap_or_default())?;
    Ok((line, end + 1))
}
