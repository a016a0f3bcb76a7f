//! Rows of numbers in two flat arrays.
//!
//! A catalogue has millions of short relations; one allocation for each row would cost more than
//! the relations themselves, and rebuilding the snapshot on every change would pay it again.

/// For each of a number of rows, a list of targets.
#[derive(Debug, Clone)]
pub(super) struct Adjacency {
    /// Row `r` is `targets[offsets[r]..offsets[r + 1]]`.
    offsets: Vec<usize>,
    targets: Vec<u32>,
}

impl Adjacency {
    /// Groups `(row, target)` pairs by row. Targets keep the order of the pairs.
    ///
    /// Every row must be below `rows`; both come from the build itself, never from a document.
    pub(super) fn group(rows: usize, pairs: &[(u32, u32)]) -> Self {
        let mut offsets = vec![0; rows + 1];
        for &(row, _) in pairs {
            offsets[row as usize + 1] += 1;
        }
        for row in 0..rows {
            offsets[row + 1] += offsets[row];
        }
        let mut free = offsets.clone();
        let mut targets = vec![0; pairs.len()];
        for &(row, target) in pairs {
            let slot = &mut free[row as usize];
            targets[*slot] = target;
            *slot += 1;
        }
        Self { offsets, targets }
    }

    /// As [`group`](Self::group), for a relation: ascending targets, each once.
    pub(super) fn relation(rows: usize, mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        Self::group(rows, &pairs)
    }

    /// The targets of `row`; none for a row that does not exist.
    pub(super) fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        match (self.offsets.get(row), self.offsets.get(row + 1)) {
            (Some(&from), Some(&to)) => &self.targets[from..to],
            _ => &[],
        }
    }

    /// The same edges seen from their targets, of which there are `rows`.
    pub(super) fn reversed(&self, rows: usize) -> Self {
        Self::relation(rows, self.pairs().map(|(row, target)| (target, row)).collect())
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        (0u32..).take(self.len()).flat_map(|row| self.row(row).iter().map(move |&to| (row, to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_pairs_by_row_in_their_order() {
        let rows = Adjacency::group(3, &[(2, 9), (0, 4), (2, 1), (0, 4)]);
        assert_eq!(rows.row(0), [4, 4]);
        assert!(rows.row(1).is_empty());
        assert_eq!(rows.row(2), [9, 1]);
        assert!(rows.row(3).is_empty(), "a row that does not exist");
    }

    #[test]
    fn a_relation_holds_each_edge_once_and_reverses() {
        let relation = Adjacency::relation(2, vec![(1, 2), (0, 2), (1, 2), (1, 0)]);
        assert_eq!(relation.row(1), [0, 2]);
        let reversed = relation.reversed(3);
        assert_eq!(
            (reversed.row(0), reversed.row(1), reversed.row(2)),
            (&[1][..], &[][..], &[0, 1][..])
        );
    }
}
