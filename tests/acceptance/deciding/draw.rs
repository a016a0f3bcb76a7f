//! Any change: mostly what is possible, and sometimes what has to be refused.

use std::collections::BTreeSet;

use super::COMPUTERS;
use super::catalogue::Id;
use super::changes::Change;
use super::dice::{Dice, GROUPS, RULES, TAGS};
use super::model::Model;
use super::world::{UPDATE_GROUPS, World};

impl Change {
    /// Any change; `now` is its time.
    pub(super) fn any(dice: &mut Dice, model: &Model, world: &World, now: i64) -> Self {
        loop {
            let change = Self::draw(dice, model, world, now);
            if !change.is_left_out(model, now) {
                return change;
            }
        }
    }

    fn draw(dice: &mut Dice, model: &Model, world: &World, now: i64) -> Self {
        let update = dice.pick(&world.decidable);
        let computer = dice.roll(COMPUTERS);
        let groups = |dice: &mut Dice| (0..dice.roll(4)).map(|_| dice.group(model)).collect();
        match dice.roll(100) {
            0..=3 => Self::CreateGroup { name: dice.group_name(), parent: dice.group(model) },
            4..=7 => Self::MoveGroup { name: dice.group(model), parent: dice.group(model) },
            8 | 9 => Self::RenameGroup { name: dice.group(model), new_name: dice.group_name() },
            10..=12 => {
                let minutes = dice.pick(&[None, Some(330), Some(-480), Some(30)]);
                Self::SetClock { name: dice.group(model), minutes }
            }
            13 | 14 => Self::DeleteGroup {
                name: dice.group(model),
                children: dice.pick(&["refuse", "move_up", "move_up", "delete"]),
                members: dice.pick(&["release", "move_up"]),
            },
            15..=20 => Self::MoveComputer { computer, groups: groups(dice) },
            21 | 22 => {
                // The last computers ask, the others do not.
                let computer = COMPUTERS - 1 - dice.roll(2);
                let mut asks: Vec<String> =
                    dice.some(&GROUPS.map(str::to_owned), 3).into_iter().collect();
                asks.extend(dice.one_in(3).then(|| "Nowhere".to_owned()));
                Self::AskFor { computer, groups: asks }
            }
            23..=48 => {
                let mut update = update;
                if dice.one_in(30) {
                    update = dice.pick(&world.categories);
                }
                Self::Approve { update, group: dice.group(model), terms: dice.terms(now, false) }
            }
            49..=53 => Self::Decline { update },
            54 | 55 => Self::AcceptLicence { update },
            56 | 57 if !world.files.is_empty() => {
                let (sha1, path) = dice.pick(&world.files);
                Self::AddFile { sha1, path }
            }
            58..=61 => {
                let update = dice.pick(&world.revised);
                let expired = dice.one_in(3);
                let latest = model.catalogue.latest(&update).expect("an update");
                Self::Import { text: latest.next(expired) }
            }
            62..=64 => Self::Tag { update, tags: dice.some(&TAGS.map(str::to_owned), 2) },
            65 => Self::CreateUpdateGroup { name: dice.pick(&UPDATE_GROUPS).to_owned() },
            66..=74 => Self::update_group(dice, model, world, now),
            75..=77 => {
                let (name, rule) = (dice.pick(&RULES).to_owned(), dice.rule(model, world, now));
                Self::PutRule { name, rule }
            }
            78 => Self::RemoveRule { name: dice.pick(&RULES).to_owned() },
            79..=84 => Self::RunRule { name: dice.pick(&RULES).to_owned() },
            85..=93 if model.can_undo() => Self::Undo,
            94..=96 => Self::InstallByHand { computer, update: dice.pick(&world.required) },
            97 if dice.one_in(5) => Self::Restart,
            _ => Self::Approve { update, group: dice.group(model), terms: dice.terms(now, false) },
        }
    }

    fn update_group(dice: &mut Dice, model: &Model, world: &World, now: i64) -> Self {
        let name = dice.pick(&UPDATE_GROUPS).to_owned();
        let group = model.update_groups.get(&name).cloned().unwrap_or_default();
        let members: Vec<Id> = group.updates.iter().cloned().collect();
        let targets: Vec<u32> = group.deployments.keys().copied().collect();
        match dice.roll(12) {
            0 => Self::DeleteUpdateGroup { name },
            1..=4 => {
                let add = dice.some(&world.decidable, 3);
                Self::EditUpdateGroup { name, add, remove: BTreeSet::new() }
            }
            5 | 6 if !members.is_empty() => {
                let remove = dice.some(&members, 2);
                Self::EditUpdateGroup { name, add: BTreeSet::new(), remove }
            }
            7 | 8 if !targets.is_empty() => {
                let target = dice.pick(&targets);
                Self::Withdraw { name, group: model.groups[&target].name.clone() }
            }
            _ => {
                let terms = dice.terms(now, true);
                let (group, enabled) = (dice.group(model), !dice.one_in(6));
                Self::Deploy { name, group, terms, enabled }
            }
        }
    }

    /// What is not tried here.
    fn is_left_out(&self, model: &Model, now: i64) -> bool {
        // Undecided by what is written down: whether deploying an update group takes declines back.
        let is_declined = |updates: &BTreeSet<Id>| !updates.is_disjoint(&model.declined);
        let offers_declined = match self {
            Self::Deploy { name, .. } => {
                model.update_groups.get(name).is_some_and(|group| is_declined(&group.updates))
            }
            Self::EditUpdateGroup { add, .. } => is_declined(add),
            _ => false,
        };
        let mut then = model.clone();
        then.apply(self, now);
        // So is whose a decision is that an update group and somebody else made alike.
        offers_declined || then.is_ambiguous()
    }
}
