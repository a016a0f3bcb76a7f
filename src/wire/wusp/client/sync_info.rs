//! What a scan is answered with ([MS-WUSP] 2.2.2.2.4, `SyncInfo`).

use crate::wire::body::Prepared;
use crate::wire::soap::write::Writer;
use crate::wire::types::RevisionId;
use crate::wire::wusp::types::{Deployment, IssuedCookie, write_revision_ids};

/// One page of a scan. Empty lists are left out, as the real server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncInfo<'r> {
    /// Revisions for the client's cache.
    pub new_updates: &'r [UpdateInfo<'r>],
    /// Revisions to remove from the client's cache.
    pub out_of_scope_revision_ids: &'r [RevisionId],
    /// Cached revisions whose deployment or `IsLeaf` changed.
    pub changed_updates: &'r [UpdateInfo<'r>],
    /// Whether the client has to ask again with what it got.
    pub truncated: bool,
    /// The cookie for the next call.
    pub new_cookie: Option<IssuedCookie<'r>>,
    /// Revisions still deployed, but outside the categories asked for; for clients of protocol
    /// 1.7 or later that asked for two groups.
    pub deployed_out_of_scope_revision_ids: &'r [RevisionId],
    /// Whether a driver scan would find nothing; for clients of protocol 1.7 or later.
    pub driver_sync_not_needed: Option<bool>,
}

/// A revision in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateInfo<'r> {
    /// This server's number for the revision.
    pub id: RevisionId,
    /// Always given: agents fail without it.
    pub deployment: Deployment<'r>,
    /// Whether no other update depends on it.
    pub is_leaf: bool,
    /// The Core fragment; not needed in `changed_updates`.
    pub xml: Option<&'r Prepared>,
}

impl SyncInfo<'_> {
    pub(super) fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.element(name, |out| {
            out.list("NewUpdates", self.new_updates, write_update_info);
            write_revision_ids(out, "OutOfScopeRevisionIDs", self.out_of_scope_revision_ids);
            out.list("ChangedUpdates", self.changed_updates, write_update_info);
            out.display("Truncated", self.truncated);
            if let Some(cookie) = &self.new_cookie {
                cookie.write(out, "NewCookie");
            }
            let deployed = self.deployed_out_of_scope_revision_ids;
            write_revision_ids(out, "DeployedOutOfScopeRevisionIds", deployed);
            if let Some(not_needed) = self.driver_sync_not_needed {
                out.display("DriverSyncNotNeeded", not_needed);
            }
        });
    }
}

fn write_update_info(out: &mut Writer<'_>, update: &UpdateInfo<'_>) {
    out.element("UpdateInfo", |out| {
        out.display("ID", update.id);
        update.deployment.write(out);
        out.display("IsLeaf", update.is_leaf);
        if let Some(xml) = update.xml {
            out.prepared("Xml", xml);
        }
    });
}
