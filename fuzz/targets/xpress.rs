//! Any bytes decode within the limit or not at all, and everything encoded decodes to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir::wire::xpress::{decode, encode};

const LIMIT: usize = 1 << 20;

fn round_trip(bytes: &[u8]) {
    let mut body = Vec::new();
    encode(bytes, &mut body);
    assert_eq!(decode(&body, bytes.len()).as_deref(), Ok(bytes));
}

fuzz_target!(|data: &[u8]| {
    if let Ok(decoded) = decode(data, LIMIT) {
        assert!(decoded.len() <= LIMIT);
        round_trip(&decoded);
    }
    // The same bytes as the payload of one block.
    let mut block = 5000u32.to_le_bytes().to_vec();
    block.extend_from_slice(&(data.len() as u32).to_le_bytes());
    block.extend_from_slice(data);
    if let Ok(decoded) = decode(&block, LIMIT) {
        assert!(decoded.len() == 5000 || data.is_empty());
    }
    round_trip(data);
});
