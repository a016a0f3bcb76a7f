//! The documents and what was derived from them, on disk.
//!
//! What a document says is read at every start, fragments are sent to every computer, and documents
//! hardly to anyone. So each kind has packs of its own: what is read together lies together.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    pub(super) documents: Packs,
    pub(super) fragments: Packs,
    pub(super) records: Packs,
    /// How many put what no record refers to yet.
    arriving: Arc<AtomicUsize>,
}

/// Lives from before something is put until its records are applied: the packs that it may be in are
/// left alone meanwhile.
#[derive(Debug)]
pub(super) struct Arriving(Arc<AtomicUsize>);

impl Drop for Arriving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Packs of each kind in which little lives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sparse {
    documents: BTreeSet<u32>,
    fragments: BTreeSet<u32>,
    records: BTreeSet<u32>,
}

impl Sparse {
    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.fragments.is_empty() && self.records.is_empty()
    }

    /// Whether any of these places is in one of them.
    pub(super) fn has(&self, places: &Places) -> bool {
        let Places { document, core, others, record } = places;
        self.documents.contains(&document.pack)
            || self.fragments.contains(&core.pack)
            || self.fragments.contains(&others.pack)
            || self.records.contains(&record.pack)
    }
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
            arriving: Arc::default(),
        })
    }

    /// To be called before something is put, and held until its records are applied.
    pub(super) fn arriving(&self) -> Arriving {
        self.arriving.fetch_add(1, Ordering::SeqCst);
        Arriving(Arc::clone(&self.arriving))
    }

    /// The packs of which so much is of no use that it is worth the while to move what is of use, at
    /// most `limit` bytes of each kind; none while something arrives that may lie in them. Nothing is
    /// put into them any more.
    pub(super) fn sparse(
        &self,
        used: impl Iterator<Item = Places> + Clone,
        worth: u64,
        limit: u64,
    ) -> Result<Sparse, StoreError> {
        let few = |packs: &Packs, found: Vec<(u32, u64)>| {
            let mut left = limit;
            let fits = |(_, living): &(u32, u64)| {
                left.checked_sub(*living).map(|rest| left = rest).is_some()
            };
            let few: BTreeSet<u32> = found.into_iter().take_while(fits).map(|it| it.0).collect();
            few.iter().for_each(|number| packs.seal(*number));
            few
        };
        let documents = self.documents.sparse(used.clone().map(|it| it.document), worth)?;
        let fragments = used.clone().flat_map(|it| [it.core, it.others]);
        let fragments = self.fragments.sparse(fragments, worth)?;
        let records = self.records.sparse(used.map(|it| it.record), worth)?;
        let sparse = Sparse {
            documents: few(&self.documents, documents),
            fragments: few(&self.fragments, fragments),
            records: few(&self.records, records),
        };
        // Who comes from here on finds them sealed; who came before may have put something there.
        match self.arriving.load(Ordering::SeqCst) {
            0 => Ok(sparse),
            _ => Ok(Sparse::default()),
        }
    }

    /// Puts what lies in `sparse` packs once more, and gives where everything lies then.
    pub(super) fn put_again(
        &self,
        all: &[Places],
        sparse: &Sparse,
    ) -> Result<Vec<Places>, StoreError> {
        let mut moved = all.to_vec();
        let again = |packs: &Packs, from: &BTreeSet<u32>, places: Vec<&mut Place>| {
            let places: Vec<_> = places.into_iter().filter(|it| from.contains(&it.pack)).collect();
            let entries = places.iter().map(|place| packs.read(**place));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let put = packs.put_many(&entries)?;
            places.into_iter().zip(put).for_each(|(place, new)| *place = new);
            Ok::<_, StoreError>(())
        };
        let documents = moved.iter_mut().map(|it| &mut it.document).collect();
        again(&self.documents, &sparse.documents, documents)?;
        let fragments = moved.iter_mut().flat_map(|it| [&mut it.core, &mut it.others]).collect();
        again(&self.fragments, &sparse.fragments, fragments)?;
        let records = moved.iter_mut().map(|it| &mut it.record).collect();
        again(&self.records, &sparse.records, records)?;
        Ok(moved)
    }

    /// Removes packs that no record refers to any more.
    pub(super) fn remove(&self, sparse: &Sparse) -> Result<(), StoreError> {
        self.documents.remove(sparse.documents.iter().copied())?;
        self.fragments.remove(sparse.fragments.iter().copied())?;
        self.records.remove(sparse.records.iter().copied())
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
