//! GetOutOfSyncComputers ([MS-WSUSSS] 3.1.4.16): of which computers the upstream server lost track.

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Guid, Int, List, Nested, Text};
use crate::wire::soap::{message_structure, operation};
use crate::wire::wsusss::{Cookie, limits};

message_structure! {
    /// The request.
    pub struct GetOutOfSyncComputersRequest<'a> {
        /// Says nothing.
        cookie: Cookie = "cookie" => Nested,
        /// The downstream server.
        parent_server_id: Uuid = "parentServerId" => Guid,
        /// The computers.
        last_rollup_numbers: Vec<ComputerLastRollupNumber<'a>> = "lastRollupNumbers" =>
            List("ComputerLastRollupNumber", limits::ROLLUP_NAMES, Nested),
    }
}

message_structure! {
    /// What was last reported of a computer ([MS-WSUSSS] 3.1.4.16.3.2).
    pub struct ComputerLastRollupNumber<'a> {
        /// The computer.
        computer_id: Cow<'a, str> = "ComputerId" => Text,
        /// The number of that report; 0 if there was none.
        rollup_number: i32 = "RollupNumber" => Int,
    }
}

message_structure! {
    /// The response.
    pub struct GetOutOfSyncComputersResponse<'a> {
        /// The computers of which everything has to be reported.
        result: Vec<Cow<'a, str>> = "GetOutOfSyncComputersResult" =>
            List("string", limits::ROLLUP_NAMES, Text),
    }
}

operation! {
    GetOutOfSyncComputers(GetOutOfSyncComputersRequest<'_>) -> GetOutOfSyncComputersResponse<'a>
}
