//! GetDriverIdList ([MS-WSUSSS] 3.1.4.7): drivers for hardware that computers have. WSUS calls it
//! on Microsoft Update and answers it with nothing.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Boolean, Guid, List, Nested, Text};
use crate::wire::soap::{message_structure, operation};
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::types::identities;
use crate::wire::wsusss::{Cookie, limits};

use super::{IdAndDelta, Version};

message_structure! {
    /// The request.
    pub struct GetDriverIdListRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Nested,
        /// Which drivers.
        filter: ServerSyncDriverFilter<'a> = "filter" => Nested,
    }
}

message_structure! {
    /// Which drivers ([MS-WSUSSS] 3.1.4.7.3.4).
    pub struct ServerSyncDriverFilter<'a> {
        /// To be ignored.
        dss_protocol_version: Version = "DssProtocolVersion" => Nested,
        /// `Anchor` of the first answer of the last synchronization; absent at first.
        anchor: Cow<'a, str> = "Anchor" => Text,
        /// Products that the drivers are for; empty for all.
        categories: Vec<IdAndDelta> = "Categories" =>
            List("IdAndDelta", limits::FILTER_ENTRIES, Nested),
        /// Computer hardware ids, for driver sets.
        computer_ids: Vec<IdAndDelta> = "ComputerIds" =>
            List("IdAndDelta", limits::HARDWARE_IDS, Nested),
        /// Device hardware ids, for drivers.
        pnp_hardware_ids: Vec<HardwareIdAndDelta<'a>> = "PnpHardwareIds" =>
            List("HardwareIdAndDelta", limits::HARDWARE_IDS, Nested),
    }
}

message_structure! {
    /// A device hardware id ([MS-WSUSSS] 3.1.4.7.3.3).
    pub struct HardwareIdAndDelta<'a> {
        /// `pci\ven_8086&dev_1234`
        id: Cow<'a, str> = "Id" => Text,
        /// Whether only what is newer than the anchor is wanted.
        delta: bool = "Delta" => Boolean,
    }
}

message_structure! {
    /// The response.
    pub struct GetDriverIdListResponse<'a> {
        /// The drivers.
        result: DriverSetAndRevisionIdList<'a> = "GetDriverIdListResult" => Nested,
    }
}

message_structure! {
    /// Drivers and driver sets ([MS-WSUSSS] 3.1.4.7.3.1).
    pub struct DriverSetAndRevisionIdList<'a> {
        /// When this answer was given. Further calls of the same synchronization repeat the
        /// request's anchor, and the first answer's is kept.
        anchor: Cow<'a, str> = "Anchor" => Text,
        /// New driver revisions, those of the new sets included.
        new_revisions: Vec<UpdateIdentity> = "NewRevisions" =>
            identities(limits::LISTED_REVISIONS),
        /// New driver sets.
        new_driver_sets: Vec<Uuid> = "NewDriverSets" =>
            List("guid", limits::LISTED_REVISIONS, Guid),
        /// Driver sets that are no more; their drivers may still be.
        removed_driver_sets: Vec<Uuid> = "RemovedDriverSets" =>
            List("guid", limits::LISTED_REVISIONS, Guid),
    }
}

operation!(GetDriverIdList(GetDriverIdListRequest<'_>) -> GetDriverIdListResponse<'a>);
