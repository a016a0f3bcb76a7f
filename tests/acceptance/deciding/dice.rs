//! Names, terms and rules by chance, the same for one seed.

use std::collections::BTreeSet;

use super::decisions::{Action, Deadline, Terms};
use super::groups::{ALL, DOWNSTREAM, UNASSIGNED};
use super::model::Model;
use super::rules::{Rule, Target};
use super::world::World;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Names of target groups, of which some exist at any time.
pub(super) const GROUPS: [&str; 10] =
    ["Servers", "Web", "Front", "Office", "Floor 1", "Floor 2", "Kiosks", "Pilot", "Late", "Lab"];
pub(super) const RULES: [&str; 2] = ["Critical", "Tagged"];
pub(super) const TAGS: [&str; 2] = ["urgent", "later"];

/// Numbers without a pattern, the same for one seed (xorshift).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    pub(super) fn some<T: Clone + Ord>(&mut self, from: &[T], most: usize) -> BTreeSet<T> {
        (0..self.roll(most + 1)).map(|_| self.pick(from)).collect()
    }

    pub(super) fn group_name(&mut self) -> String {
        self.pick(&GROUPS).to_owned()
    }

    /// Mostly a group that exists.
    pub(super) fn group(&mut self, model: &Model) -> String {
        match self.roll(20) {
            0 => self.group_name(),
            1 => DOWNSTREAM.to_owned(),
            2 | 3 => ALL.to_owned(),
            4 => UNASSIGNED.to_owned(),
            _ => {
                let names: Vec<&String> = model.groups.values().map(|group| &group.name).collect();
                self.pick(&names).clone()
            }
        }
    }

    fn action(&mut self) -> Action {
        use Action::{Block, Install, None, NotApproved, Optional, Uninstall};
        let often = [Install, Install, Optional, Uninstall, None];
        match self.roll(6) {
            0 => self.pick(&[Block, NotApproved]),
            _ => self.pick(&often),
        }
    }

    /// Terms of a decision at `now`; what is decided for good has no deadline that passes meanwhile.
    pub(super) fn terms(&mut self, now: i64, for_good: bool) -> Terms {
        let action = self.action();
        let acts = matches!(action, Action::Install | Action::Uninstall);
        let has_deadline = if acts { self.one_in(2) } else { self.one_in(20) };
        let soon = (now / HOUR + 24) * HOUR;
        let deadline = has_deadline.then(|| match self.roll(8) {
            0 if !for_good => Deadline { at: now, local: false, spread: 0 },
            1 if !for_good => Deadline { at: now - HOUR, local: false, spread: 0 },
            _ => Deadline {
                // Few, so that they meet; and a clock's difference apart.
                at: soon + self.roll(5) as i64 * HOUR / 2,
                local: self.one_in(3),
                spread: self.pick(&[0, 0, 0, 1800]),
            },
        });
        let waits = if action == Action::Optional || acts { 6 } else { 30 };
        let go_live = self.one_in(waits).then(|| now + self.pick(&[-5, 8, 8, 3 * HOUR, 3 * DAY]));
        Terms { action, deadline, go_live, priority: self.pick(&[1, 2, 2, 2, 3]) }
    }

    pub(super) fn rule(&mut self, model: &Model, world: &World, now: i64) -> Rule {
        let mut rule = Rule { cap: self.pick(&[3, 8, 1000]), ..Rule::default() };
        let title = self.pick(&world.decidable);
        let title = model.catalogue.latest(&title).and_then(|it| it.titles.first().cloned());
        match self.roll(6) {
            0 => rule.title = title.map(|it| it.chars().take(self.pick(&[7, 30, 200])).collect()),
            1 => rule.severity = Some(self.pick(&["Critical", "Important", "Low"]).to_owned()),
            2 => rule.classification = Some(self.pick(&world.categories)),
            3 | 4 => rule.tag = Some(self.pick(&TAGS).to_owned()),
            _ => {}
        }
        if self.one_in(3) {
            rule.superseded = Some(self.one_in(3));
        }
        let keys: Vec<u32> = model.groups.keys().copied().collect();
        rule.targets = self
            .some(&keys, 2)
            .into_iter()
            .map(|group| {
                let Terms { action, deadline, priority, .. } = self.terms(now, true);
                let deadline_after = deadline.map(|_| (2 + self.roll(3) as i64) * DAY + 137);
                Target {
                    group,
                    action,
                    deadline_after,
                    available_after: if self.one_in(8) { 2 * HOUR } else { 0 },
                    priority,
                }
            })
            .collect();
        rule
    }
}
