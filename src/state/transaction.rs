//! What one commit is made of, gathered while changes are applied to the model.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use uuid::Uuid;

use super::model::{COUNTERS, Dirty, Model};
use super::records::{ContentRecord, DecisionRecord, RevisionRecord};
use super::registry::Tracked;
use crate::computers::event::EventLog;
use crate::policy::target_group::TargetGroup;
use crate::store::value::{self, Stored};
use crate::store::{Batch, Store, StoreError, Tree};
use crate::wire::types::Sha1;

/// The changes of one commit. A change refuses before it calls any method that alters something.
pub(super) struct Transaction<'a> {
    pub(super) model: &'a mut Model,
    /// Unix seconds of the commit.
    pub(super) now: i64,
    store: &'a dyn Store,
    staged: Staged,
    events: HashMap<u32, EventLog>,
    counted: bool,
}

/// A commit, ready to be made.
#[derive(Default)]
pub(super) struct Staged {
    pub(super) batch: Batch,
    pub(super) journal: Vec<serde_json::Value>,
    pub(super) dirty: Dirty,
    /// More changes of the same kind follow at once: publishing may wait for them.
    pub(super) more_follows: bool,
    pub(super) computers: Vec<Tracked>,
    pub(super) removed: Vec<String>,
    /// A record could not be encoded: nothing may be committed.
    pub(super) failed: Option<Arc<StoreError>>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(model: &'a mut Model, store: &'a dyn Store, now: i64) -> Self {
        let staged = Staged::default();
        Self { model, now, store, staged, events: HashMap::new(), counted: false }
    }

    pub(super) fn finish(self) -> Staged {
        self.staged
    }

    /// The sequence number of this commit, for changes that clients have to be told of.
    pub(super) fn sequence(&mut self) -> u64 {
        if !self.counted {
            self.counted = true;
            self.model.counters.sequence += 1;
            self.put_counters();
        }
        self.model.counters.sequence
    }

    /// A deployment number that was never given out.
    pub(super) fn next_deployment(&mut self) -> u32 {
        let number = self.model.counters.next_deployment;
        self.model.counters.next_deployment += 1;
        self.put_counters();
        number
    }

    /// A revision number that was never given out.
    pub(super) fn next_revision(&mut self) -> u32 {
        let number = self.model.counters.next_revision;
        self.model.counters.next_revision += 1;
        self.put_counters();
        number
    }

    /// A computer number that was never given out.
    pub(super) fn next_computer(&mut self) -> u32 {
        let number = self.model.counters.next_computer;
        self.model.counters.next_computer += 1;
        self.put_counters();
        number
    }

    pub(super) fn put_revision(&mut self, record: RevisionRecord) {
        self.put(Tree::Revisions, &record.id.0.to_be_bytes(), &record);
        self.staged.dirty.catalog = true;
        self.model.add_revision(Arc::new(record));
    }

    pub(super) fn put_decision(&mut self, decision: DecisionRecord) {
        self.put(Tree::Approvals, decision.update.as_bytes(), &decision);
        self.staged.dirty.policy = true;
        self.model.set_decision(decision);
    }

    pub(super) fn put_group(&mut self, group: TargetGroup) {
        self.put(Tree::Groups, group.id.as_bytes(), &group);
        self.staged.dirty.policy = true;
        self.model.policy.groups.insert(group.id, group);
    }

    pub(super) fn delete_group(&mut self, id: Uuid) {
        self.staged.batch.delete(Tree::Groups, id.as_bytes().as_slice());
        self.staged.dirty.policy = true;
        self.model.policy.groups.remove(&id);
    }

    pub(super) fn put_content(&mut self, sha1: Sha1, record: ContentRecord) {
        self.put(Tree::Contents, &sha1.0, &record);
        self.staged.dirty.contents = true;
        self.model.contents.insert(sha1, record);
    }

    /// Stores what changed of a computer.
    pub(super) fn put_computer(&mut self, tracked: Tracked, what: Written) {
        let key = tracked.computer.number.to_be_bytes();
        match what {
            Written::Computer => self.put(Tree::Computers, &key, &*tracked.computer),
            Written::Statuses => self.put(Tree::Statuses, &key, &*tracked.statuses),
        }
        self.model.computers.insert(tracked.computer.client_id.clone(), tracked.clone());
        self.staged.removed.retain(|client_id| *client_id != tracked.computer.client_id);
        self.staged.computers.push(tracked);
    }

    pub(super) fn delete_computer(&mut self, tracked: &Tracked) {
        let key = tracked.computer.number.to_be_bytes();
        for tree in [Tree::Computers, Tree::Statuses, Tree::Events] {
            self.staged.batch.delete(tree, key.as_slice());
        }
        let client_id = &tracked.computer.client_id;
        self.events.remove(&tracked.computer.number);
        self.model.computers.remove(client_id);
        self.staged.computers.retain(|staged| staged.computer.client_id != *client_id);
        self.staged.removed.push(client_id.clone());
    }

    /// The events of a computer, changes of this commit included.
    pub(super) fn events(&mut self, computer: u32) -> Result<&EventLog, StoreError> {
        self.events_mut(computer).map(|events| &*events)
    }

    /// Changes the events of a computer and stores them.
    pub(super) fn change_events<T>(
        &mut self,
        computer: u32,
        change: impl FnOnce(&mut EventLog) -> T,
    ) -> Result<T, StoreError> {
        let outcome = change(self.events_mut(computer)?);
        if let Some(events) = self.events.get(&computer).cloned() {
            self.put(Tree::Events, &computer.to_be_bytes(), &events);
        }
        Ok(outcome)
    }

    /// Adds an entry to the journal of what cannot be fetched again.
    pub(super) fn journal(&mut self, entry: serde_json::Value) {
        self.staged.journal.push(entry);
    }

    /// The single record called `name`, as it was before this commit.
    pub(super) fn meta<T: Stored>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let stored = self.store.read(Tree::Meta, name.as_bytes())?;
        stored.map(|bytes| value::decode(&bytes)).transpose()
    }

    /// Replaces the single record called `name`.
    pub(super) fn put_meta<T: Stored>(&mut self, name: &str, record: &T) {
        self.put(Tree::Meta, name.as_bytes(), record);
    }

    /// Lets publication wait for the next commit.
    pub(super) fn more_follows(&mut self) {
        self.staged.more_follows = true;
    }

    fn events_mut(&mut self, computer: u32) -> Result<&mut EventLog, StoreError> {
        match self.events.entry(computer) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let stored = self.store.read(Tree::Events, &computer.to_be_bytes())?;
                let events = stored.map(|bytes| value::decode(&bytes)).transpose()?;
                Ok(entry.insert(events.unwrap_or_default()))
            }
        }
    }

    fn put_counters(&mut self) {
        let counters = self.model.counters;
        self.put(Tree::Meta, COUNTERS, &counters);
    }

    fn put<T: Stored>(&mut self, tree: Tree, key: &[u8], record: &T) {
        match value::encode(record) {
            Ok(bytes) => self.staged.batch.put(tree, key, bytes),
            Err(error) => self.staged.failed = Some(Arc::new(error)),
        }
    }
}

/// Which records of a computer a change writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// What it is.
    Computer,
    /// What it reported.
    Statuses,
}
