//! Importing update documents.
//!
//! Reading, deriving and compressing happen on the caller's thread, and the files are durable
//! before the writer hears of them. A document that cannot be used leaves nothing; one that is
//! there already changes nothing; one that says something else under the same identity is refused,
//! because revisions never change.

use std::sync::Arc;

use super::neighbours::touch_for_import;
use super::records::RevisionRecord;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::metadata::error::DocumentError;
use crate::metadata::fragments;
use crate::metadata::model::UpdateMetadata;
use crate::metadata::parse::parse;
use crate::metadata::prepared;
use crate::store::Batch;
use crate::store::blobs::BlobId;
use crate::store::value;
use crate::wire::types::{RevisionId, Sha256, UpdateIdentity};

/// A document that can be imported: parsed, its fragments ready.
pub struct Importable {
    metadata: Arc<UpdateMetadata>,
    document: String,
    fragments: Vec<u8>,
    core_bytes: u32,
}

impl Importable {
    /// Reads `document` and derives everything from it.
    ///
    /// # Errors
    /// What is wrong with the document, in words for an administrator.
    pub fn new(document: String) -> Result<Self, DocumentError> {
        let mut metadata = parse(&document)?;
        let derived = fragments::derive(&document)?;
        let core_bytes = crate::wire::xml::escape_text(&derived.core).len();
        // Titles in 37 languages would be most of the memory of a catalogue, and clients get
        // theirs from the fragments. Administrators read the default language or English.
        let default = metadata.default_language.clone();
        metadata.titles.retain(|text| {
            text.language.eq_ignore_ascii_case(&default) || text.language.eq_ignore_ascii_case("en")
        });
        Ok(Self {
            metadata: Arc::new(metadata),
            fragments: prepared::write(&derived),
            document,
            core_bytes: u32::try_from(core_bytes).unwrap_or(u32::MAX),
        })
    }

    /// Which revision it is.
    pub fn identity(&self) -> UpdateIdentity {
        self.metadata.identity
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
    /// import builds the catalogue once, not once a batch.
    pub async fn import(
        &self,
        documents: Vec<Importable>,
        more_follows: bool,
    ) -> Result<Vec<ImportOutcome>, StateError> {
        let files: Vec<&[u8]> = documents
            .iter()
            .flat_map(|document| [document.document.as_bytes(), &document.fragments])
            .collect();
        let ids = tokio::task::block_in_place(|| self.blobs.put_many(&files))?;
        let mut ids = ids.into_iter();
        let mut updates = Vec::with_capacity(documents.len());
        for document in &documents {
            let (Some(BlobId(text)), Some(BlobId(fragments))) = (ids.next(), ids.next()) else {
                break;
            };
            let metadata = Arc::clone(&document.metadata);
            updates.push((metadata, text, fragments, document.core_bytes));
        }
        self.writer
            .submit(move |transaction| {
                if more_follows {
                    transaction.more_follows();
                }
                Ok(updates.into_iter().map(|update| add(transaction, update)).collect())
            })
            .await
    }
}

fn add(
    transaction: &mut Transaction<'_>,
    (metadata, document, fragments, core_bytes): (Arc<UpdateMetadata>, Sha256, Sha256, u32),
) -> ImportOutcome {
    let identity = metadata.identity;
    if let Some(id) = transaction.model.identities.get(&identity) {
        let same = transaction.model.revisions.get(id).is_some_and(|old| old.document == document);
        return match same {
            true => ImportOutcome::Unchanged(*id),
            false => ImportOutcome::Rejected(Rejection::Differs(identity)),
        };
    }
    if i32::try_from(transaction.model.counters.next_revision).is_err() {
        return ImportOutcome::Rejected(Rejection::Exhausted);
    }
    let record = RevisionRecord {
        id: RevisionId(u32::MAX),
        deployment_id: u32::MAX,
        imported: transaction.now,
        changed: u64::MAX,
        metadata,
        document,
        fragments,
        core_bytes,
    };
    let size = value::encode(&record).map_or(usize::MAX, |bytes| bytes.len());
    if size > Batch::MAX_VALUE {
        return ImportOutcome::Rejected(Rejection::TooLarge(size));
    }
    touch_for_import(transaction, &record.metadata);
    let id = RevisionId(transaction.next_revision());
    let deployment_id = transaction.next_deployment();
    let changed = transaction.sequence();
    transaction.put_revision(RevisionRecord { id, deployment_id, changed, ..record });
    ImportOutcome::New(id)
}
