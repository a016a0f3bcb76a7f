//! What downstream servers report of themselves and of their computers ([MS-WSUSSS] 3.1.4.13 to
//! 3.1.4.17), one file an operation.
//!
//! The cookie of these calls is the same for everybody and says nothing, so who may report is asked
//! of the servers that a report names: they have to be known, and where downstream servers need an
//! administrator's approval, the one at the top of them needs it.

mod computer_status;
mod computers;
mod downstream_servers;
mod out_of_sync;

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::services::{ServiceError, Services};
use crate::state::LEVELS;
use crate::wire::fault::ErrorCode;
use crate::wire::wsusss::rollup::{GetRollupConfigurationResponse, RollupConfiguration};

/// Groups of computers in one RollupDownstreamServers: as on a real server, as are the next two.
const MAX_SYSTEMS: usize = 5_000;
/// Computers in one RollupComputers.
const MAX_COMPUTERS: usize = 1_500;
/// Computers in one GetOutOfSyncComputers.
const MAX_NUMBERS: usize = 20_000;
/// Computers in one RollupComputerStatus. The real server takes 500 with all their states, which
/// may be of any size.
const MAX_STATUSES: usize = 100;
/// Reports on states that are worked on at once; one more is told to come back, as the
/// specification has it. Each may have 32 MiB.
const WORKED_ON: usize = 4;

/// What the operations share.
pub(super) struct Rollup {
    gate: Semaphore,
}

impl Default for Rollup {
    fn default() -> Self {
        Self { gate: Semaphore::new(WORKED_ON) }
    }
}

impl Services {
    /// GetRollupConfiguration.
    pub(super) async fn rollup_configuration(
        &self,
    ) -> Result<GetRollupConfigurationResponse, ServiceError> {
        let size = |size: usize| i32::try_from(size).ok();
        let result = RollupConfiguration {
            do_detailed_rollup: Some(true),
            rollup_reset_guid: Some(self.state.rollup_reset().await?),
            server_id: Some(self.state.server_id().await?),
            rollup_downstream_servers_max_batch_size: size(MAX_SYSTEMS),
            rollup_computers_max_batch_size: size(MAX_COMPUTERS),
            get_out_of_sync_computers_max_batch_size: size(MAX_NUMBERS),
            rollup_computer_status_max_batch_size: size(MAX_STATUSES),
        };
        Ok(GetRollupConfigurationResponse { result: Some(result) })
    }

    /// Whether what is said of computers of this server is listened to.
    ///
    /// # Errors
    /// InternalServerError when the server is not known, as [MS-WSUSSS] 3.1.4.15 prescribes; when it
    /// is not approved, InvalidParameters.
    fn check_reporter(&self, server: Uuid) -> Result<(), ServiceError> {
        let mut top = server;
        for _ in 0..=LEVELS {
            let Some(known) = self.state.downstream_server(top) else {
                return Err(ServiceError::NotHere("the downstream server"));
            };
            match known.parent {
                Some(parent) => top = parent,
                None if self.may_synchronize(top) => return Ok(()),
                None => break,
            }
        }
        let reason = "parentServerId: an administrator has to approve this server";
        Err(ServiceError::Protocol {
            code: ErrorCode::InvalidParameters,
            message: Some(reason.to_owned()),
        })
    }
}

/// A list that the request has to have, of at most so many.
fn bounded<T>(list: Option<Vec<T>>, most: usize, name: &str) -> Result<Vec<T>, ServiceError> {
    let list = list.ok_or_else(|| ServiceError::parameter(name))?;
    match list.len() <= most {
        true => Ok(list),
        false => Err(ServiceError::parameter(&format!("{name}: {} of at most {most}", list.len()))),
    }
}
