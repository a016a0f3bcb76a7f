//! Real cabinets of a real server, cabinets written by another implementation, and hostile ones.

use std::io::{Cursor, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cab::{CabinetBuilder, CompressionType};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{CabinetError, unpack, unpack_blob};
use crate::corpus;

const LIMIT: usize = 1 << 20;

/// The recorded answers that carry one compressed document each, and which document it is.
const RECORDED: [(&str, &str); 3] = [
    ("000013", "a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe-r200"),
    ("000014", "266f6222-c89d-43f2-9f8a-69340271e677-r200"),
    ("000016", "56309036-4c77-4dd9-951a-99ee9c246a94-r101"),
];

/// Cabinets as the real server made them, each with the document in it.
fn recorded() -> Vec<(Vec<u8>, String)> {
    let Some(corpus) = corpus::path() else { return Vec::new() };
    let cabinet = |(exchange, document)| {
        let path = corpus.join("server-sync").join(exchange).join("response.body");
        let body = std::fs::read_to_string(path).unwrap();
        let (_, blob) = body.split_once("<XmlUpdateBlobCompressed>").unwrap();
        let (blob, _) = blob.split_once('<').unwrap();
        let path = corpus.join("documents").join(document).with_extension("xml");
        (BASE64_STANDARD.decode(blob).unwrap(), std::fs::read_to_string(path).unwrap())
    };
    RECORDED.map(cabinet).into()
}

/// A cabinet written by the `cab` crate, each file in a folder of its own.
fn written(compression: CompressionType, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = CabinetBuilder::new();
    for (name, _) in files {
        builder.add_folder(compression).add_file(*name);
    }
    let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
    for (_, bytes) in files {
        writer.next_file().unwrap().unwrap().write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A cabinet of one file `blob` in one folder with the given compression and data blocks
/// (packed bytes, unpacked size), as the real server lays it out.
fn handmade(compression: u16, blocks: &[(&[u8], u16)]) -> Vec<u8> {
    let mut cabinet = b"MSCF".to_vec();
    cabinet.resize(44, 0);
    cabinet[16] = 44;
    cabinet[24..30].copy_from_slice(&[3, 1, 1, 0, 1, 0]);
    cabinet[36] = 65;
    cabinet[40] = blocks.len() as u8;
    cabinet[42..44].copy_from_slice(&compression.to_le_bytes());
    let size: u32 = blocks.iter().map(|(_, size)| u32::from(*size)).sum();
    cabinet.extend(size.to_le_bytes());
    cabinet.extend(b"\0\0\0\0\0\0\0\0\0\0\0\0blob\0");
    for (packed, size) in blocks {
        cabinet.extend([0; 4]);
        cabinet.extend((packed.len() as u16).to_le_bytes());
        cabinet.extend(size.to_le_bytes());
        cabinet.extend(*packed);
    }
    let size = cabinet.len() as u32;
    cabinet[8..12].copy_from_slice(&size.to_le_bytes());
    cabinet
}

/// The same cabinet with other bytes at `at`.
fn with(cabinet: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = cabinet.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

#[test]
fn unpacks_what_the_real_server_packed() {
    for (cabinet, document) in recorded() {
        let blob = unpack_blob(&cabinet, LIMIT).unwrap();
        let (units, odd) = blob.as_chunks::<2>();
        assert!(odd.is_empty());
        let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        assert_eq!(String::from_utf16(&units).unwrap(), document);
        assert_eq!(unpack(&cabinet, LIMIT).unwrap(), [("blob".to_owned(), blob)]);
    }
}

#[test]
fn unpacks_what_another_implementation_packed() {
    let text = b"<UpdateID>".repeat(9000);
    let noise: Vec<u8> =
        (0..70_000u32).map(|n| (n.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
    let files = [("a.xml", &text[..]), ("b.bin", &noise), ("empty", b"")];
    for compression in [CompressionType::None, CompressionType::MsZip] {
        let unpacked = unpack(&written(compression, &files), LIMIT).unwrap();
        let unpacked: Vec<_> = unpacked.iter().map(|(name, data)| (&**name, &data[..])).collect();
        assert_eq!(unpacked, files);
    }
}

#[test]
fn several_files_share_a_folder() {
    let mut builder = CabinetBuilder::new();
    let folder = builder.add_folder(CompressionType::MsZip);
    folder.add_file("first");
    folder.add_file("../second");
    let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
    for bytes in [vec![1; 40_000], vec![2; 40_000]] {
        writer.next_file().unwrap().unwrap().write_all(&bytes).unwrap();
    }
    let cabinet = writer.finish().unwrap().into_inner();
    let expected = [("first".into(), vec![1; 40_000]), ("../second".into(), vec![2; 40_000])];
    assert_eq!(unpack(&cabinet, LIMIT).unwrap(), expected);
    assert_eq!(unpack_blob(&cabinet, LIMIT), Err(CabinetError::NotOneFile(2)));
}

#[test]
fn the_limit_is_on_what_is_declared() {
    let bytes = vec![0; 100_000];
    let cabinet = written(CompressionType::MsZip, &[("blob", &bytes)]);
    assert!(cabinet.len() < 1000);
    assert_eq!(unpack_blob(&cabinet, 100_000), Ok(bytes));
    assert_eq!(unpack_blob(&cabinet, 99_999), Err(CabinetError::Limit { limit: 99_999 }));

    // Two files on the same bytes count twice.
    let blocks: [(&[u8], u16); 1] = [(&[7; 60], 60)];
    let twice = [&handmade(0, &blocks)[..65], &[60, 0, 0, 0], &[0; 12], b"b\0"].concat();
    let twice = [&twice, &handmade(0, &blocks)[65..]].concat();
    let twice = with(&with(&with(&twice, 28, &[2]), 36, &[83]), 8, &[151]);
    assert_eq!(unpack(&twice, 120).map(|files| files.len()), Ok(2));
    assert_eq!(unpack(&twice, 119), Err(CabinetError::Limit { limit: 119 }));
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    // 65,535 blocks that are nothing but a claim of 32 KiB each: 2 GiB.
    let mut bomb = with(&handmade(1, &[]), 40, &[0xff, 0xff]);
    bomb.extend([0, 0, 0, 0, 0, 0, 0, 0x80].repeat(65_535));
    let size = bomb.len() as u32;
    let bomb = with(&bomb, 8, &size.to_le_bytes());
    assert_eq!(unpack(&bomb, LIMIT), Err(CabinetError::Limit { limit: LIMIT }));
    let possible = bomb.len() * 256;
    assert_eq!(unpack(&bomb, usize::MAX), Err(CabinetError::Limit { limit: possible }));
}

#[test]
fn what_is_declared_must_be_there() {
    let cabinet = handmade(0, &[(b"abc", 3), (b"defg", 4)]);
    assert_eq!(unpack_blob(&cabinet, 7).unwrap(), b"abcdefg");
    for length in 0..cabinet.len() {
        let error = unpack(&cabinet[..length], LIMIT).unwrap_err();
        let expected = if length < 4 { CabinetError::NotACabinet } else { CabinetError::Truncated };
        assert_eq!(error, expected, "cut to {length}");
    }
    let signed = [&cabinet[..], b"signature"].concat();
    assert_eq!(unpack_blob(&signed, 7).unwrap(), b"abcdefg");
}

#[test]
fn hostile_headers_are_refused() {
    let cabinet = handmade(0, &[(b"abc", 3), (b"defg", 4)]);
    let refused = |at, bytes: &[u8]| unpack(&with(&cabinet, at, bytes), LIMIT).unwrap_err();
    let out_of_folder = CabinetError::FileRange("blob".into());
    assert_eq!(refused(0, b"PK"), CabinetError::NotACabinet);
    assert_eq!(refused(8, &[0xff; 4]), CabinetError::Truncated, "size");
    assert_eq!(refused(16, &[0xff; 4]), CabinetError::Truncated, "offset of the files");
    assert_eq!(refused(25, &[2]), CabinetError::NotACabinet, "version");
    let too_many = |what| CabinetError::TooMany { what, count: 17 };
    assert_eq!(refused(26, &[17]), too_many("folders"));
    assert_eq!(refused(28, &[17]), too_many("files"));
    assert_eq!(refused(30, &[1]), CabinetError::Set, "follows another");
    assert_eq!(refused(30, &[2]), CabinetError::Set, "goes on in another");
    assert_eq!(refused(36, &[0xff; 4]), CabinetError::Truncated, "offset of the data");
    assert_eq!(refused(40, &[3]), CabinetError::Truncated, "a block too many");
    assert_eq!(refused(42, &[2, 0x14]), CabinetError::Compression(0x1402), "Quantum");
    assert_eq!(refused(42, &[3, 22]), CabinetError::Compression(0x1603), "4 MiB window");
    assert_eq!(refused(42, &[9, 0]), CabinetError::Compression(9));
    assert_eq!(refused(44, &[8]), out_of_folder, "longer than its folder");
    assert_eq!(refused(48, &[1]), out_of_folder, "starts too late");
    assert_eq!(refused(48, &[0xff; 4]), CabinetError::FileRange("blob".into()));
    assert_eq!(refused(52, &[1]), out_of_folder, "no such folder");
    assert_eq!(refused(52, &[0xfd, 0xff]), CabinetError::Set, "continued from another");
    assert_eq!(refused(65, &[1]), CabinetError::Checksum);
    assert_eq!(refused(69, &[0xff, 0xff]), CabinetError::Truncated, "size of a block");
    assert_eq!(refused(71, &[0]), CabinetError::Set, "goes on in another");
    assert_eq!(refused(42, &[1, 0]), CabinetError::Damaged, "not MSZIP");
    // Without its file, stored bytes that claim another size.
    assert_eq!(refused(71, &[9]), CabinetError::Damaged);
    let mszip = handmade(1, &[(b"CK\x03\0", 0xffff)]);
    assert_eq!(unpack(&mszip, LIMIT), Err(CabinetError::Damaged), "a block above 32 KiB");
}

/// Writes LZX bits: 16-bit little-endian words, filled from the highest bit.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    word: u32,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.word = self.word << 1 | value >> bit & 1;
            self.used += 1;
            if self.used == 16 {
                self.bytes.extend((self.word as u16).to_le_bytes());
                (self.word, self.used) = (0, 0);
            }
        }
    }

    fn align(&mut self) {
        self.push(0, (16 - self.used) % 16);
    }

    /// Path lengths of a tree: 1 for the first element if `first`, and `zeros` zeros.
    fn path_lengths(&mut self, first: bool, mut zeros: u32) {
        // The tree for the tree: element 16 (one more) is `0`, element 18 (a run of zeros) `1`.
        for element in 0..20 {
            self.push(u32::from(element == 16 || element == 18), 4);
        }
        if first {
            self.push(0, 1);
        }
        while zeros > 0 {
            let run = zeros.min(if (52..71).contains(&zeros) { 20 } else { 51 });
            self.push(1, 1);
            self.push(run - 20, 5);
            zeros -= run;
        }
    }
}

/// An LZX stream: "ab" uncompressed, which sets the most recent offset; then a zero byte and a
/// match of two bytes at that offset.
fn lzx_with_recent_offset(offset: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0, 1); // no x86 translation
    bits.push(0b011, 3); // an uncompressed block
    bits.push(2, 24); // of two bytes
    bits.align();
    for recent in [offset, 1, 1] {
        bits.bytes.extend(recent.to_le_bytes());
    }
    bits.bytes.extend(b"ab");
    bits.push(0b001, 3); // a verbatim block
    bits.push(3, 24); // of three bytes
    bits.path_lengths(true, 255);
    bits.path_lengths(true, 239);
    bits.path_lengths(false, 249);
    bits.push(0, 1); // the literal 0
    bits.push(1, 1); // a match of two bytes at the most recent offset
    bits.align();
    bits.bytes
}

#[test]
fn lzx_offsets_outside_the_window_do_not_end_the_thread() {
    let cabinet = |offset| handmade(0x0f03, &[(&lzx_with_recent_offset(offset), 5)]);
    assert_eq!(unpack_blob(&cabinet(3), LIMIT).unwrap(), b"ab\0ab");
    // Whether it is refused or reads as zeros depends on the build's overflow checks.
    match unpack_blob(&cabinet(u32::MAX), LIMIT) {
        Ok(blob) => assert_eq!(blob.len(), 5),
        Err(error) => assert_eq!(error, CabinetError::Damaged),
    }
    assert_eq!(unpack_blob(&cabinet(3), LIMIT).unwrap(), b"ab\0ab", "the next one is not affected");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_cabinets_never_panic_or_exceed_the_limit(
        which in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        keep_checksum in any::<bool>(),
    ) {
        let text = b"<b.WindowsVersion Comparison=\"GreaterThanOrEqualTo\"/>".repeat(900);
        let mut cabinets: Vec<_> = recorded().into_iter().map(|(cabinet, _)| cabinet).collect();
        cabinets.push(written(CompressionType::MsZip, &[("blob", &text)]));
        cabinets.push(written(CompressionType::None, &[("blob", &text[..500])]));
        let mut cabinet = which.get(&cabinets).clone();
        if !keep_checksum {
            // Let the change reach the decoders.
            cabinet[65..69].fill(0);
        }
        for (at, byte) in changes {
            *at.get_mut(&mut cabinet) = byte;
        }
        if let Ok(files) = unpack(&cabinet, 100_000) {
            prop_assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= 100_000);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut cabinet = handmade(0x0f03, &[(&bytes, 100)]);
        let _ = unpack(&cabinet, LIMIT);
        cabinet.truncate(44);
        cabinet.extend(&bytes);
        let _ = unpack(&cabinet, LIMIT);
        prop_assert!(unpack(&bytes, LIMIT).is_err());
    }

    #[test]
    fn mszip_round_trips(parts in prop::collection::vec((any::<u8>(), 1..9000usize), 0..20)) {
        let bytes: Vec<u8> = parts
            .into_iter()
            .flat_map(|(seed, count)| (0..count).map(move |n| seed.wrapping_mul((n / 5) as u8)))
            .collect();
        let cabinet = written(CompressionType::MsZip, &[("blob", &bytes)]);
        prop_assert_eq!(unpack_blob(&cabinet, bytes.len()), Ok(bytes));
    }
}
