//! Listening to what is committed, for a backup that is made meanwhile.
//!
//! While somebody listens, every batch that was committed is also kept here until it is taken.
//! That is memory, so there is a limit: a listener that takes too slowly loses the backup, and
//! nobody else anything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::{Batch, Change, EachRecord, Page, Store, StoreError, Tree};

/// Most bytes of changes that wait to be taken: some minutes of a large fleet.
const LIMIT: usize = 64 << 20;

/// Where the changes wait.
#[derive(Debug, Default)]
pub struct Tap(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open {
        changes: Vec<Change>,
        bytes: usize,
    },
    /// Something is missing from here on.
    Lost(&'static str),
}

/// Somebody who listens, until it is dropped.
#[derive(Debug)]
pub struct Listener(Arc<Tap>);

/// A store that lets one listen.
pub struct Tapped {
    store: Box<dyn Store>,
    tap: Arc<Tap>,
}

impl Tap {
    /// Begins to listen; none while somebody else does.
    pub fn listen(self: &Arc<Self>) -> Option<Listener> {
        let mut state = self.state();
        if !matches!(*state, State::Closed) {
            return None;
        }
        *state = State::Open { changes: Vec::new(), bytes: 0 };
        Some(Listener(Arc::clone(self)))
    }

    fn committed(&self, batch: &Batch) {
        let mut state = self.state();
        let State::Open { changes, bytes } = &mut *state else { return };
        let size = |change: &Change| match change {
            Change::Put { key, value, .. } => key.len() + value.len(),
            Change::Delete { key, .. } => key.len(),
        };
        *bytes += batch.changes().iter().map(|it| size(it) + size_of::<Change>()).sum::<usize>();
        if *bytes > LIMIT {
            *state = State::Lost("it was taken too slowly, and too much changed meanwhile");
        } else {
            changes.extend_from_slice(batch.changes());
        }
    }

    fn failed(&self) {
        let mut state = self.state();
        if matches!(*state, State::Open { .. }) {
            *state = State::Lost("a commit failed meanwhile");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// What was committed since it was asked last.
    ///
    /// # Errors
    /// [`StoreError::Backup`] when something is missing.
    pub fn take(&self) -> Result<Vec<Change>, StoreError> {
        match &mut *self.0.state() {
            State::Open { changes, bytes } => {
                *bytes = 0;
                Ok(std::mem::take(changes))
            }
            State::Lost(reason) => Err(StoreError::Backup(reason)),
            State::Closed => Err(StoreError::Backup("nobody listened")),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        *self.0.state() = State::Closed;
    }
}

impl Tapped {
    /// The same store, with what one listens at.
    pub fn new(store: Box<dyn Store>) -> (Self, Arc<Tap>) {
        let tap = Arc::<Tap>::default();
        (Self { store, tap: Arc::clone(&tap) }, tap)
    }
}

impl Store for Tapped {
    fn load(&self, tree: Tree, each: &mut EachRecord<'_>) -> Result<(), StoreError> {
        self.store.load(tree, each)
    }

    fn page(&self, tree: Tree, after: Option<&[u8]>, bytes: usize) -> Result<Page, StoreError> {
        self.store.page(tree, after, bytes)
    }

    fn read(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read(tree, key)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let committed = self.store.commit(batch);
        match committed {
            Ok(()) => self.tap.committed(batch),
            Err(_) => self.tap.failed(),
        }
        committed
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.store.size_on_disk()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    fn one(key: &[u8], value: Vec<u8>) -> Batch {
        let mut batch = Batch::new();
        batch.put(Tree::Meta, key, value);
        batch
    }

    #[test]
    fn one_hears_what_is_committed_and_nothing_before_or_after() {
        let (mut store, tap) = Tapped::new(Box::new(MemoryStore::new()));
        store.commit(&one(b"a", vec![1])).expect("committed");
        let listener = tap.listen().expect("nobody listens");
        assert!(tap.listen().is_none());
        store.commit(&one(b"b", vec![2])).expect("committed");
        assert_eq!(listener.take().expect("all"), one(b"b", vec![2]).changes());
        assert_eq!(listener.take().expect("all"), []);
        drop(listener);
        store.commit(&one(b"c", vec![3])).expect("committed");
        assert_eq!(tap.listen().expect("nobody listens").take().expect("all"), []);
    }

    #[test]
    fn whoever_takes_too_slowly_is_told_and_costs_no_more_memory() {
        let (mut store, tap) = Tapped::new(Box::new(MemoryStore::new()));
        let listener = tap.listen().expect("nobody listens");
        for _ in 0..=LIMIT / Batch::MAX_VALUE {
            store.commit(&one(b"a", vec![0; Batch::MAX_VALUE])).expect("committed");
        }
        assert!(matches!(&*tap.state(), State::Lost(_)));
        assert!(matches!(listener.take(), Err(StoreError::Backup(_))));
    }

    #[test]
    fn a_failed_commit_is_not_missed_silently() {
        let memory = MemoryStore::new();
        let (mut store, tap) = Tapped::new(Box::new(memory.clone()));
        let listener = tap.listen().expect("nobody listens");
        memory.fail_next_commit();
        store.commit(&one(b"a", vec![])).expect_err("told to");
        assert!(matches!(listener.take(), Err(StoreError::Backup(_))));
    }
}
