//! A set of revisions with one bit for each revision of the catalogue.
//!
//! A rescan asks of thousands of ids whether they are needed. Compressed bitmaps, which the graph
//! is made of, are small and quick to combine, but each such question is a search in them; here it
//! is one load. 137,000 revisions take 17 KB.

use roaring::RoaringBitmap;

use super::revision::RevisionIndex;

/// A set of revisions of one catalogue.
#[derive(Debug, Clone, Default)]
pub struct RevisionSet {
    /// Revision `r` is bit `r % 64` of word `r / 64`.
    words: Box<[u64]>,
    len: usize,
}

impl RevisionSet {
    /// The empty set, with room for the revisions of `other` and nothing else.
    pub(super) fn within(other: &Self) -> Self {
        Self { words: vec![0; other.words.len()].into(), len: 0 }
    }

    /// How many revisions are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the revision is in it.
    pub fn contains(&self, revision: RevisionIndex) -> bool {
        let (word, bit) = place(revision);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Puts a revision in, if there is room for it.
    pub(super) fn insert(&mut self, revision: RevisionIndex) {
        let (word, bit) = place(revision);
        if let Some(word) = self.words.get_mut(word) {
            self.len += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// The revisions, ascending.
    pub fn iter(&self) -> impl Iterator<Item = RevisionIndex> + '_ {
        ones(self.words.iter().copied())
    }

    /// The revisions that are not in `other`, a subset of this set; ascending.
    pub(super) fn without(&self, other: &Self) -> Vec<RevisionIndex> {
        // Nearly every scan finds that the client has all it needs.
        let left = self.len - other.len.min(self.len);
        if left == 0 {
            return Vec::new();
        }
        let mut revisions = Vec::with_capacity(left);
        revisions.extend(ones(self.words.iter().zip(&other.words).map(|(all, had)| all & !had)));
        revisions
    }
}

/// Two sets are equal if the same revisions are in them, however much room there is.
impl PartialEq for RevisionSet {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl From<&RoaringBitmap> for RevisionSet {
    fn from(revisions: &RoaringBitmap) -> Self {
        let room = revisions.max().map_or(0, |last| place(last).0 + 1);
        let mut set = Self { words: vec![0; room].into(), len: 0 };
        revisions.iter().for_each(|revision| set.insert(revision));
        set
    }
}

fn place(revision: RevisionIndex) -> (usize, u64) {
    (revision as usize / 64, 1 << (revision % 64))
}

/// The positions of the bits that are set.
fn ones(words: impl Iterator<Item = u64>) -> impl Iterator<Item = RevisionIndex> {
    (0u32..).step_by(64).zip(words).flat_map(|(first, mut word)| {
        std::iter::from_fn(move || {
            let bit = word.trailing_zeros();
            // Takes the lowest bit away; a word without bits has none left.
            word &= word.wrapping_sub(1);
            (bit < 64).then_some(first + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn revisions() -> impl Strategy<Value = RoaringBitmap> {
        prop::collection::vec(0..300u32, 0..200).prop_map(|it| it.into_iter().collect())
    }

    proptest! {
        #[test]
        fn it_holds_what_the_bitmap_holds(bitmap in revisions(), some in revisions()) {
            let set = RevisionSet::from(&bitmap);
            prop_assert_eq!(set.len() as u64, bitmap.len());
            prop_assert!(set.iter().eq(bitmap.iter()));
            prop_assert!((0..400).all(|it| set.contains(it) == bitmap.contains(it)));

            let had = &bitmap & &some;
            let mut subset = RevisionSet::within(&set);
            had.iter().chain(&had).for_each(|revision| subset.insert(revision));
            prop_assert!(subset == RevisionSet::from(&had));
            prop_assert_eq!(set.without(&subset), (bitmap - had).iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_not_put_in() {
        let mut set = RevisionSet::within(&RevisionSet::from(&RoaringBitmap::from([63])));
        set.insert(64);
        assert!(set.is_empty() && !set.contains(64) && !set.contains(u32::MAX));
    }
}
