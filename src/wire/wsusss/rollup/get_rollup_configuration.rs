//! GetRollupConfiguration ([MS-WSUSSS] 3.1.4.13): how much the upstream server wants to be told.

use uuid::Uuid;

use crate::wire::soap::codec::{Boolean, Guid, Int, Nested};
use crate::wire::soap::{message_structure, operation};
use crate::wire::wsusss::Cookie;

message_structure! {
    /// The request.
    pub struct GetRollupConfigurationRequest {
        /// Says nothing.
        cookie: Cookie = "cookie" => Nested,
    }
}

message_structure! {
    /// The response.
    pub struct GetRollupConfigurationResponse {
        /// The configuration.
        result: RollupConfiguration = "GetRollupConfigurationResult" => Nested,
    }
}

message_structure! {
    /// How much the upstream server wants to be told ([MS-WSUSSS] 3.1.4.13.3.1). The batch sizes
    /// are positive.
    pub struct RollupConfiguration {
        /// Whether it wants to know of each computer.
        do_detailed_rollup: bool = "DoDetailedRollup" => Boolean,
        /// When it differs from the last one, everything has to be told anew.
        rollup_reset_guid: Uuid = "RollupResetGuid" => Guid,
        /// The upstream server.
        server_id: Uuid = "ServerId" => Guid,
        /// Most groups of computers in one RollupDownstreamServers, over all its servers.
        rollup_downstream_servers_max_batch_size: i32 =
            "RollupDownstreamServersMaxBatchSize" => Int,
        /// Most computers in one RollupComputers.
        rollup_computers_max_batch_size: i32 = "RollupComputersMaxBatchSize" => Int,
        /// Most computers in one GetOutOfSyncComputers.
        get_out_of_sync_computers_max_batch_size: i32 = "GetOutOfSyncComputersMaxBatchSize" => Int,
        /// Most computers in one RollupComputerStatus.
        rollup_computer_status_max_batch_size: i32 = "RollupComputerStatusMaxBatchSize" => Int,
    }
}

operation! {
    GetRollupConfiguration(GetRollupConfigurationRequest) -> GetRollupConfigurationResponse
}
