//! Declining what its publisher withdrew, and what something better replaced.
//!
//! One judgement serves twice: for the plan, which readers' state is good enough for, and inside the
//! change that declines, by when a computer may need the update, or somebody may have decided on it.

use std::collections::HashSet;

use uuid::Uuid;

use super::super::decide::decline;
use super::super::transaction::Transaction;
use super::super::{Published, State, StateError, Tracked};
use crate::catalog::{Catalog, RevisionIndex};
use crate::computers::UpdateInstallationState::{Downloaded, Failed, NotInstalled};
use crate::computers::numbers::UpdateNumber;
use crate::computers::rows::Row;
use crate::metadata::model::{PublicationState, UpdateType};
use crate::policy::Policy;
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::by::By;
use crate::policy::cause::Cause;

/// Declines in one commit: other changes wait no longer than for these.
const DECLINED_AT_ONCE: usize = 500;

/// What is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::state) struct DeclineRules {
    /// Whether that is what its publisher withdrew.
    pub(super) expired: bool,
    /// And since when (unix seconds) that has to be here and undecided which is superseded; none if
    /// that stays.
    pub(super) superseded: Option<i64>,
}

impl State {
    /// The updates that are declined, each with the cause.
    pub(super) fn plan_declines(
        &self,
        published: &Published,
        computers: &[Tracked],
        rules: DeclineRules,
    ) -> Vec<(Uuid, Cause)> {
        let (catalog, policy) = (&published.catalog, &published.policy);
        let mut needed: HashSet<UpdateNumber> = HashSet::new();
        if rules.superseded.is_some() {
            let needs = |row: &Row| matches!(row.state, NotInstalled | Downloaded | Failed);
            for tracked in computers {
                needed.extend(tracked.statuses.rows().filter(needs).map(|row| row.number));
            }
        }
        let numbers = self.numbers.read();
        let is_needed =
            |update| numbers.number(&update).is_some_and(|number| needed.contains(&number));
        let judge = Judge { catalog, policy, rules, is_needed: &is_needed };
        let latest = (0..).take(catalog.update_count()).filter_map(|update| catalog.latest(update));
        let declines = latest.filter_map(|index| {
            let cause = judge.cause(index)?;
            let in_place = published.scope.tops.contains(index);
            let update = catalog.revision(index)?.metadata.identity.update_id;
            (in_place || matches!(cause, Cause::Expired(_))).then_some((update, cause))
        });
        declines.collect()
    }

    /// Declines what is planned as far as its cause still holds, and gives that.
    pub(super) async fn carry_out_declines(
        &self,
        rules: DeclineRules,
        declines: Vec<(Uuid, Cause)>,
        started_by: Option<String>,
    ) -> Result<Vec<(Uuid, Cause)>, StateError> {
        let mut done = Vec::new();
        for part in declines.chunks(DECLINED_AT_ONCE) {
            let (mut part, started_by) = (part.to_vec(), started_by.clone());
            let decline_all = self.writer.submit(move |transaction| {
                keep_due(transaction, rules, &mut part);
                for (update, cause) in &part {
                    let by = By::weir(cause.to_string()).started_by(started_by.clone());
                    decline(transaction, &by, *update, Some(*cause));
                }
                Ok(part)
            });
            done.extend(decline_all.await?);
        }
        Ok(done)
    }
}

/// Leaves those of the declines whose cause still holds.
fn keep_due(transaction: &Transaction<'_>, rules: DeclineRules, declines: &mut Vec<(Uuid, Cause)>) {
    let model = &transaction.model;
    let catalog = model.catalog.catalog();
    let tally = model.census.tally(|_| true);
    let numbers = model.numbers.read();
    let is_needed = |update| {
        let counts = numbers.number(&update).map(|number| tally.counts(Some(number), None));
        counts.is_some_and(|it| [NotInstalled, Downloaded, Failed].iter().any(|s| it.of(*s) > 0))
    };
    let judge = Judge { catalog, policy: &model.policy, rules, is_needed: &is_needed };
    declines.retain(|(update, cause)| {
        let latest = catalog.update(update).and_then(|update| catalog.latest(update));
        latest.and_then(|index| judge.cause(index)) == Some(*cause)
    });
}

/// Says why an update is declined.
struct Judge<'a> {
    catalog: &'a Catalog,
    policy: &'a Policy,
    rules: DeclineRules,
    /// Whether computers report that they need an update.
    is_needed: &'a dyn Fn(Uuid) -> bool,
}

impl Judge<'_> {
    /// Why the update of this latest revision is declined; none if it is not.
    fn cause(&self, latest: RevisionIndex) -> Option<Cause> {
        let metadata = &self.catalog.revision(latest)?.metadata;
        let update = metadata.identity.update_id;
        let is_decidable =
            matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver);
        if !is_decidable || self.policy.is_declined(update) {
            return None;
        }
        self.expired(latest).or_else(|| self.superseded(latest))
    }

    fn expired(&self, latest: RevisionIndex) -> Option<Cause> {
        let metadata = &self.catalog.revision(latest)?.metadata;
        let cause = Cause::Expired(metadata.identity.revision_number);
        let is_due = self.rules.expired
            && metadata.publication_state == PublicationState::Expired
            && self.policy.exempt.get(&metadata.identity.update_id) != Some(&cause);
        is_due.then_some(cause)
    }

    /// The rule of WSUS's wizard: superseded by something that is approved for installation, here and
    /// undecided for so long, and reported needed by nobody.
    fn superseded(&self, latest: RevisionIndex) -> Option<Cause> {
        let before = self.rules.superseded?;
        let revision = self.catalog.revision(latest)?;
        let update = revision.metadata.identity.update_id;
        if revision.imported > before || decided_after(self.policy, update, before) {
            return None;
        }
        let successors = self.catalog.superseded_by(self.catalog.update_of(latest)?);
        let ids = successors.filter_map(|index| self.catalog.revision(index));
        let ids = ids.map(|revision| revision.metadata.identity.update_id);
        let mut causes = ids
            .filter(|id| is_installed_somewhere(self.policy, *id))
            .map(Cause::Superseded)
            .peekable();
        let first = *causes.peek()?;
        let exempt = self.policy.exempt.get(&update);
        // What somebody took back holds as long as its cause, whatever else replaces it by then.
        let is_exempt = exempt.is_some_and(|exempt| causes.any(|cause| cause == *exempt));
        (!is_exempt && !(self.is_needed)(update)).then_some(first)
    }
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
