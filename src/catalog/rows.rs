//! For each of many rows a short list, without an allocation for each.
//!
//! A catalogue has millions of relations, and most rows have none or one. They lie row by row in
//! blocks, which the writer and all snapshots share until one changes ([`Chunks`](super::Chunks)
//! has the reason).

use std::sync::Arc;

/// Rows in a block.
const BLOCK: usize = 256;

/// For each of a number of rows, a list of targets.
#[derive(Debug)]
pub(super) struct Rows<T> {
    blocks: Vec<Arc<Block<T>>>,
}

#[derive(Debug, Clone)]
struct Block<T> {
    /// Where each row ends in `targets`, and the next begins. Rows at the end without a target may
    /// be missing.
    ends: Vec<u32>,
    targets: Vec<T>,
}

impl<T> Rows<T> {
    /// The targets of `row`; none for a row that does not exist.
    pub(super) fn row(&self, row: u32) -> &[T] {
        let (block, row) = place(row);
        let block = self.blocks.get(block);
        block.and_then(|block| block.targets.get(block.range(row))).unwrap_or_default()
    }
}

impl<T: Copy> Rows<T> {
    /// Puts `target` at `position` of `row`, or at the row's end if that is before.
    pub(super) fn insert(&mut self, row: u32, position: usize, target: T) {
        let (block, row) = place(row);
        while self.blocks.len() <= block {
            self.blocks.push(Arc::new(Block { ends: Vec::new(), targets: Vec::new() }));
        }
        let Some(block) = self.blocks.get_mut(block).map(Arc::make_mut) else { return };
        let end = block.targets.len() as u32;
        if block.ends.len() <= row {
            block.ends.resize(row + 1, end);
        }
        let range = block.range(row);
        block.targets.insert(range.end.min(range.start + position), target);
        block.ends[row..].iter_mut().for_each(|end| *end += 1);
    }

    /// Takes the targets of `row` away that are not to be kept.
    pub(super) fn retain(&mut self, row: u32, keep: impl Fn(&T) -> bool) {
        if self.row(row).iter().all(&keep) {
            return;
        }
        let (block, row) = place(row);
        let Some(block) = self.blocks.get_mut(block).map(Arc::make_mut) else { return };
        let range = block.range(row);
        let kept: Vec<T> = block.targets[range.clone()].iter().copied().filter(keep).collect();
        let gone = (range.len() - kept.len()) as u32;
        block.targets.splice(range, kept);
        block.ends.iter_mut().skip(row).for_each(|end| *end -= gone);
    }

    /// Puts `target` at the end of `row`.
    pub(super) fn push(&mut self, row: u32, target: T) {
        self.insert(row, usize::MAX >> 1, target);
    }
}

impl Rows<u32> {
    /// As a relation has it: ascending, each target once.
    pub(super) fn relate(&mut self, row: u32, target: u32) {
        if let Err(position) = self.row(row).binary_search(&target) {
            self.insert(row, position, target);
        }
    }
}

impl<T> Block<T> {
    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let before = row.checked_sub(1).map_or(0, |before| self.end(before));
        before..self.end(row)
    }

    fn end(&self, row: usize) -> usize {
        self.ends.get(row).map_or(self.targets.len(), |end| *end as usize)
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Clone for Rows<T> {
    fn clone(&self) -> Self {
        Self { blocks: self.blocks.clone() }
    }
}

/// The block of a row, and its place there.
fn place(row: u32) -> (usize, usize) {
    (row as usize / BLOCK, row as usize % BLOCK)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_relation_holds_each_edge_once_and_ascending() {
        let mut relation = Rows::default();
        for (row, target) in [(1, 2), (0, 2), (1, 2), (1, 0), (700, 1)] {
            relation.relate(row, target);
        }
        assert_eq!(relation.row(1), [0, 2]);
        assert_eq!(relation.row(700), [1]);
        for empty in [2, 255, 256, 701, u32::MAX] {
            assert!(relation.row(empty).is_empty());
        }
    }

    proptest! {
        #[test]
        fn rows_are_lists_and_copies_stay_as_they_are(
            changes in prop::collection::vec((0..600u32, 0..4usize, any::<u8>()), 0..300),
        ) {
            let (mut rows, mut model) = (Rows::default(), BTreeMap::<u32, Vec<u8>>::new());
            let mut copies = Vec::new();
            for (row, position, target) in changes {
                let list = model.entry(row).or_default();
                if position == 3 {
                    rows.retain(row, |other| *other >= target);
                    list.retain(|other| *other >= target);
                } else {
                    rows.insert(row, position, target);
                    list.insert(position.min(list.len()), target);
                }
                if target < 20 {
                    copies.push((rows.clone(), model.clone()));
                }
            }
            copies.push((rows, model));
            for (rows, model) in copies {
                for row in 0..800 {
                    prop_assert_eq!(rows.row(row), model.get(&row).map_or(&[][..], |list| list));
                }
            }
        }
    }
}
