//! What WSUS administrators do by hand every month: declining what its publisher withdrew and what
//! something better replaced, deleting what is of no use any more, and forgetting computers that are
//! no more.
//!
//! As with rules, what is to be done is worked out from what readers see and then done as changes
//! that look once more. Each decline has its reason in the journal and can be undone.

mod declines;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::compaction;
use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{ContentNeeds, Deletion, State, StateError};
use crate::policy::by::By;
use crate::policy::cause::Cause;
use crate::wire::types::Sha1;
pub(super) use declines::DeclineRules;

/// What is cleaned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanupSettings {
    /// Whether updates that their publisher withdrew are declined.
    pub decline_expired: bool,
    /// Days after which superseded updates are declined; 0 for never.
    pub decline_superseded_days: u32,
    /// Days after which declined updates and replaced revisions are deleted; 0 for never.
    pub delete_days: u32,
    /// Whether these are deleted at once, however few days ago that was.
    pub delete_now: bool,
    /// Days after which content that nothing needs is removed; 0 for never.
    pub delete_content_days: u32,
    /// Whether the files of all updates are to be here, approved or not.
    pub keep_all_content: bool,
    /// Days after which silent computers are forgotten; 0 for never.
    pub forget_computers_days: u32,
}

impl CleanupSettings {
    /// What is declined at `now` (unix seconds).
    pub(super) fn declines(self, now: i64) -> DeclineRules {
        let days = i64::from(self.decline_superseded_days);
        let superseded = (days > 0).then(|| now - days * DAY);
        DeclineRules { expired: self.decline_expired, superseded }
    }

    /// What of the content is removed at `now` (unix seconds), if anything ever is.
    fn content(self, express: bool, now: i64) -> Option<ContentNeeds> {
        let days = i64::from(self.delete_content_days);
        let all = self.keep_all_content;
        (days > 0).then(|| ContentNeeds { all, express, before: now - days * DAY })
    }
}

/// What a cleanup does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Updates that are declined, each with the cause.
    pub declines: Vec<(Uuid, Cause)>,
    /// What is deleted.
    pub deletions: Vec<Deletion>,
    /// Content files that are removed, with their lengths.
    pub content: Vec<(Sha1, u64)>,
    /// Client ids of computers that are forgotten.
    pub computers: Vec<String>,
}

const DAY: i64 = 86_400;

impl State {
    /// What a cleanup would do now. A replica declines nothing: that is decided elsewhere.
    pub async fn preview_cleanup(&self, settings: CleanupSettings) -> Result<Cleanup, StateError> {
        let is_replica =
            |transaction: &mut Transaction<'_>| Ok(check_decides(transaction).is_err());
        let mut cleanup = self.plan_cleanup(settings, self.now());
        if self.writer.submit(is_replica).await? {
            cleanup.declines.clear();
        }
        if let Some(needs) = settings.content(self.published().handling.express_files, self.now()) {
            cleanup.content = self.plan_content(needs).await?;
        }
        Ok(cleanup)
    }

    /// What a cleanup does at `now` (unix seconds).
    pub(super) fn plan_cleanup(&self, settings: CleanupSettings, now: i64) -> Cleanup {
        let published = self.published();
        let computers = self.computers().all();
        let declines = self.plan_declines(&published, &computers, settings.declines(now));
        let mut deletions = Vec::new();
        if settings.delete_days > 0 || settings.delete_now {
            let days = if settings.delete_now { 0 } else { settings.delete_days };
            let before = now - i64::from(days) * DAY;
            deletions = Self::plan_deletions(&published, before);
        }
        let mut silent = Vec::new();
        if settings.forget_computers_days > 0 {
            let before = now - i64::from(settings.forget_computers_days) * DAY;
            let silent_ones = computers.iter().filter(|tracked| tracked.last_heard() < before);
            silent = silent_ones.map(|tracked| tracked.computer.client_id.clone()).collect();
            silent.sort_unstable();
        }
        Cleanup { declines, deletions, content: Vec::new(), computers: silent }
    }

    /// Cleans up, and says what was done. `started_by` is who wanted it now, if anybody did.
    ///
    /// # Errors
    /// When the store refuses; what was done before stays.
    pub async fn clean_up(
        &self,
        settings: CleanupSettings,
        started_by: Option<String>,
    ) -> Result<Cleanup, StateError> {
        let cleanup = self.preview_cleanup(settings).await?;
        let declines = settings.declines(self.now());
        let mut cleanup = self.carry_out_cleanup(declines, cleanup, started_by.clone()).await?;
        if let Some(needs) = settings.content(self.published().handling.express_files, self.now()) {
            cleanup.content = self.clean_content(needs, started_by).await?;
        }
        Ok(cleanup)
    }

    /// Does what is planned, and says what of it was done.
    pub(super) async fn carry_out_cleanup(
        &self,
        rules: DeclineRules,
        mut cleanup: Cleanup,
        started_by: Option<String>,
    ) -> Result<Cleanup, StateError> {
        cleanup.declines =
            self.carry_out_declines(rules, cleanup.declines, started_by.clone()).await?;
        cleanup.deletions = self.carry_out_deletions(cleanup.deletions, started_by.clone()).await?;
        self.compact(compaction::WORTH).await?;
        for client_id in &cleanup.computers {
            let by = By::weir("it was silent for too long").started_by(started_by.clone());
            match self.delete_computer(by, client_id.clone()).await {
                Ok(()) | Err(StateError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cleanup)
    }
}
