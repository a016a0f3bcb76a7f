use std::io::Cursor;

use super::*;
use crate::store::memory::MemoryStore;
use crate::store::sled::SledStore;
use crate::store::suite::records;

fn filled() -> MemoryStore {
    let mut batch = Batch::new();
    for number in 0..2500_u32 {
        batch.put(Tree::Revisions, number.to_be_bytes(), vec![number as u8; 50]);
    }
    batch.put(Tree::Meta, b"", b"");
    batch.put(Tree::Contents, vec![0xFF; Batch::MAX_KEY], vec![0xFE; Batch::MAX_VALUE]);
    let mut store = MemoryStore::new();
    store.commit(&batch).unwrap();
    store
}

fn small() -> Vec<String> {
    let mut batch = Batch::new();
    batch.put(Tree::Meta, b"a", b"1");
    batch.put(Tree::Groups, b"b", b"2");
    let mut store = MemoryStore::new();
    store.commit(&batch).unwrap();
    let mut text = Vec::new();
    export(&store, &mut text).unwrap();
    String::from_utf8(text).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

fn refusal(text: &str) -> (u64, String) {
    let mut store = MemoryStore::new();
    let error = import(&mut store, &mut Cursor::new(text)).unwrap_err();
    assert!(Tree::ALL.iter().all(|tree| records(&store, *tree).is_empty()), "{error}");
    match error {
        StoreError::BadExport { line, reason } => (line, reason),
        other => panic!("{other}"),
    }
}

#[test]
fn the_form_is_fixed() {
    let lines = small();
    assert_eq!(lines[0], "{\"weir\":{\"format\":1}}\n");
    assert_eq!(lines[1], "{\"record\":{\"tree\":\"meta\",\"key\":\"YQ==\",\"value\":\"MQ==\"}}\n");
    assert_eq!(lines.len(), 4);
    let end: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    assert_eq!(end["end"]["counts"]["groups"], 1);
    assert_eq!(end["end"]["sha256"], {
        let mut context = Context::new(&SHA256);
        context.update(lines[..3].concat().as_bytes());
        hex(context)
    });
}

#[test]
fn another_engine_reads_what_was_exported() {
    let original = filled();
    let mut text = Vec::new();
    let exported = export(&original, &mut text).unwrap();
    assert_eq!(exported[&Tree::Revisions], 2500);

    let scratch = tempfile::tempdir().unwrap();
    let mut copy = SledStore::open(scratch.path()).unwrap();
    assert_eq!(import(&mut copy, &mut Cursor::new(&text)).unwrap(), exported);
    for tree in Tree::ALL {
        assert!(records(&copy, tree) == records(&original, tree), "{}", tree.name());
    }

    let mut again = Vec::new();
    export(&copy, &mut again).unwrap();
    assert!(again == text);
}

#[test]
fn an_import_begins_where_the_input_stands() {
    let text = format!("prefix{}", small().concat());
    let mut input = Cursor::new(text);
    input.set_position(6);
    let mut store = MemoryStore::new();
    import(&mut store, &mut input).unwrap();
    assert_eq!(store.read(Tree::Groups, b"b").unwrap().as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_store_with_records_is_left_alone() {
    let mut store = filled();
    let before = records(&store, Tree::Meta);
    let result = import(&mut store, &mut Cursor::new(small().concat()));
    assert!(matches!(result, Err(StoreError::NotEmpty)));
    assert_eq!(records(&store, Tree::Meta), before);
}

#[test]
fn an_export_cut_anywhere_is_refused() {
    let text = small().concat();
    for length in 0..text.len() {
        refusal(&text[..length]);
    }
    assert_eq!(refusal(&small()[..3].concat()), (4, "the end is missing".into()));
}

#[test]
fn every_changed_byte_is_noticed() {
    let text = small().concat();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let mut store = MemoryStore::new();
        assert!(import(&mut store, &mut Cursor::new(bytes)).is_err(), "byte {at}");
        assert!(records(&store, Tree::Meta).is_empty());
    }
}

#[test]
fn lines_out_of_place_are_refused() {
    let lines = small();
    let of = |order: &[usize]| order.iter().map(|at| &lines[*at][..]).collect::<String>();
    assert_eq!(refusal(&of(&[1, 2, 3])), (1, "it does not begin as an export".into()));
    assert_eq!(refusal(&of(&[0, 2, 1, 3])), (3, "records are not in order".into()));
    assert_eq!(refusal(&of(&[0, 1, 1, 2, 3])), (3, "records are not in order".into()));
    assert_eq!(refusal(&of(&[0, 0, 1, 2, 3])), (2, "a second export begins".into()));
    assert_eq!(refusal(&of(&[0, 1, 2, 3, 3])), (4, "more follows the end".into()));
    assert_eq!(refusal(&of(&[0, 1, 3])).0, 3);
    let unknown = lines.concat().replace("\"groups\",\"key", "\"printers\",\"key");
    assert_eq!(refusal(&unknown), (3, "tree \"printers\" is unknown to this weir".into()));
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let endless = format!("{}{}", small()[0], " ".repeat(MAX_LINE as usize + 1));
    assert_eq!(refusal(&endless), (2, "it is cut off or too long".into()));
}

#[test]
fn a_later_format_is_named() {
    let text = small().concat().replacen("\"format\":1", "\"format\":2", 1);
    let error = import(&mut MemoryStore::new(), &mut Cursor::new(text)).unwrap_err();
    assert!(matches!(error, StoreError::NewerFormat { found, .. } if found == "2"));
}

#[test]
fn a_failing_stream_is_not_blamed_on_the_store() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(export(&filled(), &mut Full), Err(StoreError::Stream(_))));
}
