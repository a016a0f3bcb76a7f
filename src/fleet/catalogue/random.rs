//! The fleet's only source of chance: SplitMix64 on 64-bit integers.
//!
//! Every decision draws from a stream of its own, keyed by what is decided, so that no decision
//! depends on how many were made before it. No floating point is involved: a quotient that rounds
//! otherwise on another processor would make another catalogue.

use uuid::{Builder, Uuid};

/// The increment of SplitMix64 (Steele, Lea and Flood, 2014): 2^64 divided by the golden ratio.
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(in crate::fleet) struct Random(u64);

impl Random {
    /// The stream of `key` under `seed`.
    pub(in crate::fleet) fn keyed(seed: u64, key: &[u64]) -> Self {
        let mut state = mix(seed.wrapping_add(INCREMENT));
        for &part in key {
            state = mix(state ^ part.wrapping_mul(INCREMENT)).wrapping_add(INCREMENT);
        }
        Self(state)
    }

    /// The next number.
    pub(in crate::fleet) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        mix(self.0)
    }

    /// A number from `low` to `high`, both included.
    pub(in crate::fleet) fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = u128::from(high.saturating_sub(low)) + 1;
        let offset = (u128::from(self.next()) * span) >> 64;
        // The product is below 2^64 times the span, so the offset is below the span.
        low.saturating_add(offset as u64)
    }

    /// True `per_mille` times in a thousand.
    pub(in crate::fleet) fn chance(&mut self, per_mille: u64) -> bool {
        self.between(0, 999) < per_mille
    }

    /// A GUID of the random kind (RFC 9562, version 4).
    pub(in crate::fleet) fn uuid(&mut self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// `N` bytes.
    pub(in crate::fleet) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }
}

/// The output function of SplitMix64.
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!(first[..2], expected);
        assert_eq!(first[2], 9_817_491_932_198_370_423);
    }

    #[test]
    fn bounds_are_reached_and_kept() {
        let mut random = Random::keyed(1, &[2, 3]);
        let drawn: Vec<u64> = (0..2_000).map(|_| random.between(5, 9)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&5), Some(&9)));
        assert_eq!(random.between(7, 7), 7);
        assert_eq!(random.between(0, u64::MAX).leading_zeros() / 64, 0);
        let hits = (0..10_000).filter(|_| random.chance(250)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }

    #[test]
    fn keys_are_told_apart() {
        let first = |key: &[u64]| Random::keyed(1, key).next();
        let keys: [&[u64]; 6] = [&[], &[0], &[0, 0], &[0, 1], &[1, 0], &[1]];
        let numbers: std::collections::HashSet<u64> = keys.iter().map(|key| first(key)).collect();
        assert_eq!(numbers.len(), keys.len());
        assert_eq!(Random::keyed(1, &[1]).uuid().get_version_num(), 4);
    }
}
