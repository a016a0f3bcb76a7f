//! RefreshCache ([MS-WUSP] 2.2.2.2.5): this server's numbers for revisions that a client cached
//! from another server, or before this one changed.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{list, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::types::{RevisionId, UpdateIdentity};
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{Cookie, Deployment, update_identity, write_update_identity};

request_structure! {
    /// The request.
    pub struct RefreshCacheRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The revisions.
        global_ids: Vec<UpdateIdentity> = "globalIDs" =>
            list(&["UpdateIdentity"], limits::ASKED_REVISIONS, update_identity),
        /// `Name=Value;` pairs describing the computer; in the contract of later agents.
        device_attributes: Cow<'a, str> = "deviceAttributes" => text,
    }
}

/// The response: a row for each revision that is deployed to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshCacheResponse<'r>(pub &'r [RefreshCacheResult<'r>]);

/// A revision's number here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshCacheResult<'r> {
    /// This server's number for it.
    pub revision_id: RevisionId,
    /// The revision.
    pub global_id: UpdateIdentity,
    /// Whether no other update depends on it.
    pub is_leaf: bool,
    /// How it is deployed.
    pub deployment: Deployment<'r>,
}

impl Response for RefreshCacheResponse<'_> {
    const OPERATION: Operation = Operation::RefreshCache;

    fn write(&self, out: &mut Writer<'_>) {
        out.element("RefreshCacheResult", |out| self.0.iter().for_each(|row| row.write(out)));
    }
}

impl RefreshCacheResult<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.element("RefreshCacheResult", |out| {
            out.display("RevisionID", self.revision_id);
            write_update_identity(out, "GlobalID", &self.global_id);
            out.display("IsLeaf", self.is_leaf);
            self.deployment.write(out);
        });
    }
}
