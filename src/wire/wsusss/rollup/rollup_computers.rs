//! RollupComputers ([MS-WSUSSS] 3.1.4.15): what a server reports of each computer below it. Here
//! alone most values are attributes.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Guid, Int, List, Nested, Simple, Text, Time};
use crate::wire::soap::read::RequestError;
use crate::wire::soap::{message_structure, operation};
use crate::wire::time::DateTime;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct RollupComputersRequest<'a> {
        /// Says nothing.
        cookie: Cookie = "cookie" => Nested,
        /// The downstream server's clock.
        client_time: DateTime = "clientTime" => Time,
        /// The computers.
        computers: Vec<ComputerRollupInfo<'a>> = "computers" =>
            List("ComputerRollupInfo", limits::ROLLUP_COMPUTERS, Nested),
    }
}

message_structure! {
    /// A computer ([MS-WSUSSS] 3.1.4.15.3.2). Times that never were are in the year 1753, or 1.
    pub struct ComputerRollupInfo<'a> {
        /// What it is; has to be there the first time.
        details: ComputerRollupDetails<'a> = "Details" => Nested,
    }
    attributes {
        /// The computer's id, which it made itself.
        computer_id: Cow<'a, str> = "ComputerId" => Text,
        /// When it last asked for updates.
        last_sync_time: DateTime = "LastSyncTime" => Time,
        /// 0 it never did, 1 it succeeded, 2 it failed.
        last_sync_result: i32 = "LastSyncResult" => Int,
        /// When it last started and said so.
        last_reported_reboot_time: DateTime = "LastReportedRebootTime" => Time,
        /// When it last reported the state of updates.
        last_reported_status_time: DateTime = "LastReportedStatusTime" => Time,
        /// When it last reported an inventory.
        last_inventory_time: DateTime = "LastInventoryTime" => Time,
        /// The server that it gets updates from.
        parent_server_id: Uuid = "ParentServerId" => Guid,
    }
}

message_structure! {
    /// What a computer is ([MS-WSUSSS] 3.1.4.15.3.3).
    pub struct ComputerRollupDetails<'a> {
        /// The groups it is in.
        target_group_id_list: Vec<Uuid> = "TargetGroupIdList" =>
            List("guid", limits::ROLLUP_GROUPS, Guid),
        /// The groups that its own policy names, whether or not they exist.
        requested_target_group_names: Vec<Cow<'a, str>> = "RequestedTargetGroupNames" =>
            List("string", limits::ROLLUP_GROUPS, Text),
    }
    attributes {
        /// Its address.
        ip_address: Cow<'a, str> = "IPAddress" => Text,
        /// Its full DNS name.
        full_domain_name: Cow<'a, str> = "FullDomainName" => Text,
        /// 10 for Windows 10 and 11.
        os_major_version: i32 = "OSMajorVersion" => Int,
        /// 0 for Windows 10 and 11.
        os_minor_version: i32 = "OSMinorVersion" => Int,
        /// 22000 and above for Windows 11.
        os_build_number: i32 = "OSBuildNumber" => Int,
        /// The service pack.
        os_service_pack_major_number: i32 = "OSServicePackMajorNumber" => Int,
        /// The service pack's minor number.
        os_service_pack_minor_number: i32 = "OSServicePackMinorNumber" => Int,
        /// `en-US`
        os_locale: Cow<'a, str> = "OSLocale" => Text,
        /// The operating system's family.
        os_family: Cow<'a, str> = "OSFamily" => Text,
        /// The edition's name.
        os_description: Cow<'a, str> = "OSDescription" => Text,
        /// The maker.
        computer_make: Cow<'a, str> = "ComputerMake" => Text,
        /// The model.
        computer_model: Cow<'a, str> = "ComputerModel" => Text,
        /// The firmware's version.
        bios_version: Cow<'a, str> = "BiosVersion" => Text,
        /// The firmware's name.
        bios_name: Cow<'a, str> = "BiosName" => Text,
        /// The firmware's date.
        bios_release_date: DateTime = "BiosReleaseDate" => Time,
        /// `AMD64`, `x86`, `ARM64`.
        processor_architecture: Cow<'a, str> = "ProcessorArchitecture" => Text,
        /// `wSuiteMask` of `OSVERSIONINFOEX`.
        suite_mask: i32 = "SuiteMask" => Int,
        /// `wProductType` of `OSVERSIONINFOEX`.
        old_product_type: i32 = "OldProductType" => Int,
        /// The edition, as `GetProductInfo` numbers it.
        new_product_type: i32 = "NewProductType" => Int,
        /// `SM_SERVERR2`, `SM_TABLETPC` and the like.
        system_metrics: i32 = "SystemMetrics" => Int,
        /// The agent's version.
        client_version: Cow<'a, str> = "ClientVersion" => Text,
    }
}

message_structure! {
    /// The response.
    pub struct RollupComputersResponse<'a> {
        /// Computers about which the downstream server has to do something.
        result: Vec<ChangedComputer<'a>> = "RollupComputersResult" =>
            List("ChangedComputer", limits::ROLLUP_COMPUTERS, Nested),
    }
}

message_structure! {
    /// A computer about which the downstream server has to do something ([MS-WSUSSS]
    /// 3.1.4.15.3.5).
    pub struct ChangedComputer<'a> {}
    attributes {
        /// The computer.
        computer_id: Cow<'a, str> = "ComputerId" => Text,
        /// What happened to it.
        change: ComputerChangeType = "Change" => ChangeType,
    }
}

/// What happened to a computer ([MS-WSUSSS] 3.1.4.15.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComputerChangeType {
    /// The upstream server deleted it: delete it.
    Deleted,
    /// The upstream server did not know it here: send its details, and all its states.
    NewParent,
}

struct ChangeType;

impl<'a> Simple<'a> for ChangeType {
    type Value = ComputerChangeType;

    fn parse(&self, text: Cow<'a, str>) -> Result<ComputerChangeType, RequestError> {
        match &*text {
            "Deleted" => Ok(ComputerChangeType::Deleted),
            "NewParent" => Ok(ComputerChangeType::NewParent),
            _ => Err(RequestError::value(&text, "ComputerChangeType")),
        }
    }

    fn format<'v>(&self, value: &'v ComputerChangeType) -> Cow<'v, str> {
        Cow::Borrowed(match value {
            ComputerChangeType::Deleted => "Deleted",
            ComputerChangeType::NewParent => "NewParent",
        })
    }
}

operation!(RollupComputers(RollupComputersRequest<'_>) -> RollupComputersResponse<'a>);
