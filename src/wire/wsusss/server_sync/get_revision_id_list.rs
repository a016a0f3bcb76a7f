//! GetRevisionIdList ([MS-WSUSSS] 3.1.4.5): what changed in the catalogue.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Boolean, Content, Guid, Int, List, Nested, OrPrepared, Text};
use crate::wire::soap::{message_structure, operation};
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::types::identities;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetRevisionIdListRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// Which revisions.
        filter: ServerSyncFilter<'a> = "filter" => Nested,
    }
}

message_structure! {
    /// Which revisions ([MS-WSUSSS] 3.1.4.5.3.1).
    pub struct ServerSyncFilter<'a> {
        /// Reserved; never sent.
        dss_protocol_version: Version = "DssProtocolVersion" => Nested,
        /// `Anchor` of the last answer to the same kind of request; absent at first.
        anchor: Cow<'a, str> = "Anchor" => Text,
        /// True for categories, classifications and detectoids, and then the lists do not count;
        /// false for updates.
        get_config: bool = "GetConfig" => Boolean,
        /// Whether the downstream server has no more than 63 languages: WSUS 2.0.
        get63_language_only: bool = "Get63LanguageOnly" => Boolean,
        /// The products: an update has to be in at least one of these and of the classifications.
        categories: Vec<IdAndDelta> = "Categories" =>
            List("IdAndDelta", limits::FILTER_ENTRIES, Nested),
        /// The classifications.
        classifications: Vec<IdAndDelta> = "Classifications" =>
            List("IdAndDelta", limits::FILTER_ENTRIES, Nested),
        /// The languages.
        languages: Vec<LanguageAndDelta> = "Languages" =>
            List("LanguageAndDelta", limits::FILTER_ENTRIES, Nested),
    }
}

message_structure! {
    /// Has no content in the contract.
    pub struct Version {}
}

message_structure! {
    /// A product, classification or computer model ([MS-WSUSSS] 3.1.4.5.3.3).
    pub struct IdAndDelta {
        /// Its update's id.
        id: Uuid = "Id" => Guid,
        /// Whether only what is newer than the anchor is wanted; false when it is new to the filter.
        delta: bool = "Delta" => Boolean,
    }
}

message_structure! {
    /// A language ([MS-WSUSSS] 3.1.4.5.3.5).
    pub struct LanguageAndDelta {
        /// Its LCID.
        id: i32 = "Id" => Int,
        /// Whether only what is newer than the anchor is wanted.
        delta: bool = "Delta" => Boolean,
    }
}

message_structure! {
    /// The response.
    pub struct GetRevisionIdListResponse<'a> {
        /// The revisions.
        result: RevisionIdList<'a> = "GetRevisionIdListResult" => Nested,
    }
}

message_structure! {
    /// The revisions ([MS-WSUSSS] 3.1.4.5.3.6).
    pub struct RevisionIdList<'a> {
        /// When this answer was given; opaque to the downstream server.
        anchor: Cow<'a, str> = "Anchor" => Text,
        /// All of them, not paged; possibly two revisions of one category. Written even when empty.
        new_revisions: Content<Vec<UpdateIdentity>> = "NewRevisions" =>
            OrPrepared(identities(limits::LISTED_REVISIONS)),
    }
}

operation!(GetRevisionIdList(GetRevisionIdListRequest<'_>) -> GetRevisionIdListResponse<'a>);
