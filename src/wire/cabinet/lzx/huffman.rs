//! Huffman codes that are limited in length and complete, as readers of LZX demand: of every set of
//! code lengths that is not all zero, the codes have to fill the code space exactly.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The length in bits of each symbol's code, at most `limit`; 0 for a symbol that does not occur.
///
/// With at least one symbol there are at least two codes: one alone would leave half of the code
/// space empty. All zero when nothing occurs.
pub(super) fn lengths(counts: &[u32], limit: u8) -> Vec<u8> {
    let mut counts: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
    let present = counts.iter().filter(|count| **count > 0).count();
    if present == 0 {
        return vec![0; counts.len()];
    }
    if present == 1
        && let Some(absent) = counts.iter_mut().find(|count| **count == 0)
    {
        *absent = 1;
    }
    loop {
        let lengths = unlimited(&counts);
        if lengths.iter().all(|length| *length <= limit) {
            return lengths;
        }
        // Counts that differ less give codes that differ less; in the end all are 1.
        counts.iter_mut().filter(|count| **count > 0).for_each(|count| *count = count.div_ceil(4));
    }
}

/// The lengths of an optimal code.
fn unlimited(counts: &[u64]) -> Vec<u8> {
    let mut heap = BinaryHeap::new();
    let mut parents: Vec<usize> = vec![usize::MAX; counts.len()];
    for (symbol, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        heap.push(Reverse((*count, symbol)));
    }
    while let (Some(Reverse((few, one))), Some(Reverse((many, other)))) = (heap.pop(), heap.pop()) {
        let node = parents.len();
        parents.push(usize::MAX);
        parents[one] = node;
        parents[other] = node;
        heap.push(Reverse((few + many, node)));
    }
    // A parent always comes after its children.
    let mut depths = vec![0_u8; parents.len()];
    for node in (0..parents.len()).rev() {
        if let Some(parent) = depths.get(parents[node]) {
            depths[node] = parent.saturating_add(1);
        }
    }
    depths.truncate(counts.len());
    depths
}

/// Canonical codes of these lengths: shorter codes come first, and of one length those of lower
/// symbols.
pub(super) fn codes(lengths: &[u8]) -> Vec<u32> {
    let mut codes = vec![0; lengths.len()];
    let mut next = 0;
    for length in 1..=16 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, own)| **own == length) {
            codes[symbol] = next;
            next += 1;
        }
        next <<= 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sum of the code space that the codes take, in units of 2^-16.
    fn space(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|length| **length > 0).map(|length| 1 << (16 - length)).sum()
    }

    #[test]
    fn one_symbol_has_a_companion_and_none_has_no_code() {
        assert_eq!(lengths(&[0, 0, 7], 16), [1, 0, 1]);
        assert_eq!(lengths(&[0, 0, 0], 16), [0, 0, 0]);
    }

    #[test]
    fn fibonacci_counts_are_held_to_the_limit() {
        let mut counts = vec![1_u32, 1];
        while counts.len() < 30 {
            counts.push(counts[counts.len() - 1] + counts[counts.len() - 2]);
        }
        for limit in [5, 15, 16] {
            let lengths = lengths(&counts, limit);
            assert!(lengths.iter().all(|length| (1..=limit).contains(length)), "{lengths:?}");
            assert_eq!(space(&lengths), 1 << 16);
        }
    }

    proptest! {
        #[test]
        fn codes_are_complete_and_prefix_free(counts in prop::collection::vec(0..50_u32, 2..60)) {
            let lengths = lengths(&counts, 15);
            let codes = codes(&lengths);
            prop_assert!(counts.iter().zip(&lengths).all(|(count, length)| *count == 0 || *length > 0));
            if counts.iter().any(|count| *count > 0) {
                prop_assert_eq!(space(&lengths), 1 << 16);
            }
            let used: Vec<_> = (0..codes.len()).filter(|symbol| lengths[*symbol] > 0).collect();
            for (at, one) in used.iter().enumerate() {
                for other in &used[at + 1..] {
                    let shorter = lengths[*one].min(lengths[*other]);
                    let head = |symbol: usize| codes[symbol] >> (lengths[symbol] - shorter);
                    prop_assert_ne!(head(*one), head(*other));
                }
            }
        }
    }
}
