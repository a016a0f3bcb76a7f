//! The store that forgets: an engine for the tests of the layers above.
//!
//! It behaves as the real one, down to reopening (a clone sees the same records, as a second open
//! of a directory would) and to failing when it is told to.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{Batch, Change};
use super::{EachRecord, Page, Store, StoreError, Tree};

/// Trees in memory, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    records: BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>>,
    fail_next_commit: bool,
    break_at_next_commit: bool,
    broken: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next commit fail with [`StoreError::Engine`] and change nothing. Call it on a
    /// clone when the store itself has gone to its writer.
    pub fn fail_next_commit(&self) {
        self.shared().fail_next_commit = true;
    }

    /// Makes the next commit fail, and every call after it with [`StoreError::Broken`], as an
    /// engine does whose disk failed.
    pub fn break_at_next_commit(&self) {
        self.shared().break_at_next_commit = true;
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A panic elsewhere cannot leave the maps half changed: each change is one call.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Result<MutexGuard<'_, Shared>, StoreError> {
        let shared = self.shared();
        if shared.broken { Err(StoreError::Broken("the store")) } else { Ok(shared) }
    }
}

impl Store for MemoryStore {
    fn load(&self, tree: Tree, each: &mut EachRecord<'_>) -> Result<(), StoreError> {
        // Copied, because `each` may look at a clone of this store.
        let records = self.usable()?.records.get(&tree).cloned().unwrap_or_default();
        records.iter().try_for_each(|(key, value)| each(key, value))
    }

    fn page(&self, tree: Tree, after: Option<&[u8]>, bytes: usize) -> Result<Page, StoreError> {
        let shared = self.usable()?;
        let from = after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.to_vec()));
        let Some(records) = shared.records.get(&tree) else { return Ok(Page::new()) };
        let records = records.range((from, Bound::Unbounded));
        let mut left = bytes;
        let fits = |(key, value): &(&Vec<u8>, &Vec<u8>)| {
            let goes_on = left > 0;
            left = left.saturating_sub(key.len() + value.len() + 1);
            goes_on
        };
        Ok(records.take_while(fits).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn read(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.usable()?.records.get(&tree).and_then(|records| records.get(key)).cloned())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        batch.check_limits()?;
        let mut shared = self.usable()?;
        if shared.break_at_next_commit {
            shared.broken = true;
            return Err(StoreError::Engine("this commit was told to break the store".into()));
        }
        if std::mem::take(&mut shared.fail_next_commit) {
            return Err(StoreError::Engine("this commit was told to fail".into()));
        }
        for change in batch.changes() {
            match change {
                Change::Put { tree, key, value } => {
                    let records = shared.records.entry(*tree).or_default();
                    records.insert(key.clone(), value.clone());
                }
                Change::Delete { tree, key } => {
                    shared.records.entry(*tree).or_default().remove(key);
                }
            }
        }
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        let shared = self.shared();
        let records = shared.records.values().flatten();
        Ok(records.map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite;

    /// One store for each path, as if paths were directories.
    fn stores() -> impl Fn(&std::path::Path) -> Box<dyn Store> {
        let stores = Mutex::new(BTreeMap::<_, MemoryStore>::new());
        move |path| Box::new(stores.lock().unwrap().entry(path.to_owned()).or_default().clone())
    }

    #[test]
    fn passes_the_suite() {
        suite::suite(stores());
    }

    #[test]
    fn agrees_with_the_model() {
        suite::agrees_with_the_model(64, stores());
    }

    #[test]
    fn a_commit_told_to_fail_fails_once_and_changes_nothing() {
        let mut store = MemoryStore::new();
        let mut batch = Batch::new();
        batch.put(Tree::Meta, b"key", b"value");

        store.clone().fail_next_commit();
        assert!(matches!(store.commit(&batch), Err(StoreError::Engine(_))));
        assert_eq!(store.read(Tree::Meta, b"key").unwrap(), None);

        store.commit(&batch).unwrap();
        assert_eq!(store.read(Tree::Meta, b"key").unwrap().as_deref(), Some(&b"value"[..]));
    }

    #[test]
    fn a_store_told_to_break_stays_broken() {
        let mut store = MemoryStore::new();
        let mut batch = Batch::new();
        batch.put(Tree::Meta, b"key", b"value");

        store.break_at_next_commit();
        assert!(matches!(store.commit(&batch), Err(StoreError::Engine(_))));
        assert!(matches!(store.commit(&batch), Err(StoreError::Broken(_))));
        assert!(matches!(store.read(Tree::Meta, b"key"), Err(StoreError::Broken(_))));
    }
}
