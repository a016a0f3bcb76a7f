//! Automatic deployment rules.

use serde_json::{Value, json};
use uuid::Uuid;

use super::updates::instant;
use super::{AdminError, RuleDraft};
use crate::policy::Policy;
use crate::policy::by::By;
use crate::policy::rule::{Rule, RuleTarget, Schedule};
use crate::state::{Plan, State, StateError};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let mut rules: Vec<&Rule> = published.policy.rules.values().collect();
    rules.sort_by_key(|rule| rule.name.to_lowercase());
    rules.into_iter().map(|rule| show(&published.policy, rule)).collect()
}

pub(super) async fn put(state: &State, draft: RuleDraft) -> Result<Value, AdminError> {
    let policy = &state.published().policy;
    let target = |(name, target): (String, RuleTarget)| {
        let group = policy.group_by_name(&name);
        let group = group.ok_or(StateError::NotFound { kind: "group", name })?.id;
        Ok::<_, StateError>(RuleTarget { group, ..target })
    };
    let rule = Rule {
        id: Uuid::new_v4(),
        name: draft.name,
        criteria: draft.criteria,
        schedule: draft.schedule,
        targets: draft.targets.into_iter().map(target).collect::<Result<_, _>>()?,
        update_group: draft.update_group,
        enables: draft.enables,
        cap: draft.cap,
        last_run: 0,
    };
    let rule = state.put_rule(By::administrator(), rule).await?;
    Ok(show(policy, &rule))
}

pub(super) async fn remove(state: &State, name: String) -> Result<Value, AdminError> {
    let rule = state.remove_rule(By::administrator(), name).await?;
    Ok(json!({ "removed": rule.name }))
}

pub(super) fn preview(state: &State, name: &str) -> Result<Value, AdminError> {
    Ok(show_plan(state, &state.preview_rule(name)?)?)
}

pub(super) async fn run(state: &State, name: &str) -> Result<Value, AdminError> {
    let plan = state.run_rule(name).await?;
    Ok(show_plan(state, &plan)?)
}

fn show(policy: &Policy, rule: &Rule) -> Value {
    let targets = rule.targets.iter().map(|target| {
        json!({
            "group": policy.path(target.group),
            "action": target.action,
            "deadline_after_seconds": target.deadline_after,
            "available_after_seconds": target.available_after,
        })
    });
    json!({
        "name": rule.name,
        "criteria": rule.criteria.to_string(),
        "schedule": match &rule.schedule {
            Schedule::Manual => "manual".to_owned(),
            Schedule::AfterSync => "after-sync".to_owned(),
            Schedule::At(cron) => cron.to_string(),
        },
        "targets": targets.collect::<Value>(),
        "update_group": rule.update_group,
        "enables": rule.enables,
        "cap": rule.cap,
        "last_run": instant(rule.last_run),
    })
}

fn show_plan(state: &State, plan: &Plan) -> Result<Value, StateError> {
    let published = state.published();
    let (catalog, policy) = (&published.catalog, &published.policy);
    let title = |update: &Uuid| -> Result<Option<String>, StateError> {
        let latest = catalog.update(update).and_then(|update| catalog.latest(update));
        let title = |at| Ok(state.metadata_of(&published, at)?.title("en").to_owned());
        latest.map(title).transpose()
    };
    let updates = plan.updates.iter().map(|planned| {
        let targets = planned.targets.iter().map(|target| policy.path(target.group));
        Ok(json!({
            "update_id": planned.update,
            "title": title(&planned.update)?,
            "groups": targets.collect::<Vec<_>>(),
        }))
    });
    let skipped = plan.skipped.iter().map(|(update, reason)| {
        Ok(json!({ "update_id": update, "title": title(update)?, "reason": reason }))
    });
    Ok(json!({
        "deploys": plan.updates.len(),
        "over_cap": plan.is_over_cap(),
        "update_group": plan.update_group,
        "updates": updates.collect::<Result<Value, StateError>>()?,
        "skipped": skipped.collect::<Result<Value, StateError>>()?,
    }))
}
