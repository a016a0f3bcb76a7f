//! The documents and what was derived from them, on disk.
//!
//! What a document says is read at every start, fragments are sent to every computer, and documents
//! hardly to anyone. So each kind has packs of its own: what is read together lies together.

use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

use super::records::DocumentRecord;
use crate::store::packs::{Packs, Place, Settled};
use crate::store::{StoreError, value};

/// Where documents and fragments were, one file each, before there were packs.
const EARLIER: &str = "blobs";

/// Where what belongs to one revision lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The document, as imported, in UTF-8.
    pub document: Place,
    /// Its prepared Core fragment.
    pub core: Place,
    /// Its other prepared fragments.
    pub others: Place,
    /// What it says, as a [`DocumentRecord`].
    pub record: Place,
}

/// What is stored of one revision.
pub(super) struct Entry<'a> {
    pub(super) document: &'a [u8],
    pub(super) core: &'a [u8],
    pub(super) others: &'a [u8],
    pub(super) record: &'a [u8],
}

/// The packs of a data directory.
#[derive(Debug)]
pub(super) struct Library {
    documents: Packs,
    fragments: Packs,
    records: Packs,
}

impl Library {
    pub(super) fn open(data: &Path) -> Result<Self, StoreError> {
        let earlier = data.join(EARLIER);
        if earlier.exists() {
            return Err(StoreError::EarlierLayout(earlier));
        }
        let packs = data.join("packs");
        Ok(Self {
            documents: Packs::open(&packs.join("documents"))?,
            fragments: Packs::open(&packs.join("fragments"))?,
            records: Packs::open(&packs.join("records"))?,
        })
    }

    /// Stores `entries`; when it returns, they survive a power cut. The places are in their order.
    pub(super) fn put(&self, entries: &[Entry<'_>]) -> Result<Vec<Places>, StoreError> {
        let documents: Vec<_> = entries.iter().map(|entry| entry.document).collect();
        let fragments: Vec<_> =
            entries.iter().flat_map(|entry| [entry.core, entry.others]).collect();
        let records: Vec<_> = entries.iter().map(|entry| entry.record).collect();
        let (documents, fragments, records) = std::thread::scope(|scope| {
            // The disk is waited for once, not three times.
            let documents = scope.spawn(|| self.documents.put_many(&documents));
            let fragments = scope.spawn(|| self.fragments.put_many(&fragments));
            let records = self.records.put_many(&records);
            let panicked = |_| Err(StoreError::Engine("a thread that wrote documents died".into()));
            let documents = documents.join().unwrap_or_else(panicked);
            (documents, fragments.join().unwrap_or_else(panicked), records)
        });
        let fragments = fragments?;
        let fragments = fragments.as_chunks().0.iter();
        let places = documents?.into_iter().zip(fragments).zip(records?);
        let places = places.map(|((document, &[core, others]), record)| Places {
            document,
            core,
            others,
            record,
        });
        Ok(places.collect())
    }

    /// What a document says.
    pub(super) fn record(&self, places: Places) -> Result<DocumentRecord, StoreError> {
        value::decode(&self.records.read(places.record)?)
    }

    pub(super) fn document(&self, places: Places) -> Result<Bytes, StoreError> {
        self.documents.read(places.document)
    }

    /// The file of fragments at `place`.
    pub(super) fn fragments(&self, place: Place) -> Result<Bytes, StoreError> {
        self.fragments.read(place)
    }

    /// Gives back the room of what no revision refers to: what an import wrote that was killed or
    /// refused before its commit. Nothing may be put meanwhile.
    ///
    /// A store without a revision keeps it all. It is more likely that the store was lost than that
    /// there is much to gain, and the documents are what one would begin again with.
    pub(super) fn settle(&self, used: impl Iterator<Item = Places> + Clone) {
        if used.clone().next().is_none() {
            return;
        }
        let documents = self.documents.settle(used.clone().map(|places| places.document));
        let fragments =
            self.fragments.settle(used.clone().flat_map(|places| [places.core, places.others]));
        let records = self.records.settle(used.map(|places| places.record));
        for settled in [documents, fragments, records] {
            match settled {
                Ok(Settled { missing: 0, freed: 0 }) => {}
                Ok(Settled { missing: 0, freed }) => {
                    info!(bytes = freed, "removed what an import left behind");
                }
                Ok(Settled { missing, .. }) => {
                    error!(bytes = missing, "packs are cut off; restore them from a backup");
                }
                Err(error) => {
                    warn!(%error, "what an import left behind stays until the next start");
                }
            }
        }
    }
}
