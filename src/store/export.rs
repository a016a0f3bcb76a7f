//! All records of a store as one stream of text, for backup, compaction and change of engine.
//!
//! A JSON object a line: a header, the records tree by tree in key order, and an end with the
//! number of records of each tree and the SHA-256 of every byte before it. Nothing of an engine is
//! in it, so any engine can read what any other has written. Keys and values are base64 of the
//! stored bytes; a value keeps the record version it was written with ([`value`](super::value)).
//!
//! An import reads its input twice: once to be sure of it, once to write it. A damaged export is
//! thereby refused before the first record is stored. The power can still fail in between, so
//! import into a fresh directory and rename that when the import has returned.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Seek, SeekFrom, Write};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::{Store, StoreError, Tree};

/// Of the lines below; not of the values in them.
const FORMAT: u32 = 1;
/// Bytes in a line: the longest record in base64 with its frame.
const MAX_LINE: u64 = ((Batch::MAX_KEY + Batch::MAX_VALUE) / 3 * 4 + 256) as u64;
/// Bytes of values after which an import commits, besides [`Batch::ADVISED_CHANGES`].
const BATCH_BYTES: usize = 4 << 20;

/// Number of records of each tree.
pub type Counts = BTreeMap<Tree, u64>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Weir { format: u32 },
    Record { tree: String, key: String, value: String },
    End { counts: BTreeMap<String, u64>, sha256: String },
}

/// Writes all records of `store` to `out` and flushes it; making it durable is the caller's.
///
/// # Errors
/// Those of the store, and [`StoreError::Stream`] when `out` fails.
pub fn export(store: &dyn Store, out: &mut dyn Write) -> Result<Counts, StoreError> {
    let mut out = Hashed { out, context: Context::new(&SHA256) };
    out.line(&Line::Weir { format: FORMAT })?;
    let mut counts = Counts::new();
    for tree in Tree::ALL {
        let mut count = 0_u64;
        store.load(tree, &mut |key, value| {
            count += 1;
            let (key, value) = (BASE64.encode(key), BASE64.encode(value));
            out.line(&Line::Record { tree: tree.name().into(), key, value })
        })?;
        counts.insert(tree, count);
    }
    let sha256 = hex(out.context.clone());
    out.line(&Line::End { counts: named(&counts), sha256 })?;
    out.out.flush().map_err(StoreError::Stream)?;
    Ok(counts)
}

/// Stores all records of an export, which begins at the current position of `input`, in `store`.
///
/// # Errors
/// [`StoreError::NotEmpty`] when the store has records, [`StoreError::BadExport`] when the export
/// is damaged or incomplete; both before anything is written. After any other error discard the
/// store.
pub fn import(
    store: &mut dyn Store,
    input: &mut (impl BufRead + Seek),
) -> Result<Counts, StoreError> {
    for tree in Tree::ALL {
        store.load(tree, &mut |_, _| Err(StoreError::NotEmpty))?;
    }
    let start = input.stream_position().map_err(StoreError::Stream)?;
    read(input, |_, _, _| Ok(()))?;
    input.seek(SeekFrom::Start(start)).map_err(StoreError::Stream)?;

    let mut batch = Batch::new();
    let mut bytes = 0;
    let counts = read(input, |tree, key, value| {
        bytes += value.len();
        batch.put(tree, key, value);
        if batch.len() == Batch::ADVISED_CHANGES || bytes >= BATCH_BYTES {
            store.commit(&std::mem::take(&mut batch))?;
            bytes = 0;
        }
        Ok(())
    })?;
    store.commit(&batch)?;
    Ok(counts)
}

/// Checks an export from header to end and passes its records to `each`.
fn read(
    input: &mut impl BufRead,
    mut each: impl FnMut(Tree, Vec<u8>, Vec<u8>) -> Result<(), StoreError>,
) -> Result<Counts, StoreError> {
    let mut lines = Lines { input, number: 0, context: Context::new(&SHA256) };
    match lines.next()? {
        (Line::Weir { format: FORMAT }, _) => {}
        (Line::Weir { format }, _) => {
            return Err(StoreError::NewerFormat {
                what: "the export".into(),
                found: format.to_string(),
                supported: FORMAT.to_string(),
            });
        }
        _ => return Err(lines.bad("it does not begin as an export")),
    }

    let mut counts: Counts = Tree::ALL.into_iter().map(|tree| (tree, 0)).collect();
    let mut previous: Option<(Tree, Vec<u8>)> = None;
    loop {
        match lines.next()? {
            (Line::Record { tree, key, value }, _) => {
                let tree = Tree::from_name(&tree)
                    .ok_or_else(|| lines.bad(&format!("tree {tree:?} is unknown to this weir")))?;
                let key = lines.bytes(&key)?;
                let value = lines.bytes(&value)?;
                let place = (tree, key);
                if previous.as_ref().is_some_and(|previous| *previous >= place) {
                    return Err(lines.bad("records are not in order"));
                }
                *counts.entry(tree).or_default() += 1;
                each(tree, place.1.clone(), value)?;
                previous = Some(place);
            }
            (Line::End { counts: expected, sha256 }, before) => {
                if sha256 != hex(before) {
                    return Err(lines.bad("its SHA-256 is not that of the lines before"));
                }
                if !same_counts(&expected, &named(&counts)) {
                    return Err(lines.bad("its counts are not those of the lines before"));
                }
                if !lines.input.fill_buf().map_err(StoreError::Stream)?.is_empty() {
                    return Err(lines.bad("more follows the end"));
                }
                return Ok(counts);
            }
            (Line::Weir { .. }, _) => return Err(lines.bad("a second export begins")),
        }
    }
}

/// Writes lines and remembers their digest.
struct Hashed<'a> {
    out: &'a mut dyn Write,
    context: Context,
}

impl Hashed<'_> {
    fn line(&mut self, line: &Line) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec(line).map_err(|error| StoreError::Unencodable {
            record: "line of an export",
            reason: error.to_string(),
        })?;
        text.push(b'\n');
        self.context.update(&text);
        self.out.write_all(&text).map_err(StoreError::Stream)
    }
}

/// Reads lines of bounded length.
struct Lines<'a, R> {
    input: &'a mut R,
    number: u64,
    context: Context,
}

impl<R: BufRead> Lines<'_, R> {
    /// The next line, and the digest of the lines before it.
    fn next(&mut self) -> Result<(Line, Context), StoreError> {
        self.number += 1;
        let mut text = Vec::new();
        self.input.take(MAX_LINE).read_until(b'\n', &mut text).map_err(StoreError::Stream)?;
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

    fn bytes(&self, text: &str) -> Result<Vec<u8>, StoreError> {
        BASE64.decode(text).map_err(|error| self.bad(&error.to_string()))
    }

    fn bad(&self, reason: &str) -> StoreError {
        StoreError::BadExport { line: self.number, reason: reason.into() }
    }
}

/// Whether the counts are the same. An export of an older weir does not name the trees that it did
/// not have.
fn same_counts(expected: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> bool {
    let known = expected.keys().all(|tree| found.contains_key(tree));
    known && found.iter().all(|(tree, count)| expected.get(tree).unwrap_or(&0) == count)
}

fn named(counts: &Counts) -> BTreeMap<String, u64> {
    counts.iter().map(|(tree, count)| (tree.name().to_owned(), *count)).collect()
}

fn hex(context: Context) -> String {
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
