//! One line of the journal.
//!
//! `{"seq":7,"append":5,"time":"2026-11-23T09:00:00Z","entry":…,"crc":"0a1b2c3d"}`. The checksum is
//! that of the bytes before `,"crc"`, so it can be checked without knowing how JSON was written.
//! `append` is the number of the first entry that was appended in the same call: it tells which
//! lines were acknowledged before which.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{Entry, StoreError};

/// `,"crc":"` and eight digits and `"}`.
const CHECKSUM_LENGTH: usize = 18;

#[derive(Serialize)]
struct Unchecked<'a> {
    seq: u64,
    append: u64,
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
    entry: &'a Value,
}

#[derive(Deserialize)]
struct Checked {
    seq: u64,
    append: u64,
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
    entry: Value,
}

/// A line that was read.
pub(super) struct Line {
    pub(super) entry: Entry,
    /// Number of the first entry of its append.
    pub(super) append: u64,
}

/// Adds the line of an entry, with its end, to `out`.
pub(super) fn encode(
    out: &mut Vec<u8>,
    seq: u64,
    append: u64,
    time: OffsetDateTime,
    entry: &Value,
) -> Result<(), StoreError> {
    let unencodable = |reason: String| StoreError::Unencodable { record: "journal entry", reason };
    let start = out.len();
    serde_json::to_writer(&mut *out, &Unchecked { seq, append, time, entry })
        .map_err(|error| unencodable(error.to_string()))?;
    out.pop();
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    writeln!(out, r#","crc":"{checksum:08x}"}}"#).map_err(|error| unencodable(error.to_string()))
}

/// Reads a line without its end; the error is what is wrong with it.
pub(super) fn decode(line: &[u8]) -> Result<Line, String> {
    let (checked, checksum) = line
        .len()
        .checked_sub(CHECKSUM_LENGTH)
        .and_then(|at| line.split_at_checked(at))
        .ok_or("it is too short")?;
    let expected = format!(r#","crc":"{:08x}"}}"#, crc32fast::hash(checked));
    if checksum != expected.as_bytes() {
        return Err("its checksum does not match".into());
    }
    let Checked { seq, append, time, entry } =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    Ok(Line { entry: Entry { sequence: seq, time, value: entry }, append })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn line(value: &Value) -> Vec<u8> {
        let mut line = Vec::new();
        encode(&mut line, 7, 5, datetime!(2026-11-23 09:00:00 UTC), value).unwrap();
        assert_eq!(line.pop(), Some(b'\n'));
        line
    }

    #[test]
    fn the_form_is_fixed() {
        let text = String::from_utf8(line(&json!({"approve": "a\nb"}))).unwrap();
        assert_eq!(
            text,
            r#"{"seq":7,"append":5,"time":"2026-11-23T09:00:00Z","entry":{"approve":"a\nb"},"crc":"d521c80d"}"#
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in ".*", number: i64) {
            let value = json!({ "name": name, "numbers": [number, null] });
            let read = decode(&line(&value)).map_err(TestCaseError::fail)?;
            prop_assert_eq!(read.append, 5);
            prop_assert_eq!(read.entry.sequence, 7);
            prop_assert_eq!(read.entry.value, value);
        }

        #[test]
        fn every_changed_byte_is_noticed(at: prop::sample::Index, change in 1..=u8::MAX) {
            let mut line = line(&json!("value"));
            let at = at.index(line.len());
            line[at] ^= change;
            prop_assert!(decode(&line).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
