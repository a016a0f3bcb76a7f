//! Importing update documents.
//!
//! Reading, deriving and compressing happen on the caller's thread, and the files are durable
//! before the writer hears of them. A document that cannot be used leaves nothing; one that is
//! there already changes nothing; one that says something else under the same identity is refused,
//! because revisions never change.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;

use super::library::{Entry, Library, Places};
use super::model::Model;
use super::neighbours::touch_for_import;
use super::records::RevisionRecord;
use super::transaction::Transaction;
use super::{State, StateError, blocking};
use crate::metadata::error::DocumentError;
use crate::metadata::fragments;
use crate::metadata::model::UpdateMetadata;
use crate::metadata::parse::parse;
use crate::metadata::prepared::{self, PreparedFile};
use crate::store::Batch;
use crate::store::packs::Place;
use crate::store::value;
use crate::wire::types::{RevisionId, Sha256, UpdateIdentity};

/// A document that can be imported: parsed, its fragments ready.
pub struct Importable {
    metadata: Arc<UpdateMetadata>,
    document: String,
    digest: Sha256,
    fragments: PreparedFile,
}

impl Importable {
    /// Reads `document` and derives everything from it.
    ///
    /// # Errors
    /// What is wrong with the document, in words for an administrator.
    pub fn new(document: String) -> Result<Self, DocumentError> {
        let mut metadata = parse(&document)?;
        let derived = fragments::derive(&document)?;
        // Titles in 37 languages would be most of the memory of a catalogue, and clients get
        // theirs from the fragments. Administrators read the default language or English.
        let default = metadata.default_language.clone();
        let any = metadata.titles.first().cloned();
        metadata.titles.retain(|text| {
            text.language.eq_ignore_ascii_case(&default) || text.language.eq_ignore_ascii_case("en")
        });
        if metadata.titles.is_empty() {
            metadata.titles.extend(any);
        }
        Ok(Self {
            metadata: Arc::new(metadata),
            fragments: prepared::write(&derived),
            digest: digest_of(document.as_bytes()),
            document,
        })
    }

    /// Which revision it is.
    pub fn identity(&self) -> UpdateIdentity {
        self.metadata.identity
    }

    #[cfg(test)]
    pub(super) fn metadata(&self) -> &UpdateMetadata {
        &self.metadata
    }

    /// Its record, without the numbers that only the writer gives out; these take most room as
    /// they are, so that the record never becomes larger.
    fn record(&self, places: Places) -> RevisionRecord {
        RevisionRecord {
            id: RevisionId(u32::MAX),
            deployment_id: u32::MAX,
            imported: i64::MAX,
            changed: u64::MAX,
            metadata: Arc::clone(&self.metadata),
            digest: self.digest,
            places,
            core_bytes: u32::try_from(self.fragments.core_bytes).unwrap_or(u32::MAX),
        }
    }

    /// Refuses a document whose evaluated part no record can hold.
    fn check_size(&self) -> Result<(), Rejection> {
        let place = Place { pack: u32::MAX, offset: u32::MAX, length: u32::MAX };
        let places = Places { document: place, fragments: place };
        let size = value::encode(&self.record(places)).map_or(usize::MAX, |r| r.len());
        if size > Batch::MAX_VALUE { Err(Rejection::TooLarge(size)) } else { Ok(()) }
    }
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is a revision that was not there.
    New(RevisionId),
    /// It was there.
    Unchanged(RevisionId),
    /// It cannot be taken.
    Rejected(Rejection),
}

/// Why a readable document was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Revisions never change.
    #[error("revision {0} is there with other content; a change needs a new revision number")]
    Differs(UpdateIdentity),
    /// The part that is evaluated does not fit a record.
    #[error("its relations and files take {0} bytes, more than a record holds")]
    TooLarge(usize),
    /// Revision numbers are 31-bit on the wire.
    #[error("no revision number is left")]
    Exhausted,
}

impl State {
    /// Imports documents in one commit; the outcomes are in their order.
    ///
    /// `more_follows` lets readers keep the state before until a later import publishes: a bulk
    /// import builds the catalogue once, not once a batch. Should no later import come, readers see
    /// it after [`Settings::import_patience`](super::Settings::import_patience).
    pub async fn import(
        &self,
        documents: Vec<Importable>,
        more_follows: bool,
    ) -> Result<Vec<ImportOutcome>, StateError> {
        // Asked first, so that what is there costs no write and what is refused leaves no file.
        let mut outcomes = self.known(&documents).await?;
        refuse_contradictions(&documents, &mut outcomes);
        let unknown: Vec<Importable> = documents
            .into_iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_none())
            .map(|(document, _)| document)
            .collect();
        let library = Arc::clone(&self.library);
        let records = blocking(move || put(&library, &unknown)).await??;
        let added = self
            .writer
            .submit(move |transaction| {
                match more_follows {
                    true => transaction.more_follows(),
                    false => transaction.publish(),
                }
                Ok(records.into_iter().map(|record| add(transaction, record)).collect::<Vec<_>>())
            })
            .await?;
        let open = outcomes.iter_mut().filter(|outcome| outcome.is_none());
        open.zip(added).for_each(|(open, added)| *open = Some(added));
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// What becomes of those documents of which that is certain before anything is written.
    async fn known(
        &self,
        documents: &[Importable],
    ) -> Result<Vec<Option<ImportOutcome>>, StateError> {
        let asked: Vec<_> = documents
            .iter()
            .map(|document| (document.identity(), document.digest, document.check_size()))
            .collect();
        self.writer
            .submit(move |transaction| {
                let outcome = |(identity, document, fits): (_, _, Result<(), Rejection>)| match fits
                {
                    Ok(()) => known(transaction.model, identity, document),
                    Err(rejection) => Some(ImportOutcome::Rejected(rejection)),
                };
                Ok(asked.into_iter().map(outcome).collect())
            })
            .await
    }
}

/// Stores what `documents` hold, what comes twice once. The records are in their order.
fn put(library: &Library, documents: &[Importable]) -> Result<Vec<RevisionRecord>, StateError> {
    let mut firsts = HashMap::new();
    let mut entries = Vec::with_capacity(documents.len());
    for document in documents {
        firsts.entry(document.identity()).or_insert_with(|| {
            entries.push(Entry {
                document: document.document.as_bytes(),
                fragments: &document.fragments.bytes,
            });
            entries.len() - 1
        });
    }
    let places = library.put(&entries)?;
    let place = |document: &Importable| places.get(*firsts.get(&document.identity())?).copied();
    Ok(documents.iter().filter_map(|new| Some(new.record(place(new)?))).collect())
}

/// Of documents that say different things of one revision the first is taken.
fn refuse_contradictions(documents: &[Importable], outcomes: &mut [Option<ImportOutcome>]) {
    let mut taken = HashMap::new();
    for (document, outcome) in documents.iter().zip(outcomes) {
        let (identity, id) = (document.identity(), document.digest);
        if outcome.is_none() && *taken.entry(identity).or_insert(id) != id {
            *outcome = Some(ImportOutcome::Rejected(Rejection::Differs(identity)));
        }
    }
}

/// What becomes of a document whose identity is there.
fn known(model: &Model, identity: UpdateIdentity, document: Sha256) -> Option<ImportOutcome> {
    let id = model.identities.get(&identity)?;
    Some(match model.revisions.get(id) {
        Some(old) if old.digest == document => ImportOutcome::Unchanged(*id),
        _ => ImportOutcome::Rejected(Rejection::Differs(identity)),
    })
}

fn add(transaction: &mut Transaction<'_>, record: RevisionRecord) -> ImportOutcome {
    // Once more: somebody else may have imported it meanwhile, or the same call brings it twice.
    let identity = record.metadata.identity;
    if let Some(outcome) = known(transaction.model, identity, record.digest) {
        return outcome;
    }
    let (Ok(id), Ok(deployment_id)) = (transaction.next_revision(), transaction.next_deployment())
    else {
        return ImportOutcome::Rejected(Rejection::Exhausted);
    };
    touch_for_import(transaction, &record.metadata);
    let id = RevisionId(id);
    let imported = transaction.now;
    let changed = transaction.sequence();
    transaction.put_revision(RevisionRecord { id, deployment_id, imported, changed, ..record });
    ImportOutcome::New(id)
}

fn digest_of(document: &[u8]) -> Sha256 {
    let mut name = [0; 32];
    name.copy_from_slice(digest::digest(&digest::SHA256, document).as_ref());
    Sha256(name)
}
