//! SyncPrinterCatalog ([MS-WUSP] 2.2.2.2.9): the printer drivers that a printer can be added with.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::types::RevisionId;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{Cookie, revision_ids};

use super::SyncInfo;

request_structure! {
    /// The request.
    pub struct SyncPrinterCatalogRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// Cached revisions that the client found installed and that others depend on.
        installed_non_leaf_update_ids: Vec<RevisionId> = "installedNonLeafUpdateIDs" =>
            revision_ids(limits::CACHED_REVISIONS),
        /// Cached printer driver revisions.
        printer_update_ids: Vec<RevisionId> = "printerUpdateIDs" =>
            revision_ids(limits::CACHED_REVISIONS),
        /// `Name=Value;` pairs describing the computer; in the contract of later agents.
        device_attributes: Cow<'a, str> = "deviceAttributes" => text,
    }
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPrinterCatalogResponse<'r>(pub SyncInfo<'r>);

impl Response for SyncPrinterCatalogResponse<'_> {
    const OPERATION: Operation = Operation::SyncPrinterCatalog;

    fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out, "SyncPrinterCatalogResult");
    }
}
