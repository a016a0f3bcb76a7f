//! What is reported of computers: this server's and those of all servers below it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Reporter, instant};
use crate::computers::Computer;
use crate::computers::rollup::{SyncResult, Told, details_digest};
use crate::policy::by::By;
use crate::state::{StateError, Tracked};
use crate::upstream::error::SyncError;
use crate::wire::time::DateTime;
use crate::wire::wsusss::rollup::{
    ComputerChangeType, ComputerRollupDetails, ComputerRollupInfo, RollupComputersRequest, cookie,
};

/// Longest text of a computer's make, model or firmware that an upstream server has to take
/// ([MS-WSUSSS] 3.1.4.15.3.3), in characters.
const TEXT: usize = 64;
/// Longest name of a processor's architecture.
const ARCHITECTURE: usize = 50;
/// Longest name of a group.
const GROUP: usize = 256;

impl Reporter<'_> {
    /// RollupComputers for all of them, each with what it is if the upstream server does not know
    /// that; and again for those of which it says so.
    pub(super) async fn report_computers(&mut self, most: usize) -> Result<(), SyncError> {
        let all = self.state.computers().all();
        let unknown = self.roll_up(&all, most).await?;
        let again: Vec<Tracked> = all
            .into_iter()
            .filter(|tracked| unknown.contains(&tracked.computer.client_id))
            .collect();
        for tracked in &again {
            if let Some(told) = self.told.get_mut(&tracked.computer.number) {
                *told = Told { details: None, states: None, ..told.clone() };
            }
        }
        self.roll_up(&again, most).await?;
        Ok(())
    }

    /// Returns the ids of those that the upstream server did not know as ours.
    async fn roll_up(
        &mut self,
        computers: &[Tracked],
        most: usize,
    ) -> Result<HashSet<String>, SyncError> {
        let mut unknown = HashSet::new();
        for batch in computers.chunks(most) {
            let infos = batch.iter().map(|tracked| self.info(tracked)).collect();
            let request = RollupComputersRequest {
                cookie: Some(cookie()),
                client_time: Some(self.now()),
                computers: Some(infos),
            };
            let answered = self.connection.call_without_cookie(&request, |answer| {
                let changes = answer.result.unwrap_or_default().into_iter();
                let changes = changes
                    .filter_map(|it| Some((it.computer_id?.to_ascii_lowercase(), it.change?)));
                changes.collect::<Vec<_>>()
            });
            let changes = answered.await?;
            self.note_details(batch).await?;
            self.report.computers += batch.len() as u64;
            for (client_id, change) in changes {
                match change {
                    ComputerChangeType::NewParent => drop(unknown.insert(client_id)),
                    ComputerChangeType::Deleted => self.delete(batch, client_id).await?,
                }
            }
        }
        Ok(unknown)
    }

    async fn note_details(&mut self, computers: &[Tracked]) -> Result<(), SyncError> {
        let mut changed = Vec::new();
        for Tracked { computer, .. } in computers {
            let digest = details_digest(computer);
            let told = self.told.entry(computer.number).or_default();
            if told.details != Some(digest) {
                told.details = Some(digest);
                changed.push((computer.client_id.clone(), told.clone()));
                self.report.details += 1;
            }
        }
        if !changed.is_empty() {
            self.state.note_told(changed).await?;
        }
        Ok(())
    }

    /// The upstream server deleted a computer: one that was named just now.
    async fn delete(&self, batch: &[Tracked], client_id: String) -> Result<(), SyncError> {
        if batch.iter().all(|tracked| tracked.computer.client_id != client_id) {
            return Ok(());
        }
        let by = By::weir("the upstream server deleted it");
        match self.state.delete_computer(by, client_id).await {
            Err(StateError::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn info(&self, tracked: &Tracked) -> ComputerRollupInfo<'static> {
        let Tracked { computer, statuses, below, .. } = tracked;
        let told = self.told.get(&computer.number).and_then(|told| told.details);
        let is_news = told != Some(details_digest(computer));
        let below = below.as_deref();
        let result = match below {
            Some(below) => below.last_result,
            None => statuses.scan.map_or(SyncResult::Unknown, |scan| match scan.result >= 0 {
                true => SyncResult::Succeeded,
                false => SyncResult::Failed,
            }),
        };
        let reported = below.map_or(statuses.reported, |below| below.last_status);
        ComputerRollupInfo {
            details: is_news.then(|| details(computer)),
            computer_id: Some(Cow::Owned(computer.client_id.clone())),
            last_sync_time: Some(instant(tracked.last_sync())),
            last_sync_result: Some(result.number()),
            last_reported_reboot_time: Some(instant(below.and_then(|below| below.last_reboot))),
            last_reported_status_time: Some(instant(reported)),
            last_inventory_time: Some(instant(below.and_then(|below| below.last_inventory))),
            parent_server_id: Some(below.map_or(self.account.id, |below| below.parent)),
        }
    }
}

fn details(computer: &Computer) -> ComputerRollupDetails<'static> {
    let info = &computer.info;
    let text = |text: &str, most: usize| Some(Cow::Owned(text.chars().take(most).collect()));
    let requested = computer.requested_group.split(';').map(str::trim);
    let requested = requested.filter(|name| !name.is_empty());
    let (a, b, c, d) = info.client_version;
    ComputerRollupDetails {
        target_group_id_list: Some(computer.groups.clone()),
        requested_target_group_names: Some(
            requested.map(|name| Cow::Owned(name.chars().take(GROUP).collect())).collect(),
        ),
        ip_address: text(&computer.address, TEXT),
        full_domain_name: text(&info.dns_name, GROUP),
        os_major_version: Some(info.os_version.0),
        os_minor_version: Some(info.os_version.1),
        os_build_number: Some(info.os_version.2),
        os_service_pack_major_number: Some(info.os_service_pack.0),
        os_service_pack_minor_number: Some(info.os_service_pack.1),
        os_locale: text(&info.os_locale, TEXT),
        // As WSUS writes it ([MS-WSUSSS] note 57).
        os_family: Some(Cow::Borrowed("Windows")),
        os_description: text(&info.os_description, GROUP),
        computer_make: text(&info.manufacturer, TEXT),
        computer_model: text(&info.model, TEXT),
        bios_version: text(&info.bios_version, TEXT),
        bios_name: text(&info.bios_name, TEXT),
        bios_release_date: Some(
            DateTime::from_unix(info.bios_release_date, 0).unwrap_or(DateTime::MIN),
        ),
        processor_architecture: text(&info.processor_architecture, ARCHITECTURE),
        // A short and an unsigned byte in the contract.
        suite_mask: Some(i32::from(info.suite_mask as i16)),
        old_product_type: Some(info.old_product_type.clamp(0, 255)),
        new_product_type: Some(info.new_product_type),
        system_metrics: Some(info.system_metrics),
        client_version: Some(Cow::Owned(format!("{a}.{b}.{c}.{d}"))),
    }
}
