//! When the upstream server is told of computers: after each synchronization, once an hour, and when
//! somebody says so.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::{info, warn};

use super::authorize::Account;
use super::error::SyncError;
use super::records::{ReportRecord, names, reason};
use super::report::Reporter;
use super::session::Session;
use super::{Upstream, event, source};

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
        let mut synchronized = self.history().await?;
        synchronized.retain(|run| run.status != event::FAILED && !run.categories_only);
        let session = Session::new(source::server(&source)?, account.clone(), &self.settings);
        let connection = session.connection();
        let (state, settings) = (&self.state, &self.settings);
        let reporter = Reporter::new(state, settings, &account, &source, synchronized, connection);
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

    /// What the upstream server was last told; none before the first report.
    pub async fn reported(&self) -> Result<Option<ReportRecord>, SyncError> {
        Ok(self.state.meta(names::REPORT).await?)
    }

    /// Tells the upstream server what is new once an hour; never ends.
    pub async fn follow_reports(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.settings.report_every).await;
            // A running synchronization reports itself.
            let wanted = self.source().await.ok().flatten().is_some_and(|source| source.report);
            if wanted && self.running().is_none() {
                self.report_and_log().await;
            }
        }
    }

    /// Tells it, until that is called off.
    pub(super) async fn report_until(&self, mut cancelled: watch::Receiver<bool>) {
        tokio::select! {
            () = self.report_and_log() => {}
            _ = cancelled.wait_for(|cancelled| *cancelled) => {}
        }
    }

    async fn report_and_log(&self) {
        if let Err(error) = self.report().await {
            warn!(%error, "the upstream server was not told of computers");
        }
    }
}
