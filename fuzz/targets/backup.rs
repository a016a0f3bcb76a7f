//! A backup is read to its end or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::store::backup::{Item, Reader};

fuzz_target!(|bytes: &[u8]| {
    let Ok((mut reader, _)) = Reader::begin(bytes) else { return };
    let mut taken = 0_u64;
    while let Ok(Some(item)) = reader.item() {
        if let Item::File { length, .. } = item {
            let mut file = Vec::new();
            if reader.file(&mut file).is_err() {
                return;
            }
            assert_eq!(file.len() as u64, length);
            taken += length;
        }
    }
    assert!(taken <= bytes.len() as u64);
});
