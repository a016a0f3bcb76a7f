//! RollupDownstreamServers ([MS-WSUSSS] 3.1.4.14): what a server reports of itself and of the
//! servers below it.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Boolean, Guid, Int, List, Nested, Text, Time};
use crate::wire::soap::{message_structure, operation};
use crate::wire::time::DateTime;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct RollupDownstreamServersRequest<'a> {
        /// Says nothing.
        cookie: Cookie = "cookie" => Nested,
        /// The downstream server's clock.
        client_time: DateTime = "clientTime" => Time,
        /// The servers, each after the one above it.
        downstream_servers: Vec<DownstreamServerRollupInfo<'a>> = "downstreamServers" =>
            List("DownstreamServerRollupInfo", limits::ROLLUP_SERVERS, Nested),
    }
}

message_structure! {
    /// A server ([MS-WSUSSS] 3.1.4.14.3.2).
    pub struct DownstreamServerRollupInfo<'a> {
        /// The server.
        server_id: Uuid = "ServerId" => Guid,
        /// Its full DNS name.
        full_domain_name: Cow<'a, str> = "FullDomainName" => Text,
        /// When it last synchronized; 1753-01-01, or the year 1, for never.
        last_sync_time: DateTime = "LastSyncTime" => Time,
        /// The server above it; zero when that is the receiver.
        parent_server_id: Uuid = "ParentServerId" => Guid,
        /// One to four numbers with dots between.
        version: Cow<'a, str> = "Version" => Text,
        /// Whether it is a replica.
        is_replica: bool = "IsReplica" => Boolean,
        /// When it last reported, by its own clock.
        last_rollup_time: DateTime = "LastRollupTime" => Time,
        /// Counts of its updates and computers.
        server_summary: DownstreamServerRollupServerSummary = "ServerSummary" => Nested,
        /// Its computers, in groups of the same operating system.
        client_summaries: Vec<DownstreamServerRollupClientSummary<'a>> = "ClientSummaries" =>
            List("DownstreamServerRollupClientSummary", limits::ROLLUP_SERVERS, Nested),
    }
}

message_structure! {
    /// Counts of a server's updates and computers ([MS-WSUSSS] 3.1.4.14.3.3).
    pub struct DownstreamServerRollupServerSummary {
        /// Updates.
        update_count: i32 = "UpdateCount" => Int,
        /// Declined updates.
        declined_update_count: i32 = "DeclinedUpdateCount" => Int,
        /// Updates approved for installation or removal.
        approved_update_count: i32 = "ApprovedUpdateCount" => Int,
        /// Updates neither declined nor approved.
        not_approved_update_count: i32 = "NotApprovedUpdateCount" => Int,
        /// Updates approved in another revision than the latest. The specification's text once
        /// prints a second `ApprovedUpdateCount` here; its contract does not.
        updates_with_stale_update_approvals_count: i32 =
            "UpdatesWithStaleUpdateApprovalsCount" => Int,
        /// Expired updates.
        expired_update_count: i32 = "ExpiredUpdateCount" => Int,
        /// Critical and security updates not approved for installation.
        critical_or_security_updates_not_approved_for_install_count: i32 =
            "CriticalOrSecurityUpdatesNotApprovedForInstallCount" => Int,
        /// Updates of WSUS itself not approved for installation.
        wsus_infrastructure_updates_not_approved_for_install_count: i32 =
            "WsusInfrastructureUpdatesNotApprovedForInstallCount" => Int,
        /// Updates that failed on a computer.
        updates_with_client_errors_count: i32 = "UpdatesWithClientErrorsCount" => Int,
        /// Updates whose files could not be downloaded.
        updates_with_server_errors_count: i32 = "UpdatesWithServerErrorsCount" => Int,
        /// Updates whose files are being downloaded.
        updates_needing_files_count: i32 = "UpdatesNeedingFilesCount" => Int,
        /// Updates that a computer needs.
        updates_needed_by_computers_count: i32 = "UpdatesNeededByComputersCount" => Int,
        /// Updates that no computer needs.
        updates_up_to_date_count: i32 = "UpdatesUpToDateCount" => Int,
        /// Target groups that are an administrator's.
        custom_computer_target_group_count: i32 = "CustomComputerTargetGroupCount" => Int,
        /// Computers.
        computer_target_count: i32 = "ComputerTargetCount" => Int,
        /// Computers that need an update.
        computer_targets_needing_updates_count: i32 = "ComputerTargetsNeedingUpdatesCount" => Int,
        /// Computers on which an update failed.
        computer_targets_with_update_errors_count: i32 =
            "ComputerTargetsWithUpdateErrorsCount" => Int,
        /// Computers that need nothing.
        computers_up_to_date_count: i32 = "ComputersUpToDateCount" => Int,
    }
}

message_structure! {
    /// Computers of the same operating system ([MS-WSUSSS] 3.1.4.14.3.5).
    pub struct DownstreamServerRollupClientSummary<'a> {
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
        /// `wSuiteMask` of `OSVERSIONINFOEX`.
        suite_mask: i32 = "SuiteMask" => Int,
        /// `wProductType` of `OSVERSIONINFOEX`.
        old_product_type: i32 = "OldProductType" => Int,
        /// The edition, as `GetProductInfo` numbers it.
        new_product_type: i32 = "NewProductType" => Int,
        /// `SM_SERVERR2`, `SM_TABLETPC` and the like.
        system_metrics: i32 = "SystemMetrics" => Int,
        /// `AMD64`, `x86`, `ARM64`.
        processor_architecture: Cow<'a, str> = "ProcessorArchitecture" => Text,
        /// How many computers.
        count: i32 = "Count" => Int,
        /// What they installed since the last report.
        activity_summaries: Vec<DownstreamServerRollupClientActivitySummary> =
            "ActivitySummaries" =>
                List("DownstreamServerRollupClientActivitySummary", limits::ROLLUP_UPDATES, Nested),
    }
}

message_structure! {
    /// Installations of one update ([MS-WSUSSS] 3.1.4.14.3.7).
    pub struct DownstreamServerRollupClientActivitySummary {
        /// The update.
        update_id: Uuid = "UpdateId" => Guid,
        /// Its revision.
        revision_number: i32 = "RevisionNumber" => Int,
        /// Installations that succeeded.
        install_success_count: i32 = "InstallSuccessCount" => Int,
        /// Installations that failed.
        install_failure_count: i32 = "InstallFailureCount" => Int,
    }
}

message_structure! {
    /// The response; it has no content.
    pub struct RollupDownstreamServersResponse {}
}

operation! {
    RollupDownstreamServers(RollupDownstreamServersRequest<'_>) -> RollupDownstreamServersResponse
}
