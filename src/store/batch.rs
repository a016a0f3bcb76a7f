//! A set of changes that is applied whole or not at all.
//!
//! Group commit makes one batch of what several callers asked for, so order matters: a later change
//! of a key wins. The limits are those that every engine must be able to hold; they are checked
//! before an engine sees the batch, so that going over them never closes the store.

use super::{StoreError, Tree};

/// One change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes the record, whether or not it exists.
    Put {
        /// Where.
        tree: Tree,
        /// At most [`Batch::MAX_KEY`] bytes; may be empty.
        key: Vec<u8>,
        /// At most [`Batch::MAX_VALUE`] bytes; may be empty.
        value: Vec<u8>,
    },
    /// Removes the record if it exists.
    Delete {
        /// Where.
        tree: Tree,
        /// At most [`Batch::MAX_KEY`] bytes.
        key: Vec<u8>,
    },
}

/// Changes in the order in which they apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// How many changes a batch should have at most. More are still atomic, but sled keeps all of
    /// them and what they replace in memory while it holds a process-wide lock.
    pub const ADVISED_CHANGES: usize = 1000;
    /// Bytes in a key: what the narrowest likely engine takes.
    pub const MAX_KEY: usize = 511;
    /// Bytes in a value. Records should stay below 4 KiB; documents belong in
    /// [`packs`](super::packs).
    pub const MAX_VALUE: usize = 1 << 20;

    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the writing of a record.
    pub fn put(&mut self, tree: Tree, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push(Change::Put { tree, key: key.into(), value: value.into() });
    }

    /// Adds the removal of a record.
    pub fn delete(&mut self, tree: Tree, key: impl Into<Vec<u8>>) {
        self.changes.push(Change::Delete { tree, key: key.into() });
    }

    /// Adds all changes of `later` behind those that are here.
    pub fn append(&mut self, later: Batch) {
        self.changes.extend(later.changes);
    }

    /// The changes in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Every engine's first step of a commit.
    pub(super) fn check_limits(&self) -> Result<(), StoreError> {
        let check = |what, bytes: &[u8], limit| match bytes.len() {
            length if length > limit => Err(StoreError::TooLarge { what, length, limit }),
            _ => Ok(()),
        };
        self.changes.iter().try_for_each(|change| match change {
            Change::Put { key, value, .. } => {
                check("key", key, Self::MAX_KEY)?;
                check("value", value, Self::MAX_VALUE)
            }
            Change::Delete { key, .. } => check("key", key, Self::MAX_KEY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_keeps_the_order() {
        let mut first = Batch::new();
        first.put(Tree::Meta, b"a", b"1");
        let mut second = Batch::new();
        second.delete(Tree::Meta, b"a");
        first.append(second);
        assert_eq!(first.len(), 2);
        assert!(matches!(first.changes().last(), Some(Change::Delete { .. })));
    }

    #[test]
    fn limits_are_inclusive_and_name_what_is_over() {
        let check = |key: usize, value: usize| {
            let mut batch = Batch::new();
            batch.put(Tree::Meta, vec![0; key], vec![0; value]);
            batch.check_limits()
        };
        check(Batch::MAX_KEY, Batch::MAX_VALUE).unwrap();
        let error = check(Batch::MAX_KEY + 1, 0).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { what: "key", length: 512, limit: 511 }));
        let error = check(0, Batch::MAX_VALUE + 1).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { what: "value", .. }));
    }
}
