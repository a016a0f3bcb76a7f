//! RollupComputers ([MS-WSUSSS] 3.1.4.15): what a server reports of each computer below it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::MAX_COMPUTERS;
use crate::computers::computer::{self, ComputerInfo, bounded};
use crate::computers::rollup::{Below, Details, SyncResult};
use crate::services::call::Outcome;
use crate::services::clock::Clock;
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::state::RolledUp;
use crate::wire::wsusss::rollup::{
    ChangedComputer, ComputerRollupDetails, ComputerRollupInfo, RollupComputersRequest,
    RollupComputersResponse,
};

/// Most groups that are kept of one computer: no policy names more.
const GROUPS_KEPT: usize = 256;

impl Services {
    /// RollupComputers.
    pub(in crate::services) async fn roll_up_computers(
        &self,
        request: RollupComputersRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<RollupComputersResponse<'static>, ServiceError> {
        let at = request.client_time.ok_or_else(|| ServiceError::parameter("clientTime"))?;
        let clock = Clock::new(self.now(), at);
        let infos = super::bounded(request.computers, MAX_COMPUTERS, "computers")?;
        let computers: Vec<RolledUp> =
            infos.into_iter().map(|info| rolled_up(info, clock)).collect::<Result<_, _>>()?;
        let servers: HashSet<_> = computers.iter().map(|computer| computer.below.parent).collect();
        for server in servers {
            outcome.client = Some(pseudonym(&server.to_string()));
            self.check_reporter(server)?;
        }
        let changes = self.state.roll_up_computers(computers).await?;
        let result = changes.into_iter().map(|(computer_id, change)| ChangedComputer {
            computer_id: Some(Cow::Owned(computer_id)),
            change: Some(change),
        });
        Ok(RollupComputersResponse { result: Some(result.collect()) })
    }
}

fn rolled_up(info: ComputerRollupInfo<'_>, clock: Clock) -> Result<RolledUp, ServiceError> {
    let missing = |name| ServiceError::parameter(&format!("computers/{name}"));
    let client_id = info.computer_id.as_deref().and_then(computer::client_id);
    let below = Below {
        parent: info.parent_server_id.ok_or_else(|| missing("ParentServerId"))?,
        last_sync: clock.corrected_unless_never(info.last_sync_time),
        last_result: SyncResult::from_number(info.last_sync_result.unwrap_or(0)),
        last_reboot: clock.corrected_unless_never(info.last_reported_reboot_time),
        last_status: clock.corrected_unless_never(info.last_reported_status_time),
        last_inventory: clock.corrected_unless_never(info.last_inventory_time),
        received: 0,
    };
    let client_id = client_id.ok_or_else(|| missing("ComputerId"))?;
    Ok(RolledUp { client_id, below, details: info.details.map(details) })
}

/// All of it is for people to look at, so nothing of it is a reason to refuse.
fn details(details: ComputerRollupDetails<'_>) -> Details {
    let text = |text: Option<Cow<'_, str>>| bounded(&text.unwrap_or_default());
    let number = |number: Option<i32>| number.unwrap_or(0);
    let info = ComputerInfo {
        dns_name: text(details.full_domain_name),
        os_version: (
            number(details.os_major_version),
            number(details.os_minor_version),
            number(details.os_build_number),
        ),
        os_service_pack: (
            number(details.os_service_pack_major_number),
            number(details.os_service_pack_minor_number),
        ),
        os_locale: text(details.os_locale),
        manufacturer: text(details.computer_make),
        model: text(details.computer_model),
        bios_version: text(details.bios_version),
        bios_name: text(details.bios_name),
        bios_release_date: details.bios_release_date.map_or(0, |date| date.unix_seconds()),
        processor_architecture: text(details.processor_architecture),
        suite_mask: number(details.suite_mask),
        old_product_type: number(details.old_product_type),
        new_product_type: number(details.new_product_type),
        system_metrics: number(details.system_metrics),
        client_version: version(&details.client_version.unwrap_or_default()),
        os_description: text(details.os_description),
        ..ComputerInfo::default()
    };
    let mut groups = details.target_group_id_list.unwrap_or_default();
    groups.sort_unstable();
    groups.dedup();
    groups.truncate(GROUPS_KEPT);
    let requested = details.requested_target_group_names.unwrap_or_default();
    let requested_group = bounded(&requested.join(";"));
    Details { info, requested_group, groups, address: text(details.ip_address) }
}

/// `10.0.26100.1`; what is missing or no number is 0.
fn version(text: &str) -> (i32, i32, i32, i32) {
    let mut parts = text.split('.').map(|part| part.trim().parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next(), next())
}
