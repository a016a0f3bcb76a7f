//! What the catalogue knows of one revision, and the dense numbers it goes by.

use std::sync::Arc;

use crate::metadata::model::{Evaluated, UpdateMetadata};
use crate::wire::types::RevisionId;

/// A revision's place in one [`Catalog`](super::Catalog), ascending with its [`RevisionId`].
///
/// Dense, so that sets of revisions are small bitmaps; means nothing to another snapshot.
pub type RevisionIndex = u32;

/// An update's place in one [`Catalog`](super::Catalog). Updates that are only named by others have
/// one too. Means nothing to another snapshot.
pub type UpdateIndex = u32;

/// One row of the Revision Table ([MS-WUSP] 3.1.1) as it is kept in memory. Its relations are
/// asked of the [`Catalog`](super::Catalog); what else the document says lies on disk.
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
    /// What it is.
    pub metadata: Evaluated,
    /// Length of the Core fragment as it goes over the wire (escaped), in bytes.
    pub core_bytes: u32,
    /// The languages of Windows that it is for, in lower case; none for all of them.
    pub languages: Box<[String]>,
    pub(super) update: UpdateIndex,
    /// Whether it was taken away. Indices are never given out anew, so its place stays, and nothing
    /// else of it.
    pub(super) gone: bool,
}

/// A revision on its way into the catalogue, with everything that its document says.
#[derive(Debug, Clone)]
pub struct NewRevision {
    /// As in [`Revision`].
    pub id: RevisionId,
    /// As in [`Revision`].
    pub deployment_id: u32,
    /// As in [`Revision`].
    pub imported: i64,
    /// As in [`Revision`].
    pub changed: u64,
    /// The document.
    pub metadata: Arc<UpdateMetadata>,
    /// As in [`Revision`].
    pub core_bytes: u32,
}
