//! Any bytes unpack within the limit or not at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::wire::cabinet::{MAX_FILES, unpack};

const LIMIT: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    if let Ok(files) = unpack(data, LIMIT) {
        assert!(files.len() <= MAX_FILES);
        assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= LIMIT);
    }
});
