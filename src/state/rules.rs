//! Automatic deployment rules: what they would deploy, and doing it.
//!
//! What a rule would do is worked out from what readers see, and then done as one change that looks
//! once more at each update: so the preview is the action, and a catalogue that takes long to look
//! through holds up nobody.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;
use tracing::{info, warn};
use uuid::Uuid;

use super::decide::approve;
use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{Published, State, StateError, update_groups};
use crate::catalog::Revision;
use crate::computers::UpdateInstallationState::{Downloaded, Failed, NotInstalled};
use crate::computers::numbers::UpdateNumber;
use crate::metadata::model::UpdateType;
use crate::policy::Policy;
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::by::By;
use crate::policy::rule::{Candidate, Rule, RuleTarget, Schedule, Search};
use crate::policy::target_group::check_name;
use crate::policy::update_group::GroupDeployment;

/// Most rules.
const RULES: usize = 1000;
/// How often a rule is planned anew that was changed meanwhile.
const ATTEMPTS: usize = 5;

/// What a run of a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it deploys, or puts into its update group, by revision id.
    pub updates: Vec<Planned>,
    /// What fits and is left alone, with the reason.
    pub skipped: Vec<(Uuid, &'static str)>,
    /// The update group that it puts them into.
    pub update_group: Option<String>,
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
    /// Where it is approved.
    pub targets: Vec<RuleTarget>,
}

impl Plan {
    /// Whether it is more than the rule may do.
    pub fn is_over_cap(&self) -> bool {
        self.updates.len() > self.cap as usize
    }
}

impl State {
    /// Adds a rule, or replaces the one of the same name.
    ///
    /// # Errors
    /// When it makes no sense: no condition, no target, a name that cannot be used.
    pub async fn put_rule(&self, by: By, rule: Rule) -> Result<Rule, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                let policy = &transaction.model.policy;
                let before = policy.rule(&rule.name).cloned();
                let name = check_name(&rule.name)?;
                check(policy, &rule, transaction.now)?;
                if before.is_none() && policy.rules.len() >= RULES {
                    return Err(StateError::Refused(format!("there are {RULES} rules")));
                }
                let id = before.as_ref().map_or(rule.id, |before| before.id);
                let last_run = before.as_ref().map_or(transaction.now, |before| before.last_run);
                let rule = Rule { id, name, last_run, ..rule };
                transaction.journal(&by, json!({ "rule": rule, "before": before }));
                transaction.put_rule(rule.clone());
                Ok(rule)
            })
            .await
    }

    /// Removes a rule. What it deployed stays.
    ///
    /// # Errors
    /// When there is no such rule.
    pub async fn remove_rule(&self, by: By, name: String) -> Result<Rule, StateError> {
        self.writer
            .submit(move |transaction| {
                let rule = named(&transaction.model.policy, &name)?.clone();
                transaction.journal(&by, json!({ "delete_rule": rule.id, "before": rule }));
                transaction.delete_rule(rule.id);
                Ok(rule)
            })
            .await
    }

    /// What a rule would do now.
    ///
    /// # Errors
    /// When there is no such rule, or a document cannot be read.
    pub fn preview_rule(&self, name: &str) -> Result<Plan, StateError> {
        let published = self.published();
        let rule = named(&published.policy, name)?;
        self.plan(&published, rule, self.now())
    }

    /// Runs a rule, and says what it did. `started_by` is who wanted it now, if anybody did.
    ///
    /// # Errors
    /// When there is no such rule, or it would deploy more than its cap; then it deploys nothing.
    pub async fn run_rule(
        &self,
        name: &str,
        started_by: Option<String>,
    ) -> Result<Plan, StateError> {
        for _ in 0..ATTEMPTS {
            let published = self.published();
            let rule = named(&published.policy, name)?.clone();
            let now = self.now();
            let plan = self.plan(&published, &rule, now)?;
            if plan.is_over_cap() {
                return Err(StateError::Refused(format!(
                    "rule '{}' matches {} updates, more than its cap of {}; it deployed none",
                    rule.name,
                    plan.updates.len(),
                    plan.cap
                )));
            }
            let started_by = started_by.clone();
            let run = self.writer.submit(move |transaction| {
                check_decides(transaction)?;
                let current = named(&transaction.model.policy, &rule.name)?.clone();
                if current != (Rule { last_run: current.last_run, ..rule }) {
                    // What was planned is not what it says now.
                    return Ok(None);
                }
                let done = carry_out(transaction, &current, plan, now, started_by)?;
                transaction.put_rule(Rule { last_run: now.max(current.last_run), ..current });
                Ok(Some(done))
            });
            if let Some(done) = run.await? {
                return Ok(done);
            }
        }
        let reason = format!("rule '{name}' was changed again and again while it was to run");
        Err(StateError::Refused(reason))
    }

    /// Runs all rules that are due: those for every synchronisation if there was one, and those
    /// whose time has come since they last ran. Nobody waits for them, so the log says, too, what
    /// each did.
    pub async fn run_due_rules(&self, after_sync: bool) -> Vec<(String, Result<Plan, StateError>)> {
        let now = self.now();
        let is_due = |rule: &&Rule| match &rule.schedule {
            Schedule::Manual => false,
            Schedule::AfterSync => after_sync,
            Schedule::At(cron) => cron.last(now).is_some_and(|at| at > rule.last_run),
        };
        let published = self.published();
        let due = published.policy.rules.values().filter(is_due);
        let names: Vec<String> = due.map(|rule| rule.name.clone()).collect();
        let mut outcomes = Vec::new();
        for name in names {
            let outcome = self.run_rule(&name, None).await;
            match &outcome {
                Ok(plan) => info!(rule = name, deployed = plan.updates.len(), "a rule ran"),
                Err(error) => warn!(rule = name, %error, "a rule did not run"),
            }
            if let Err(StateError::Refused(_)) = &outcome {
                // It is not tried again every minute until somebody looks.
                self.note_run(name.clone(), now).await;
            }
            outcomes.push((name, outcome));
        }
        outcomes
    }

    async fn note_run(&self, name: String, now: i64) {
        let noted = self.writer.submit(move |transaction| {
            let rule = named(&transaction.model.policy, &name)?.clone();
            transaction.put_rule(Rule { last_run: now.max(rule.last_run), ..rule });
            Ok(())
        });
        if let Err(error) = noted.await {
            warn!(%error, "that a rule ran was not noted");
        }
    }

    fn plan(&self, published: &Published, rule: &Rule, now: i64) -> Result<Plan, StateError> {
        let update_group = rule.update_group.as_ref().map(|name| expand(name, now));
        let mut plan =
            Plan { updates: Vec::new(), skipped: Vec::new(), update_group, cap: rule.cap };
        let group = plan.update_group.as_ref().and_then(|it| published.policy.update_group(it));
        let required = match rule.criteria.required {
            Some(_) => self.required_counts(),
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
                tags: published.policy.tags.get(&update).unwrap_or(&no_tags),
                required: required.get(&update).copied().unwrap_or(0),
            };
            if !is_decidable(revision) || !search.finds(&candidate)? {
                continue;
            }
            if published.policy.eulas_since(catalog, index).is_none() {
                plan.skipped.push((update, "its licence is not accepted"));
                continue;
            }
            let targets = open_targets(&published.policy, rule, update);
            let joins = plan.update_group.is_some()
                && group.is_none_or(|group| !group.updates.contains(&update));
            if targets.is_empty() && !joins {
                plan.skipped.push((update, "it is decided already"));
                continue;
            }
            let revision_number = revision.metadata.identity.revision_number;
            plan.updates.push(Planned { update, revision_number, targets });
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

fn named<'p>(policy: &'p Policy, name: &str) -> Result<&'p Rule, StateError> {
    let not_found = || StateError::NotFound { kind: "rule", name: name.to_owned() };
    policy.rule(name).ok_or_else(not_found)
}

fn check(policy: &Policy, rule: &Rule, now: i64) -> Result<(), StateError> {
    let refused = |reason: &str| Err(StateError::Refused(reason.to_owned()));
    if rule.criteria.is_empty() {
        return refused("a rule without a condition would deploy everything");
    }
    if rule.targets.is_empty() && rule.update_group.is_none() {
        return refused("a rule deploys to a group, or puts updates into an update group");
    }
    if !rule.enables && rule.update_group.is_none() {
        return refused("only the deployments of an update group can be left disabled");
    }
    if let Some(name) = &rule.update_group {
        check_name(&expand(name, now))?;
    }
    for target in &rule.targets {
        if target.action == ApprovalAction::None {
            return refused("a rule does not take decisions back");
        }
        if !policy.groups.contains_key(&target.group) {
            let name = target.group.to_string();
            return Err(StateError::NotFound { kind: "group", name });
        }
        target.terms(now).checked(now)?;
    }
    Ok(())
}

/// Takes a target group that is about to go from all rules. One that is left without any deploys
/// nothing until somebody gives it another.
pub(super) fn end_targets(transaction: &mut Transaction<'_>, by: &By, group: Uuid) {
    let is_target = |rule: &&Rule| rule.targets.iter().any(|target| target.group == group);
    let concerned = transaction.model.policy.rules.values().filter(is_target);
    for before in concerned.cloned().collect::<Vec<_>>() {
        let mut rule = before.clone();
        rule.targets.retain(|target| target.group != group);
        transaction.journal(by, json!({ "rule": rule, "before": before }));
        transaction.put_rule(rule);
    }
}

/// The update group's name with the day of the run in it.
fn expand(name: &str, now: i64) -> String {
    let now = time::OffsetDateTime::from_unix_timestamp(now);
    let date = now.map_or_else(|_| String::new(), |now| now.date().to_string());
    name.replace("{date}", &date)
}

fn is_decidable(revision: &Revision) -> bool {
    matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver)
}

/// The targets for which nobody decided on the update. The rule approves none while it leaves its
/// deployments disabled.
fn open_targets(policy: &Policy, rule: &Rule, update: Uuid) -> Vec<RuleTarget> {
    if !rule.enables || policy.is_declined(update) {
        return Vec::new();
    }
    let decided = |approval: &Approval| approval.terms.action != ApprovalAction::None;
    let open = |target: &&RuleTarget| {
        policy.approval(update, target.group).is_none_or(|approval| !decided(approval))
    };
    rule.targets.iter().filter(open).copied().collect()
}

/// Does what is planned, as far as nobody did or decided it meanwhile, and says what that was.
fn carry_out(
    transaction: &mut Transaction<'_>,
    rule: &Rule,
    mut plan: Plan,
    now: i64,
    started_by: Option<String>,
) -> Result<Plan, StateError> {
    let policy = &transaction.model.policy;
    let group = plan.update_group.as_ref().and_then(|name| policy.update_group(name));
    let joins = |update: &Uuid| {
        plan.update_group.is_some() && group.is_none_or(|group| !group.updates.contains(update))
    };
    plan.updates.retain_mut(|planned| {
        let open = open_targets(policy, rule, planned.update);
        planned.targets.retain(|target| open.contains(target));
        let is_here = transaction.model.latest(planned.update).is_some();
        is_here && (!planned.targets.is_empty() || joins(&planned.update))
    });
    if plan.updates.is_empty() {
        return Ok(plan);
    }
    let by = By::person(format!("rule '{}'", rule.name)).because(rule.criteria.to_string());
    let by = by.started_by(started_by);
    if let Some(name) = &plan.update_group {
        join(transaction, &by, rule, (name, &plan), now)?;
    }
    for planned in &plan.updates {
        let update = (planned.update, planned.revision_number);
        for target in &planned.targets {
            approve(transaction, &by, update, target.group, target.terms(now))?;
        }
    }
    Ok(plan)
}

/// Puts the updates into the rule's update group, which is made if it is not there. The rule's
/// targets become its deployments; what they approve is approved by the rule itself, for those who
/// did not decide.
fn join(
    transaction: &mut Transaction<'_>,
    by: &By,
    rule: &Rule,
    (name, plan): (&str, &Plan),
    now: i64,
) -> Result<(), StateError> {
    let mut group = match transaction.model.policy.update_group(name) {
        Some(group) => group.clone(),
        None => update_groups::create(transaction, by, Uuid::new_v4(), name)?,
    };
    for target in &rule.targets {
        if !group.deployments.iter().any(|deployment| deployment.group == target.group) {
            let (terms, enabled) = (target.terms(now), rule.enables);
            group.deployments.push(GroupDeployment { group: target.group, terms, enabled });
        }
    }
    group.updates.extend(plan.updates.iter().map(|planned| planned.update));
    update_groups::put(transaction, by, group);
    Ok(())
}
