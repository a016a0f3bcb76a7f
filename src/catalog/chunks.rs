//! A list that grows at its end and is copied for next to nothing.
//!
//! Each change of the catalogue makes a new snapshot, and of 137,000 revisions it concerns a
//! handful. So a list is cut into chunks which the writer and all snapshots share: what is changed
//! is copied first, one chunk of it, and what is not stays where it is.

use std::sync::Arc;

/// Elements in a chunk: some ten kilobytes to copy for a change, and a few hundred pointers for
/// a snapshot.
const CHUNK: usize = 512;

/// A list of elements that copies share until one of them is changed.
#[derive(Debug)]
pub struct Chunks<T> {
    /// All but the last are full.
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Chunks<T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// The last element.
    pub fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// All elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

impl<T: Clone> Chunks<T> {
    /// Adds an element at the end.
    pub fn push(&mut self, element: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(last) = self.chunks.last_mut() {
            own(last).push(element);
            self.len += 1;
        }
    }

    /// The element at `index`, to be changed here and in no copy.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        own(self.chunks.get_mut(index / CHUNK)?).get_mut(index % CHUNK)
    }
}

/// The chunk, copied if others share it.
fn own<T: Clone>(chunk: &mut Arc<Vec<T>>) -> &mut Vec<T> {
    if Arc::get_mut(chunk).is_none() {
        // With room to the end, unlike a plain copy: the next elements go there.
        let mut copy = Vec::with_capacity(CHUNK);
        copy.extend_from_slice(chunk);
        *chunk = Arc::new(copy);
    }
    Arc::make_mut(chunk)
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Clone for Chunks<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), len: self.len }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_copy_shares_what_did_not_change() {
        let mut list = Chunks::default();
        (0..3 * CHUNK).for_each(|element| list.push(element));
        let copy = list.clone();
        *list.get_mut(CHUNK).unwrap() = 0;
        list.push(7);
        let shared = |at: usize| Arc::ptr_eq(&list.chunks[at], &copy.chunks[at]);
        assert_eq!([0, 1, 2].map(shared), [true, false, true]);
        assert_eq!(
            (copy.len(), copy.get(CHUNK), copy.get(3 * CHUNK)),
            (3 * CHUNK, Some(&CHUNK), None)
        );
        assert_eq!((list.last(), list.get(CHUNK)), (Some(&7), Some(&0)));
    }

    proptest! {
        #[test]
        fn it_is_a_list(changes in prop::collection::vec((any::<u8>(), 0..2000usize), 0..2000)) {
            let (mut list, mut model) = (Chunks::default(), Vec::new());
            let mut copies = Vec::new();
            for (value, at) in changes {
                match (list.get_mut(at), model.get_mut(at)) {
                    (Some(element), Some(expected)) => (*element, *expected) = (value, value),
                    (None, None) => {
                        list.push(value);
                        model.push(value);
                    }
                    _ => prop_assert!(false, "different lengths"),
                }
                if value == 0 {
                    copies.push((list.clone(), model.clone()));
                }
            }
            copies.push((list, model));
            for (copy, expected) in copies {
                prop_assert!(copy.iter().eq(expected.iter()));
                prop_assert!(copy.iter().rev().eq(expected.iter().rev()));
                prop_assert_eq!(copy.len(), expected.len());
                prop_assert_eq!(copy.get(expected.len()), None);
            }
        }
    }
}
