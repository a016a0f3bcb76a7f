//! What is packed is unpacked to the same: by the decoder that reads other servers' cabinets, and
//! by a program of others where it is there.

use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::corpus;
use crate::wire::cabinet::unpack;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn round_trip(bytes: &[u8]) -> usize {
    let cabinet = pack_blob(bytes).expect("packed");
    let files = unpack(&cabinet, PACK_LIMIT).expect("unpacked");
    assert!(files == [("blob".to_owned(), bytes.to_vec())], "{} bytes", bytes.len());
    cabinet.len()
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn documents_become_about_as_small_as_on_a_real_server() {
    let Some(corpus) = corpus::path() else { return };
    // The length of the cabinets in the recorded answers.
    for (document, recorded) in [
        ("a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe-r200.xml", 11_337),
        ("266f6222-c89d-43f2-9f8a-69340271e677-r200.xml", 1_965),
        ("56309036-4c77-4dd9-951a-99ee9c246a94-r101.xml", 909),
    ] {
        let path = corpus.join("documents").join(document);
        let text = std::fs::read_to_string(path).expect("a document");
        let packed = round_trip(&utf16(&text));
        assert!(packed * 4 < recorded * 5, "{document}: {packed} instead of {recorded}");
    }
}

#[test]
fn the_header_is_the_recorded_one() {
    let text = utf16(&"<upd:Update/>".repeat(500));
    let cabinet = pack_blob(&text).expect("packed");
    assert_eq!(&cabinet[..8], b"MSCF\0\0\0\0");
    assert_eq!(&cabinet[12..36], b"\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\0\0\0\0");
    assert_eq!(&cabinet[36..44], b"\x41\0\0\0\x01\0\x03\x15");
    assert_eq!(&cabinet[44..48], (text.len() as u32).to_le_bytes());
    assert_eq!(&cabinet[48..65], b"\0\0\0\0\0\0\0\0\0\0\0\0blob\0");
}

#[test]
fn every_length_around_a_frame_and_a_block_comes_back() {
    for length in [0, 1, 2, 3, 5, 6, 7, FRAME - 1, FRAME, FRAME + 1, 8 * FRAME, 8 * FRAME + 1] {
        round_trip(&noise(length));
        round_trip(&vec![b'a'; length]);
        round_trip(&utf16(&"update ".repeat(length / 14 + 1)));
    }
}

#[test]
fn noise_hardly_grows_and_may_stand_beside_text() {
    let length = 300_000;
    let packed = round_trip(&noise(length));
    assert!(packed < length + length / 10, "{packed}");
    let text = utf16(&"<b:Registry Key=\"HKLM\" />".repeat(4000));
    let mixed = [&text[..], &noise(40_000), &text, &noise(20_000)].concat();
    let packed = round_trip(&mixed);
    assert!(packed < 90_000, "{packed}");
}

#[test]
fn what_is_too_long_is_refused() {
    let error = pack_blob(&vec![0; PACK_LIMIT + 1]);
    assert_eq!(error, Err(CabinetError::Limit { limit: PACK_LIMIT }));
}

/// cabextract reads LZX with code that has nothing in common with ours.
#[test]
fn another_program_unpacks_what_is_packed() {
    let Ok(version) = Command::new("cabextract").arg("--version").output() else {
        assert!(std::env::var_os("CI").is_none(), "cabextract is missing");
        eprintln!("skipped: cabextract is missing");
        return;
    };
    assert!(version.status.success());
    let directory = tempfile::tempdir().expect("a directory");
    let mut inputs = vec![noise(100_000), utf16(&"<update/>\u{fffd}".repeat(70_000))];
    if let Some(corpus) = corpus::path() {
        for entry in std::fs::read_dir(corpus.join("documents")).expect("documents") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
            inputs.push(utf16(&text));
        }
    }
    for (number, bytes) in inputs.iter().enumerate() {
        let path = directory.path().join(format!("{number}.cab"));
        std::fs::write(&path, pack_blob(bytes).expect("packed")).expect("written");
        let output = Command::new("cabextract").arg("-p").arg("-q").arg(&path).output();
        let output = output.expect("cabextract");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == *bytes, "{number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_comes_back(
        parts in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..40), 1..400_usize),
            0..20,
        ),
    ) {
        let bytes: Vec<u8> =
            parts.iter().flat_map(|(part, times)| part.repeat(*times)).collect();
        round_trip(&bytes);
    }
}
