//! What was decided, in plain lists by name, and how each change alters it: the rules of
//! docs/deciding.md as they are written there for administrators. What follows from it for a
//! computer is in [`super::outcome`].

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, Id};
use super::changes::Change;
use super::decisions::{Action, Decision, Terms, Who};
use super::groups::{ALL, Computer, DOWNSTREAM, Group, UNASSIGNED};
use super::rules::Rule;

#[derive(Debug, Clone, Default)]
pub(super) struct UpdateGroup {
    pub(super) updates: BTreeSet<Id>,
    /// By target group: the terms, and whether they count.
    pub(super) deployments: BTreeMap<u32, (Terms, bool)>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) catalogue: Catalogue,
    /// By keys that outlive a name.
    pub(super) groups: BTreeMap<u32, Group>,
    pub(super) computers: Vec<Computer>,
    pub(super) decisions: BTreeMap<(Id, u32), Decision>,
    pub(super) declined: BTreeSet<Id>,
    /// Accepted licences, and files that are here.
    pub(super) licences: BTreeSet<Id>,
    pub(super) files: BTreeSet<String>,
    /// Whether installs wait for their files.
    pub(super) holds: bool,
    pub(super) update_groups: BTreeMap<String, UpdateGroup>,
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) tags: BTreeMap<Id, BTreeSet<String>>,
    next: u64,
    /// The state before the last change, if that can be undone.
    undo: Option<Box<Model>>,
}

impl Model {
    pub(super) fn new(catalogue: Catalogue, computers: usize) -> Self {
        let group = |name: &str, parent| {
            let (name, id) = (name.to_owned(), String::new());
            Group { name, parent, clock: None, id }
        };
        let groups = BTreeMap::from([(0, group(ALL, None)), (1, group(UNASSIGNED, Some(0)))]);
        let computers = vec![Computer::default(); computers];
        Self { catalogue, groups, computers, next: 2, ..Self::default() }
    }

    /// Applies a change that the server took at `now`, unless it has to be refused; says whether it
    /// was applied.
    pub(super) fn apply(&mut self, change: &Change, now: i64) -> bool {
        let undo = self.undo.take();
        let before = change.can_be_undone(self).then(|| Box::new(self.clone()));
        let applied = self.try_to(change, undo, now).is_some();
        if let Some(before) = before.filter(|before| applied && self.differs_from(before)) {
            self.undo = Some(before);
        }
        applied
    }

    fn differs_from(&self, before: &Self) -> bool {
        let made = |model: &Self| model.decisions.values().map(|it| it.made).collect::<Vec<_>>();
        let assigned = |model: &Self| {
            let computers = model.computers.iter();
            computers.map(|computer| computer.assigned.clone()).collect::<Vec<_>>()
        };
        made(self) != made(before)
            || self.declined != before.declined
            || assigned(self) != assigned(before)
    }

    pub(super) fn can_undo(&self) -> bool {
        self.undo.is_some()
    }

    fn try_to(&mut self, change: &Change, undo: Option<Box<Model>>, now: i64) -> Option<()> {
        match change {
            Change::CreateGroup { name, parent } => {
                let parent = self.parent(parent)?;
                (self.group(name).is_none() && name != DOWNSTREAM).then_some(())?;
                let group = Group { name: name.clone(), parent, clock: None, id: String::new() };
                let key = self.number() as u32;
                self.groups.insert(key, group);
            }
            Change::MoveGroup { name, parent } => {
                let (key, parent) = (self.own_group(name)?, self.parent(parent)?);
                (!self.way(parent?).contains(&key)).then_some(())?;
                self.groups.get_mut(&key)?.parent = parent;
            }
            Change::RenameGroup { name, new_name } => {
                let key = self.own_group(name)?;
                let is_free = self.group(new_name).is_none_or(|other| other == key);
                (is_free && new_name != DOWNSTREAM).then_some(())?;
                self.groups.get_mut(&key)?.name.clone_from(new_name);
            }
            // It is a group like any other there, though no computer is in it.
            Change::SetClock { name, .. } if name == DOWNSTREAM => {}
            Change::SetClock { name, minutes } => {
                let key = self.group(name)?;
                self.groups.get_mut(&key)?.clock = *minutes;
            }
            Change::DeleteGroup { name, children, members } => {
                self.delete_group(self.own_group(name)?, children, members)?;
            }
            Change::MoveComputer { computer, groups } => {
                let keys: Option<BTreeSet<u32>> =
                    groups.iter().map(|name| self.group(name)).collect();
                // In those that are built in it is anyway, or not.
                self.computers[*computer].assigned =
                    keys?.into_iter().filter(|key| *key > 1).collect();
            }
            Change::AskFor { computer, groups } => {
                // Who asks no longer is unassigned, until somebody moves it.
                let computer = &mut self.computers[*computer];
                if !(computer.asks.is_empty() && groups.is_empty()) {
                    computer.assigned.clear();
                }
                computer.asks.clone_from(groups);
            }
            Change::Approve { update, group, terms } => {
                let group = self.group(group)?;
                self.can_decide(update)?;
                let terms = terms.checked(now)?;
                self.approve(update, group, terms, Who::Person);
            }
            Change::Decline { update } => {
                self.can_decide(update)?;
                self.decline(update);
            }
            Change::AcceptLicence { update } => {
                let licences = self.catalogue.licences(self.catalogue.latest(update)?);
                (!licences.is_empty()).then_some(())?;
                self.licences.extend(licences);
            }
            Change::AddFile { sha1, .. } => {
                self.files.insert(sha1.clone());
            }
            Change::Import { text } => self.catalogue.add(text.clone()),
            Change::Tag { update, tags } => {
                self.tags.insert(update.clone(), tags.clone());
            }
            Change::CreateUpdateGroup { name } => {
                (!self.update_groups.contains_key(name)).then_some(())?;
                self.update_groups.insert(name.clone(), UpdateGroup::default());
            }
            Change::DeleteUpdateGroup { name } => {
                let group = self.update_groups.get(name)?.clone();
                self.take_back(name, &group.updates, |_| true);
                self.update_groups.remove(name);
            }
            Change::EditUpdateGroup { name, add, remove } => {
                let before = self.update_groups.get(name)?.updates.clone();
                add.iter().try_for_each(|update| self.can_decide(update))?;
                remove.is_subset(&before).then_some(())?;
                self.take_back(name, remove, |_| true);
                let group = self.update_groups.get_mut(name)?;
                group.updates.retain(|update| !remove.contains(update));
                let new: Vec<&Id> = add.iter().filter(|it| !group.updates.contains(*it)).collect();
                group.updates.extend(add.clone());
                for (target, (terms, enabled)) in group.deployments.clone() {
                    for update in new.iter().filter(|_| enabled) {
                        let who = Who::UpdateGroup(name.clone());
                        self.approve(update, target, terms.from(now), who);
                    }
                }
            }
            Change::Deploy { name, group, terms, enabled } => {
                let updates = self.update_groups.get(name)?.updates.clone();
                let target = self.group(group)?;
                let terms = terms.checked(now)?;
                (terms.action != Action::None).then_some(())?;
                if *enabled {
                    for update in &updates {
                        self.approve(update, target, terms, Who::UpdateGroup(name.clone()));
                    }
                } else {
                    self.take_back(name, &updates, |it| it == target);
                }
                let group = self.update_groups.get_mut(name)?;
                group.deployments.insert(target, (terms, *enabled));
            }
            Change::Withdraw { name, group } => {
                let target = self.group(group)?;
                let deployed = self.update_groups.get_mut(name)?;
                deployed.deployments.remove(&target)?;
                let updates = deployed.updates.clone();
                self.take_back(name, &updates, |it| it == target);
            }
            Change::PutRule { name, rule } => {
                self.check_rule(rule)?;
                self.rules.insert(name.clone(), rule.clone());
            }
            Change::RemoveRule { name } => {
                self.rules.remove(name)?;
            }
            Change::RunRule { name } => self.run_rule(name, now)?,
            Change::Undo => self.undo(*undo?, now),
            Change::InstallByHand { .. } | Change::Restart => {}
        }
        Some(())
    }

    /// Decides on an update for a group. Taking a decline back takes nothing back that was decided
    /// before it.
    pub(super) fn approve(&mut self, update: &Id, group: u32, terms: Terms, who: Who) {
        let was_declined = self.declined.remove(update);
        let key = (update.clone(), group);
        let in_force = self.decisions.get(&key).is_some_and(|it| it.terms == terms);
        if in_force && !was_declined {
            return;
        }
        let made = self.number();
        match terms.action {
            Action::None => drop(self.decisions.remove(&key)),
            _ => drop(self.decisions.insert(key, Decision { terms, who, made })),
        }
    }

    fn decline(&mut self, update: &Id) {
        self.declined.insert(update.clone());
        self.decisions.retain(|(decided, _), _| decided != update);
    }

    /// Takes back what an update group approved, unless somebody decided otherwise since.
    fn take_back(&mut self, name: &str, updates: &BTreeSet<Id>, is_target: impl Fn(u32) -> bool) {
        self.decisions.retain(|(update, target), decision| {
            let own = matches!(&decision.who, Who::UpdateGroup(who) if who == name);
            !(own && updates.contains(update) && is_target(*target))
        });
    }

    /// Decides what held before the last change.
    fn undo(&mut self, before: Model, now: i64) {
        let Model { mut decisions, declined, computers, .. } = before;
        let mut again: Vec<_> = decisions.iter_mut().collect();
        again.retain(|(key, old)| self.decisions.get(*key).is_none_or(|it| it.made != old.made));
        again.sort_by_key(|(_, decision)| decision.made);
        for (_, decision) in again {
            decision.made = self.number();
            decision.terms = decision.terms.from(now);
        }
        (self.decisions, self.declined, self.computers) = (decisions, declined, computers);
    }

    /// Whether somebody decided on an update of an update group what the group decides, too. What is
    /// then taken back with the group is not told by what was decided.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.update_groups.iter().any(|(name, group)| {
            let enabled = group.deployments.iter().filter(|(_, (_, enabled))| *enabled);
            enabled.into_iter().any(|(target, (terms, _))| {
                let made = |update: &Id| self.decisions.get(&(update.clone(), *target));
                group.updates.iter().filter_map(made).any(|decision| {
                    let same = decision.terms.action == terms.action
                        && decision.terms.deadline == terms.deadline;
                    same && decision.who != Who::UpdateGroup(name.clone())
                })
            })
        })
    }

    fn can_decide(&self, update: &str) -> Option<()> {
        self.catalogue.latest(update).filter(|it| !it.is_evaluated()).map(drop)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
