//! What ought to hold, in maps by name, and each rule as it is written down for administrators.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ApprovalAction, Block, Change, Install, NotApproved, Optional, Terms, Uninstall, Withdrawn,
    instant,
};

/// The action that a computer is told, and its deadline.
pub(super) type Offer = (String, Option<String>);

const ALL: &str = "All Computers";
const UNASSIGNED: &str = "Unassigned Computers";

/// So long, in seconds, a deadline may have passed.
const PATIENCE: i64 = 300;

#[derive(Debug, Default)]
pub(super) struct Model {
    /// Groups and what is above them.
    parents: BTreeMap<String, String>,
    computers: Vec<BTreeSet<String>>,
    decisions: BTreeMap<(u128, String), Terms>,
    /// Which of them the update group made.
    of_set: BTreeSet<(u128, String)>,
    declined: BTreeSet<u128>,
    /// The latest revision of each update that is here, by the server's number.
    updates: BTreeMap<u128, u32>,
    /// How many revisions there ever were of each.
    revisions: BTreeMap<u128, u32>,
    set: Option<BTreeSet<u128>>,
    deployments: BTreeMap<String, Terms>,
}

impl Model {
    pub(super) fn new(computers: usize) -> Self {
        let parents = BTreeMap::from([(UNASSIGNED.to_owned(), ALL.to_owned())]);
        Self { parents, computers: vec![BTreeSet::new(); computers], ..Self::default() }
    }

    pub(super) fn import(&mut self, update: u128, number: u32) {
        self.updates.insert(update, number);
        *self.revisions.entry(update).or_default() += 1;
    }

    pub(super) fn next_revision(&self, update: u128) -> u32 {
        self.revisions.get(&update).copied().unwrap_or(0) + 1
    }

    /// Applies a change, unless it has to be refused; says whether it was applied.
    pub(super) fn apply(&mut self, change: &Change, now: i64) -> bool {
        match change {
            Change::CreateGroup(name, parent) => {
                let can = !self.exists(name) && self.can_hold(parent);
                if can {
                    self.parents.insert(name.clone(), parent.clone());
                }
                can
            }
            Change::MoveGroup(name, parent) => {
                let can = self.is_own(name) && self.can_hold(parent);
                let can = can && !self.way(parent).contains(name);
                if can {
                    self.parents.insert(name.clone(), parent.clone());
                }
                can
            }
            Change::DeleteGroup(name) => self.is_own(name) && self.delete_group(name),
            Change::MoveComputer(computer, groups) => {
                // In those that are built in it is anyway, or not.
                let can = groups.iter().all(|group| self.exists(group));
                if can {
                    let own = groups.iter().filter(|group| self.is_own(group));
                    self.computers[*computer] = own.cloned().collect();
                }
                can
            }
            Change::Approve(update, group, terms) => {
                let can = self.updates.contains_key(update) && self.exists(group);
                let can = can && is_sensible(terms);
                if can {
                    self.approve(*update, group, *terms);
                }
                can
            }
            Change::Decline(update) => {
                let can = self.updates.contains_key(update);
                if can && self.declined.insert(*update) {
                    self.decisions.retain(|(other, _), _| other != update);
                    self.of_set.retain(|(other, _)| other != update);
                }
                can
            }
            Change::Delete(update) => {
                let can = self.updates.contains_key(update) && self.declined.contains(update);
                if can {
                    self.updates.remove(update);
                    self.set.iter_mut().for_each(|set| set.retain(|other| other != update));
                }
                can
            }
            Change::Revise(_) | Change::Wait(_) => true,
            Change::AddToSet(update) => {
                let is_in = self.set.get_or_insert_default().contains(update);
                let is_late =
                    |terms: &Terms| terms.deadline.is_some_and(|it| it.at < now - PATIENCE);
                let can_come =
                    !self.declined.contains(update) && !self.deployments.values().any(is_late);
                let can = self.updates.contains_key(update) && (is_in || can_come);
                if can && !is_in {
                    self.set.get_or_insert_default().insert(*update);
                    for (group, terms) in self.deployments.clone() {
                        self.deploy(*update, &group, at_once(terms, now));
                    }
                }
                can
            }
            Change::TakeFromSet(update) => {
                let can = self.set.as_mut().is_some_and(|set| set.remove(update));
                if can {
                    for group in self.deployments.clone().into_keys() {
                        self.take_back(*update, &group);
                    }
                }
                can
            }
            Change::DeploySet(group, terms) => {
                let can = self.set.is_some() && self.exists(group) && terms.action != Withdrawn;
                let can = can && is_sensible(terms);
                if can {
                    self.deployments.insert(group.clone(), *terms);
                    for update in self.set.clone().unwrap_or_default() {
                        self.deploy(update, group, *terms);
                    }
                }
                can
            }
            Change::WithdrawSet(group) => {
                let ended = match self.exists(group) && self.set.is_some() {
                    true => self.deployments.remove(group),
                    false => None,
                };
                for update in self.set.clone().unwrap_or_default() {
                    if ended.is_some() {
                        self.take_back(update, group);
                    }
                }
                ended.is_some()
            }
        }
    }

    /// What a computer has to have cached: revisions, and what it was told of them.
    pub(super) fn offered(&self, computer: usize, now: i64) -> BTreeMap<u32, Offer> {
        let updates = self.updates.iter().filter(|(update, _)| !self.declined.contains(*update));
        let told = |(update, number): (&u128, &u32)| (*number, self.offer(computer, *update, now));
        updates.map(told).collect()
    }

    fn offer(&self, computer: usize, update: u128, now: i64) -> Offer {
        let mut memberships: Vec<String> = self.computers[computer].iter().cloned().collect();
        if memberships.is_empty() {
            memberships.push(UNASSIGNED.to_owned());
        }
        let mut best: Option<(usize, Terms)> = None;
        for member in memberships {
            let way = self.way(&member);
            for (below, group) in way.iter().enumerate() {
                let depth = way.len() - below;
                let Some(terms) = self.decisions.get(&(update, group.clone())) else { continue };
                let is_live = terms.go_live.is_none_or(|at| at <= now);
                if !is_live || terms.action == Withdrawn {
                    continue;
                }
                if best.is_none_or(|best| overrides((depth, *terms), best)) {
                    best = Some((depth, *terms));
                }
            }
        }
        let check = || ("PreDeploymentCheck".to_owned(), None);
        let Some((_, terms)) = best else { return check() };
        let deadline = terms.deadline.map(|deadline| instant(deadline.at));
        match terms.action {
            Install => ("Install".into(), deadline),
            Optional => ("OptionalInstall".into(), None),
            Uninstall => ("Uninstall".into(), deadline),
            _ => check(),
        }
    }

    fn approve(&mut self, update: u128, group: &str, terms: Terms) {
        // Taking a decline back takes all back that was decided before it.
        self.declined.remove(&update);
        self.decisions.insert((update, group.to_owned()), terms);
        self.of_set.remove(&(update, group.to_owned()));
    }

    /// As the update group does: what is declined stays so.
    fn deploy(&mut self, update: u128, group: &str, terms: Terms) {
        if !self.declined.contains(&update) {
            self.approve(update, group, terms);
            self.of_set.insert((update, group.to_owned()));
        }
    }

    /// Takes back what the update group approved, unless somebody decided since.
    fn take_back(&mut self, update: u128, group: &str) {
        let key = (update, group.to_owned());
        if !self.declined.contains(&update) && self.of_set.remove(&key) {
            self.decisions.insert(key, Withdrawn.into());
        }
    }

    fn delete_group(&mut self, name: &str) -> bool {
        let above = self.parents.remove(name).unwrap_or_default();
        self.parents.values_mut().filter(|it| *it == name).for_each(|it| it.clone_from(&above));
        self.computers.iter_mut().for_each(|groups| groups.retain(|group| group != name));
        self.decisions.retain(|(_, group), _| group != name);
        self.of_set.retain(|(_, group)| group != name);
        self.deployments.remove(name);
        true
    }

    /// The groups from one up to All Computers.
    fn way(&self, group: &str) -> Vec<String> {
        let mut way = vec![group.to_owned()];
        while let Some(parent) = self.parents.get(&way[way.len() - 1]) {
            way.push(parent.clone());
        }
        way
    }

    fn exists(&self, group: &str) -> bool {
        group == ALL || self.parents.contains_key(group)
    }

    fn is_own(&self, group: &str) -> bool {
        group != UNASSIGNED && self.parents.contains_key(group)
    }

    /// Whether groups may stand below it.
    fn can_hold(&self, group: &str) -> bool {
        group == ALL || self.is_own(group)
    }
}

/// What does nothing cannot begin later, and nothing has to be done before it begins.
fn is_sensible(terms: &Terms) -> bool {
    let acts = matches!(terms.action, Install | Optional | Uninstall);
    let early = terms.deadline.zip(terms.go_live).is_some_and(|(by, from)| by.at < from);
    (acts || terms.go_live.is_none()) && !early
}

/// What was to go live meanwhile does so at once.
fn at_once(terms: Terms, now: i64) -> Terms {
    Terms { go_live: terms.go_live.filter(|at| *at > now), ..terms }
}

/// The order of WSUS: deeper group, install over uninstall, required over optional, with a deadline
/// over without, earlier deadline.
fn overrides(one: (usize, Terms), other: (usize, Terms)) -> bool {
    let rank = |action: ApprovalAction| match action {
        Install => 0,
        Optional => 1,
        Uninstall => 2,
        Block | NotApproved | Withdrawn => 3,
    };
    if one.0 != other.0 {
        return one.0 > other.0;
    }
    if rank(one.1.action) != rank(other.1.action) {
        return rank(one.1.action) < rank(other.1.action);
    }
    match (one.1.deadline, other.1.deadline) {
        (Some(one), Some(other)) => one.at < other.at,
        (one, other) => one.is_some() && other.is_none(),
    }
}
