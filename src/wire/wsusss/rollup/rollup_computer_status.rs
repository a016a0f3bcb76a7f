//! RollupComputerStatus ([MS-WSUSSS] 3.1.4.17): the state of updates on each computer.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Boolean, Guid, Int, List, Nested, Text, Time};
use crate::wire::soap::{message_structure, operation};
use crate::wire::time::DateTime;
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct RollupComputerStatusRequest<'a> {
        /// Says nothing.
        cookie: Cookie = "cookie" => Nested,
        /// The downstream server's clock.
        client_time: DateTime = "clientTime" => Time,
        /// The downstream server.
        parent_server_id: Uuid = "parentServerId" => Guid,
        /// The computers.
        computers: Vec<ComputerStatusRollupInfo<'a>> = "computers" =>
            List("ComputerStatusRollupInfo", limits::ROLLUP_COMPUTERS, Nested),
    }
}

message_structure! {
    /// A computer ([MS-WSUSSS] 3.1.4.17.3.2).
    pub struct ComputerStatusRollupInfo<'a> {
        /// New for each report.
        instance_id: Uuid = "InstanceId" => Guid,
        /// The computer.
        computer_id: Cow<'a, str> = "ComputerId" => Text,
        /// When the newest update that it reported on came to its server; 1753-01-01 for never.
        effective_last_detection_time: DateTime = "EffectiveLastDetectionTime" => Time,
        /// Grows with every report on the computer.
        rollup_number: i32 = "RollupNumber" => Int,
        /// Whether these are all updates, or only those whose state changed.
        is_full_rollup: bool = "IsFullRollup" => Boolean,
        /// The updates.
        update_status: Vec<ComputerStatusRollupUpdateStatus> = "UpdateStatus" =>
            List("ComputerStatusRollupUpdateStatus", limits::ROLLUP_UPDATES, Nested),
    }
}

message_structure! {
    /// The state of an update ([MS-WSUSSS] 3.1.4.17.3.4).
    pub struct ComputerStatusRollupUpdateStatus {
        /// The update.
        update_id: Uuid = "UpdateId" => Guid,
        /// 0 not applicable, 2 not installed, 3 downloaded, 4 installed, 5 failed, 6 installed and
        /// waiting for a restart.
        summarization_state: i32 = "SummarizationState" => Int,
        /// Since when.
        last_change_time: DateTime = "LastChangeTime" => Time,
    }
}

message_structure! {
    /// The response.
    pub struct RollupComputerStatusResponse {
        /// Whether the report was taken; if not, it is to be sent again after a minute or more.
        result: bool = "RollupComputerStatusResult" => Boolean,
    }
}

operation! {
    RollupComputerStatus(RollupComputerStatusRequest<'_>) -> RollupComputerStatusResponse
}
