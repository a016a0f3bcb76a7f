//! GetExtendedUpdateInfo2 ([MS-WUSP] 2.2.2.2.10): the same by identity instead of by this server's
//! numbers, and with keys for encrypted files, which this server never has.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{list, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::types::UpdateIdentity;
use crate::wire::wusp::limits;
use crate::wire::wusp::types::{Cookie, XmlUpdateFragmentType, update_identity};

use super::ExtendedUpdateInfo;

request_structure! {
    /// The request.
    pub struct GetExtendedUpdateInfo2Request<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The revisions.
        update_ids: Vec<UpdateIdentity> = "updateIDs" =>
            list(&["UpdateIdentity"], limits::ASKED_REVISIONS, update_identity),
        /// The kinds of fragment.
        info_types: Vec<XmlUpdateFragmentType> = "infoTypes" => list(
            &["XmlUpdateFragmentType"], limits::INFO_TYPES, XmlUpdateFragmentType::read),
        /// The languages, the preferred first.
        locales: Vec<Cow<'a, str>> = "locales" => list(&["string"], limits::LOCALES, text),
        /// Sent by clients, not in the specification's contract: `Name=Value;` pairs describing
        /// the computer.
        device_attributes: Cow<'a, str> = "deviceAttributes" => text,
        /// `Name=Value;` pairs describing who asked.
        caller_attributes: Cow<'a, str> = "callerAttributes" => text,
    }
}

/// The response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetExtendedUpdateInfo2Response<'r>(pub ExtendedUpdateInfo<'r>);

impl Response for GetExtendedUpdateInfo2Response<'_> {
    const OPERATION: Operation = Operation::GetExtendedUpdateInfo2;

    fn write(&self, out: &mut Writer<'_>) {
        out.element("GetExtendedUpdateInfo2Result", |out| self.0.write_shared(out));
    }
}
