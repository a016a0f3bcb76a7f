//! Rules of the model: which updates fit, and what a run decides.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::catalogue::{Id, Revision};
use super::decisions::{Action, Deadline, Terms, Who};
use super::model::Model;

/// An automatic deployment rule, run by hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    /// What every title is to begin with, or one of them.
    pub(super) title: Option<String>,
    pub(super) severity: Option<String>,
    /// The id of a classification.
    pub(super) classification: Option<Id>,
    pub(super) tag: Option<String>,
    pub(super) superseded: Option<bool>,
    pub(super) targets: Vec<Target>,
    pub(super) cap: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) group: u32,
    pub(super) action: Action,
    /// Seconds from the run.
    pub(super) deadline_after: Option<i64>,
    pub(super) available_after: i64,
    pub(super) priority: u8,
}

/// What a run deploys, and what fits and is left alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) deploys: BTreeSet<Id>,
    pub(super) skips: BTreeSet<Id>,
}

impl Plan {
    /// Whether the server says the same.
    pub(super) fn is_told(&self, told: &Value) -> bool {
        let ids = |list: &Value| -> BTreeSet<Id> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|it| it["update_id"].as_str()).map(str::to_owned).collect()
        };
        ids(&told["updates"]) == self.deploys && ids(&told["skipped"]) == self.skips
    }
}

impl Target {
    fn terms(&self, now: i64) -> Terms {
        let at = self.deadline_after.map(|after| now + after);
        Terms {
            action: self.action,
            deadline: at.map(|at| Deadline { at, local: false, spread: 0 }),
            go_live: Some(now + self.available_after).filter(|_| self.available_after > 0),
            priority: self.priority,
        }
    }
}

impl Model {
    /// A rule without a condition or a target makes no sense, nor does one whose terms do not, or that
    /// takes decisions back.
    pub(super) fn check_rule(&self, rule: &Rule) -> Option<()> {
        let conditions = [
            rule.title.is_some(),
            rule.severity.is_some(),
            rule.classification.is_some(),
            rule.tag.is_some(),
            rule.superseded.is_some(),
        ];
        (conditions.contains(&true) && !rule.targets.is_empty()).then_some(())?;
        let decides = rule.targets.iter().all(|target| target.action != Action::None);
        decides.then_some(())?;
        rule.targets.iter().try_for_each(|target| target.terms(0).checked(0).map(drop))
    }

    pub(super) fn plan(&self, rule: &Rule) -> Plan {
        let mut plan = Plan::default();
        let tops = self.catalogue.tops(&self.declined);
        for revision in tops.iter().filter(|it| !it.is_evaluated() && self.fits(rule, it)) {
            let accepted = self.catalogue.licences(revision).is_subset(&self.licences);
            let open = rule.targets.iter().any(|target| self.is_open(&revision.update, target));
            let list = if accepted && open { &mut plan.deploys } else { &mut plan.skips };
            list.insert(revision.update.clone());
        }
        plan
    }

    /// Deploys what fits, unless it is more than the rule may.
    pub(super) fn run_rule(&mut self, name: &str, now: i64) -> Option<()> {
        let rule = self.rules.get(name)?.clone();
        let plan = self.plan(&rule);
        (plan.deploys.len() <= rule.cap).then_some(())?;
        for update in &plan.deploys {
            for target in &rule.targets {
                if self.is_open(update, target) {
                    self.approve(update, target.group, target.terms(now), Who::Rule);
                }
            }
        }
        Some(())
    }

    /// Whether nobody decided on the update for the target.
    fn is_open(&self, update: &Id, target: &Target) -> bool {
        !self.decisions.contains_key(&(update.clone(), target.group))
    }

    fn fits(&self, rule: &Rule, revision: &Rc<Revision>) -> bool {
        let update = &revision.update;
        let begins = |start: &String| revision.titles.iter().any(|title| title.starts_with(start));
        let is_of = |category: &Id| revision.clauses.iter().flatten().any(|id| id == category);
        let tags = self.tags.get(update);
        rule.title.as_ref().is_none_or(begins)
            && rule.severity.as_ref().is_none_or(|it| revision.severity.as_ref() == Some(it))
            && rule.classification.as_ref().is_none_or(is_of)
            && rule.tag.as_ref().is_none_or(|tag| tags.is_some_and(|tags| tags.contains(tag)))
            && rule.superseded.is_none_or(|it| it == self.catalogue.is_superseded(update))
    }
}
