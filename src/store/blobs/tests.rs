use super::*;

fn open() -> (tempfile::TempDir, Blobs) {
    let scratch = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&scratch.path().join("blobs")).unwrap();
    (scratch, blobs)
}

#[test]
fn a_blob_lies_under_its_digest_and_survives_reopening() {
    let (scratch, blobs) = open();
    let id = blobs.put(b"abc").unwrap();
    let hex = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
    assert_eq!(id.to_string(), hex);
    assert_eq!(fs::read(scratch.path().join("blobs/BA").join(hex)).unwrap(), b"abc");

    drop(blobs);
    let blobs = Blobs::open(&scratch.path().join("blobs")).unwrap();
    assert_eq!(&blobs.read(id).unwrap()[..], b"abc");
    assert_eq!(blobs.length(id).unwrap(), Some(3));
}

#[test]
fn putting_again_changes_nothing_but_heals_a_truncated_file() {
    let (_scratch, blobs) = open();
    let id = blobs.put(b"the same").unwrap();
    let written = fs::metadata(blobs.path(id)).unwrap().modified().unwrap();
    assert_eq!(blobs.put(b"the same").unwrap(), id);
    assert_eq!(fs::metadata(blobs.path(id)).unwrap().modified().unwrap(), written);

    fs::write(blobs.path(id), b"the").unwrap();
    assert_eq!(blobs.put(b"the same").unwrap(), id);
    assert_eq!(&blobs.read(id).unwrap()[..], b"the same");
}

#[test]
fn many_are_put_at_once_with_repetitions_and_in_order() {
    let (scratch, blobs) = open();
    let texts: Vec<_> = (0..3 * OPEN_FILES).map(|n| format!("blob {}", n / 2)).collect();
    let ids = blobs.put_many(&texts).unwrap();
    for (id, text) in ids.iter().zip(&texts) {
        assert_eq!(&blobs.read(*id).unwrap()[..], text.as_bytes());
    }
    assert_eq!(ids.len(), texts.len());
    assert!(durable::names(&scratch.path().join("blobs/tmp")).unwrap().is_empty());
}

#[test]
fn damage_is_noticed_when_reading_and_when_verifying() {
    let (_scratch, blobs) = open();
    let id = blobs.put(&vec![1; 3 * CHUNK]).unwrap();
    blobs.verify(id).unwrap();
    let mut bytes = fs::read(blobs.path(id)).unwrap();
    bytes[2 * CHUNK] = 2;
    fs::write(blobs.path(id), bytes).unwrap();
    assert!(matches!(blobs.read(id), Err(StoreError::Corrupt { .. })));
    assert!(matches!(blobs.verify(id), Err(StoreError::Corrupt { .. })));
}

#[test]
fn ranges_are_read_within_the_blob_only() {
    let (_scratch, blobs) = open();
    let id = blobs.put(b"0123456789").unwrap();
    assert_eq!(&blobs.read_range(id, 3, 4).unwrap()[..], b"3456");
    assert_eq!(&blobs.read_range(id, 10, 0).unwrap()[..], b"");
    for (offset, length) in [(9, 2), (u64::MAX, 1), (0, usize::MAX)] {
        let error = blobs.read_range(id, offset, length).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_blob_that_is_not_there_is_named() {
    let (_scratch, blobs) = open();
    let absent = BlobId::of(b"absent");
    assert_eq!(blobs.length(absent).unwrap(), None);
    for error in [
        blobs.read(absent).unwrap_err(),
        blobs.read_range(absent, 0, 1).unwrap_err(),
        blobs.verify(absent).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::MissingBlob(id) if id == absent), "{error}");
    }
}

#[test]
fn what_a_crash_left_unfinished_is_removed_at_open() {
    let (scratch, blobs) = open();
    let left = scratch.path().join("blobs/tmp/7");
    fs::write(&left, b"half of").unwrap();
    drop(blobs);
    Blobs::open(&scratch.path().join("blobs")).unwrap();
    assert!(!left.exists());
}

#[test]
fn a_sweep_removes_what_is_unwanted_and_nothing_that_is_no_blob() {
    let (scratch, blobs) = open();
    let kept = blobs.put(b"kept").unwrap();
    let swept = blobs.put(b"swept").unwrap();
    let foreign = scratch.path().join("blobs/00/README");
    fs::write(&foreign, b"not a blob").unwrap();

    assert_eq!(blobs.retain(|id| id == kept).unwrap(), Swept { blobs: 1, bytes: 5 });
    assert!(foreign.exists());
    assert_eq!(blobs.length(swept).unwrap(), None);
    assert_eq!(blobs.length(kept).unwrap(), Some(4));
}

#[test]
fn a_failed_write_leaves_no_file_behind() {
    let (scratch, blobs) = open();
    let id = BlobId::of(b"blocked");
    fs::create_dir_all(blobs.path(id).join("in the way")).unwrap();
    assert!(matches!(blobs.put(b"blocked"), Err(StoreError::Io { .. })));
    assert!(durable::names(&scratch.path().join("blobs/tmp")).unwrap().is_empty());
}
