//! Synchronising, as an administrator sees it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AdminError, Call, Operation, Route, instant};
use crate::upstream::records::{
    ReportRecord, Run, ScheduleRecord, SelectionRecord, SetAside, SourceRecord,
};
use crate::upstream::{DownloadsStatus, RunningSync, Scope, SelectableCategory, SelectionChange};

/// The upstream server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowSyncSource {}

impl Operation for ShowSyncSource {
    type Answer = Option<SourceRecord>;
    const ROUTE: Route = Route::get("/sync/source");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.upstream().source().await?)
    }
}

/// Name the upstream server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetSyncSource {
    /// What it is to be from now on.
    pub source: SourceRecord,
}

impl Operation for SetSyncSource {
    type Answer = Option<SourceRecord>;
    const ROUTE: Route = Route::put("/sync/source");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let SourceRecord { ca_file, proxy_password_file, .. } = &self.source;
        if ca_file.is_some() || proxy_password_file.is_some() {
            call.only_here()?;
        }
        call.upstream().set_source(call.by(), self.source).await?;
        Ok(call.upstream().source().await?)
    }
}

/// What can be synchronised: all products and classifications that are here.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListSyncCategories {}

impl Operation for ListSyncCategories {
    type Answer = Vec<SelectableCategory>;
    const ROUTE: Route = Route::get("/sync/categories");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.upstream().categories().await?)
    }
}

/// What is synchronised.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowSyncSelection {}

impl Operation for ShowSyncSelection {
    type Answer = SelectionRecord;
    const ROUTE: Route = Route::get("/sync/selection");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.upstream().selection().await?)
    }
}

/// Change what is synchronised.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChangeSyncSelection {
    /// What is to be changed of it.
    pub change: SelectionChange,
}

impl Operation for ChangeSyncSelection {
    type Answer = SelectionRecord;
    const ROUTE: Route = Route::post("/sync/selection");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.upstream().select(call.by(), self.change).await?)
    }
}

/// Begin a synchronization.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StartSync {
    /// How much of it.
    pub scope: Scope,
}

impl Operation for StartSync {
    type Answer = StartedSync;
    const ROUTE: Route = Route::post("/sync/runs");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(StartedSync { number: call.upstream().start(call.by(), self.scope).await? })
    }
}

/// A synchronization that began.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StartedSync {
    /// Its number.
    pub number: u64,
}

/// The last synchronizations, the latest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListSyncs {}

impl Operation for ListSyncs {
    type Answer = Vec<ShownRun>;
    const ROUTE: Route = Route::get("/sync/runs");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.upstream().history().await?.iter().rev().map(ShownRun::of).collect())
    }
}

/// Call the running synchronization off.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CancelSync {}

impl Operation for CancelSync {
    type Answer = CancelledSync;
    const ROUTE: Route = Route::post("/sync/cancel");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(CancelledSync { cancelled: call.upstream().call_off(call.by()).await? })
    }
}

/// Whether something was called off.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CancelledSync {
    /// False when nothing ran.
    pub cancelled: bool,
}

/// Tell the upstream server what is new of computers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReportUpstream {}

impl Operation for ReportUpstream {
    type Answer = ShownReport;
    const ROUTE: Route = Route::post("/sync/report");
    const LONG: bool = true;

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(ShownReport::of(&call.upstream().report().await?))
    }
}

/// How far the running synchronization is, and how the last one went.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowSync {}

impl Operation for ShowSync {
    type Answer = SyncStatus;
    const ROUTE: Route = Route::get("/sync");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let upstream = call.upstream();
        Ok(SyncStatus {
            running: upstream.running(),
            downloads: upstream.downloads(),
            last: upstream.history().await?.last().map(ShownRun::of),
            reported: upstream.reported().await?.as_ref().map(ShownReport::of),
        })
    }
}

/// What goes on between this server and its upstream server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SyncStatus {
    /// The synchronization that runs.
    pub running: Option<RunningSync>,
    /// Files on their way.
    pub downloads: DownloadsStatus,
    /// The last synchronization.
    pub last: Option<ShownRun>,
    /// What the upstream server was told of computers.
    pub reported: Option<ShownReport>,
}

/// When synchronizations begin by themselves.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowSyncSchedule {}

impl Operation for ShowSyncSchedule {
    type Answer = ScheduleRecord;
    const ROUTE: Route = Route::get("/sync/schedule");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.upstream().schedule().await?)
    }
}

/// Say when synchronizations begin by themselves.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetSyncSchedule {
    /// When from now on.
    pub schedule: ScheduleRecord,
}

impl Operation for SetSyncSchedule {
    type Answer = ScheduleRecord;
    const ROUTE: Route = Route::put("/sync/schedule");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.upstream().set_schedule(call.by(), self.schedule).await?;
        Ok(call.upstream().schedule().await?)
    }
}

/// What the upstream server was told of computers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownReport {
    /// When; none while no report came to its end.
    pub at: Option<String>,
    /// The upstream server's id.
    pub upstream: Uuid,
    /// Computers that it was told of.
    pub computers: u64,
    /// Computers of which it was told what they are.
    pub details: u64,
    /// States of updates that it was told.
    pub states: u64,
    /// Why the last report failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl ShownReport {
    fn of(report: &ReportRecord) -> Self {
        Self {
            at: instant(report.at).filter(|_| report.at > 0),
            upstream: report.server,
            computers: report.computers,
            details: report.details,
            states: report.states,
            failed: report.failed.clone(),
        }
    }
}

/// One synchronization; what did not happen is left out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownRun {
    /// Grows by one with each.
    pub number: u64,
    /// How it ended, as ConfigMgr numbers its status messages: 6702, 6703 (failed) or 6708; 385, as WSUS
    /// numbers it, when it was called off.
    pub status: u16,
    /// When it began.
    pub began: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// Whether only the categories were wanted.
    pub categories_only: bool,
    /// Revisions of updates that were not here.
    pub new: u64,
    /// Revisions of updates that were.
    pub changed: u64,
    /// Listed revisions that were here.
    pub unchanged: u64,
    /// How many revisions were set aside.
    pub failures: u64,
    /// The first of them.
    pub failed: Vec<ShownSetAside>,
    /// What happened when.
    pub events: Vec<ShownStep>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A revision that could not be taken.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownSetAside {
    /// The revision.
    pub revision: String,
    /// Why.
    pub reason: String,
}

/// A step of a synchronization.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownStep {
    /// When.
    pub time: Option<String>,
    /// What, numbered like that.
    pub id: u16,
    /// In words.
    pub text: String,
}

impl ShownRun {
    fn of(run: &Run) -> Self {
        let set_aside = |failed: &SetAside| ShownSetAside {
            revision: failed.revision.to_string(),
            reason: failed.reason.clone(),
        };
        let steps = run.events.iter().map(|event| ShownStep {
            time: instant(event.time),
            id: event.id,
            text: event.text.clone(),
        });
        Self {
            number: run.number,
            status: run.status,
            began: instant(run.began),
            ended: instant(run.ended),
            categories_only: run.categories_only,
            new: run.new,
            changed: run.changed,
            unchanged: run.unchanged,
            failures: run.failures,
            failed: run.failed.iter().map(set_aside).collect(),
            events: steps.collect(),
            reason: run.reason.clone(),
        }
    }
}
