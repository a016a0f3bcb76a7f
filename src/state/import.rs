//! Importing update documents.
//!
//! Reading, deriving and compressing happen on the caller's thread, and the files are durable
//! before the writer hears of them. A document that cannot be used leaves nothing; one that is
//! there already changes nothing; one that says something else under the same identity is refused,
//! because revisions never change.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use serde_json::json;
use uuid::Uuid;

use super::library::{Entry, Library, Places};
use super::model::Model;
use super::neighbours::touch_for_import;
use super::records::{DocumentRecord, RevisionRecord};
use super::transaction::Transaction;
use super::{State, StateError, blocking, deletion};
use crate::metadata::error::DocumentError;
use crate::metadata::model::{UpdateMetadata, UpdateType};
use crate::metadata::parse::parse_and_derive;
use crate::metadata::prepared::{self, PreparedFiles};
use crate::policy::by::By;
use crate::store::{StoreError, value};
use crate::wire::types::{RevisionId, Sha256, UpdateIdentity};

/// Most bytes of what is evaluated or shown of one document: far above what any real one says. They
/// are read back at every start.
const RECORD_LIMIT: usize = 1 << 20;

/// A document that can be imported: parsed, its fragments ready.
pub struct Importable {
    metadata: Arc<UpdateMetadata>,
    document: String,
    digest: Sha256,
    /// Encoded, as it is stored.
    record: Vec<u8>,
    fragments: PreparedFiles,
}

impl Importable {
    /// Reads `document` and derives everything from it.
    ///
    /// # Errors
    /// What is wrong with the document, in words for an administrator.
    pub fn new(document: String) -> Result<Self, DocumentError> {
        let (mut metadata, derived) = parse_and_derive(&document)?;
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
        let metadata = Arc::new(metadata);
        let digest = digest_of(document.as_bytes());
        let record = DocumentRecord { digest, metadata: Arc::clone(&metadata) };
        // Refused only when it has no known length: then it is larger than a record may be.
        let record = value::encode(&record).unwrap_or_default();
        Ok(Self { metadata, fragments: prepared::write(&derived), digest, record, document })
    }

    /// Which revision it is.
    pub fn identity(&self) -> UpdateIdentity {
        self.metadata.identity
    }

    #[cfg(test)]
    pub(super) fn metadata(&self) -> &UpdateMetadata {
        &self.metadata
    }

    /// Its revision's record, without the numbers that only the writer gives out.
    fn record(&self, places: Places) -> RevisionRecord {
        RevisionRecord {
            id: RevisionId(0),
            deployment_id: 0,
            imported: 0,
            changed: 0,
            core_bytes: u32::try_from(self.fragments.core_bytes).unwrap_or(u32::MAX),
            places,
        }
    }

    /// Refuses a document that says so much that reading it back would be a burden.
    fn check_size(&self) -> Result<(), Rejection> {
        match self.record.len() {
            size if (1..=RECORD_LIMIT).contains(&size) => Ok(()),
            size => Err(Rejection::TooLarge(size)),
        }
    }
}

/// A document that is stored, and what the writer needs of it.
pub(super) struct Stored {
    pub(super) identity: UpdateIdentity,
    digest: Sha256,
    metadata: Arc<UpdateMetadata>,
    /// Without the numbers that only the writer gives out.
    pub(super) record: RevisionRecord,
}

impl Stored {
    /// Reads back one of which the record is `record`.
    pub(super) fn read(library: &Library, record: RevisionRecord) -> Result<Self, StoreError> {
        let DocumentRecord { digest, metadata } = library.record(record.places)?;
        Ok(Self { identity: metadata.identity, digest, metadata, record })
    }

    /// Whether it is a category or a detectoid.
    pub(super) fn is_configuration(&self) -> bool {
        matches!(self.metadata.update_type, UpdateType::Category | UpdateType::Detectoid)
    }
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is a revision that was not there.
    New(RevisionId),
    /// It is a revision that was not there, and that nobody sees yet.
    Staged,
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
    /// Imports documents in one commit, because `by` wants it; the outcomes are in their order.
    ///
    /// `more_follows` lets readers keep the state before until a later import publishes: a bulk
    /// import builds the catalogue once, not once a batch. Should no later import come, readers see
    /// it after [`Settings::import_patience`](super::Settings::import_patience).
    pub async fn import(
        &self,
        by: By,
        documents: Vec<Importable>,
        more_follows: bool,
    ) -> Result<Vec<ImportOutcome>, StateError> {
        self.take(documents, move |transaction, documents| {
            match more_follows {
                true => transaction.more_follows(),
                false => transaction.publish(),
            }
            if !documents.is_empty() {
                transaction.journal(&by, json!({ "import": { "revisions": documents.len() } }));
            }
            documents.into_iter().map(|new| add(transaction, new)).collect()
        })
        .await
    }

    /// Makes documents durable and has the writer `commit` those that are not there yet; its outcomes
    /// are in their order, ours in that of `documents`.
    pub(super) async fn take(
        &self,
        documents: Vec<Importable>,
        commit: impl FnOnce(&mut Transaction<'_>, Vec<Stored>) -> Vec<ImportOutcome> + Send + 'static,
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
        let arriving = library.arriving();
        let put = blocking(move || put(&library, unknown)).await??;
        let library = Arc::clone(&self.library);
        let added = self
            .writer
            .submit(move |transaction| {
                let _applied = arriving;
                // Once more: somebody else may have imported some of it meanwhile.
                let known = put
                    .iter()
                    .map(|new| known(transaction.model, &library, new.identity, new.digest));
                let mut outcomes = known.collect::<Result<Vec<_>, _>>()?;
                let new = put.into_iter().zip(&outcomes);
                let new = new.filter(|(_, known)| known.is_none()).map(|(new, _)| new).collect();
                let added = commit(transaction, new);
                fill(&mut outcomes, added);
                Ok(outcomes.into_iter().flatten().collect())
            })
            .await?;
        fill(&mut outcomes, added);
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
        let library = Arc::clone(&self.library);
        self.writer
            .submit(move |transaction| {
                let outcome = |(identity, digest, fits): (_, _, Result<(), Rejection>)| match fits {
                    Ok(()) => known(transaction.model, &library, identity, digest),
                    Err(rejection) => Ok(Some(ImportOutcome::Rejected(rejection))),
                };
                asked.into_iter().map(outcome).collect()
            })
            .await
    }
}

/// Stores what `documents` hold, what comes twice once; in their order.
fn put(library: &Library, documents: Vec<Importable>) -> Result<Vec<Stored>, StateError> {
    let mut firsts = HashMap::new();
    let mut entries = Vec::with_capacity(documents.len());
    for document in &documents {
        firsts.entry(document.identity()).or_insert_with(|| {
            entries.push(Entry {
                document: document.document.as_bytes(),
                core: &document.fragments.core,
                others: &document.fragments.others,
                record: &document.record,
            });
            entries.len() - 1
        });
    }
    let places = library.put(&entries)?;
    let stored = documents.iter().filter_map(|document| {
        let identity = document.identity();
        Some(Stored {
            identity,
            digest: document.digest,
            metadata: Arc::clone(&document.metadata),
            record: document.record(*places.get(*firsts.get(&identity)?)?),
        })
    });
    Ok(stored.collect())
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

/// Puts `added` where the outcomes are not known yet.
fn fill(outcomes: &mut [Option<ImportOutcome>], added: Vec<ImportOutcome>) {
    let open = outcomes.iter_mut().filter(|outcome| outcome.is_none());
    open.zip(added).for_each(|(open, added)| *open = Some(added));
}

/// What becomes of a document whose identity is there.
fn known(
    model: &Model,
    library: &Library,
    identity: UpdateIdentity,
    digest: Sha256,
) -> Result<Option<ImportOutcome>, StateError> {
    let index = model.catalog.catalog().by_identity(&identity);
    let Some(record) = index.and_then(|index| model.record(index)) else { return Ok(None) };
    Ok(Some(match library.record(record.places)?.digest == digest {
        true => ImportOutcome::Unchanged(record.id),
        false => ImportOutcome::Rejected(Rejection::Differs(identity)),
    }))
}

/// Adds a document to the revisions, under numbers of our own.
pub(super) fn add(transaction: &mut Transaction<'_>, new: Stored) -> ImportOutcome {
    // The same call may bring it twice.
    let catalog = transaction.model.catalog.catalog();
    let twice = catalog.by_identity(&new.identity).and_then(|index| catalog.revision(index));
    if let Some(revision) = twice {
        return ImportOutcome::Unchanged(revision.id);
    }
    let (Ok(id), Ok(deployment_id)) = (transaction.next_revision(), transaction.next_deployment())
    else {
        return ImportOutcome::Rejected(Rejection::Exhausted);
    };
    note_takeover(transaction, new.identity);
    touch_for_import(transaction, &new.metadata);
    deletion::note_arrival(transaction, &new.metadata);
    let id = RevisionId(id);
    let imported = transaction.now;
    let changed = transaction.sequence();
    let record = RevisionRecord { id, deployment_id, imported, changed, ..new.record };
    transaction.add_revision(record, new.metadata);
    ImportOutcome::New(id)
}

/// Says of a later revision of an approved update that it takes the place of the one before.
fn note_takeover(transaction: &mut Transaction<'_>, new: UpdateIdentity) {
    let model = &transaction.model;
    let Some(latest) = model.latest(new.update_id) else { return };
    let before = latest.metadata.identity.revision_number;
    let approvals = model.policy.approvals.get(&new.update_id).into_iter().flatten();
    let acting = approvals.filter(|approval| approval.terms.action.acts());
    let groups: Vec<Uuid> = acting.map(|approval| approval.group).collect();
    if before < new.revision_number && !groups.is_empty() {
        let entry = json!({
            "take_over": new.update_id,
            "revision_number": new.revision_number,
            "groups": groups,
            "before": before,
        });
        let by = By::weir("a later revision of an approved update takes its place");
        transaction.journal(&by, entry);
    }
}

fn digest_of(document: &[u8]) -> Sha256 {
    let mut name = [0; 32];
    name.copy_from_slice(digest::digest(&digest::SHA256, document).as_ref());
    Sha256(name)
}
