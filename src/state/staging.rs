//! What a synchronization fetched, from the first revision to the moment when all become visible.
//!
//! Fetching a catalogue takes minutes to hours, and half a catalogue is worse than none: bundles
//! without members, products without their prerequisites. So revisions are made durable one batch
//! after the other where nobody sees them, and a process that was killed goes on from there. Once
//! the last one is here they are moved to the others. That takes several commits; the first of them
//! leaves a mark, and a process that ended between two of them finishes at its next start, before
//! it answers anybody. Readers see none of them, or all.
//!
//! What a synchronization left behind that was interrupted belongs to what it had asked for. The next
//! one may ask for something else: then only what that lists becomes visible, and the rest goes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::import::{ImportOutcome, Importable, Stored, add};
use super::library::Library;
use super::model::Model;
use super::records::FileOrigin;
use super::transaction::{Staged, Transaction};
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
                let mut seen = HashSet::with_capacity(listed.len());
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

    /// Lets everybody see what was staged and `reveal` names, all of it at once; with `more_follows`
    /// together with the next change, or after
    /// [`Settings::import_patience`](super::Settings::import_patience) if none comes.
    ///
    /// # Errors
    /// The store's. Nothing of it is visible then; the next call, or the next start, makes it so.
    pub async fn publish_staged(
        &self,
        reveal: Reveal,
        more_follows: bool,
    ) -> Result<Moved, StateError> {
        self.writer.publish_staged(reveal, more_follows).await
    }
}

/// Which of the staged revisions become visible, and what becomes of the others.
#[derive(Debug, Clone)]
pub enum Reveal {
    /// Categories and detectoids. The others stay where they are.
    Configuration,
    /// What a synchronization listed. The others were fetched for another selection, or from another
    /// server: they are given up.
    Listed(HashSet<UpdateIdentity>),
}

/// The part of what is staged that is being moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// All of it.
    All,
    /// Categories and detectoids.
    Configuration,
}

/// Lets go of what is not wanted and moves what is, `chunk` of them in one commit.
///
/// # Errors
/// As of [`move_all`].
pub(super) fn reveal(
    model: &mut Model,
    store: &mut dyn Store,
    library: &Library,
    now: i64,
    chunk: usize,
    reveal: &Reveal,
    journal: &mut Vec<Value>,
) -> Result<Moved, StoreError> {
    let part = match reveal {
        Reveal::Configuration => Part::Configuration,
        Reveal::Listed(listed) => {
            let rest = model.staged.keys().filter(|identity| !listed.contains(identity));
            let rest: Vec<UpdateIdentity> = rest.copied().collect();
            for some in rest.chunks(chunk) {
                let mut transaction = Transaction::new(model, store, now);
                some.iter().for_each(|identity| transaction.unstage_revision(identity));
                commit(transaction.finish(), store, journal)?;
            }
            Part::All
        }
    };
    move_all(model, store, library, now, chunk, part, journal)
}

/// Moves the `part` of what is staged in `model` and `store` to the revisions, `chunk` of them in one
/// commit. What the journal has to say of it is added to `journal`: none of it is a decision, so it can
/// be written when all is done.
///
/// # Errors
/// The store's. [`Model::publishing`] tells whether a part was moved.
pub(super) fn move_all(
    model: &mut Model,
    store: &mut dyn Store,
    library: &Library,
    now: i64,
    chunk: usize,
    part: Part,
    journal: &mut Vec<Value>,
) -> Result<Moved, StoreError> {
    let mut moved = Moved::default();
    let wanted = in_part(model, library, part)?;
    if wanted.is_empty() && model.publishing.is_none() {
        return Ok(moved);
    }
    // A process may have ended when only the mark was left.
    let mut chunks: Vec<&[UpdateIdentity]> = wanted.chunks(chunk).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    for (at, some) in chunks.into_iter().enumerate() {
        let some = some.iter().filter_map(|identity| model.staged.get(identity));
        let some = some.map(|record| Stored::read(library, *record));
        let some = some.collect::<Result<Vec<_>, _>>()?;
        let before = model.publishing;
        let mut transaction = Transaction::new(model, store, now);
        match (at == last, before) {
            (true, Some(_)) => transaction.end_publishing(),
            (false, None) => transaction.begin_publishing(part),
            _ => {}
        }
        some.into_iter().for_each(|staged| move_one(&mut transaction, staged, &mut moved));
        if let Err(error) = commit(transaction.finish(), store, journal) {
            model.publishing = before;
            return Err(error);
        }
    }
    Ok(moved)
}

/// What is staged of this part.
fn in_part(
    model: &Model,
    library: &Library,
    part: Part,
) -> Result<Vec<UpdateIdentity>, StoreError> {
    let mut found = Vec::new();
    for (identity, record) in &model.staged {
        let is_in = match part {
            Part::All => true,
            Part::Configuration => Stored::read(library, *record)?.is_configuration(),
        };
        if is_in {
            found.push(*identity);
        }
    }
    Ok(found)
}

fn commit(
    staged: Staged,
    store: &mut dyn Store,
    journal: &mut Vec<Value>,
) -> Result<(), StoreError> {
    if let Some(cause) = staged.failed {
        return Err(StoreError::corrupt(cause.to_string()));
    }
    store.commit(&staged.batch)?;
    journal.extend(staged.journal);
    Ok(())
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
