//! Automatic deployment rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AdminError, Call, Operation, Route, instant};
use crate::policy::Policy;
use crate::policy::approval::ApprovalAction;
use crate::policy::rule::{Criteria, Rule, RuleTarget, Schedule};
use crate::policy::terms::{Clock, DownloadPriority};
use crate::state::{Plan, State, StateError};

/// All rules.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListRules {}

impl Operation for ListRules {
    type Answer = Vec<ShownRule>;
    const ROUTE: Route = Route::get("/rules");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let published = call.state().published();
        let mut rules: Vec<&Rule> = published.policy.rules.values().collect();
        rules.sort_by_key(|rule| rule.name.to_lowercase());
        Ok(rules.into_iter().map(|rule| ShownRule::of(&published.policy, rule)).collect())
    }
}

/// Add a rule, or replace the one of the same name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PutRule {
    /// Its name.
    pub name: String,
    /// Which updates.
    pub criteria: Criteria,
    /// When it runs.
    pub schedule: Schedule,
    /// Where it deploys them.
    pub targets: Vec<TargetDraft>,
    /// The update group that it fills; `{date}` in it makes a new one for each day.
    pub update_group: Option<String>,
    /// Whether its deployments count at once.
    pub enables: bool,
    /// Most updates in one run.
    pub cap: u32,
}

/// One deployment that a rule makes of every update. Times count from the run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetDraft {
    /// The name of the target group.
    pub group: String,
    /// What its computers are to do.
    pub action: ApprovalAction,
    /// Seconds from the run to the deadline.
    pub deadline_after: Option<u32>,
    /// Whose clock the deadline is read on.
    pub clock: Clock,
    /// Seconds over which deadlines are spread.
    #[serde(default)]
    pub spread: u32,
    /// Seconds from the run until it counts.
    #[serde(default)]
    pub available_after: u32,
    /// How urgently files are fetched.
    pub download_priority: DownloadPriority,
}

impl Operation for PutRule {
    type Answer = ShownRule;
    const ROUTE: Route = Route::put("/rules/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let policy = &call.state().published().policy;
        let targets = self.targets.into_iter().map(|target| target.resolve(policy));
        let rule = Rule {
            id: Uuid::new_v4(),
            name: self.name,
            criteria: self.criteria,
            schedule: self.schedule,
            targets: targets.collect::<Result<_, _>>()?,
            update_group: self.update_group,
            enables: self.enables,
            cap: self.cap,
            last_run: 0,
            outcome: None,
        };
        let rule = call.state().put_rule(call.by(), rule).await?;
        Ok(ShownRule::of(policy, &rule))
    }
}

impl TargetDraft {
    fn resolve(self, policy: &Policy) -> Result<RuleTarget, StateError> {
        let group = policy.group_by_name(&self.group);
        let not_found = StateError::NotFound { kind: "group", name: self.group };
        Ok(RuleTarget {
            group: group.ok_or(not_found)?.id,
            action: self.action,
            deadline_after: self.deadline_after,
            clock: self.clock,
            spread: self.spread,
            available_after: self.available_after,
            download_priority: self.download_priority,
        })
    }
}

/// Remove a rule. What it deployed stays.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveRule {
    /// Its name.
    pub name: String,
}

impl Operation for RemoveRule {
    type Answer = RemovedRule;
    const ROUTE: Route = Route::delete("/rules/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let rule = call.state().remove_rule(call.by(), self.name).await?;
        Ok(RemovedRule { removed: rule.name })
    }
}

/// A rule that is no more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemovedRule {
    /// Its name.
    pub removed: String,
}

/// What a rule would do now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PreviewRule {
    /// Its name.
    pub name: String,
}

impl Operation for PreviewRule {
    type Answer = ShownPlan;
    const ROUTE: Route = Route::get("/rules/{name}/preview");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let plan = call.state().preview_rule(&self.name).await?;
        Ok(ShownPlan::of(call.state(), &plan)?)
    }
}

/// Run a rule now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunRule {
    /// Its name.
    pub name: String,
}

impl Operation for RunRule {
    type Answer = ShownPlan;
    const ROUTE: Route = Route::post("/rules/{name}/run");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let plan = call.state().run_rule(&self.name, Some(call.caller().name.clone())).await?;
        Ok(ShownPlan::of(call.state(), &plan)?)
    }
}

/// A rule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownRule {
    /// Its name.
    pub name: String,
    /// Which updates, in words.
    pub criteria: String,
    /// `manual`, `after-sync`, or times as cron writes them.
    pub schedule: String,
    /// Where it deploys them.
    pub targets: Vec<ShownTarget>,
    /// The update group that it fills.
    pub update_group: Option<String>,
    /// Whether its deployments count at once.
    pub enables: bool,
    /// Most updates in one run.
    pub cap: u32,
    /// When it last ran, or was made.
    pub last_run: Option<String>,
    /// How many updates its last run deployed; none before the first.
    pub last_deployed: Option<u32>,
    /// Why its last run stopped and deployed none, if it did.
    pub stopped: Option<String>,
}

/// Where a rule deploys.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownTarget {
    /// The path of the group.
    pub group: String,
    /// What its computers are to do.
    pub action: ApprovalAction,
    /// Seconds from the run to the deadline.
    pub deadline_after_seconds: Option<u32>,
    /// Seconds from the run until it counts.
    pub available_after_seconds: u32,
}

impl ShownRule {
    fn of(policy: &Policy, rule: &Rule) -> Self {
        let targets = rule.targets.iter().map(|target| ShownTarget {
            group: policy.path(target.group),
            action: target.action,
            deadline_after_seconds: target.deadline_after,
            available_after_seconds: target.available_after,
        });
        Self {
            name: rule.name.clone(),
            criteria: rule.criteria.to_string(),
            schedule: match &rule.schedule {
                Schedule::Manual => "manual".to_owned(),
                Schedule::AfterSync => "after-sync".to_owned(),
                Schedule::At(cron) => cron.to_string(),
            },
            targets: targets.collect(),
            update_group: rule.update_group.clone(),
            enables: rule.enables,
            cap: rule.cap,
            last_run: instant(rule.last_run),
            last_deployed: rule.outcome.as_ref().map(|outcome| outcome.deployed),
            stopped: rule.outcome.as_ref().and_then(|outcome| outcome.stopped.clone()),
        }
    }
}

/// What a rule does, or would do.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownPlan {
    /// How many updates it deploys.
    pub deploys: usize,
    /// Whether that is more than it may, so that it deploys none.
    pub over_cap: bool,
    /// The update group that it puts them into.
    pub update_group: Option<String>,
    /// The paths of the groups that the update group is deployed to with a deadline that has passed:
    /// nothing more is deployed there until somebody deploys it anew.
    pub overdue: Vec<String>,
    /// The updates.
    pub updates: Vec<ShownPlanned>,
    /// What fits and is left alone.
    pub skipped: Vec<ShownSkipped>,
}

/// An update that a rule deploys.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownPlanned {
    /// The update.
    pub update_id: Uuid,
    /// Its title in English.
    pub title: Option<String>,
    /// The paths of the groups it is deployed to.
    pub groups: Vec<String>,
}

/// An update that a rule leaves alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownSkipped {
    /// The update.
    pub update_id: Uuid,
    /// Its title in English.
    pub title: Option<String>,
    /// Why.
    pub reason: String,
}

impl ShownPlan {
    fn of(state: &State, plan: &Plan) -> Result<Self, StateError> {
        let published = state.published();
        let (catalog, policy) = (&published.catalog, &published.policy);
        let title = |update: &Uuid| -> Result<Option<String>, StateError> {
            let latest = catalog.update(update).and_then(|update| catalog.latest(update));
            let title = |at| Ok(state.metadata_of(&published, at)?.title("en").to_owned());
            latest.map(title).transpose()
        };
        let updates = plan.updates.iter().map(|planned| {
            let groups = planned.deployments.iter().map(|it| policy.path(it.group)).collect();
            let (update_id, title) = (planned.update, title(&planned.update)?);
            Ok(ShownPlanned { update_id, title, groups })
        });
        let skipped = plan.skipped.iter().map(|(update, reason)| {
            let (title, reason) = (title(update)?, (*reason).to_owned());
            Ok(ShownSkipped { update_id: *update, title, reason })
        });
        Ok(Self {
            deploys: plan.updates.len(),
            over_cap: plan.is_over_cap(),
            update_group: plan.update_group.clone(),
            overdue: plan.overdue.iter().map(|group| policy.path(*group)).collect(),
            updates: updates.collect::<Result<_, StateError>>()?,
            skipped: skipped.collect::<Result<_, StateError>>()?,
        })
    }
}
