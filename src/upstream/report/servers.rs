//! What is reported of servers: this one and all below it.

use std::borrow::Cow;

use uuid::Uuid;

use super::{Reporter, instant, summary};
use crate::downstream::{DownstreamServer, Reported, Summary, System};
use crate::upstream::error::SyncError;
use crate::wire::wsusss::rollup::{
    DownstreamServerRollupClientSummary, DownstreamServerRollupInfo,
    DownstreamServerRollupServerSummary, RollupDownstreamServersRequest, cookie,
};

/// `major.minor.patch`, as the version of a server has to be.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION_MAJOR"),
    ".",
    env!("CARGO_PKG_VERSION_MINOR"),
    ".",
    env!("CARGO_PKG_VERSION_PATCH")
);

type Info = DownstreamServerRollupInfo<'static>;

impl Reporter<'_> {
    /// RollupDownstreamServers: this server first, since those below it name it as their parent.
    pub(super) async fn report_servers(&mut self, most: usize) -> Result<(), SyncError> {
        let mut all = vec![self.own_info()];
        all.extend(parents_first(self.state.downstream_servers()).into_iter().filter_map(|it| {
            let reported = it.reported.clone()?;
            Some(info(it.id, &it.name, it.parent.unwrap_or(self.account.id), reported))
        }));
        for servers in batches(all, most) {
            let request = RollupDownstreamServersRequest {
                cookie: Some(cookie()),
                client_time: Some(self.now()),
                downstream_servers: Some(servers),
            };
            self.connection.call_without_cookie(&request, |_| ()).await?;
        }
        Ok(())
    }

    fn own_info(&self) -> Info {
        let computers = summary::own(self.state);
        let reported = Reported {
            at: self.state.now(),
            last_sync: self.synchronized.iter().map(|run| run.ended).max(),
            version: VERSION.to_owned(),
            is_replica: self.source.replica,
            summary: summary::summary(
                self.state,
                &self.state.published(),
                &computers,
                &self.failed_files,
            ),
            systems: summary::systems(&computers),
            ..Reported::default()
        };
        info(self.account.id, &self.account.name, Uuid::nil(), reported)
    }
}

/// Those above before those below them. A server whose parent is gone is not reported: the upstream
/// server would refuse all.
fn parents_first(servers: Vec<std::sync::Arc<DownstreamServer>>) -> Vec<DownstreamServer> {
    let mut left: Vec<DownstreamServer> = servers.iter().map(|it| (**it).clone()).collect();
    let mut ordered: Vec<DownstreamServer> = Vec::with_capacity(left.len());
    loop {
        let known: std::collections::HashSet<Uuid> = ordered.iter().map(|it| it.id).collect();
        let (next, later): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|it| it.parent.is_none_or(|parent| known.contains(&parent)));
        if next.is_empty() {
            return ordered;
        }
        ordered.extend(next);
        left = later;
    }
}

fn info(id: Uuid, name: &str, parent: Uuid, reported: Reported) -> Info {
    Info {
        server_id: Some(id),
        full_domain_name: Some(Cow::Owned(name.to_owned())),
        last_sync_time: Some(instant(reported.last_sync)),
        parent_server_id: Some(parent),
        version: Some(Cow::Owned(reported.version)),
        is_replica: Some(reported.is_replica),
        last_rollup_time: Some(instant(Some(reported.at))),
        server_summary: Some(server_summary(&reported.summary)),
        client_summaries: Some(reported.systems.into_iter().map(client_summary).collect()),
    }
}

/// Splits what is more than `most` groups of computers: over several messages, and where one server
/// alone has more, over several entries of it.
fn batches(servers: Vec<Info>, most: usize) -> Vec<Vec<Info>> {
    let mut parts = Vec::new();
    for mut server in servers {
        let mut systems = server.client_summaries.take().unwrap_or_default();
        loop {
            let rest = systems.split_off(systems.len().min(most));
            parts.push(Info { client_summaries: Some(systems), ..server.clone() });
            if rest.is_empty() {
                break;
            }
            systems = rest;
        }
    }
    let mut batches: Vec<Vec<Info>> = Vec::new();
    let mut room = 0;
    for part in parts {
        let size = part.client_summaries.as_ref().map_or(0, Vec::len);
        match batches.last_mut().filter(|batch| size <= room && batch.len() < most) {
            Some(batch) => {
                room -= size;
                batch.push(part);
            }
            None => {
                room = most - size;
                batches.push(vec![part]);
            }
        }
    }
    batches
}

fn number(count: u32) -> Option<i32> {
    Some(i32::try_from(count).unwrap_or(i32::MAX))
}

fn server_summary(summary: &Summary) -> DownstreamServerRollupServerSummary {
    DownstreamServerRollupServerSummary {
        update_count: number(summary.updates),
        declined_update_count: number(summary.declined),
        approved_update_count: number(summary.approved),
        not_approved_update_count: number(summary.not_approved),
        updates_with_stale_update_approvals_count: number(summary.stale_approvals),
        expired_update_count: number(summary.expired),
        critical_or_security_updates_not_approved_for_install_count: number(
            summary.critical_not_approved,
        ),
        wsus_infrastructure_updates_not_approved_for_install_count: number(
            summary.infrastructure_not_approved,
        ),
        updates_with_client_errors_count: number(summary.with_client_errors),
        updates_with_server_errors_count: number(summary.with_server_errors),
        updates_needing_files_count: number(summary.needing_files),
        updates_needed_by_computers_count: number(summary.needed),
        updates_up_to_date_count: number(summary.up_to_date),
        custom_computer_target_group_count: number(summary.groups),
        computer_target_count: number(summary.computers),
        computer_targets_needing_updates_count: number(summary.computers_in_need),
        computer_targets_with_update_errors_count: number(summary.computers_with_errors),
        computers_up_to_date_count: number(summary.computers_up_to_date),
    }
}

fn client_summary(system: System) -> DownstreamServerRollupClientSummary<'static> {
    DownstreamServerRollupClientSummary {
        os_major_version: Some(system.version.0),
        os_minor_version: Some(system.version.1),
        os_build_number: Some(system.version.2),
        os_service_pack_major_number: Some(system.service_pack.0),
        os_service_pack_minor_number: Some(system.service_pack.1),
        os_locale: Some(Cow::Owned(system.locale)),
        suite_mask: Some(system.suite_mask),
        old_product_type: Some(system.old_product_type),
        new_product_type: Some(system.new_product_type),
        system_metrics: Some(system.system_metrics),
        processor_architecture: Some(Cow::Owned(system.architecture)),
        count: number(system.count),
        // Installations are not counted apart from the states, which are reported in full.
        activity_summaries: Some(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_split_by_their_groups_of_computers_and_stay_in_order() {
        let server = |id: u128, systems: usize| Info {
            server_id: Some(Uuid::from_u128(id)),
            client_summaries: Some(vec![Default::default(); systems]),
            ..Info::default()
        };
        let sizes = |servers: Vec<Info>| -> Vec<Vec<(u128, usize)>> {
            let size = |info: &Info| {
                let systems = info.client_summaries.as_ref().map_or(0, Vec::len);
                (info.server_id.map_or(0, |id| id.as_u128()), systems)
            };
            batches(servers, 5).iter().map(|batch| batch.iter().map(size).collect()).collect()
        };
        assert_eq!(sizes(vec![server(1, 0), server(2, 5)]), [[(1, 0), (2, 5)]]);
        assert_eq!(
            sizes(vec![server(1, 3), server(2, 3), server(3, 2)]),
            [vec![(1, 3)], vec![(2, 3), (3, 2)]]
        );
        assert_eq!(sizes(vec![server(1, 12)]), [[(1, 5)], [(1, 5)], [(1, 2)]]);
    }

    #[test]
    fn those_above_come_before_those_below_them() {
        let server = |id: u128, parent: Option<u128>| {
            let mut server = DownstreamServer::new(Uuid::from_u128(id), String::new(), 0);
            server.parent = parent.map(Uuid::from_u128);
            std::sync::Arc::new(server)
        };
        let servers =
            vec![server(1, Some(3)), server(2, Some(9)), server(3, Some(4)), server(4, None)];
        let ordered = parents_first(servers);
        let ids: Vec<u128> = ordered.iter().map(|server| server.id.as_u128()).collect();
        assert_eq!(ids, [4, 3, 1], "one whose parent is gone is left out");
    }
}
