//! GetOutOfSyncComputers ([MS-WSUSSS] 3.1.4.16): of which computers this server lost track.

use std::borrow::Cow;

use super::MAX_NUMBERS;
use crate::computers::computer;
use crate::services::call::Outcome;
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::wire::wsusss::rollup::{GetOutOfSyncComputersRequest, GetOutOfSyncComputersResponse};

impl Services {
    /// GetOutOfSyncComputers.
    pub(in crate::services) async fn out_of_sync_computers(
        &self,
        request: GetOutOfSyncComputersRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetOutOfSyncComputersResponse<'static>, ServiceError> {
        let server =
            request.parent_server_id.ok_or_else(|| ServiceError::parameter("parentServerId"))?;
        outcome.client = Some(pseudonym(&server.to_string()));
        let numbers =
            super::bounded(request.last_rollup_numbers, MAX_NUMBERS, "lastRollupNumbers")?;
        let numbers = numbers.into_iter().filter_map(|number| {
            let client_id = computer::client_id(&number.computer_id?)?;
            Some((client_id, number.rollup_number.unwrap_or(0)))
        });
        let numbers = numbers.collect();
        let state = self.state.clone();
        let lost = self.blocking(move || state.out_of_sync(server, numbers)).await?;
        let result = lost.into_iter().map(Cow::Owned).collect();
        Ok(GetOutOfSyncComputersResponse { result: Some(result) })
    }
}
