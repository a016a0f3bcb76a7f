//! GetDriverSetData ([MS-WSUSSS] 3.1.4.8): which computers a set of drivers is for.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Guid, List, LongText, Nested};
use crate::wire::soap::{message_structure, operation};
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetDriverSetDataRequest {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// The sets, at most `MaxNumberOfDriverSetsPerRequest` of them.
        driver_sets: Vec<Uuid> = "driverSets" => List("guid", limits::ASKED_REVISIONS, Guid),
    }
}

message_structure! {
    /// The response.
    pub struct GetDriverSetDataResponse<'a> {
        /// The sets.
        result: ServerDriverSetData<'a> = "GetDriverSetDataResult" => Nested,
    }
}

message_structure! {
    /// The sets ([MS-WSUSSS] 3.1.4.8.3.1).
    pub struct ServerDriverSetData<'a> {
        /// The sets.
        driver_sets: Vec<ServerSyncDriverSetData<'a>> = "DriverSets" =>
            List("ServerSyncDriverSetData", limits::ASKED_REVISIONS, Nested),
    }
}

message_structure! {
    /// A set ([MS-WSUSSS] 3.1.4.8.3.2).
    pub struct ServerSyncDriverSetData<'a> {
        /// The set.
        driver_set_id: Uuid = "DriverSetId" => Guid,
        /// The computer hardware id and the values that make it up, the drivers, and what they
        /// require of the operating system.
        driver_set_xml: Cow<'a, str> = "DriverSetXml" => LongText(limits::DOCUMENT),
    }
}

operation!(GetDriverSetData(GetDriverSetDataRequest) -> GetDriverSetDataResponse<'a>);
