//! Huffman codes that are limited in length and complete, as readers of LZX demand: of every set of
//! code lengths that is not all zero, the codes have to fill the code space exactly.

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
///
/// Symbols and the nodes above them are two queues, both in the order of their counts, as every node
/// counts more than those before it: the lesser of the two heads is always the least of all.
fn unlimited(counts: &[u64]) -> Vec<u8> {
    let mut symbols: Vec<usize> = (0..counts.len()).filter(|symbol| counts[*symbol] > 0).collect();
    symbols.sort_by_key(|symbol| counts[*symbol]);
    let leaves = symbols.len();
    // Nodes are numbered behind the leaves; `sums` are their counts, `parents` are of both.
    let mut sums: Vec<u64> = Vec::with_capacity(leaves);
    let mut parents = vec![0; 2 * leaves];
    let (mut leaf, mut node) = (0, 0);
    for next in 0..leaves.saturating_sub(1) {
        let mut sum = 0;
        for _ in 0..2 {
            let is_leaf = match (symbols.get(leaf), sums.get(node)) {
                (Some(symbol), Some(sum)) => counts[*symbol] <= *sum,
                (symbol, _) => symbol.is_some(),
            };
            if is_leaf {
                sum += counts[symbols[leaf]];
                parents[leaf] = leaves + next;
                leaf += 1;
            } else {
                sum += sums[node];
                parents[leaves + node] = leaves + next;
                node += 1;
            }
        }
        sums.push(sum);
    }
    // A parent always comes after its children, and the last has none.
    let mut depths = vec![0_u8; leaves + sums.len()];
    for node in (0..depths.len().saturating_sub(1)).rev() {
        depths[node] = depths[parents[node]].saturating_add(1);
    }
    let mut lengths = vec![0; counts.len()];
    for (symbol, depth) in symbols.iter().zip(depths) {
        lengths[*symbol] = depth;
    }
    lengths
}

/// Canonical codes of these lengths: shorter codes come first, and of one length those of lower
/// symbols.
pub(super) fn codes(lengths: &[u8]) -> Vec<u32> {
    let mut of_length = [0_u32; 17];
    for length in lengths.iter().filter(|length| (1..=16).contains(*length)) {
        of_length[usize::from(*length)] += 1;
    }
    let mut next = [0_u32; 17];
    for length in 1..next.len() {
        next[length] = (next[length - 1] + of_length[length - 1]) << 1;
    }
    let code = |length: &u8| match next.get_mut(usize::from(*length)) {
        Some(next) if *length > 0 => {
            *next += 1;
            *next - 1
        }
        _ => 0,
    };
    lengths.iter().map(code).collect()
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
