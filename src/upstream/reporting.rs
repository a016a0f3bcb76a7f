//! When the upstream server is told of computers: after each synchronization, once an hour, and when
//! somebody says so. A report can take long and wait for an upstream server that is busy, so it runs
//! beside synchronizations and not as a part of them; of reports, one runs at a time.

use std::sync::Arc;

use tracing::{info, warn};

use super::authorize::Account;
use super::configuration::configuration;
use super::error::SyncError;
use super::records::{AnchorsRecord, ReportRecord, SourceRecord, UpstreamRecord, names, reason};
use super::report::Reporter;
use super::session::{Connection, Session};
use super::{Upstream, source};

impl Upstream {
    /// Tells the upstream server what is new, and returns what that was.
    ///
    /// # Errors
    /// When there is no upstream server, it is not to be told, or the report failed.
    pub async fn report(&self) -> Result<ReportRecord, SyncError> {
        let _turn = self.reporting.lock().await;
        let source = self.source().await?.ok_or(SyncError::NoSource)?;
        if !source.report {
            let reason = "the upstream server is not told of computers (`weir sync source --help`)";
            return Err(SyncError::Refused(reason.into()));
        }
        let account = Account::of(&self.state, &self.settings).await?;
        let session = Session::new(source::server(&source)?, account.clone(), &self.settings);
        let mut connection = session.connection();
        let spoken = self.spoken(&source, &mut connection).await?;
        if !takes_reports(&spoken) {
            let spoken = if spoken.is_empty() { "none that it names" } else { &spoken };
            return Err(SyncError::Refused(format!(
                "the upstream server takes no reports: that is for protocol version 1.3 and later, \
                 and it speaks {spoken}"
            )));
        }
        let mut synchronized = self.history().await?;
        synchronized.retain(|run| !run.came_to_nothing() && !run.categories_only);
        let (state, settings) = (&self.state, &self.settings);
        let failed_files = self.downloads.failed();
        let reporter = Reporter::new(
            state,
            settings,
            &account,
            &source,
            synchronized,
            failed_files,
            connection,
        );
        match reporter.run().await {
            Ok(report) => {
                info!(report.computers, report.details, report.states, "the upstream server knows");
                self.state.set_meta(names::REPORT, report.clone()).await?;
                Ok(report)
            }
            Err(error) => {
                let before = self.reported().await?.unwrap_or_default();
                let failed = Some(reason(&error));
                self.state.set_meta(names::REPORT, ReportRecord { failed, ..before }).await?;
                Err(error)
            }
        }
    }

    /// The protocol version of the upstream server; it is asked when no synchronization did so yet.
    async fn spoken(
        &self,
        source: &SourceRecord,
        connection: &mut Connection,
    ) -> Result<String, SyncError> {
        let anchors: Option<AnchorsRecord> = self.state.meta(names::ANCHORS).await?;
        let synchronized = anchors
            .is_some_and(|anchors| anchors.url == source.url && anchors.configuration.is_some());
        let known: Option<UpstreamRecord> = self.state.meta(names::UPSTREAM).await?;
        if let Some(known) = known.filter(|_| synchronized) {
            return Ok(known.protocol_version);
        }
        let asked = configuration(connection, &UpstreamRecord::default(), None).await?;
        Ok(asked.0.protocol_version)
    }

    /// What the upstream server was last told; none before the first report.
    pub async fn reported(&self) -> Result<Option<ReportRecord>, SyncError> {
        Ok(self.state.meta(names::REPORT).await?)
    }

    /// Tells the upstream server what is new once an hour, and after a synchronization that brought
    /// something; never ends.
    pub async fn follow_reports(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.settings.report_every) => {}
                () = self.report_due.notified() => {}
            }
            let wanted = self.source().await.ok().flatten().is_some_and(|source| source.report);
            if wanted {
                self.report_and_log().await;
            }
        }
    }

    /// Tells it what a synchronization brought, if none was told since: for a process in which nobody
    /// follows. That it failed is logged.
    pub async fn report_what_is_due(&self) {
        tokio::select! {
            biased;
            () = self.report_due.notified() => self.report_and_log().await,
            () = std::future::ready(()) => {}
        }
    }

    async fn report_and_log(&self) {
        if let Err(error) = self.report().await {
            warn!(%error, "the upstream server was not told of computers");
        }
    }
}

/// Whether a server of this protocol version takes reports: 1.3 and later do ([MS-WSUSSS] 3.2.4.5),
/// and one that names none is older. Ours does.
fn takes_reports(version: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().ok();
    let parts = version.trim().split_once('.');
    let spoken = parts.and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    spoken.is_some_and(|spoken| spoken >= (1, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_and_no_texts() {
        for version in ["1.3", "1.6", "1.8", "1.20", "2.0"] {
            assert!(takes_reports(version), "{version}");
        }
        for version in ["1.1", "1.2", "1.0", "0.9", "", "1", "x.y", "1.2.3"] {
            assert!(!takes_reports(version), "{version}");
        }
    }
}
