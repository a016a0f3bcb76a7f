//! Fragments and file locations: what both forms of GetExtendedUpdateInfo are answered with.

use crate::wire::body::Prepared;
use crate::wire::soap::write::Writer;
use crate::wire::types::RevisionId;
use crate::wire::wusp::types::{FileLocation, write_revision_ids};

/// Fragments and file locations. Empty lists are left out, as the real server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedUpdateInfo<'r> {
    /// The fragments; the real server sends all of one kind before the next.
    pub updates: &'r [UpdateData<'r>],
    /// One per distinct file.
    pub file_locations: &'r [FileLocation<'r>],
    /// Revisions asked about that the client cannot have; not in the contract of the second form,
    /// which does not write them.
    pub out_of_scope_revision_ids: &'r [RevisionId],
}

/// A fragment of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateData<'r> {
    /// This server's number for the revision.
    pub id: RevisionId,
    /// The fragment.
    pub xml: &'r Prepared,
}

impl ExtendedUpdateInfo<'_> {
    pub(super) fn write_shared(&self, out: &mut Writer<'_>) {
        out.list("Updates", self.updates, |out, update| {
            out.element("Update", |out| {
                out.display("ID", update.id);
                out.prepared("Xml", update.xml);
            });
        });
        out.list("FileLocations", self.file_locations, |out, location| location.write(out));
    }

    pub(super) fn write_out_of_scope(&self, out: &mut Writer<'_>) {
        write_revision_ids(out, "OutOfScopeRevisionIDs", self.out_of_scope_revision_ids);
    }
}
