//! What is reported of the updates on each computer.
//!
//! The specification has a server report those whose state changed since it last reported, by their
//! times. But a computer may report late, times are those of its own clock, and what it does not
//! mention any more has no time at all. So here the states that were told are remembered by a
//! digest: as long as that is the same nothing but the time is told, and else all of them.

use std::borrow::Cow;
use std::collections::HashSet;

use uuid::Uuid;

use super::{Reporter, instant};
use crate::computers::rollup::{Told, states_digest};
use crate::computers::status::UpdateStatus;
use crate::state::Tracked;
use crate::upstream::error::SyncError;
use crate::upstream::settings::chance;
use crate::wire::time::DateTime;
use crate::wire::wsusss::rollup::{
    ComputerLastRollupNumber, ComputerStatusRollupInfo, ComputerStatusRollupUpdateStatus,
    GetOutOfSyncComputersRequest, RollupComputerStatusRequest, cookie,
};

/// Most states in one message: some 5 MB.
const STATES: usize = 20_000;
/// How often a message is sent to an upstream server that is busy ([MS-WSUSSS] note 77).
const ATTEMPTS: u32 = 4;

/// A computer's report, and what the upstream server knows once it took it.
struct Report {
    client_id: String,
    computer: u32,
    states: Vec<UpdateStatus>,
    full: bool,
    told: Told,
}

impl Reporter<'_> {
    /// GetOutOfSyncComputers: of which computers everything has to be told again.
    pub(super) async fn find_out_of_sync(&mut self, most: usize) -> Result<(), SyncError> {
        let all = self.state.computers().all();
        let numbers: Vec<(String, u32, i32)> = all
            .iter()
            .filter_map(|Tracked { computer, .. }| {
                let number = self.told.get(&computer.number)?.number;
                (number > 0).then(|| (computer.client_id.clone(), computer.number, number))
            })
            .collect();
        for batch in numbers.chunks(most) {
            let numbers = batch.iter().map(|(client_id, _, number)| ComputerLastRollupNumber {
                computer_id: Some(Cow::Owned(client_id.clone())),
                rollup_number: Some(*number),
            });
            let request = GetOutOfSyncComputersRequest {
                cookie: Some(cookie()),
                parent_server_id: Some(self.account.id),
                last_rollup_numbers: Some(numbers.collect()),
            };
            let answered = self.connection.call_without_cookie(&request, |answer| {
                let lost = answer.result.unwrap_or_default().into_iter();
                lost.map(|client_id| client_id.to_ascii_lowercase()).collect::<HashSet<_>>()
            });
            let lost = answered.await?;
            for (_, number, _) in batch.iter().filter(|(client_id, ..)| lost.contains(client_id)) {
                if let Some(told) = self.told.get_mut(number) {
                    told.states = None;
                }
            }
        }
        Ok(())
    }

    /// RollupComputerStatus for those about which there is something to say.
    pub(super) async fn report_statuses(&mut self, most: usize) -> Result<(), SyncError> {
        let all = self.state.computers().all();
        let mut batch: Vec<Report> = Vec::new();
        let mut states = 0;
        for tracked in &all {
            let Some(report) = self.news(tracked) else { continue };
            let size = report.states.len();
            if !batch.is_empty() && (batch.len() >= most || states + size > STATES) {
                self.roll_up_statuses(std::mem::take(&mut batch)).await?;
                states = 0;
            }
            states += size;
            batch.push(report);
        }
        if !batch.is_empty() {
            self.roll_up_statuses(batch).await?;
        }
        Ok(())
    }

    /// What there is to say of a computer.
    fn news(&self, tracked: &Tracked) -> Option<Report> {
        let Tracked { computer, statuses, .. } = tracked;
        let told = self.told.get(&computer.number).cloned().unwrap_or_default();
        let detected = statuses.detected.and_then(|detected| self.synchronized_before(detected));
        let states = Some(states_digest(statuses));
        let full = told.states != states;
        let says_nothing = statuses.reported.is_none() && statuses.rows().next().is_none();
        if (says_nothing && told.number == 0) || (!full && told.detected == detected) {
            return None;
        }
        Some(Report {
            client_id: computer.client_id.clone(),
            computer: computer.number,
            states: if full { self.state.rows(statuses) } else { Vec::new() },
            full,
            told: Told {
                number: told.number.checked_add(1).unwrap_or(1),
                states,
                detected,
                ..told
            },
        })
    }

    /// When the newest updates came here that a computer can have known of at `detected`: those
    /// of the last synchronization before. Its beginning counts, since what the upstream server got
    /// while it ran may have missed it.
    fn synchronized_before(&self, detected: i64) -> Option<i64> {
        let runs = self.synchronized.iter().filter(|run| run.ended <= detected);
        runs.map(|run| run.began).max()
    }

    async fn roll_up_statuses(&mut self, reports: Vec<Report>) -> Result<(), SyncError> {
        let mut attempt = 0;
        loop {
            let request = RollupComputerStatusRequest {
                cookie: Some(cookie()),
                client_time: Some(self.now()),
                parent_server_id: Some(self.account.id),
                computers: Some(reports.iter().map(info).collect()),
            };
            let answered = self.connection.call_without_cookie(&request, |answer| answer.result);
            if answered.await?.unwrap_or(false) {
                break;
            }
            attempt += 1;
            if attempt == ATTEMPTS {
                let reason = "the upstream server is too busy to take the states of computers";
                return Err(SyncError::Refused(reason.to_owned()));
            }
            let (least, most) = self.settings.busy_wait;
            tokio::time::sleep(least + most.saturating_sub(least).mul_f64(chance())).await;
        }
        let mut told = Vec::with_capacity(reports.len());
        for report in reports {
            self.report.states += report.states.len() as u64;
            self.told.insert(report.computer, report.told.clone());
            told.push((report.client_id, report.told));
        }
        Ok(self.state.note_told(told).await?)
    }
}

fn info(report: &Report) -> ComputerStatusRollupInfo<'static> {
    let states = report.states.iter().map(|row| ComputerStatusRollupUpdateStatus {
        update_id: Some(row.update),
        summarization_state: Some(row.state as i32),
        last_change_time: Some(DateTime::from_unix(row.since, 0).unwrap_or(DateTime::MIN)),
    });
    ComputerStatusRollupInfo {
        instance_id: Some(Uuid::new_v4()),
        computer_id: Some(Cow::Owned(report.client_id.clone())),
        effective_last_detection_time: Some(instant(report.told.detected)),
        rollup_number: Some(report.told.number),
        is_full_rollup: Some(report.full),
        update_status: Some(states.collect()),
    }
}
