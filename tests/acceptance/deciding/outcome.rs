//! What a computer has to have cached, by what the model says was decided.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Id, Offered};
use super::decisions::{Action, Deadline, Decision, Who};
use super::model::Model;

/// Seconds from the test's idea of when a rule ran to the server's, at most.
const RUN: i64 = 5;

/// What a computer is to know of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) number: u32,
    pub(super) is_leaf: bool,
    pub(super) action: &'static str,
    /// The first and the last second at which the deadline may be.
    pub(super) deadline: Option<(i64, i64)>,
    pub(super) priority: Option<&'static str>,
}

impl Model {
    /// The groups that a computer is in: those that its policy names, as far as they exist; else
    /// those that an administrator put it into.
    fn memberships(&self, computer: usize) -> BTreeSet<u32> {
        let computer = &self.computers[computer];
        let mut groups = match computer.asks.is_empty() {
            true => computer.assigned.clone(),
            false => computer.asks.iter().filter_map(|name| self.group(name)).collect(),
        };
        if groups.is_empty() {
            groups.insert(1);
        }
        groups
    }

    /// Those groups and all above them, with their depths.
    fn lineage(&self, computer: usize) -> BTreeMap<u32, usize> {
        let mut lineage = BTreeMap::from([(0, 0)]);
        for group in self.memberships(computer) {
            lineage.extend(self.way(group).into_iter().map(|it| (it, self.way(it).len() - 1)));
        }
        lineage
    }

    /// Minutes that a computer's clock is ahead of UTC, as the deepest group has it that says so.
    fn clock(&self, lineage: &BTreeMap<u32, usize>) -> i64 {
        let said = lineage.iter().filter_map(|(key, depth)| {
            let group = &self.groups[key];
            group.clock.map(|minutes| (*depth, &group.id, minutes))
        });
        said.max().map_or(0, |(_, _, minutes)| minutes)
    }

    /// What a computer has to have cached at `now`, with these updates installed on it.
    pub(super) fn expected(
        &self,
        offered: &[Offered],
        computer: usize,
        installed: &dyn Fn(&Offered) -> bool,
        now: i64,
    ) -> BTreeMap<Id, Expected> {
        let lineage = self.lineage(computer);
        let needed = needed(offered, installed).into_iter();
        let told = needed.map(|it| (it.revision.update.clone(), self.told(it, &lineage, now)));
        told.collect()
    }

    fn told(&self, offered: &Offered, lineage: &BTreeMap<u32, usize>, now: i64) -> Expected {
        let mut expected = Expected {
            number: offered.revision.number,
            is_leaf: offered.is_leaf,
            action: offered.action,
            deadline: None,
            priority: None,
        };
        let clock = self.clock(lineage);
        let Some(decision) = self.winner(offered, lineage, clock, now) else { return expected };
        let licences = self.catalogue.licences(&offered.revision);
        let files = self.catalogue.files(&offered.revision);
        let has_files = !self.holds || files.is_subset(&self.files);
        let is_ready = licences.is_subset(&self.licences) && has_files;
        expected.action = match decision.terms.action {
            Action::Install if is_ready => "Install",
            Action::Optional if is_ready => "OptionalInstall",
            Action::Uninstall => "Uninstall",
            _ => return expected,
        };
        expected.deadline = decision.terms.deadline.map(|deadline| {
            let at = instant(deadline, clock);
            let late = if decision.who == Who::Rule { RUN } else { 0 };
            (at, at + deadline.spread + late)
        });
        expected.priority =
            [None, Some("Low"), None, Some("High")][decision.terms.priority as usize];
        expected
    }

    /// The decision that holds: of those that are live for a group of the lineage the one that
    /// beats all others.
    fn winner(
        &self,
        offered: &Offered,
        lineage: &BTreeMap<u32, usize>,
        clock: i64,
        now: i64,
    ) -> Option<&Decision> {
        let mut best: Option<(usize, &Decision)> = None;
        for (group, depth) in lineage.iter().filter(|_| offered.is_top) {
            let decision = self.decisions.get(&(offered.revision.update.clone(), *group));
            let Some(decision) = decision else { continue };
            let is_live = decision.terms.go_live.is_none_or(|at| at <= now);
            if is_live && best.is_none_or(|best| beats((*depth, decision), best, clock)) {
                best = Some((*depth, decision));
            }
        }
        best.map(|(_, decision)| decision)
    }

    /// The times at which something goes live.
    pub(super) fn go_live_times(&self) -> impl Iterator<Item = i64> + '_ {
        self.decisions.values().filter_map(|decision| decision.terms.go_live)
    }
}

/// The order of WSUS, one question after the other.
fn beats(one: (usize, &Decision), other: (usize, &Decision), clock: i64) -> bool {
    let ((depth, one), (other_depth, other)) = (one, other);
    if depth != other_depth {
        return depth > other_depth;
    }
    let (action, other_action) = (one.terms.action, other.terms.action);
    let installs = |action| matches!(action, Action::Install | Action::Optional);
    let acts = |action| installs(action) || action == Action::Uninstall;
    if acts(action) != acts(other_action) {
        return acts(action);
    }
    if installs(action) != installs(other_action) {
        return installs(action);
    }
    if action != other_action && installs(action) {
        return action == Action::Install;
    }
    match (one.terms.deadline, other.terms.deadline) {
        (Some(_), None) => return true,
        (None, Some(_)) => return false,
        (Some(one), Some(other)) if instant(one, clock) != instant(other, clock) => {
            return instant(one, clock) < instant(other, clock);
        }
        _ => {}
    }
    if one.terms.priority != other.terms.priority {
        return one.terms.priority > other.terms.priority;
    }
    one.made < other.made
}

/// When a deadline is, for a computer whose clock is so many minutes ahead.
fn instant(deadline: Deadline, clock: i64) -> i64 {
    if deadline.local { deadline.at - clock * 60 } else { deadline.at }
}

/// What a computer comes to know when it asks again and again: what requires nothing, what requires
/// only what is installed of that, and so on. Drivers have a scan of their own.
fn needed<'o>(offered: &'o [Offered], installed: &dyn Fn(&Offered) -> bool) -> Vec<&'o Offered> {
    let mut here: BTreeSet<&Id> = BTreeSet::new();
    loop {
        let fits = offered.iter().filter(|it| it.revision.kind != "Driver").filter(|it| {
            it.revision.clauses.iter().all(|clause| clause.iter().any(|id| here.contains(id)))
        });
        let needed: Vec<&Offered> = fits.collect();
        let now = needed.iter().filter(|it| !it.is_leaf && installed(it));
        let now: BTreeSet<&Id> = now.map(|it| &it.revision.update).collect();
        if now == here {
            return needed;
        }
        here = now;
    }
}
