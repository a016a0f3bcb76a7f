//! Bits in LZX's order: highest first, in 16-bit little-endian words.

/// Collects bits.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Appends the lowest `count` bits of `bits`, at most 32 of them; the others are zero.
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.held = self.held << count | u64::from(bits);
        self.count += count;
        while self.count >= 16 {
            self.count -= 16;
            let word = (self.held >> self.count) as u16;
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.held &= (1 << self.count) - 1;
    }

    /// The bytes so far, filled up to a whole word. What follows starts at a new one.
    pub(super) fn finish_piece(&mut self) -> Vec<u8> {
        if self.count > 0 {
            self.put(0, 16 - self.count);
        }
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bit_is_the_highest_of_the_second_byte() {
        let mut bits = BitWriter::default();
        bits.put(1, 1);
        bits.put(0, 7);
        bits.put(0xab, 8);
        bits.put(0x12345, 20);
        assert_eq!(bits.finish_piece(), [0xab, 0x80, 0x34, 0x12, 0x00, 0x50]);
        bits.put(1, 2);
        assert_eq!(bits.finish_piece(), [0x00, 0x40]);
        assert!(bits.finish_piece().is_empty());
    }
}
