//! GetRelatedRevisionsForUpdates ([MS-WSUSSS] 3.1.4.9): in the contract, and unused.

use uuid::Uuid;

use crate::wire::soap::codec::{Guid, List, Nested};
use crate::wire::soap::{message_structure, operation};
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::types::identities;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetRelatedRevisionsForUpdatesRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// The updates.
        update_ids: Vec<Uuid> = "updateIDs" => List("guid", limits::ASKED_REVISIONS, Guid),
    }
}

message_structure! {
    /// The response.
    pub struct GetRelatedRevisionsForUpdatesResponse {
        /// The revisions.
        result: Vec<UpdateIdentity> = "GetRelatedRevisionsForUpdatesResult" =>
            identities(limits::LISTED_REVISIONS),
    }
}

operation! {
    GetRelatedRevisionsForUpdates(GetRelatedRevisionsForUpdatesRequest)
        -> GetRelatedRevisionsForUpdatesResponse
}
