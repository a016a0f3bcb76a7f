//! Reading a backup: lines of bounded length, and the digest at the end.

use std::io::{self, BufRead, Write};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::{Batch, Change, StoreError, Tree};
use super::write::hex;
use super::{FORMAT, Header, Line};

/// Bytes in a line: the longest record in base64 with its frame.
const MAX_LINE: u64 = ((Batch::MAX_KEY + Batch::MAX_VALUE) / 3 * 4 + 512) as u64;
/// Bytes of a file that are taken at a time.
const CHUNK: usize = 256 * 1024;

/// What comes next in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A record, as it is from here on.
    Change(Change),
    /// A file; its bytes are had from [`Reader::file`], or skipped by asking for what comes next.
    File {
        /// Below the data directory, as it was written. Not checked here.
        path: String,
        /// Bytes.
        length: u64,
    },
}

/// What a whole backup was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Lines, its first and its last among them.
    pub lines: u64,
    /// SHA-256 of all but its last line.
    pub sha256: String,
}

/// A backup that is read.
pub struct Reader<R> {
    input: R,
    /// The line that was read last, from 1. The bytes of a file are in none.
    number: u64,
    context: Context,
    /// Bytes of a file that were not taken yet.
    left: u64,
    ended: Option<Summary>,
}

impl<R: BufRead> Reader<R> {
    /// Begins with what the first line says.
    ///
    /// # Errors
    /// [`StoreError::BadBackup`] when it is none, [`StoreError::NewerFormat`] when a later weir wrote
    /// it.
    pub fn begin(input: R) -> Result<(Self, Header), StoreError> {
        let context = Context::new(&SHA256);
        let mut reader = Self { input, number: 0, context, left: 0, ended: None };
        match reader.line() {
            Ok((Line::WeirBackup { format: FORMAT, header }, _)) => Ok((reader, header)),
            Ok((Line::WeirBackup { format, .. }, _)) => Err(StoreError::NewerFormat {
                what: "the backup".into(),
                found: format.to_string(),
                supported: FORMAT.to_string(),
            }),
            Err(error @ StoreError::Stream(_)) => Err(error),
            _ => Err(reader.bad("it does not begin as a backup")),
        }
    }

    /// What comes next; none once the end was there and everything before it is what was written.
    ///
    /// # Errors
    /// [`StoreError::BadBackup`] when it is damaged or cut off, [`StoreError::Stream`] when it cannot
    /// be read.
    pub fn item(&mut self) -> Result<Option<Item>, StoreError> {
        if self.ended.is_some() {
            return Ok(None);
        }
        self.file(&mut io::sink())?;
        let (line, before) = self.line()?;
        let item = match line {
            Line::Record { tree, key, value } => {
                let (tree, key, value) =
                    (self.tree(&tree)?, self.bytes(&key)?, self.bytes(&value)?);
                Item::Change(Change::Put { tree, key, value })
            }
            Line::Gone { tree, key } => {
                Item::Change(Change::Delete { tree: self.tree(&tree)?, key: self.bytes(&key)? })
            }
            Line::File { path, length } => {
                self.left = length;
                Item::File { path, length }
            }
            Line::End { lines, sha256 } => {
                self.check_end(lines, &sha256, before)?;
                self.ended = Some(Summary { lines: self.number, sha256 });
                return Ok(None);
            }
            Line::WeirBackup { .. } => return Err(self.bad("a second backup begins")),
        };
        Ok(Some(item))
    }

    /// Passes on what was not taken yet of the file that came last.
    ///
    /// # Errors
    /// [`StoreError::Stream`] when `out` fails.
    pub fn file(&mut self, out: &mut impl Write) -> Result<(), StoreError> {
        while self.left > 0 {
            let bytes = self.input.fill_buf().map_err(StoreError::Stream)?;
            let most = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
            let Some(bytes) = bytes.get(..most.min(bytes.len())).filter(|it| !it.is_empty()) else {
                return Err(self.bad("a file is cut off"));
            };
            self.context.update(bytes);
            out.write_all(bytes).map_err(StoreError::Stream)?;
            let taken = bytes.len();
            self.left -= taken as u64;
            self.input.consume(taken);
        }
        Ok(())
    }

    /// What it was, once it has ended.
    pub fn summary(&self) -> Option<&Summary> {
        self.ended.as_ref()
    }

    /// The same complaint about the line that was read last.
    pub fn bad(&self, reason: &str) -> StoreError {
        StoreError::BadBackup { line: self.number, reason: reason.into() }
    }

    fn check_end(&mut self, lines: u64, sha256: &str, before: Context) -> Result<(), StoreError> {
        if sha256 != hex(before) {
            return Err(self.bad("its SHA-256 is not that of what is before"));
        }
        if lines.checked_add(1) != Some(self.number) {
            return Err(self.bad("its lines are not as many as it says"));
        }
        match self.input.fill_buf().map_err(StoreError::Stream)?.is_empty() {
            true => Ok(()),
            false => Err(self.bad("more follows the end")),
        }
    }

    /// The next line, and the digest of what is before it.
    fn line(&mut self) -> Result<(Line, Context), StoreError> {
        self.number += 1;
        let mut text = Vec::new();
        let mut limited = io::Read::take(&mut self.input, MAX_LINE);
        limited.read_until(b'\n', &mut text).map_err(StoreError::Stream)?;
        match text.last() {
            Some(b'\n') => {}
            None => return Err(self.bad("the end is missing")),
            Some(_) => return Err(self.bad("it is cut off or too long")),
        }
        let line = serde_json::from_slice(&text).map_err(|error| self.bad(&error.to_string()))?;
        let before = self.context.clone();
        self.context.update(&text);
        Ok((line, before))
    }

    fn tree(&self, name: &str) -> Result<Tree, StoreError> {
        let unknown = || self.bad(&format!("tree {name:?} is unknown to this weir"));
        Tree::from_name(name).ok_or_else(unknown)
    }

    fn bytes(&self, text: &str) -> Result<Vec<u8>, StoreError> {
        BASE64.decode(text).map_err(|error| self.bad(&error.to_string()))
    }
}
