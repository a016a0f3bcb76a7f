//! What the catalogue knows of one revision, and the dense numbers it goes by.

use std::sync::Arc;

use crate::metadata::model::UpdateMetadata;
use crate::wire::types::RevisionId;

/// A revision's place in one [`Catalog`](super::Catalog), ascending with its [`RevisionId`].
///
/// Dense, so that sets of revisions are small bitmaps; means nothing to another snapshot.
pub type RevisionIndex = u32;

/// An update's place in one [`Catalog`](super::Catalog), in the order of the updates' first
/// revisions. Means nothing to another snapshot.
pub type UpdateIndex = u32;

/// One row of the Revision Table ([MS-WUSP] 3.1.1) as the store hands it over.
#[derive(Debug, Clone)]
pub struct Revision {
    /// This server's number for it.
    pub id: RevisionId,
    /// Number of its default deployment, the one that needs no administrator.
    pub deployment_id: u32,
    /// `LastChangeTime` of the default deployment, in seconds since 1970.
    pub imported: i64,
    /// Sequence number of the commit that last changed whether it is a leaf or a bundle member:
    /// clients synchronized before it are told ([MS-WUSP] 3.1.5.7, ChangedUpdates).
    pub changed: u64,
    /// Everything evaluated of the document.
    pub metadata: Arc<UpdateMetadata>,
    /// Length of the Core fragment as it goes over the wire (escaped), in bytes.
    pub core_bytes: u32,
}
