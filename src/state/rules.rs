//! Automatic deployment rules: what they would deploy, and doing it.
//!
//! What a rule would do is worked out from what readers see, and then done as one change that looks
//! once more at each update: so the preview is the action, and a catalogue that takes long to look
//! through holds up nobody.

mod plan;

use serde_json::json;
use tracing::{info, warn};
use uuid::Uuid;

use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::policy::Policy;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::rule::{Outcome, Rule, Schedule};
use crate::policy::target_group::check_name;
pub use plan::{Plan, Planned};
use plan::{carry_out, expand};

/// Most rules.
const RULES: usize = 1000;
/// How often a rule is planned anew that was changed meanwhile.
const ATTEMPTS: usize = 5;

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
                let outcome = before.as_ref().and_then(|before| before.outcome.clone());
                let rule = Rule { id, name, last_run, outcome, ..rule };
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
    pub async fn preview_rule(&self, name: &str) -> Result<Plan, StateError> {
        let published = self.published();
        let rule = named(&published.policy, name)?;
        self.plan(&published, rule, self.now()).await
    }

    /// Runs a rule, and says what it did. `started_by` is who wanted it now, if anybody did. Why it
    /// stopped, if it did, also stands at the rule and in the audit trail: mostly nobody waits for it.
    ///
    /// # Errors
    /// When there is no such rule, or it would deploy more than its cap; then it deploys nothing.
    pub async fn run_rule(
        &self,
        name: &str,
        started_by: Option<String>,
    ) -> Result<Plan, StateError> {
        let outcome = self.attempt(name, started_by.clone()).await;
        if let Err(StateError::Refused(reason)) = &outcome {
            self.note_stop(name.to_owned(), reason.clone(), started_by).await;
        }
        outcome
    }

    async fn attempt(&self, name: &str, started_by: Option<String>) -> Result<Plan, StateError> {
        for _ in 0..ATTEMPTS {
            let published = self.published();
            let rule = named(&published.policy, name)?.clone();
            let now = self.now();
            let plan = self.plan(&published, &rule, now).await?;
            if plan.is_over_cap() {
                return Err(StateError::Refused(format!(
                    "rule '{}' matches {} updates, more than its cap of {}; it deployed none",
                    rule.name,
                    plan.updates.len(),
                    plan.cap
                )));
            }
            let done = self.carry_out_rule(rule, plan, now, started_by.clone()).await?;
            if let Some(done) = done {
                return Ok(done);
            }
        }
        let reason = format!("rule '{name}' was changed again and again while it was to run");
        Err(StateError::Refused(reason))
    }

    /// Does what was planned at `now` (unix seconds), and says what of it was done; nothing if the
    /// rule is another one by now.
    pub(super) async fn carry_out_rule(
        &self,
        rule: Rule,
        plan: Plan,
        now: i64,
        started_by: Option<String>,
    ) -> Result<Option<Plan>, StateError> {
        let run = self.writer.submit(move |transaction| {
            check_decides(transaction)?;
            let current = named(&transaction.model.policy, &rule.name)?.clone();
            let (last_run, outcome) = (current.last_run, current.outcome.clone());
            if current != (Rule { last_run, outcome, ..rule }) {
                return Ok(None);
            }
            let by = acting_for(&current, started_by).because(current.criteria.to_string());
            let done = carry_out(transaction, &by, &current, plan, now)?;
            let deployed = u32::try_from(done.updates.len()).unwrap_or(u32::MAX);
            let outcome = Some(Outcome { deployed, stopped: None });
            transaction.put_rule(Rule { last_run: now.max(last_run), outcome, ..current });
            Ok(Some(done))
        });
        run.await
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
            outcomes.push((name, outcome));
        }
        outcomes
    }

    async fn note_stop(&self, name: String, reason: String, started_by: Option<String>) {
        let noted = self.writer.submit(move |transaction| {
            let rule = named(&transaction.model.policy, &name)?.clone();
            // On a replica none decides, and each would say so after each synchronization.
            if check_decides(transaction).is_ok() {
                let by = acting_for(&rule, started_by).because(&*reason);
                transaction.journal(&by, json!({ "rule_stopped": rule.id, "name": rule.name }));
            }
            // With the time, or it would be tried again every minute until somebody looks.
            let last_run = transaction.now.max(rule.last_run);
            let outcome = Some(Outcome { deployed: 0, stopped: Some(reason) });
            transaction.put_rule(Rule { last_run, outcome, ..rule });
            Ok(())
        });
        if let Err(error) = noted.await {
            warn!(%error, "that a rule stopped was not noted");
        }
    }
}

/// Who decides where a rule does.
fn acting_for(rule: &Rule, started_by: Option<String>) -> By {
    By::person(format!("rule '{}'", rule.name)).started_by(started_by)
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
