use std::fs;

use serde_json::json;
use time::macros::datetime;

use super::*;

const TIME: OffsetDateTime = datetime!(2026-11-23 09:00:00 UTC);

/// A journal with `appends`, each a list of entries, and its only file.
fn journal(appends: &[&[u32]]) -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(scratch.path()).unwrap();
    for entries in appends {
        let values: Vec<_> = entries.iter().map(|number| json!(number)).collect();
        journal.append(TIME, &values).unwrap();
    }
    let file = scratch.path().join("00000001.log");
    (scratch, file)
}

fn values(directory: &Path) -> Vec<Value> {
    entries(directory).unwrap().map(|entry| entry.unwrap().value).collect()
}

/// Overwrites part of line `line` (from 1) of `file`.
fn damage(file: &Path, line: usize) {
    let mut bytes = fs::read(file).unwrap();
    let at: usize = bytes.split(|b| *b == b'\n').take(line - 1).map(|line| line.len() + 1).sum();
    bytes[at + 3..at + 12].fill(0);
    fs::write(file, bytes).unwrap();
}

#[test]
fn entries_come_back_in_order_with_number_and_time() {
    let (scratch, _) = journal(&[&[10, 11], &[], &[12]]);
    let entries: Vec<_> = entries(scratch.path()).unwrap().map(Result::unwrap).collect();
    let entry = |sequence, value| Entry { sequence, time: TIME, value: json!(value) };
    assert_eq!(entries, [entry(1, 10), entry(2, 11), entry(3, 12)]);
}

#[test]
fn numbers_go_on_after_reopening() {
    let (scratch, _) = journal(&[&[10, 11]]);
    let mut journal = Journal::open(scratch.path()).unwrap();
    assert_eq!((journal.next_sequence(), journal.torn()), (3, None));
    journal.append(TIME, &[json!(12)]).unwrap();
    assert_eq!(values(scratch.path()), [10, 11, 12]);
}

#[test]
fn a_file_that_has_grown_is_followed_by_the_next() {
    let scratch = tempfile::tempdir().unwrap();
    for number in 1..=9 {
        let mut journal = Journal::open_rotating(scratch.path(), 150).unwrap();
        journal.append(TIME, &[json!(number)]).unwrap();
    }
    let mut names = durable::names(scratch.path()).unwrap();
    names.sort();
    assert_eq!(names[..3], ["00000001.log", "00000003.log", "00000005.log"]);
    assert_eq!(values(scratch.path()), (1..=9).collect::<Vec<_>>());

    fs::remove_file(scratch.path().join("00000003.log")).unwrap();
    let last = entries(scratch.path()).unwrap().last().unwrap();
    assert!(matches!(last, Err(StoreError::Corrupt { what }) if what.contains("00000005.log")));
}

#[test]
fn a_crash_after_beginning_a_file_loses_no_number() {
    let (scratch, _) = journal(&[&[10, 11]]);
    fs::write(scratch.path().join("00000003.log"), b"").unwrap();
    let mut journal = Journal::open(scratch.path()).unwrap();
    journal.append(TIME, &[json!(12)]).unwrap();
    assert_eq!(values(scratch.path()), [10, 11, 12]);
}

#[test]
fn an_end_torn_at_any_byte_is_cut_off() {
    let (scratch, file) = journal(&[&[10], &[11, 12]]);
    let whole = fs::read(&file).unwrap();
    let lengths: Vec<_> = whole.split_inclusive(|b| *b == b'\n').map(<[u8]>::len).collect();
    for kept in lengths[0]..whole.len() {
        fs::write(&file, &whole[..kept]).unwrap();
        let survivors = if kept < lengths[0] + lengths[1] { 1 } else { 2 };
        assert_eq!(values(scratch.path()).len(), survivors, "before it is cut");

        let mut journal = Journal::open(scratch.path()).unwrap();
        let at_a_line = kept == lengths[0] || kept == lengths[0] + lengths[1];
        assert_eq!(journal.torn().is_none(), at_a_line, "{kept} bytes kept");
        journal.append(TIME, &[json!("next")]).unwrap();
        let values = values(scratch.path());
        assert_eq!((values.len(), values.last()), (survivors + 1, Some(&json!("next"))));
    }
}

#[test]
fn the_cut_is_reported() {
    let (scratch, file) = journal(&[&[10], &[11]]);
    let length = fs::metadata(&file).unwrap().len();
    OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 4).unwrap();
    let journal = Journal::open(scratch.path()).unwrap();
    let torn = journal.torn().unwrap();
    assert_eq!((&torn.path, torn.line, torn.bytes), (&file, 2, length / 2 - 4));
    assert_eq!(fs::metadata(&file).unwrap().len(), length / 2);
}

#[test]
fn a_page_missing_within_the_last_append_is_a_crash() {
    for line in 2..=4 {
        let (scratch, file) = journal(&[&[10], &[11, 12, 13]]);
        damage(&file, line);
        let journal = Journal::open(scratch.path()).unwrap();
        assert_eq!(journal.torn().unwrap().line, line as u64);
        assert_eq!(values(scratch.path()).len(), line - 1);
    }
}

#[test]
fn damage_before_an_acknowledged_append_is_an_error_with_its_line() {
    for line in 1..=3 {
        let (scratch, file) = journal(&[&[10], &[11, 12], &[13]]);
        damage(&file, line);
        let expected = format!("line {line} of {}", file.display());
        for error in [
            Journal::open(scratch.path()).unwrap_err(),
            entries(scratch.path()).unwrap().last().unwrap().unwrap_err(),
        ] {
            let StoreError::Corrupt { what } = error else { panic!("{error}") };
            assert!(what.starts_with(&expected), "{what}");
        }
        assert_eq!(fs::read(&file).unwrap().iter().filter(|b| **b == b'\n').count(), 4);
    }
}

#[test]
fn a_missing_line_is_an_error() {
    let (scratch, file) = journal(&[&[10], &[11], &[12]]);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    fs::write(&file, [lines[0], lines[2]].concat()).unwrap();
    let error = Journal::open(scratch.path()).unwrap_err();
    assert!(error.to_string().contains("entry 3 where entry 2 is expected"), "{error}");
}

#[test]
fn damage_in_a_file_that_is_not_the_last_is_never_a_crash() {
    let (scratch, file) = journal(&[&[10], &[11]]);
    fs::write(scratch.path().join("00000003.log"), b"").unwrap();
    damage(&file, 2);
    let mut entries = entries(scratch.path()).unwrap();
    assert!(entries.next().unwrap().is_ok());
    assert!(matches!(entries.next(), Some(Err(StoreError::Corrupt { .. }))));
    assert!(entries.next().is_none());
}

#[test]
fn a_journal_that_failed_stays_closed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut journal = Journal::open_rotating(scratch.path(), 1).unwrap();
    journal.append(TIME, &[json!(1)]).unwrap();
    // In the way of the next file.
    fs::create_dir(scratch.path().join("00000002.log")).unwrap();
    assert!(matches!(journal.append(TIME, &[json!(2)]), Err(StoreError::Io { .. })));
    fs::remove_dir(scratch.path().join("00000002.log")).unwrap();
    assert!(matches!(journal.append(TIME, &[json!(2)]), Err(StoreError::Broken(_))));

    let mut journal = Journal::open(scratch.path()).unwrap();
    journal.append(TIME, &[json!(2)]).unwrap();
    assert_eq!(values(scratch.path()), [1, 2]);
}
