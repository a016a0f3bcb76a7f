//! The documents and what was derived from them, on disk.
//!
//! Fragments are sent to every computer and documents hardly to anyone, so each kind has packs of
//! its own: what is read often lies close together.

use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

use crate::store::StoreError;
use crate::store::packs::{Packs, Place, Settled};

/// Where documents and fragments were, one file each, before there were packs.
const EARLIER: &str = "blobs";

/// Where what belongs to one revision lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The document, as imported, in UTF-8.
    pub document: Place,
    /// Its prepared fragments.
    pub fragments: Place,
}

/// What is stored of one revision.
pub(super) struct Entry<'a> {
    pub(super) document: &'a [u8],
    pub(super) fragments: &'a [u8],
}

/// The packs of a data directory.
#[derive(Debug)]
pub(super) struct Library {
    documents: Packs,
    fragments: Packs,
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
        })
    }

    /// Stores `entries`; when it returns, they survive a power cut. The places are in their order.
    pub(super) fn put(&self, entries: &[Entry<'_>]) -> Result<Vec<Places>, StoreError> {
        let documents: Vec<_> = entries.iter().map(|entry| entry.document).collect();
        let fragments: Vec<_> = entries.iter().map(|entry| entry.fragments).collect();
        let (documents, fragments) = std::thread::scope(|scope| {
            // The disk is waited for once, not twice.
            let documents = scope.spawn(|| self.documents.put_many(&documents));
            let fragments = self.fragments.put_many(&fragments);
            let panicked = |_| Err(StoreError::Engine("a thread that wrote documents died".into()));
            (documents.join().unwrap_or_else(panicked), fragments)
        });
        let places = documents?.into_iter().zip(fragments?);
        Ok(places.map(|(document, fragments)| Places { document, fragments }).collect())
    }

    pub(super) fn document(&self, places: Places) -> Result<Bytes, StoreError> {
        self.documents.read(places.document)
    }

    pub(super) fn fragments(&self, places: Places) -> Result<Bytes, StoreError> {
        self.fragments.read(places.fragments)
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
        let fragments = self.fragments.settle(used.map(|places| places.fragments));
        for settled in [documents, fragments] {
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
