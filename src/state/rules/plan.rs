//! What a run of a rule does.
//!
//! With an update group, a run is nothing but adding updates to that group: they are deployed
//! wherever it is deployed. The rule's targets are deployments of the group as well, whose times
//! count from the run, unless somebody has changed them since. What a person adds is deployed whatever
//! was decided before; what a rule adds only where nobody decided.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::super::decide::approve;
use super::super::transaction::Transaction;
use super::super::{Published, State, StateError, update_groups};
use crate::catalog::Revision;
use crate::computers::UpdateInstallationState::{Downloaded, Failed, NotInstalled};
use crate::computers::numbers::UpdateNumber;
use crate::metadata::model::UpdateType;
use crate::policy::Policy;
use crate::policy::approval::{Approval, ApprovalAction, Source};
use crate::policy::by::By;
use crate::policy::rule::{Candidate, Rule, Search};
use crate::policy::update_group::{GroupDeployment, UpdateGroup};

/// What a run of a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it deploys, or puts into its update group, by revision id.
    pub updates: Vec<Planned>,
    /// What fits and is left alone, with the reason.
    pub skipped: Vec<(Uuid, &'static str)>,
    /// The update group that it puts them into.
    pub update_group: Option<String>,
    /// Target groups that the update group is deployed to with a deadline that has passed: nothing
    /// more is approved there until somebody deploys it anew.
    pub overdue: Vec<Uuid>,
    /// Most updates that it may deploy in one run.
    pub cap: u32,
}

/// One update of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The update.
    pub update: Uuid,
    /// Its latest revision.
    pub revision_number: u32,
    /// Where it is approved, and on what terms.
    pub deployments: Vec<GroupDeployment>,
}

impl Plan {
    /// Whether it is more than the rule may do.
    pub fn is_over_cap(&self) -> bool {
        self.updates.len() > self.cap as usize
    }
}

impl State {
    pub(in crate::state) async fn plan(
        &self,
        published: &Published,
        rule: &Rule,
        now: i64,
    ) -> Result<Plan, StateError> {
        let policy = &published.policy;
        let outlet = Outlet::new(policy, rule, now);
        let mut plan = Plan {
            updates: Vec::new(),
            skipped: Vec::new(),
            update_group: outlet.name.clone(),
            overdue: outlet.overdue(),
            cap: rule.cap,
        };
        let required = match rule.criteria.required {
            Some(_) => self.required_counts(),
            None => HashMap::new(),
        };
        let released = match rule.criteria.released_within {
            Some(_) => self.released().await?,
            None => HashMap::new(),
        };
        let catalog = &published.catalog;
        let read = |index| self.metadata_of(published, index);
        let search = Search::new(&rule.criteria, catalog, &read, now)?;
        let no_tags = BTreeSet::new();
        for index in &published.scope.tops {
            let Some(revision) = catalog.revision(index) else { continue };
            let update = revision.metadata.identity.update_id;
            let candidate = Candidate {
                index,
                tags: policy.tags.get(&update).unwrap_or(&no_tags),
                required: required.get(&update).copied().unwrap_or(0),
                released: released.get(&update).copied(),
            };
            if !is_decidable(revision) || !search.finds(&candidate)? {
                continue;
            }
            if policy.eulas_since(catalog, index).is_none() {
                plan.skipped.push((update, "its licence is not accepted"));
                continue;
            }
            let deployments = outlet.deployments_of(policy, update);
            if deployments.is_empty() && !outlet.gains(update) {
                let reason = match &outlet.name {
                    Some(_) => "it is in the update group already",
                    None => "it is decided already",
                };
                plan.skipped.push((update, reason));
                continue;
            }
            let revision_number = revision.metadata.identity.revision_number;
            plan.updates.push(Planned { update, revision_number, deployments });
        }
        Ok(plan)
    }

    /// How many computers need each update.
    fn required_counts(&self) -> HashMap<Uuid, u64> {
        let mut counts: HashMap<UpdateNumber, u64> = HashMap::new();
        for tracked in self.computers().all() {
            let rows = tracked.statuses.rows();
            let needed = rows.filter(|row| matches!(row.state, NotInstalled | Downloaded | Failed));
            needed.for_each(|row| *counts.entry(row.number).or_default() += 1);
        }
        let numbers = self.numbers.read();
        counts
            .into_iter()
            .filter_map(|(number, count)| Some((numbers.id(number)?, count)))
            .collect()
    }
}

/// By what a run deploys its updates.
struct Outlet<'p> {
    /// The name of the rule's update group.
    name: Option<String>,
    /// The group, if it is there.
    group: Option<&'p UpdateGroup>,
    /// The group's deployments as they are in this run; without a group, the rule's own.
    deployments: Vec<GroupDeployment>,
    now: i64,
}

impl<'p> Outlet<'p> {
    fn new(policy: &'p Policy, rule: &Rule, now: i64) -> Self {
        let name = rule.update_group.as_ref().map(|name| expand(name, now));
        let group = name.as_ref().and_then(|name| policy.update_group(name));
        let mut deployments = group.map_or_else(Vec::new, |group| group.deployments.clone());
        for target in &rule.targets {
            let own = GroupDeployment {
                group: target.group,
                terms: target.terms(now),
                enabled: rule.enables,
                rule: Some(rule.id),
            };
            match deployments.iter_mut().find(|it| it.group == own.group) {
                None => deployments.push(own),
                Some(it) if it.rule == own.rule => it.terms = own.terms,
                Some(_) => {}
            }
        }
        Self { name, group, deployments, now }
    }

    fn is_overdue(&self, deployment: &GroupDeployment) -> bool {
        deployment.enabled && deployment.terms.checked(self.now).is_err()
    }

    fn overdue(&self) -> Vec<Uuid> {
        let overdue = self.deployments.iter().filter(|it| self.is_overdue(it));
        overdue.map(|deployment| deployment.group).collect()
    }

    /// The deployments that approve the update: those for whose target nobody decided on it.
    fn deployments_of(&self, policy: &Policy, update: Uuid) -> Vec<GroupDeployment> {
        if policy.is_declined(update) {
            return Vec::new();
        }
        let decided = |approval: &Approval| approval.terms.action != ApprovalAction::None;
        let open = |it: &&GroupDeployment| {
            it.enabled
                && !self.is_overdue(it)
                && !policy.approval(update, it.group).is_some_and(decided)
        };
        self.deployments.iter().filter(open).copied().collect()
    }

    /// Whether the update is new to the update group.
    fn gains(&self, update: Uuid) -> bool {
        let has = |group: &UpdateGroup| group.updates.contains(&update);
        self.name.is_some() && !self.group.is_some_and(has)
    }
}

/// The update group's name with the day of the run in it.
pub(super) fn expand(name: &str, now: i64) -> String {
    let now = time::OffsetDateTime::from_unix_timestamp(now);
    let date = now.map_or_else(|_| String::new(), |now| now.date().to_string());
    name.replace("{date}", &date)
}

fn is_decidable(revision: &Revision) -> bool {
    matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver)
}

/// Does what is planned, as far as nobody did or decided it meanwhile, and says what that was.
pub(super) fn carry_out(
    transaction: &mut Transaction<'_>,
    by: &By,
    rule: &Rule,
    mut plan: Plan,
    now: i64,
) -> Result<Plan, StateError> {
    let policy = &transaction.model.policy;
    let outlet = Outlet::new(policy, rule, now);
    plan.updates.retain_mut(|planned| {
        let open = outlet.deployments_of(policy, planned.update);
        planned.deployments.retain(|deployment| open.contains(deployment));
        let is_here = transaction.model.latest(planned.update).is_some()
            && !policy.is_declined(planned.update);
        is_here && (!planned.deployments.is_empty() || outlet.gains(planned.update))
    });
    if plan.updates.is_empty() {
        return Ok(plan);
    }
    let Some(name) = &outlet.name else {
        for planned in &plan.updates {
            let update = (planned.update, planned.revision_number);
            for deployment in &planned.deployments {
                let GroupDeployment { group, terms, .. } = *deployment;
                approve(transaction, by, update, group, terms, Source::Decision)?;
            }
        }
        return Ok(plan);
    };
    let (group, deployments) = (outlet.group.cloned(), outlet.deployments);
    update_groups::check_size(group.as_ref(), plan.updates.iter().map(|planned| planned.update))?;
    let group = match group {
        Some(group) => group,
        None => update_groups::create(transaction, by, Uuid::new_v4(), name)?,
    };
    let group = UpdateGroup { deployments, ..group };
    let added = plan.updates.iter().map(|planned| (planned.update, planned.deployments.clone()));
    update_groups::add_updates(transaction, by, group, added.collect())?;
    Ok(plan)
}
