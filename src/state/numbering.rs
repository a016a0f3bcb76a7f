//! The numbers that stand for updates in what computers report.
//!
//! A number is stored in the commit that first uses it. Readers see the same table as the writer:
//! at worst a number that no row of theirs has yet.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use uuid::Uuid;

use super::State;
use super::model::Model;
use super::records::{NumberRecord, StatusRecord};
use super::registry::Tracked;
use super::transaction::Transaction;
use crate::computers::Statuses;
use crate::computers::numbers::{Numbers, UpdateNumber};
use crate::computers::status::{Numbering, UpdateStatus};
use crate::store::{Batch, Store, StoreError, Tree, value};

/// Computers whose records of an earlier version are written anew in one commit.
const PART: usize = 1024;

/// The table, for the writer and all readers.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedNumbers(Arc<RwLock<Numbers>>);

impl SharedNumbers {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Numbers> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the table, when it was read back from the store.
    pub(super) fn replace(&self, numbers: Numbers) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = numbers;
    }

    fn give(&self, update: Uuid, is_known: bool) -> Option<UpdateNumber> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).give(update, is_known)
    }
}

impl State {
    /// The number that stands for an update in rows, if any row was ever of it.
    pub fn update_number(&self, update: &Uuid) -> Option<UpdateNumber> {
        self.numbers.read().number(update)
    }

    /// The updates by their numbers; nil where a number stands for none.
    pub fn numbered_updates(&self) -> Vec<Uuid> {
        self.numbers.read().ids().to_vec()
    }

    /// The rows of a computer by the ids of its updates, ascending.
    pub fn rows(&self, statuses: &Statuses) -> Vec<UpdateStatus> {
        let numbers = self.numbers.read();
        let named = statuses.rows().filter_map(|row| {
            let update = numbers.id(row.number)?;
            Some(UpdateStatus { update, state: row.state, since: row.since })
        });
        let mut rows: Vec<UpdateStatus> = named.collect();
        rows.sort_unstable_by_key(|row| row.update);
        rows
    }
}

impl Model {
    /// The number of an update, and whether it was given to it just now and has to be stored.
    fn number(&mut self, update: Uuid) -> Option<(UpdateNumber, bool)> {
        let known = self.numbers.read().number(&update);
        if let Some(number) = known {
            return Some((number, false));
        }
        let is_known = self.catalog.catalog().update(&update).is_some();
        let number = self.numbers.give(update, is_known)?;
        self.note_arrival(&update);
        Some((number, true))
    }
}

impl Numbering for Transaction<'_> {
    fn known(&self, update: &Uuid) -> Option<UpdateNumber> {
        self.model.numbers.read().number(update)
    }

    fn number(&mut self, update: Uuid) -> Option<UpdateNumber> {
        let (number, is_new) = self.model.number(update)?;
        if is_new {
            self.put_number(number, &NumberRecord { update });
        }
        Some(number)
    }
}

/// Reads the numbers back. Those that no row has are forgotten by [`settle`].
pub(super) fn load(store: &dyn Store) -> Result<Numbers, StoreError> {
    let mut numbers = Numbers::default();
    store.load(Tree::UpdateNumbers, &mut |key, bytes| {
        let number = key.try_into().map_err(|_| StoreError::corrupt("an update's number"))?;
        let NumberRecord { update } = value::decode(bytes)?;
        match numbers.restore(u32::from_be_bytes(number), update) {
            true => Ok(()),
            false => Err(StoreError::corrupt("an update's number")),
        }
    })?;
    Ok(numbers)
}

/// Forgets the numbers that nothing uses, once all computers were counted and the catalogue was read.
pub(super) fn settle(model: &Model) {
    let mut used = model.census.tally(|_| true).reported();
    for tracked in model.computers.values() {
        used.extend(tracked.statuses.relapses.numbers());
    }
    let catalog = model.catalog.catalog();
    let mut numbers = model.numbers.read().clone();
    let is_used = |number| used.contains(&number);
    numbers.settle(is_used, |update| catalog.update(update).is_some());
    model.numbers.replace(numbers);
}

/// Numbers the rows of an earlier version, and stores them so.
pub(super) fn migrate(model: &mut Model, store: &mut dyn Store) -> Result<(), StoreError> {
    let unnumbered = std::mem::take(&mut model.unnumbered);
    for part in unnumbered.chunks(PART) {
        let mut numbering = Migration { model, batch: Batch::default(), failed: None };
        let mut records = Vec::new();
        for (client_id, rows) in part {
            let Some(tracked) = numbering.model.computers.get(client_id) else { continue };
            let mut statuses = Statuses::clone(&tracked.statuses);
            statuses.renumber(rows, &mut numbering);
            records.push((client_id, Arc::new(statuses)));
        }
        let Migration { model, mut batch, failed } = numbering;
        if let Some(error) = failed {
            return Err(error);
        }
        for (client_id, statuses) in records {
            let Some(tracked) = model.computers.get(client_id).cloned() else { continue };
            let record = StatusRecord { statuses: (*statuses).clone(), unnumbered: Vec::new() };
            let key = tracked.computer.number.to_be_bytes();
            batch.put(Tree::Statuses, key.as_slice(), value::encode(&record)?);
            model.put_computer(Tracked { statuses, ..tracked });
        }
        store.commit(&batch)?;
    }
    Ok(())
}

/// Gives numbers outside of a transaction.
struct Migration<'m> {
    model: &'m mut Model,
    batch: Batch,
    failed: Option<StoreError>,
}

impl Numbering for Migration<'_> {
    fn known(&self, update: &Uuid) -> Option<UpdateNumber> {
        self.model.numbers.read().number(update)
    }

    fn number(&mut self, update: Uuid) -> Option<UpdateNumber> {
        let (number, is_new) = self.model.number(update)?;
        match is_new.then(|| value::encode(&NumberRecord { update })).transpose() {
            Ok(Some(bytes)) => {
                self.batch.put(Tree::UpdateNumbers, number.to_be_bytes().as_slice(), bytes);
            }
            Ok(None) => {}
            Err(error) => self.failed = Some(error),
        }
        Some(number)
    }
}
