use std::io::Cursor;

use super::*;
use crate::store::{Change, StoreError, Tree};

fn header() -> Header {
    Header { version: "0.1.0".into(), created: "2026-11-29T06:00:00Z".into(), content: false }
}

fn put(key: &[u8], value: &[u8]) -> Change {
    Change::Put { tree: Tree::Groups, key: key.to_vec(), value: value.to_vec() }
}

/// A backup with everything in it, and what is in it.
fn whole() -> (Vec<u8>, Vec<Item>) {
    let gone = Change::Delete { tree: Tree::Meta, key: b"k".to_vec() };
    let changes = [put(b"b", b"2"), gone, put(b"b", b"3")];
    let mut out = Vec::new();
    let mut writer = Writer::begin(header(), &mut out).unwrap();
    for change in &changes {
        writer.change(change, &mut out).unwrap();
    }
    let mut items: Vec<Item> = changes.map(Item::Change).into();
    for (path, bytes) in [("a/b", &b"{\"end\":\n\xFF"[..]), ("c", b"")] {
        writer.file(path.into(), bytes.len() as u64, &mut out).unwrap();
        out.extend_from_slice(bytes);
        writer.bytes(bytes);
        items.push(Item::File { path: path.into(), length: bytes.len() as u64 });
    }
    writer.end(&mut out).unwrap();
    (out, items)
}

fn read(bytes: &[u8]) -> Result<(Vec<Item>, Summary), StoreError> {
    let (mut reader, found) = Reader::begin(Cursor::new(bytes))?;
    assert_eq!(found, header());
    let mut items = Vec::new();
    while let Some(item) = reader.item()? {
        items.push(item);
    }
    Ok((items, reader.summary().unwrap().clone()))
}

fn refusal(bytes: &[u8]) -> (u64, String) {
    match read(bytes).unwrap_err() {
        StoreError::BadBackup { line, reason } => (line, reason),
        other => panic!("{other}"),
    }
}

#[test]
fn what_was_written_is_read() {
    let (bytes, items) = whole();
    let (found, summary) = read(&bytes).unwrap();
    assert_eq!(found, items);
    assert_eq!(summary.lines, 7);
    let last = bytes.len() - 1 - bytes.iter().rev().skip(1).position(|b| *b == b'\n').unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes[..last]);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(summary.sha256, hex);
}

#[test]
fn the_form_is_fixed() {
    let (bytes, _) = whole();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let first = "{\"weir_backup\":{\"format\":1,\"version\":\"0.1.0\",\
                 \"created\":\"2026-11-29T06:00:00Z\",\"content\":false}}\n";
    assert_eq!(lines[0], first.as_bytes());
    assert_eq!(
        lines[1],
        b"{\"record\":{\"tree\":\"groups\",\"key\":\"Yg==\",\"value\":\"Mg==\"}}\n"
    );
    assert_eq!(lines[2], b"{\"gone\":{\"tree\":\"meta\",\"key\":\"aw==\"}}\n");
    assert_eq!(lines[4], b"{\"file\":{\"path\":\"a/b\",\"length\":9}}\n");
}

#[test]
fn the_bytes_of_a_file_are_had_in_between() {
    let (bytes, _) = whole();
    let (mut reader, _) = Reader::begin(Cursor::new(&bytes)).unwrap();
    let mut files = Vec::new();
    while let Some(item) = reader.item().unwrap() {
        if let Item::File { .. } = item {
            let mut file = Vec::new();
            reader.file(&mut file).unwrap();
            files.push(file);
        }
    }
    assert_eq!(files, [&b"{\"end\":\n\xFF"[..], b""]);
}

#[test]
fn one_that_is_cut_anywhere_is_refused() {
    let (bytes, _) = whole();
    for length in 0..bytes.len() {
        read(&bytes[..length]).unwrap_err();
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let (bytes, _) = whole();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let found = std::panic::catch_unwind(|| read(&bytes));
        assert!(found.is_err() || found.unwrap().is_err(), "byte {at}");
    }
}

#[test]
fn what_is_out_of_place_is_refused() {
    let (bytes, _) = whole();
    let more = [&bytes[..], b"\n"].concat();
    assert_eq!(refusal(&more), (7, "more follows the end".into()));
    let text = String::from_utf8_lossy(&bytes[..bytes.iter().position(|b| *b == b'\n').unwrap()]);
    let twice = format!("{text}\n{text}\n");
    assert_eq!(refusal(twice.as_bytes()), (2, "a second backup begins".into()));
    let unknown = format!("{text}\n{{\"gone\":{{\"tree\":\"printers\",\"key\":\"\"}}}}\n");
    assert_eq!(
        refusal(unknown.as_bytes()),
        (2, "tree \"printers\" is unknown to this weir".into())
    );
    let none = Reader::begin(Cursor::new(b"PK\x03\x04")).err().unwrap();
    assert!(none.to_string().contains("does not begin as a backup"), "{none}");
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let (bytes, _) = whole();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let endless = [&bytes[..=first], &vec![b' '; 2 << 20][..]].concat();
    assert_eq!(refusal(&endless), (2, "it is cut off or too long".into()));
}

#[test]
fn a_later_format_is_named() {
    let (bytes, _) = whole();
    let text = String::from_utf8_lossy(&bytes).replacen("\"format\":1", "\"format\":2", 1);
    let error = Reader::begin(Cursor::new(text.into_bytes())).err().unwrap();
    assert!(matches!(error, StoreError::NewerFormat { found, .. } if found == "2"));
}
