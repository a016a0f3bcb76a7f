//! What a compressed stream says: a byte, or a match, whose offset may be one of the last three.

use super::bits::BitWriter;
use super::trees::Codes;

/// Fewest and most bytes of a match.
pub(super) const SHORTEST: usize = 2;
pub(super) const LONGEST: usize = 257;

/// Most codes of a match for its length; the longest say that the length tree has the rest.
const LENGTH_HEADERS: usize = 7;

/// Position slots of a window of 2 MiB ([MS-PATCH] 2.1).
pub(super) const SLOTS: usize = 50;

/// One step of unpacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A byte.
    Literal(u8),
    /// Bytes that were there before.
    Match {
        /// [`SHORTEST`] to [`LONGEST`].
        length: u16,
        /// Where: 0 to 2 for a recent offset, otherwise the slot that the offset is in.
        slot: u8,
        /// The offset within its slot.
        footer: u32,
    },
}

impl Token {
    /// A match of `length` bytes that lies `offset` bytes back.
    pub(super) fn of_match(length: usize, offset: usize, recent: &mut RecentOffsets) -> Self {
        let (slot, footer) = match recent.use_offset(offset) {
            Some(place) => (place as u8, 0),
            None => slot_of(offset as u32 + 2),
        };
        Self::Match { length: length as u16, slot, footer }
    }

    /// The token's symbol in the main tree.
    pub(super) fn main_symbol(self) -> usize {
        match self {
            Self::Literal(byte) => usize::from(byte),
            Self::Match { length, slot, .. } => {
                256 + usize::from(slot) * 8 + (usize::from(length) - SHORTEST).min(LENGTH_HEADERS)
            }
        }
    }

    /// The token's symbol in the length tree, if it needs one.
    pub(super) fn length_symbol(self) -> Option<usize> {
        match self {
            Self::Literal(_) => None,
            Self::Match { length, .. } => {
                usize::from(length).checked_sub(SHORTEST + LENGTH_HEADERS)
            }
        }
    }

    pub(super) fn write(self, out: &mut BitWriter, codes: &Codes) {
        codes.main.put(out, self.main_symbol());
        if let Some(symbol) = self.length_symbol() {
            codes.length.put(out, symbol);
        }
        if let Self::Match { slot, footer, .. } = self {
            out.put(footer, footer_bits(slot));
        }
    }
}

/// The slot of a formatted offset, which is 2 more than the offset, and the place within it.
fn slot_of(formatted: u32) -> (u8, u32) {
    // Each pair of slots doubles in width up to 2^17, which all further slots have.
    const WIDEST: u32 = 17;
    if formatted >= 1 << (WIDEST + 2) {
        let beyond = (formatted - (1 << (WIDEST + 1))) >> WIDEST;
        return (36 + beyond as u8, formatted & ((1 << WIDEST) - 1));
    }
    if formatted < 4 {
        return (formatted as u8, 0);
    }
    let magnitude = formatted.ilog2();
    let bits = magnitude - 1;
    let upper_half = formatted >> bits & 1;
    ((2 * magnitude + upper_half) as u8, formatted & ((1 << bits) - 1))
}

/// How many bits a slot's offsets have after it.
fn footer_bits(slot: u8) -> u32 {
    match slot {
        0..4 => 0,
        4..36 => u32::from(slot) / 2 - 1,
        _ => 17,
    }
}

/// The last three offsets of matches, which have codes of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecentOffsets([usize; 3]);

impl Default for RecentOffsets {
    fn default() -> Self {
        Self([1; 3])
    }
}

impl RecentOffsets {
    /// The latest one.
    pub(super) fn latest(&self) -> usize {
        self.0[0]
    }

    /// Takes note that `offset` is used; its place, if it is one of the three.
    fn use_offset(&mut self, offset: usize) -> Option<usize> {
        let place = self.0.iter().position(|recent| *recent == offset);
        match place {
            Some(place) => self.0.swap(0, place),
            None => self.0 = [offset, self.0[0], self.0[1]],
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_is_in_the_slot_that_begins_at_or_before_it() {
        let mut base = 0;
        for slot in 0..SLOTS as u8 {
            let width = 1_u32 << footer_bits(slot);
            for formatted in [base, base + width / 2, base + width - 1] {
                assert_eq!(slot_of(formatted), (slot, formatted - base), "{formatted}");
            }
            base += width;
        }
        assert_eq!(base, 1 << 21, "the whole window");
    }

    #[test]
    fn recent_offsets_change_places() {
        let mut recent = RecentOffsets::default();
        for (offset, place, after) in [
            (9, None, [9, 1, 1]),
            (5, None, [5, 9, 1]),
            (1, Some(2), [1, 9, 5]),
            (9, Some(1), [9, 1, 5]),
            (9, Some(0), [9, 1, 5]),
            (7, None, [7, 9, 1]),
        ] {
            assert_eq!((recent.use_offset(offset), recent.0), (place, after));
        }
    }
}
