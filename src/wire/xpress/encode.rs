//! Encoding: greedy matching with one step of look-ahead and bounded effort.
//!
//! Fragments are encoded once and sent for years, but every response also has text of its own, so
//! the search must stay cheap on whatever a peer makes us echo: each position looks at no more
//! than [`EFFORT`] candidates, and a match of [`GOOD_MATCH`] bytes ends the search.

use super::{BYTE, LENGTH_BITS, MAX_BLOCK, MIN_MATCH, NIBBLE, WINDOW};

/// Original bytes of a block. The largest allowed, because each block starts with an empty window.
const BLOCK: usize = MAX_BLOCK;

/// Candidates looked at for one position.
const EFFORT: usize = 16;

/// A match of this length is taken without looking for a better one.
const GOOD_MATCH: usize = 48;

/// Most bits of a hash, and the fewest; in between as many as count the block's bytes. A response
/// has a few hundred bytes of text around each fragment, and clearing tables for a large block
/// would cost more than encoding them.
const HASH_BITS: (u32, u32) = (6, 14);

/// Appends `input` as complete blocks that decode to it, alone or between other blocks.
///
/// A block that does not shrink is stored as it is; an empty input appends nothing. The output is
/// never longer than `input` by more than 8 bytes for each 65,535 begun.
pub fn encode(input: &[u8], out: &mut Vec<u8>) {
    let mut encoded = Payload::default();
    for block in input.chunks(BLOCK) {
        encoded.start();
        payload(block, &mut encoded);
        let bytes = if encoded.bytes.len() < block.len() { &encoded.bytes } else { block };
        out.extend_from_slice(&size(block));
        out.extend_from_slice(&size(bytes));
        out.extend_from_slice(bytes);
    }
}

/// Appends `input` as blocks that store it as it is: for what would not shrink, and is not worth the try.
pub fn store(input: &[u8], out: &mut Vec<u8>) {
    for block in input.chunks(BLOCK) {
        out.extend_from_slice(&size(block));
        out.extend_from_slice(&size(block));
        out.extend_from_slice(block);
    }
}

/// A block's length as its header says it: [`BLOCK`] fits in two of the four bytes.
fn size(bytes: &[u8]) -> [u8; 4] {
    (bytes.len() as u32).to_le_bytes()
}

/// Encodes one block.
fn payload(block: &[u8], out: &mut Payload) {
    let mut earlier = Positions::new(block);
    let mut at = 0;
    let mut found = None;
    while let Some(&literal) = block.get(at) {
        earlier.insert(block, at);
        // Giving up one byte is worth it when the match that starts after it is longer.
        let next = match found {
            Some(Match { length, .. }) if length >= GOOD_MATCH => None,
            _ => earlier.longest_match(block, at + 1),
        };
        match found {
            Some(current) if next.is_none_or(|next| next.length <= current.length) => {
                out.matched(current);
                for passed in at + 1..at + current.length {
                    earlier.insert(block, passed);
                }
                at += current.length;
                found = earlier.longest_match(block, at);
            }
            _ => {
                out.literal(literal);
                at += 1;
                found = next;
            }
        }
    }
    out.finish();
}

/// Bytes that occurred before.
#[derive(Clone, Copy)]
struct Match {
    /// How far back, from 1.
    offset: usize,
    /// How many, from [`MIN_MATCH`].
    length: usize,
}

/// Where each sequence of [`MIN_MATCH`] bytes occurred in a block. Positions are stored plus one,
/// so that zero is none; [`BLOCK`] still fits.
struct Positions {
    /// By hash, the last position.
    latest: Vec<u16>,
    /// By position modulo the window, the position of the same hash before.
    before: Vec<u16>,
    /// What a mixed hash is shifted by.
    shift: u32,
}

impl Positions {
    fn new(block: &[u8]) -> Self {
        let length = block.len().next_power_of_two();
        let bits = length.trailing_zeros().clamp(HASH_BITS.0, HASH_BITS.1);
        Self {
            latest: vec![0; 1 << bits],
            before: vec![0; length.min(WINDOW)],
            shift: u32::BITS - bits,
        }
    }

    fn insert(&mut self, block: &[u8], at: usize) {
        if let Some(hash) = self.hash(block, at) {
            let latest = &mut self.latest[hash];
            self.before[at % WINDOW] = *latest;
            *latest = (at + 1) as u16;
        }
    }

    /// The longest match for what starts at `at`, the nearest of equals.
    fn longest_match(&self, block: &[u8], at: usize) -> Option<Match> {
        let mut candidate = self.latest[self.hash(block, at)?];
        let mut best = None;
        let mut longest = MIN_MATCH - 1;
        for _ in 0..EFFORT {
            let Some(from) = usize::from(candidate).checked_sub(1) else { break };
            if at - from > WINDOW {
                break;
            }
            candidate = self.before[from % WINDOW];
            // Cannot be longer unless it agrees where the longest one so far ended.
            if block.get(from + longest) == block.get(at + longest) {
                let length = common_length(block, from, at);
                if length > longest {
                    longest = length;
                    best = Some(Match { offset: at - from, length });
                }
                if length >= GOOD_MATCH {
                    break;
                }
            }
        }
        best
    }

    fn hash(&self, block: &[u8], at: usize) -> Option<usize> {
        let &[a, b, c] = block.get(at..)?.first_chunk::<MIN_MATCH>()?;
        let mixed = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9E37_79B1);
        Some((mixed >> self.shift) as usize)
    }
}

/// How many bytes from `from` on are the same as from `at` on, where `from` is before `at`.
fn common_length(block: &[u8], from: usize, at: usize) -> usize {
    let (words, rest) = block[at..].as_chunks::<8>();
    let (earlier_words, _) = block[from..].as_chunks::<8>();
    for (index, (word, earlier)) in words.iter().zip(earlier_words).enumerate() {
        let difference = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*earlier);
        if difference != 0 {
            return index * 8 + difference.trailing_zeros() as usize / 8;
        }
    }
    let length = words.len() * 8;
    let earlier_rest = &block[from + length..];
    length + rest.iter().zip(earlier_rest).take_while(|(byte, earlier)| byte == earlier).count()
}

/// One block's bytes in the making.
#[derive(Default)]
struct Payload {
    bytes: Vec<u8>,
    /// Where the current word of flags goes.
    flags_at: usize,
    /// Unused flags stay 1: the first of them ends the stream, and the rest are specified so.
    flags: u32,
    /// The next flag to decide.
    flag: u32,
    /// Where the byte is whose high nibble is still free.
    free_nibble: Option<usize>,
}

impl Payload {
    fn start(&mut self) {
        self.bytes.clear();
        self.free_nibble = None;
        self.open_flags();
    }

    fn literal(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.flags &= !self.flag;
        self.next_flag();
    }

    fn matched(&mut self, Match { offset, length }: Match) {
        let length = length - MIN_MATCH;
        let head = (offset - 1) << 3 | length.min(LENGTH_BITS);
        self.bytes.extend_from_slice(&(head as u16).to_le_bytes());
        if length >= LENGTH_BITS {
            self.long_length(length);
        }
        self.next_flag();
    }

    fn long_length(&mut self, length: usize) {
        let nibble = (length - LENGTH_BITS).min(NIBBLE);
        match self.free_nibble.take() {
            Some(at) => self.bytes[at] |= (nibble << 4) as u8,
            None => {
                self.free_nibble = Some(self.bytes.len());
                self.bytes.push(nibble as u8);
            }
        }
        if nibble == NIBBLE {
            let byte = (length - LENGTH_BITS - NIBBLE).min(BYTE);
            self.bytes.push(byte as u8);
            if byte == BYTE {
                self.bytes.extend_from_slice(&(length as u16).to_le_bytes());
            }
        }
    }

    fn next_flag(&mut self) {
        self.flag >>= 1;
        if self.flag == 0 {
            self.finish();
            self.open_flags();
        }
    }

    fn open_flags(&mut self) {
        self.flags_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.flags = u32::MAX;
        self.flag = 1 << 31;
    }

    /// Writes the current word of flags. A word is open at all times, so that the flag which ends
    /// the stream has a place even when the elements filled the last word.
    fn finish(&mut self) {
        self.bytes[self.flags_at..self.flags_at + 4].copy_from_slice(&self.flags.to_le_bytes());
    }
}
