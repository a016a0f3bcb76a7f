//! What WSUS administrators do by hand every month: declining what its publisher withdrew and what
//! something better replaced, deleting what is of no use any more, and forgetting computers that are
//! no more.
//!
//! As with rules, what is to be done is worked out from what readers see and then done as changes
//! that look once more. Each decline has its reason in the journal and can be undone.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::compaction;
use super::decide::decline;
use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{ContentNeeds, Deletion, Published, State, StateError, Tracked};
use crate::catalog::{Revision, RevisionIndex};
use crate::computers::UpdateInstallationState::{Downloaded, Failed, NotInstalled};
use crate::computers::numbers::{Numbers, UpdateNumber};
use crate::computers::rows::Row;
use crate::metadata::model::{PublicationState, UpdateType};
use crate::policy::Policy;
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::by::By;
use crate::wire::types::Sha1;

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
    /// Updates that are declined, each with the reason.
    pub declines: Vec<(Uuid, String)>,
    /// What is deleted.
    pub deletions: Vec<Deletion>,
    /// Content files that are removed, with their lengths.
    pub content: Vec<(Sha1, u64)>,
    /// Client ids of computers that are forgotten.
    pub computers: Vec<String>,
}

const DAY: i64 = 86_400;
/// Declines in one commit: other changes wait no longer than for these.
const DECLINED_AT_ONCE: usize = 500;

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
        let mut declines = Vec::new();
        if settings.decline_expired {
            declines.extend(expired(&published));
        }
        let computers = self.computers().all();
        if settings.decline_superseded_days > 0 {
            let before = now - i64::from(settings.decline_superseded_days) * DAY;
            let numbers = self.numbers.read();
            declines.extend(superseded(&published, &computers, &numbers, before));
        }
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
        let mut cleanup = self.carry_out_cleanup(cleanup, started_by.clone()).await?;
        if let Some(needs) = settings.content(self.published().handling.express_files, self.now()) {
            cleanup.content = self.clean_content(needs, started_by).await?;
        }
        Ok(cleanup)
    }

    /// Does what is planned, and says what of it was done.
    pub(super) async fn carry_out_cleanup(
        &self,
        mut cleanup: Cleanup,
        started_by: Option<String>,
    ) -> Result<Cleanup, StateError> {
        for part in cleanup.declines.chunks(DECLINED_AT_ONCE) {
            let (part, started_by) = (part.to_vec(), started_by.clone());
            let decline_all = self.writer.submit(move |transaction| {
                for (update, reason) in part {
                    if transaction.model.latest(update).is_some() {
                        let by = By::weir(reason).started_by(started_by.clone());
                        decline(transaction, &by, update);
                    }
                }
                Ok(())
            });
            decline_all.await?;
        }
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

/// Every update that can be decided on and is not declined, by its latest revision.
fn undeclined(published: &Published) -> impl Iterator<Item = (RevisionIndex, &Revision)> {
    let catalog = &published.catalog;
    let latest = (0..).take(catalog.update_count()).filter_map(|update| catalog.latest(update));
    let revisions = latest.filter_map(|index| Some((index, catalog.revision(index)?)));
    revisions.filter(|(_, revision)| {
        let metadata = &revision.metadata;
        matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver)
            && !published.policy.is_declined(metadata.identity.update_id)
    })
}

fn expired(published: &Published) -> Vec<(Uuid, String)> {
    let is_expired =
        |revision: &Revision| revision.metadata.publication_state == PublicationState::Expired;
    let expired = undeclined(published).filter(|(_, revision)| is_expired(revision));
    let decline = |(_, revision): (RevisionIndex, &Revision)| {
        (revision.metadata.identity.update_id, "its publisher withdrew it".to_owned())
    };
    expired.map(decline).collect()
}

/// The rule of WSUS's wizard: superseded by something that is approved for installation, here and
/// undecided for so long, and reported needed by nobody.
fn superseded(
    published: &Published,
    computers: &[Tracked],
    names: &Numbers,
    before: i64,
) -> Vec<(Uuid, String)> {
    let (catalog, policy) = (&published.catalog, &published.policy);
    let mut numbers: HashSet<UpdateNumber> = HashSet::new();
    for tracked in computers {
        let needs = |row: &Row| matches!(row.state, NotInstalled | Downloaded | Failed);
        numbers.extend(tracked.statuses.rows().filter(needs).map(|row| row.number));
    }
    let needed = |update| names.number(&update).is_some_and(|number| numbers.contains(&number));
    let mut declines = Vec::new();
    for (index, revision) in undeclined(published) {
        let update = revision.metadata.identity.update_id;
        let old = published.scope.tops.contains(index)
            && revision.imported <= before
            && !decided_after(policy, update, before)
            && !needed(update);
        let Some(update_index) = catalog.update_of(index).filter(|_| old) else { continue };
        let ids = catalog.superseded_by(update_index).filter_map(|at| catalog.revision(at));
        let mut ids = ids.map(|revision| revision.metadata.identity.update_id);
        if let Some(successor) = ids.find(|id| is_installed_somewhere(policy, *id)) {
            let reason = format!("superseded by {successor}, which is approved; nobody needs it");
            declines.push((update, reason));
        }
    }
    declines
}

fn decided_after(policy: &Policy, update: Uuid, before: i64) -> bool {
    let approvals = policy.approvals.get(&update).into_iter().flatten();
    approvals.filter(|it| it.terms.action.acts()).any(|approval| approval.decided > before)
}

fn is_installed_somewhere(policy: &Policy, update: Uuid) -> bool {
    let installs =
        |approval: &Approval| approval.live && approval.terms.action == ApprovalAction::Install;
    let approvals = policy.approvals.get(&update);
    !policy.is_declined(update) && approvals.is_some_and(|all| all.iter().any(installs))
}
