//! Target groups and the computers in them.

use std::collections::BTreeSet;

use super::catalogue::Id;
use super::model::Model;

pub(super) const ALL: &str = "All Computers";
pub(super) const UNASSIGNED: &str = "Unassigned Computers";
pub(super) const DOWNSTREAM: &str = "Downstream Servers";

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: String,
    /// The key of the group above.
    pub(super) parent: Option<u32>,
    /// Minutes that its clocks are ahead of UTC.
    pub(super) clock: Option<i64>,
    /// The server's own name for it, which says whose clock counts of two equally deep ones.
    pub(super) id: Id,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Computer {
    /// Where administrators put it.
    pub(super) assigned: BTreeSet<u32>,
    /// The groups that its own policy names.
    pub(super) asks: Vec<String>,
}

impl Model {
    /// Deletes a group, unless others are below it and nobody said what becomes of them.
    pub(super) fn delete_group(&mut self, key: u32, children: &str, members: &str) -> Option<()> {
        let above = self.groups[&key].parent;
        let below: Vec<u32> = self.groups.keys().copied().collect();
        let below: Vec<u32> =
            below.into_iter().filter(|it| *it != key && self.way(*it).contains(&key)).collect();
        let mut doomed = vec![key];
        match children {
            "refuse" if !below.is_empty() => return None,
            "delete" => doomed.extend(below),
            _ => {
                let children = self.groups.values_mut().filter(|it| it.parent == Some(key));
                children.for_each(|child| child.parent = above);
            }
        }
        let refuge = above.filter(|above| members == "move_up" && *above != 0);
        for computer in &mut self.computers {
            let before = computer.assigned.len();
            computer.assigned.retain(|group| !doomed.contains(group));
            if computer.assigned.len() < before {
                computer.assigned.extend(refuge);
            }
        }
        self.groups.retain(|group, _| !doomed.contains(group));
        self.decisions.retain(|(_, group), _| !doomed.contains(group));
        for group in self.update_groups.values_mut() {
            group.deployments.retain(|target, _| !doomed.contains(target));
        }
        for rule in self.rules.values_mut() {
            rule.targets.retain(|target| !doomed.contains(&target.group));
        }
        Some(())
    }

    pub(super) fn group(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|(_, it)| it.name == name).map(|(key, _)| *key)
    }

    /// A group that is not built in.
    pub(super) fn own_group(&self, name: &str) -> Option<u32> {
        self.group(name).filter(|key| *key > 1)
    }

    /// A group that may have others below it.
    pub(super) fn parent(&self, name: &str) -> Option<Option<u32>> {
        self.group(name).filter(|key| *key != 1).map(Some)
    }

    /// A group and those above it.
    pub(super) fn way(&self, group: u32) -> Vec<u32> {
        let mut way = vec![group];
        while let Some(above) = self.groups[&way[way.len() - 1]].parent {
            way.push(above);
        }
        way
    }
}
