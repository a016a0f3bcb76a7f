//! Finds what was there before.
//!
//! What is packed is text in UTF-16, where nothing begins or ends between the two bytes of a unit. So
//! matches begin at units and have whole units, and only these are looked up: half the work, and hardly
//! a longer result. Any other bytes are packed all the same, only worse.

use super::WINDOW_BITS;
use super::tokens::{LONGEST, RecentOffsets, SHORTEST, Token};

/// Bytes of a unit.
const UNIT: usize = 2;
/// Bytes that are looked up: three units.
const KEY: usize = 3 * UNIT;
/// Places that are looked at for one match.
const TRIES: usize = 8;
/// A match this long is not bettered.
const GOOD: usize = 64;
/// Hashes have no more bits than this, nor than there are units, so that little text takes little room.
const TABLE_BITS: u32 = 15;
/// How far back a match may reach.
const REACH: usize = (1 << WINDOW_BITS) - 3;
const NOWHERE: u32 = u32::MAX;

/// Goes through the bytes once.
pub(super) struct Matcher<'b> {
    bytes: &'b [u8],
    /// A whole number of units, up to the last byte.
    position: usize,
    table_bits: u32,
    /// The last unit of each hash.
    heads: Vec<u32>,
    /// For each unit, modulo the length, the one before with the same hash.
    chain: Vec<u32>,
}

impl<'b> Matcher<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let units = (bytes.len() / UNIT).next_power_of_two();
        let table_bits = units.ilog2().clamp(1, TABLE_BITS);
        Self {
            bytes,
            position: 0,
            table_bits,
            heads: vec![NOWHERE; 1 << table_bits],
            chain: vec![NOWHERE; units.min((1 << WINDOW_BITS) / UNIT)],
        }
    }

    /// What the next `length` bytes are: whole units, but at the end.
    pub(super) fn tokens(&mut self, length: usize, recent: &mut RecentOffsets) -> Vec<Token> {
        let end = (self.position + length).min(self.bytes.len());
        let mut tokens = Vec::with_capacity(length / 8);
        while self.position < end {
            let longest = LONGEST.min(end - self.position) / UNIT * UNIT;
            match self.find(longest, recent.latest()) {
                Some((length, offset)) => {
                    tokens.push(Token::of_match(length, offset, recent));
                    self.advance(length);
                }
                None => {
                    let unit = UNIT.min(end - self.position);
                    let literals = &self.bytes[self.position..self.position + unit];
                    tokens.extend(literals.iter().map(|byte| Token::Literal(*byte)));
                    self.advance(unit);
                }
            }
        }
        tokens
    }

    /// The best match here: its length and how far back it is, in bytes.
    fn find(&self, longest: usize, latest: usize) -> Option<(usize, usize)> {
        let mut best = (0, 0);
        // An offset that was just used costs next to nothing.
        if latest <= self.position {
            let length = self.common(self.position - latest, longest);
            if length > SHORTEST {
                best = (length, latest);
            }
        }
        let Some(hash) = self.hash(self.position) else { return Some(best).filter(|it| it.0 > 0) };
        let mut candidate = self.heads[hash];
        for _ in 0..TRIES {
            let at = candidate as usize * UNIT;
            if candidate == NOWHERE || at >= self.position || self.position - at > REACH {
                break;
            }
            let length = self.common(at, longest);
            // Another offset takes some bytes to write.
            let needed = if best.0 == 0 { KEY } else { best.0 + UNIT };
            if length >= needed {
                best = (length, self.position - at);
                if length >= GOOD {
                    break;
                }
            }
            let earlier = self.chain[candidate as usize & (self.chain.len() - 1)];
            if earlier != NOWHERE && earlier >= candidate {
                // The ring was written over.
                break;
            }
            candidate = earlier;
        }
        Some(best).filter(|(length, _)| *length > 0)
    }

    /// How many bytes of whole units at `at` are those that come next, up to `longest`.
    fn common(&self, at: usize, longest: usize) -> usize {
        let next = &self.bytes[self.position..self.position + longest];
        let before = &self.bytes[at..at + longest];
        let (wide, rest) = next.as_chunks::<8>();
        let wide_before = before.as_chunks::<8>().0;
        for (at, (one, other)) in wide.iter().zip(wide_before).enumerate() {
            let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
            if differ != 0 {
                let same = at * 8 + differ.trailing_zeros() as usize / 8;
                return same / UNIT * UNIT;
            }
        }
        let same = wide.len() * 8;
        let rest = rest.iter().zip(&before[same..]).take_while(|(one, other)| one == other);
        (same + rest.count()) / UNIT * UNIT
    }

    fn advance(&mut self, count: usize) {
        for position in (self.position..self.position + count).step_by(UNIT) {
            if let Some(hash) = self.hash(position)
                && let Ok(place) = u32::try_from(position / UNIT)
            {
                let ring = self.chain.len() - 1;
                let earlier = std::mem::replace(&mut self.heads[hash], place);
                self.chain[(position / UNIT) & ring] = earlier;
            }
        }
        self.position += count;
    }

    fn hash(&self, position: usize) -> Option<usize> {
        let key = self.bytes.get(position..position + KEY)?;
        let mut word = [0; 8];
        word[..KEY].copy_from_slice(key);
        let mixed = u64::from_le_bytes(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some((mixed >> (64 - self.table_bits)) as usize)
    }
}
