//! RollupComputerStatus ([MS-WSUSSS] 3.1.4.17): the state of updates on each computer.

use super::MAX_STATUSES;
use crate::computers::UpdateInstallationState;
use crate::computers::computer;
use crate::computers::rollup::StatusReport;
use crate::services::call::Outcome;
use crate::services::clock::Clock;
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::wire::wsusss::rollup::{
    ComputerStatusRollupInfo, RollupComputerStatusRequest, RollupComputerStatusResponse,
};

/// `SummarizationState` of an update that is not applicable: it has no row.
const NOT_APPLICABLE: i32 = 0;

impl Services {
    /// RollupComputerStatus.
    pub(in crate::services) async fn roll_up_computer_status(
        &self,
        request: RollupComputerStatusRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<RollupComputerStatusResponse, ServiceError> {
        let Ok(_turn) = self.rollup.gate.try_acquire() else {
            return Ok(RollupComputerStatusResponse { result: Some(false) });
        };
        let at = request.client_time.ok_or_else(|| ServiceError::parameter("clientTime"))?;
        let clock = Clock::new(self.now(), at);
        let server =
            request.parent_server_id.ok_or_else(|| ServiceError::parameter("parentServerId"))?;
        outcome.client = Some(pseudonym(&server.to_string()));
        let computers = super::bounded(request.computers, MAX_STATUSES, "computers")?;
        self.check_reporter(server)?;
        let reports = computers.into_iter().filter_map(|computer| report(computer, clock));
        self.state.roll_up_statuses(server, reports.collect()).await?;
        Ok(RollupComputerStatusResponse { result: Some(true) })
    }
}

/// The report as the domain has it; none of something that is no computer.
fn report(info: ComputerStatusRollupInfo<'_>, clock: Clock) -> Option<StatusReport> {
    let updates = info.update_status.unwrap_or_default().into_iter().filter_map(|status| {
        let state = match status.summarization_state? {
            NOT_APPLICABLE => None,
            number => Some(UpdateInstallationState::from_number(number)?),
        };
        Some((status.update_id?, state, clock.corrected(status.last_change_time?)))
    });
    Some(StatusReport {
        client_id: info.computer_id.as_deref().and_then(computer::client_id)?,
        number: info.rollup_number?,
        detected: clock.corrected_unless_never(info.effective_last_detection_time),
        full: info.is_full_rollup.unwrap_or(false),
        updates: updates.collect(),
    })
}
