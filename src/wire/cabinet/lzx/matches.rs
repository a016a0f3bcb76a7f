//! Finds what was there before.

use super::WINDOW_BITS;
use super::tokens::{LONGEST, RecentOffsets, SHORTEST, Token};

/// Bytes that are looked up: three characters of UTF-16.
const KEY: usize = 6;
/// Places that are looked at for one match.
const TRIES: usize = 12;
/// A match this long is not bettered.
const GOOD: usize = 64;
const TABLE_BITS: u32 = 15;
/// How far back a match may reach.
const REACH: usize = (1 << WINDOW_BITS) - 3;
const NOWHERE: u32 = u32::MAX;

/// Goes through the bytes once.
pub(super) struct Matcher<'b> {
    bytes: &'b [u8],
    position: usize,
    /// The last place of each hash.
    heads: Vec<u32>,
    /// For each place, modulo the length, the one before with the same hash.
    chain: Vec<u32>,
}

impl<'b> Matcher<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let chain = bytes.len().next_power_of_two().min(1 << WINDOW_BITS);
        Self {
            bytes,
            position: 0,
            heads: vec![NOWHERE; 1 << TABLE_BITS],
            chain: vec![NOWHERE; chain],
        }
    }

    /// What the next `length` bytes are.
    pub(super) fn tokens(&mut self, length: usize, recent: &mut RecentOffsets) -> Vec<Token> {
        let end = (self.position + length).min(self.bytes.len());
        let mut tokens = Vec::with_capacity(length / 8);
        while self.position < end {
            let longest = LONGEST.min(end - self.position);
            match self.find(longest, recent.latest()) {
                Some((length, offset)) => {
                    tokens.push(Token::of_match(length, offset, recent));
                    self.advance(length);
                }
                None => {
                    tokens.push(Token::Literal(self.bytes[self.position]));
                    self.advance(1);
                }
            }
        }
        tokens
    }

    /// The best match here: its length and how far back it is.
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
            let at = candidate as usize;
            if candidate == NOWHERE || at >= self.position || self.position - at > REACH {
                break;
            }
            let length = self.common(at, longest);
            // Another offset takes some bytes to write.
            let needed = if best.0 == 0 { KEY } else { best.0 + 3 };
            if length >= needed || (length > best.0 && best.1 != latest && best.0 > 0) {
                best = (length, self.position - at);
                if length >= GOOD {
                    break;
                }
            }
            let earlier = self.chain[at & (self.chain.len() - 1)];
            if earlier != NOWHERE && earlier >= candidate {
                // The ring was written over.
                break;
            }
            candidate = earlier;
        }
        Some(best).filter(|(length, _)| *length > 0)
    }

    /// How many bytes at `at` are those that come next, up to `longest`.
    fn common(&self, at: usize, longest: usize) -> usize {
        let before = &self.bytes[at..];
        let next = &self.bytes[self.position..self.position + longest];
        before.iter().zip(next).take_while(|(one, other)| one == other).count()
    }

    fn advance(&mut self, count: usize) {
        for position in self.position..self.position + count {
            if let Some(hash) = self.hash(position)
                && let Ok(place) = u32::try_from(position)
            {
                let ring = self.chain.len() - 1;
                self.chain[position & ring] = std::mem::replace(&mut self.heads[hash], place);
            }
        }
        self.position += count;
    }

    fn hash(&self, position: usize) -> Option<usize> {
        let key = self.bytes.get(position..position + KEY)?;
        let mut word = [0; 8];
        word[..KEY].copy_from_slice(key);
        let mixed = u64::from_le_bytes(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some((mixed >> (64 - TABLE_BITS)) as usize)
    }
}
