//! What downstream servers report of themselves and of their computers ([MS-WSUSSS] 3.1.4.13 to
//! 3.1.4.17). It is on the path of the Reporting web service.
//!
//! All requests carry the same [`cookie`], which says nothing and is not to be checked.

mod get_out_of_sync_computers;
mod get_rollup_configuration;
mod rollup_computer_status;
mod rollup_computers;
mod rollup_downstream_servers;

pub use get_out_of_sync_computers::{
    ComputerLastRollupNumber, GetOutOfSyncComputersRequest, GetOutOfSyncComputersResponse,
};
pub use get_rollup_configuration::{
    GetRollupConfigurationRequest, GetRollupConfigurationResponse, RollupConfiguration,
};
pub use rollup_computer_status::{
    ComputerStatusRollupInfo, ComputerStatusRollupUpdateStatus, RollupComputerStatusRequest,
    RollupComputerStatusResponse,
};
pub use rollup_computers::{
    ChangedComputer, ComputerChangeType, ComputerRollupDetails, ComputerRollupInfo,
    RollupComputersRequest, RollupComputersResponse,
};
pub use rollup_downstream_servers::{
    DownstreamServerRollupClientActivitySummary, DownstreamServerRollupClientSummary,
    DownstreamServerRollupInfo, DownstreamServerRollupServerSummary,
    RollupDownstreamServersRequest, RollupDownstreamServersResponse,
};

use crate::wire::time::DateTime;

use super::Cookie;

/// The cookie that the specification prescribes for all these requests.
pub fn cookie() -> Cookie {
    Cookie { expiration: Some(DateTime::NEVER), encrypted_data: Some(Vec::new()) }
}
