//! The report on synchronizations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment;
use crate::admin::{AdminError, Call, Operation, Route, instant};
use crate::upstream::Upstream;

/// What the synchronizations brought.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReportSyncs {
    /// Only those that began on this day or later.
    pub from: Option<String>,
    /// Only those that began before this day.
    pub before: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncsReport {
    /// Revisions of updates that were not here, in all of them.
    pub new: u64,
    /// Revisions of updates that were.
    pub changed: u64,
    /// How many synchronizations failed.
    pub failed: u64,
    /// The synchronizations, the latest first.
    pub rows: Vec<SyncRow>,
}

/// One synchronization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncRow {
    /// Its number.
    pub number: u64,
    /// When it began, RFC 3339.
    pub began: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// How, as ConfigMgr numbers it: 6702 done, 6703 failed, 6708 done but for licence texts; 385, as WSUS
    /// numbers it, when it was called off.
    pub status: u16,
    /// Why it failed.
    pub reason: Option<String>,
    /// Revisions of updates that were not here.
    pub new: u64,
    /// Revisions of updates that were.
    pub changed: u64,
    /// Listed revisions that were here.
    pub unchanged: u64,
    /// How many revisions were set aside.
    pub set_aside: u64,
}

impl Operation for ReportSyncs {
    type Answer = SyncsReport;
    const ROUTE: Route = Route::get("/reports/syncs");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        self.make(call.upstream()).await
    }
}

impl ReportSyncs {
    /// Makes the report.
    ///
    /// # Errors
    /// When a time is not understood, or the state fails.
    pub(super) async fn make(self, upstream: &Upstream) -> Result<SyncsReport, AdminError> {
        let from = moment(self.from.as_deref())?;
        let before = moment(self.before.as_deref())?;
        let mut runs = upstream.history().await?;
        runs.retain(|run| {
            from.is_none_or(|from| run.began >= from) && before.is_none_or(|end| run.began < end)
        });
        let rows = runs.iter().rev().map(|run| SyncRow {
            number: run.number,
            began: instant(run.began),
            ended: instant(run.ended),
            status: run.status,
            reason: run.reason.clone(),
            new: run.new,
            changed: run.changed,
            unchanged: run.unchanged,
            set_aside: run.failures,
        });
        Ok(SyncsReport {
            new: runs.iter().map(|run| run.new).sum(),
            changed: runs.iter().map(|run| run.changed).sum(),
            failed: runs.iter().filter(|run| run.is_failed()).count() as u64,
            rows: rows.collect(),
        })
    }
}
