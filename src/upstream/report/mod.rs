//! Reporting to the upstream server ([MS-WSUSSS] 3.2.4.5): what this server and those below it have,
//! their computers, and the state of every update on each.
//!
//! What the upstream server was told is remembered computer by computer, so that a report which was
//! cut off goes on with what is missing, and one without news is short. When the upstream server is
//! another one, or lost its store, all is told again.

mod computers;
mod servers;
mod statuses;
mod summary;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::authorize::Account;
use super::error::SyncError;
use super::records::{ReportRecord, Run, SourceRecord, names};
use super::session::Connection;
use super::settings::Settings;
use crate::computers::rollup::Told;
use crate::state::State;
use crate::wire::operation::Operation;
use crate::wire::time::DateTime;
use crate::wire::types::Sha1;
use crate::wire::wsusss::rollup::{GetRollupConfigurationRequest, RollupConfiguration, cookie};

/// 1753-01-01T00:00:00Z, which stands for "never".
const NEVER: i64 = -6_847_804_800;

/// One report on its way.
pub(super) struct Reporter<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) settings: &'a Settings,
    pub(super) account: &'a Account,
    pub(super) source: &'a SourceRecord,
    /// The synchronizations that succeeded.
    pub(super) synchronized: Vec<Run>,
    /// The files that could not be downloaded at the last attempt.
    pub(super) failed_files: HashSet<Sha1>,
    pub(super) connection: Connection,
    /// What the upstream server knows of each computer, by the computer's number.
    told: HashMap<u32, Told>,
    report: ReportRecord,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(
        state: &'a Arc<State>,
        settings: &'a Settings,
        account: &'a Account,
        source: &'a SourceRecord,
        synchronized: Vec<Run>,
        failed_files: HashSet<Sha1>,
        connection: Connection,
    ) -> Self {
        Self {
            state,
            settings,
            account,
            source,
            synchronized,
            failed_files,
            connection,
            told: HashMap::new(),
            report: ReportRecord::default(),
        }
    }

    /// Reports everything that the upstream server does not know, and returns what that was.
    ///
    /// # Errors
    /// When it cannot go on. What was told until then is remembered.
    pub(super) async fn run(mut self) -> Result<ReportRecord, SyncError> {
        let request = GetRollupConfigurationRequest { cookie: Some(cookie()) };
        let configuration = self.connection.call_without_cookie(&request, |answer| answer.result);
        let configuration = configuration.await?.unwrap_or_default();
        let missing = |missing| SyncError::Incomplete {
            operation: Operation::GetRollupConfiguration,
            missing,
        };
        let server = configuration.server_id.ok_or(missing("ServerId"))?;
        let reset = configuration.rollup_reset_guid.ok_or(missing("RollupResetGuid"))?;
        let before: Option<ReportRecord> = self.state.meta(names::REPORT).await?;
        let is_known = before.is_some_and(|it| (it.server, it.reset) == (server, reset));
        (self.report.server, self.report.reset) = (server, reset);
        self.told = self.state.told().await?;
        if !is_known {
            // The numbers stay: they only ever grow.
            for told in self.told.values_mut() {
                *told = Told { number: told.number, ..Told::default() };
            }
            // From here on a report that is cut off is one to this server.
            self.forget_all().await?;
            self.state.set_meta(names::REPORT, self.report.clone()).await?;
        }

        let RollupConfiguration {
            rollup_downstream_servers_max_batch_size: servers,
            rollup_computers_max_batch_size: computers,
            get_out_of_sync_computers_max_batch_size: numbers,
            rollup_computer_status_max_batch_size: statuses,
            ..
        } = configuration;
        self.report_servers(size(servers)).await?;
        if configuration.do_detailed_rollup.unwrap_or(false) {
            self.report_computers(size(computers)).await?;
            self.find_out_of_sync(size(numbers)).await?;
            self.report_statuses(size(statuses)).await?;
        }
        self.report.at = self.state.now();
        Ok(self.report)
    }

    async fn forget_all(&self) -> Result<(), SyncError> {
        let all = self.state.computers().all();
        let told = all.iter().filter_map(|tracked| {
            let told = self.told.get(&tracked.computer.number)?;
            Some((tracked.computer.client_id.clone(), told.clone()))
        });
        Ok(self.state.note_told(told.collect()).await?)
    }

    fn now(&self) -> DateTime {
        DateTime::from_unix(self.state.now(), 0).unwrap_or(DateTime::MAX)
    }
}

/// A batch size, which is positive ([MS-WSUSSS] 3.1.4.13.3.1); without one, one at a time is always
/// right.
fn size(announced: Option<i32>) -> usize {
    announced.and_then(|size| usize::try_from(size).ok()).unwrap_or(1).clamp(1, 20_000)
}

fn instant(seconds: Option<i64>) -> DateTime {
    DateTime::from_unix(seconds.unwrap_or(NEVER), 0).unwrap_or(DateTime::MIN)
}
