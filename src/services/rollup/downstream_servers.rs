//! RollupDownstreamServers ([MS-WSUSSS] 3.1.4.14): what a server reports of itself and of the servers
//! below it.

use std::borrow::Cow;

use uuid::Uuid;

use super::MAX_SYSTEMS;
use crate::computers::computer::bounded as bounded_text;
use crate::downstream::{DownstreamServer, Reported, SERVERS_KEPT, Summary, System};
use crate::services::call::Outcome;
use crate::services::clock::Clock;
use crate::services::session::pseudonym;
use crate::services::{ServiceError, Services};
use crate::state::StateError;
use crate::wire::wsusss::rollup::{
    DownstreamServerRollupClientSummary, DownstreamServerRollupInfo,
    DownstreamServerRollupServerSummary, RollupDownstreamServersRequest,
    RollupDownstreamServersResponse,
};

/// Longest version that there is ([MS-WSUSSS] 3.1.4.14.3.2).
const VERSION: usize = 32;
/// Longest DNS name.
const NAME: usize = 255;

impl Services {
    /// RollupDownstreamServers.
    pub(in crate::services) async fn roll_up_servers(
        &self,
        request: RollupDownstreamServersRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<RollupDownstreamServersResponse, ServiceError> {
        let at = request.client_time.ok_or_else(|| ServiceError::parameter("clientTime"))?;
        let clock = Clock::new(self.now(), at);
        let infos = super::bounded(request.downstream_servers, SERVERS_KEPT, "downstreamServers")?;
        let systems: usize =
            infos.iter().map(|info| info.client_summaries.as_deref().map_or(0, <[_]>::len)).sum();
        if systems > MAX_SYSTEMS {
            return Err(ServiceError::parameter("downstreamServers"));
        }
        let mut servers = Vec::with_capacity(infos.len());
        for info in infos {
            let (server, reported) = self.server(info, clock)?;
            if server.parent.is_none() {
                outcome.client = Some(pseudonym(&server.id.to_string()));
                if !self.may_synchronize(server.id) {
                    return Err(ServiceError::parameter(
                        "downstreamServers: an administrator has to approve this server",
                    ));
                }
            }
            servers.push((server, reported));
        }
        match self.state.roll_up_servers(servers).await {
            // A parent that is not known, or no tree.
            Err(StateError::NotFound { .. } | StateError::Refused(_)) => {
                return Err(ServiceError::parameter("downstreamServers"));
            }
            taken => taken?,
        }
        Ok(RollupDownstreamServersResponse {})
    }

    fn server(
        &self,
        info: DownstreamServerRollupInfo<'_>,
        clock: Clock,
    ) -> Result<(DownstreamServer, Reported), ServiceError> {
        let missing = |name| ServiceError::parameter(&format!("downstreamServers/{name}"));
        let id = info.server_id.ok_or_else(|| missing("ServerId"))?;
        let name = info.full_domain_name.ok_or_else(|| missing("FullDomainName"))?;
        let parent = info.parent_server_id.ok_or_else(|| missing("ParentServerId"))?;
        let at = info.last_rollup_time.ok_or_else(|| missing("LastRollupTime"))?;
        let version = info.version.unwrap_or_default();
        if name.len() > NAME || version.len() > VERSION {
            return Err(missing(if name.len() > NAME { "FullDomainName" } else { "Version" }));
        }
        let summaries = info.client_summaries.unwrap_or_default();
        let (mut installations, mut failures) = (0u64, 0u64);
        for activity in summaries.iter().filter_map(|it| it.activity_summaries.as_ref()).flatten() {
            let count = |count: Option<i32>| u64::try_from(count.unwrap_or(0)).unwrap_or(0);
            installations = installations.saturating_add(count(activity.install_success_count));
            failures = failures.saturating_add(count(activity.install_failure_count));
        }
        let reported = Reported {
            at: clock.corrected(at),
            last_sync: clock.corrected_unless_never(info.last_sync_time),
            version: version.into_owned(),
            is_replica: info.is_replica.unwrap_or(false),
            summary: summary(&info.server_summary.unwrap_or_default()),
            systems: summaries.into_iter().map(system).collect(),
            installations,
            failures,
        };
        let mut server = DownstreamServer::new(id, name.into_owned(), self.now());
        server.parent = Some(parent).filter(|parent| *parent != Uuid::nil());
        Ok((server, reported))
    }
}

fn count(count: Option<i32>) -> u32 {
    u32::try_from(count.unwrap_or(0)).unwrap_or(0)
}

fn summary(summary: &DownstreamServerRollupServerSummary) -> Summary {
    Summary {
        updates: count(summary.update_count),
        declined: count(summary.declined_update_count),
        approved: count(summary.approved_update_count),
        not_approved: count(summary.not_approved_update_count),
        stale_approvals: count(summary.updates_with_stale_update_approvals_count),
        expired: count(summary.expired_update_count),
        critical_not_approved: count(
            summary.critical_or_security_updates_not_approved_for_install_count,
        ),
        infrastructure_not_approved: count(
            summary.wsus_infrastructure_updates_not_approved_for_install_count,
        ),
        with_client_errors: count(summary.updates_with_client_errors_count),
        with_server_errors: count(summary.updates_with_server_errors_count),
        needing_files: count(summary.updates_needing_files_count),
        needed: count(summary.updates_needed_by_computers_count),
        up_to_date: count(summary.updates_up_to_date_count),
        groups: count(summary.custom_computer_target_group_count),
        computers: count(summary.computer_target_count),
        computers_in_need: count(summary.computer_targets_needing_updates_count),
        computers_with_errors: count(summary.computer_targets_with_update_errors_count),
        computers_up_to_date: count(summary.computers_up_to_date_count),
    }
}

fn system(summary: DownstreamServerRollupClientSummary<'_>) -> System {
    let number = |number: Option<i32>| number.unwrap_or(0);
    let text = |text: Option<Cow<'_, str>>| bounded_text(&text.unwrap_or_default());
    System {
        version: (
            number(summary.os_major_version),
            number(summary.os_minor_version),
            number(summary.os_build_number),
        ),
        service_pack: (
            number(summary.os_service_pack_major_number),
            number(summary.os_service_pack_minor_number),
        ),
        locale: text(summary.os_locale),
        suite_mask: number(summary.suite_mask),
        old_product_type: number(summary.old_product_type),
        new_product_type: number(summary.new_product_type),
        system_metrics: number(summary.system_metrics),
        architecture: text(summary.processor_architecture),
        count: count(summary.count),
    }
}
