//! The specification's examples, both directions against independent implementations, and
//! properties over generated input.

use proptest::prelude::*;

use super::{MAX_BLOCK, XpressError, decode, encode, store};
use crate::corpus;

fn encoded(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(input, &mut out);
    out
}

/// A block around a payload.
fn block(original: usize, payload: &[u8]) -> Vec<u8> {
    let mut body = (original as u32).to_le_bytes().to_vec();
    body.extend((payload.len() as u32).to_le_bytes());
    body.extend(payload);
    body
}

/// The blocks of a body: original size and payload.
fn blocks(mut body: &[u8]) -> Vec<(usize, &[u8])> {
    let mut blocks = Vec::new();
    while !body.is_empty() {
        let size = |at: usize| u32::from_le_bytes(body[at..at + 4].try_into().unwrap()) as usize;
        let (original, compressed) = (size(0), size(4));
        blocks.push((original, &body[8..8 + compressed]));
        body = &body[8 + compressed..];
    }
    blocks
}

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// [MS-XCA] 3.1, first example.
const ALPHABET_PAYLOAD: &[u8] = b"\x3f\0\0\0abcdefghijklmnopqrstuvwxyz";

/// [MS-XCA] 3.1, second example: "abc" a hundred times.
const ABC_PAYLOAD: &[u8] =
    &[0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0x00, 0x0f, 0xff, 0x26, 0x01];

#[test]
fn decodes_the_examples_of_the_specification() {
    assert_eq!(decode(&block(26, ALPHABET_PAYLOAD), 26).unwrap(), ALPHABET);
    assert_eq!(decode(&block(300, ABC_PAYLOAD), 300).unwrap(), b"abc".repeat(100));
}

#[test]
fn encodes_as_the_examples_of_the_specification() {
    // The alphabet grows by its flags and is stored; the payload is the example's.
    assert_eq!(encoded(ALPHABET), block(26, ALPHABET));
    assert_eq!(encoded(&b"abc".repeat(100)), block(300, ABC_PAYLOAD));
}

#[test]
fn ends_with_a_flag_also_when_the_elements_fill_a_word() {
    // [MS-WUSP] 2.1.1.1.2: the example in its text, with its 8 flags followed by 24 of ours.
    assert_eq!(decode(&block(9, b"\xff\xff\xff\x11ABC\x10\0DEF"), 9).unwrap(), b"ABCABCDEF");

    let mut full: Vec<u8> = (1..32).collect();
    full.extend(1..32);
    let body = encoded(&full);
    let (_, payload) = blocks(&body)[0];
    assert_eq!(payload[..4], [1, 0, 0, 0], "31 literals and a match");
    assert_eq!(payload[payload.len() - 4..], [0xff; 4], "a further word for the last flag");
    assert_eq!(decode(&body, full.len()).unwrap(), full);
    assert_eq!(
        decode(&block(full.len(), &payload[..payload.len() - 4]), full.len()),
        Err(XpressError::Truncated)
    );
}

#[test]
fn every_length_takes_its_own_form() {
    // One literal and a match that repeats it. The forms change at 9, 24 and 279.
    let tail = |length: usize| {
        let body = encoded(&vec![b'a'; length + 1]);
        assert_eq!(decode(&body, length + 1).unwrap(), vec![b'a'; length + 1]);
        blocks(&body)[0].1[5..].to_vec()
    };
    assert_eq!(tail(9), [0x06, 0]);
    assert_eq!(tail(10), [0x07, 0, 0]);
    assert_eq!(tail(24), [0x07, 0, 14]);
    assert_eq!(tail(25), [0x07, 0, 15, 0]);
    assert_eq!(tail(279), [0x07, 0, 15, 254]);
    assert_eq!(tail(280), [0x07, 0, 15, 255, 0x15, 0x01]);
    assert_eq!(tail(281), [0x07, 0, 15, 255, 0x16, 0x01]);
    assert_eq!(tail(MAX_BLOCK - 1), [0x07, 0, 15, 255, 0xfb, 0xff]);
}

#[test]
fn two_matches_share_a_byte_of_nibbles() {
    let mut input = vec![b'a'; 13];
    input.extend(vec![b'b'; 14]);
    input.extend(vec![b'c'; 15]);
    let body = encoded(&input);
    let (_, payload) = blocks(&body)[0];
    // Lengths 12, 13 and 14; the second one's nibble went into the first one's byte.
    assert_eq!(&payload[4..], b"a\x07\0\x32b\x07\0c\x07\0\x04");
    assert_eq!(decode(&body, input.len()).unwrap(), input);
}

#[test]
fn a_window_of_8192_bytes_is_used_and_not_exceeded() {
    for (distance, reachable) in [(8192, true), (8193, false)] {
        let mut input = b"<UpdateID>".to_vec();
        input.resize(distance, 0);
        input.extend(b"<UpdateID>");
        let body = encoded(&input);
        assert_eq!(decode(&body, input.len()).unwrap(), input);
        let literals = body.windows(10).filter(|bytes| bytes == b"<UpdateID>").count();
        assert_eq!(literals, if reachable { 1 } else { 2 });
    }
}

#[test]
fn nothing_is_nothing() {
    assert!(encoded(&[]).is_empty());
    assert!(decode(&[], 0).unwrap().is_empty());
}

#[test]
fn a_longer_input_becomes_independent_blocks() {
    let input = b"<Update/>".repeat(20_000);
    let body = encoded(&input);
    let blocks = blocks(&body);
    assert_eq!(
        blocks.iter().map(|(original, _)| *original).collect::<Vec<_>>(),
        [MAX_BLOCK, MAX_BLOCK, 180_000 - 2 * MAX_BLOCK]
    );
    let mut alone = Vec::new();
    for (original, payload) in blocks {
        alone.extend(decode(&block(original, payload), original).unwrap());
    }
    assert_eq!(alone, input);
}

#[test]
fn accepts_the_block_size_of_the_real_server() {
    let input: Vec<u8> = (0..20_302u32).flat_map(|n| [b'<', (n / 16) as u8]).collect();
    let mut body = Vec::new();
    for part in input.chunks(16_352) {
        encode(part, &mut body);
    }
    assert_eq!(decode(&body, input.len()).unwrap(), input);
}

#[test]
fn malformed_bodies_are_refused() {
    let refused = |body: &[u8]| decode(body, 100_000).unwrap_err();
    let abc = block(300, ABC_PAYLOAD);
    for length in 1..abc.len() {
        assert_eq!(refused(&abc[..length]), XpressError::Truncated, "cut to {length}");
    }
    // The same with a header that knows of the cut: without its last elements the stream still
    // ends where an element would start, but not with the size it should have.
    for length in 0..ABC_PAYLOAD.len() {
        let expected = if length == 7 { XpressError::Size } else { XpressError::Truncated };
        assert_eq!(refused(&block(300, &ABC_PAYLOAD[..length])), expected, "cut to {length}");
    }
    assert_eq!(refused(&block(299, ABC_PAYLOAD)), XpressError::Size);
    assert_eq!(refused(&block(301, ABC_PAYLOAD)), XpressError::Size);
    assert_eq!(refused(&block(2, b"\0\0\0\0abc")), XpressError::Size);
    assert_eq!(refused(&block(9, b"\0\0\0\x40a\x08\0")), XpressError::Offset);
    assert_eq!(refused(&block(9, b"\0\0\0\x80\0\0")), XpressError::Offset);
    // The longest form with a length below 25, and with none.
    assert_eq!(refused(&block(9, b"\0\0\0\x40a\x07\0\x0f\xff\x15\0")), XpressError::Length);
    assert_eq!(
        refused(&block(9, b"\0\0\0\x40a\x07\0\x0f\xff\0\0\xff\xff\0\0")),
        XpressError::Length
    );
    assert_eq!(refused(&[0, 0, 1, 0, 1, 0, 0, 0, 0]), XpressError::BlockSize(65_536));
    assert_eq!(refused(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), XpressError::BlockSize(u32::MAX));
}

#[test]
fn a_match_cannot_reach_into_the_block_before() {
    let mut body = block(3, b"abc");
    body.extend(block(9, b"\0\0\0\x40x\x10\0yyyyy"));
    assert_eq!(decode(&body, 100), Err(XpressError::Offset));
}

#[test]
fn a_bomb_is_refused_by_its_headers() {
    let zeros = encoded(&vec![0; MAX_BLOCK]);
    let bomb = zeros.repeat(1000);
    assert!(bomb.len() < 25_000, "{} bytes claim 65 MB", bomb.len());
    assert_eq!(decode(&bomb, 1_000_000), Err(XpressError::Limit { limit: 1_000_000 }));
    assert_eq!(decode(&zeros, MAX_BLOCK - 1), Err(XpressError::Limit { limit: MAX_BLOCK - 1 }));
    assert_eq!(decode(&zeros, MAX_BLOCK).unwrap().len(), MAX_BLOCK);
}

#[test]
fn needs_no_more_bytes_than_the_real_server() {
    let Some(corpus) = corpus::path() else { return };
    let page = std::fs::read(corpus.join("agent-flow/000012/response.body")).unwrap();
    let body = encoded(&page);
    assert_eq!(decode(&body, page.len()).unwrap(), page);
    // meta.json: what the real server sent.
    assert!(body.len() <= 40_523, "{} bytes of {}", body.len(), page.len());
}

/// Input with the redundancy of XML: words from a short list.
fn wordy() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"<b.LeafElement xmlns=\"urn\">".to_vec()),
        Just(b"</b.LeafElement>".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
        (any::<u8>(), 1..700usize).prop_map(|(byte, count)| vec![byte; count]),
    ];
    prop::collection::vec(word, 0..600).prop_map(|words| words.concat())
}

fn any_input() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => wordy(),
        2 => prop::collection::vec(any::<u8>(), 0..3000),
        1 => (prop::collection::vec(any::<u8>(), 1..50), 1..4000usize)
            .prop_map(|(unit, count)| unit.repeat(count)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn decodes_what_it_encodes(input in any_input()) {
        let body = encoded(&input);
        prop_assert!(body.len() <= input.len() + 8 * input.len().div_ceil(MAX_BLOCK));
        prop_assert_eq!(decode(&body, input.len()), Ok(input));
    }

    #[test]
    fn decodes_what_is_stored(input in any_input(), encoded_before in any_input()) {
        let mut body = encoded(&encoded_before);
        store(&input, &mut body);
        let whole = [encoded_before, input].concat();
        prop_assert_eq!(decode(&body, whole.len()), Ok(whole));
    }

    #[test]
    fn bodies_concatenate(first in any_input(), second in any_input()) {
        let mut body = encoded(&first);
        encode(&second, &mut body);
        let both = [first, second].concat();
        prop_assert_eq!(decode(&body, both.len()), Ok(both));
    }

    #[test]
    fn another_implementation_decodes_what_it_encodes(input in any_input()) {
        let body = encoded(&input);
        let mut decoded = Vec::new();
        for (original, payload) in blocks(&body) {
            if original == payload.len() {
                decoded.extend_from_slice(payload);
            } else {
                // It cannot take the further word of flags that a full last word needs.
                let part = lzxpress::data::decompress(payload)
                    .or_else(|_| lzxpress::data::decompress(&payload[..payload.len() - 4]))
                    .unwrap();
                prop_assert_eq!(part.len(), original);
                decoded.extend(part);
            }
        }
        prop_assert_eq!(decoded, input);
    }

    #[test]
    fn decodes_what_another_implementation_encodes(mut input in wordy()) {
        input.truncate(60_000);
        // It panics when the elements fill the last word of flags, and when input grows.
        let other = input.clone();
        let payload = std::panic::catch_unwind(|| {
            xpress_rs::lz77::LZ77Compressor::new(other).compress().unwrap()
        });
        prop_assume!(payload.is_ok());
        let payload = payload.unwrap();
        prop_assume!(payload.len() != input.len());
        prop_assert_eq!(decode(&block(input.len(), &payload), input.len()), Ok(input));
    }

    #[test]
    fn arbitrary_bytes_decode_within_the_limit_or_not_at_all(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        original in 0..2000usize,
        limit in 0..2000usize,
    ) {
        for body in [block(original, &bytes), bytes] {
            if let Ok(decoded) = decode(&body, limit) {
                prop_assert!(decoded.len() <= limit);
            }
        }
    }

    #[test]
    fn changed_bytes_never_decode_beyond_the_limit(
        input in wordy(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = encoded(&input);
        prop_assume!(!body.is_empty());
        for (at, byte) in changes {
            *at.get_mut(&mut body) = byte;
        }
        if let Ok(decoded) = decode(&body, input.len()) {
            prop_assert!(decoded.len() <= input.len());
        }
    }
}
