//! Any `Range` header asks for bytes inside the file, and never for much more than the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::content::ranges::{ByteRange, MAX_RANGES, Requested, parse};

fuzz_target!(|data: &[u8]| {
    let Some((size, header)) = data.split_first_chunk() else { return };
    let size = u64::from_le_bytes(*size);
    let header = String::from_utf8_lossy(header);
    check(parse(&header, size), size);
    check(parse(&format!("bytes={header}"), size % 1000), size % 1000);
});

fn check(requested: Requested, size: u64) {
    let inside = |range: &ByteRange| range.first <= range.last && range.last < size;
    match requested {
        Requested::Whole | Requested::Unsatisfiable => {}
        Requested::One(range) => assert!(inside(&range)),
        Requested::Many(ranges) => {
            assert!((2..=MAX_RANGES).contains(&ranges.len()) && ranges.iter().all(inside));
            let sum: u128 = ranges.iter().map(|range| u128::from(range.len())).sum();
            assert!(sum <= 2 * u128::from(size));
        }
    }
}
