//! What a synchronization fetched, from the first revision to the moment when all become visible.
//!
//! Fetching a catalogue takes minutes to hours, and half a catalogue is worse than none: bundles
//! without members, products without their prerequisites. So revisions are made durable one batch
//! after the other where nobody sees them, and a process that was killed goes on from there. Once
//! the last one is here they are moved to the others. That takes several commits; the first of them
//! leaves a mark, and a process that ended between two of them finishes at its next start, before
//! it answers anybody. Readers see none of them, or all.

use super::import::{ImportOutcome, Importable, Stored, add};
use super::library::Library;
use super::model::Model;
use super::records::FileOrigin;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::store::{Batch, Store, StoreError};
use crate::wire::types::{Sha1, UpdateIdentity};

/// Revisions moved in one commit: each takes two changes, and its neighbours some more.
pub(super) const CHUNK: usize = 500;

/// What became visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Revisions of updates that were not here.
    pub new: u64,
    /// Revisions of updates that were.
    pub changed: u64,
}

impl Moved {
    /// All of them.
    pub fn total(self) -> u64 {
        self.new + self.changed
    }
}

/// Which of the revisions that an upstream server lists are not here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Those to be fetched, each once, in the list's order.
    pub revisions: Vec<UpdateIdentity>,
    /// How many are visible already.
    pub known: u64,
    /// How many were fetched before and are not visible yet.
    pub staged: u64,
}

impl State {
    /// Of the revisions `listed`, those that were neither imported nor fetched.
    pub async fn unknown(&self, listed: Vec<UpdateIdentity>) -> Result<Unknown, StateError> {
        self.writer
            .submit(move |transaction| {
                let model = &transaction.model;
                let catalog = model.catalog.catalog();
                let mut unknown = Unknown::default();
                let mut seen = std::collections::HashSet::with_capacity(listed.len());
                for identity in listed.into_iter().filter(|identity| seen.insert(*identity)) {
                    // What was deleted is known well enough.
                    if catalog.by_identity(&identity).is_some() || model.is_deleted(&identity) {
                        unknown.known += 1;
                    } else if model.staged.contains_key(&identity) {
                        unknown.staged += 1;
                    } else {
                        unknown.revisions.push(identity);
                    }
                }
                Ok(unknown)
            })
            .await
    }

    /// Makes fetched documents durable, and where their files come from, without letting anybody
    /// see them. The outcomes are in the documents' order.
    pub async fn stage(
        &self,
        documents: Vec<Importable>,
        origins: Vec<(Sha1, FileOrigin)>,
    ) -> Result<Vec<ImportOutcome>, StateError> {
        for some in origins.chunks(Batch::ADVISED_CHANGES) {
            self.set_origins(some.to_vec()).await?;
        }
        self.take(documents, |transaction, documents| {
            let stage = |new: Stored| {
                transaction.stage_revision(new.identity, new.record);
                ImportOutcome::Staged
            };
            documents.into_iter().map(stage).collect()
        })
        .await
    }

    /// Lets everybody see what was staged, all of it at once.
    ///
    /// # Errors
    /// The store's. Nothing of it is visible then; the next call, or the next start, makes it so.
    pub async fn publish_staged(&self) -> Result<Moved, StateError> {
        self.writer.publish_staged().await
    }
}

/// Moves all that is staged in `model` and `store` to the revisions, `chunk` of them in one commit.
///
/// # Errors
/// The store's. [`Model::publishing`] tells whether a part was moved.
pub(super) fn move_all(
    model: &mut Model,
    store: &mut dyn Store,
    library: &Library,
    now: i64,
    chunk: usize,
) -> Result<Moved, StoreError> {
    let mut moved = Moved::default();
    loop {
        let some = model.staged.values().take(chunk);
        let some = some.map(|record| Stored::read(library, *record));
        let some = some.collect::<Result<Vec<_>, _>>()?;
        let is_last = some.len() == model.staged.len();
        if some.is_empty() && !model.publishing {
            return Ok(moved);
        }
        let before = model.publishing;
        let mut transaction = Transaction::new(model, store, now);
        match (is_last, before) {
            (true, true) => transaction.end_publishing(),
            (false, false) => transaction.begin_publishing(),
            _ => {}
        }
        some.into_iter().for_each(|staged| move_one(&mut transaction, staged, &mut moved));
        let staged = transaction.finish();
        let committed = match staged.failed {
            Some(cause) => Err(StoreError::corrupt(cause.to_string())),
            None => store.commit(&staged.batch),
        };
        if let Err(error) = committed {
            model.publishing = before;
            return Err(error);
        }
        if is_last {
            return Ok(moved);
        }
    }
}

fn move_one(transaction: &mut Transaction<'_>, staged: Stored, moved: &mut Moved) {
    transaction.unstage_revision(&staged.identity);
    let catalog = transaction.model.catalog.catalog();
    let is_changed = catalog.update(&staged.identity.update_id).is_some();
    match add(transaction, staged) {
        ImportOutcome::New(_) if is_changed => moved.changed += 1,
        ImportOutcome::New(_) => moved.new += 1,
        // Imported by hand since, or no number is left: it stays as it is.
        _ => {}
    }
}
