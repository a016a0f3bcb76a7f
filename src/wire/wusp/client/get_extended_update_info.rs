//! GetExtendedUpdateInfo ([MS-WUSP] 2.2.2.2.6): more fragments of revisions that the client found
//! applicable, and where their files are.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{list, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::types::RevisionId;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{Cookie, XmlUpdateFragmentType, revision_ids};

use super::ExtendedUpdateInfo;

request_structure! {
    /// The request.
    pub struct GetExtendedUpdateInfoRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The revisions.
        revision_ids: Vec<RevisionId> = "revisionIDs" =>
            revision_ids(limits::ASKED_REVISIONS),
        /// The kinds of fragment.
        info_types: Vec<XmlUpdateFragmentType> = "infoTypes" => list(
            &["XmlUpdateFragmentType"], limits::INFO_TYPES, XmlUpdateFragmentType::read),
        /// The languages, the preferred first.
        locales: Vec<Cow<'a, str>> = "locales" => list(&["string"], limits::LOCALES, text),
        /// Sent by agents, not in the specification's contract: `Name=Value;` pairs describing
        /// the computer.
        device_attributes: Cow<'a, str> = "deviceAttributes" => text,
        /// The region, for licences: `USA`.
        geo_id: Cow<'a, str> = "GeoId" => text,
        /// `Name=Value;` pairs describing who asked.
        caller_attributes: Cow<'a, str> = "callerAttributes" => text,
    }
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetExtendedUpdateInfoResponse<'r>(pub ExtendedUpdateInfo<'r>);

impl Response for GetExtendedUpdateInfoResponse<'_> {
    const OPERATION: Operation = Operation::GetExtendedUpdateInfo;

    fn write(&self, out: &mut Writer<'_>) {
        out.element("GetExtendedUpdateInfoResult", |out| {
            self.0.write_shared(out);
            self.0.write_out_of_scope(out);
        });
    }
}
