//! The tree of target groups: what is above a group counts for its computers too.
//!
//! The writer keeps it a tree. All walks are bounded all the same: groups of a replica come from
//! another server.

use std::collections::BTreeMap;
use std::hash::Hasher;

use uuid::Uuid;

use super::Policy;
use super::target_group::{
    ALL_COMPUTERS, DOWNSTREAM_SERVERS, Fnv, GroupError, TargetGroup, UNASSIGNED_COMPUTERS,
};

/// Most groups on the way from the top to any group. WSUS draws no line; twice what anybody was
/// seen to use.
pub const MAX_DEPTH: usize = 32;

/// The groups whose decisions count for a set of groups: those and all above them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// How deep each lies, 0 at the top.
    depths: BTreeMap<Uuid, usize>,
    /// Minutes that clocks are ahead of UTC.
    utc_offset: i16,
}

impl Lineage {
    /// How deep a group of the lineage lies; none if it does not count.
    pub fn depth(&self, group: Uuid) -> Option<usize> {
        self.depths.get(&group).copied()
    }

    /// Minutes by which the computers' clocks are ahead of UTC, as the deepest group says that says
    /// so.
    pub fn utc_offset(&self) -> i16 {
        self.utc_offset
    }

    /// A number that differs when anything in the lineage differs, for cookies.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for (group, depth) in &self.depths {
            hash.write(group.as_bytes());
            hash.write(&[u8::try_from(*depth).unwrap_or(u8::MAX)]);
        }
        hash.write_i16(self.utc_offset);
        hash.finish()
    }
}

impl Policy {
    /// The groups above a group, the nearest first.
    pub fn ancestors(&self, group: Uuid) -> impl Iterator<Item = &TargetGroup> {
        let above = |group: &TargetGroup| self.groups.get(&group.parent?);
        let first = self.groups.get(&group).and_then(above);
        std::iter::successors(first, move |group| above(group)).take(MAX_DEPTH)
    }

    /// The groups directly below a group, by name.
    pub fn children(&self, group: Uuid) -> Vec<&TargetGroup> {
        let below = self.groups.values().filter(|other| other.parent == Some(group));
        let mut below: Vec<&TargetGroup> = below.collect();
        below.sort_by_key(|group| (!group.is_built_in(), group.name.to_lowercase()));
        below
    }

    /// A group and everything below it, from the top down.
    pub fn subtree(&self, group: Uuid) -> Vec<Uuid> {
        let mut found = vec![group];
        let mut next = 0;
        while let Some(group) = found.get(next).copied() {
            next += 1;
            let below = self.children(group).into_iter().map(|child| child.id);
            let below: Vec<Uuid> = below.filter(|id| !found.contains(id)).collect();
            found.extend(below);
        }
        found
    }

    /// A group's name with those above it, for people: `All Computers / Office / Pilot`.
    pub fn path(&self, group: Uuid) -> String {
        let own = self.groups.get(&group).map_or("", |group| &group.name);
        self.ancestors(group).fold(own.to_owned(), |path, above| format!("{} / {path}", above.name))
    }

    /// What counts for computers in `groups` (see [`effective`](super::target_group::effective)).
    pub fn lineage(&self, groups: &[Uuid]) -> Lineage {
        let mut depths = BTreeMap::from([(ALL_COMPUTERS, 0)]);
        let mut offset = None;
        for group in groups {
            let above: Vec<&TargetGroup> = self.ancestors(*group).collect();
            let members = self.groups.get(group).into_iter().chain(above.iter().copied());
            for (member, depth) in members.zip((0..=above.len()).rev()) {
                depths.insert(member.id, depth);
                // The deepest says it; between equals the id decides, so that it stays the same.
                let says = member.utc_offset.map(|minutes| (depth, member.id, minutes));
                offset = offset.max(says);
            }
        }
        Lineage { depths, utc_offset: offset.map_or(0, |(_, _, minutes)| minutes) }
    }

    /// Whether `group` may be below `parent`. A group that does not exist yet has nothing below it.
    ///
    /// # Errors
    /// When it would be above itself, too deep, or below a group that has none below it.
    pub fn check_parent(&self, group: &TargetGroup, parent: Uuid) -> Result<(), GroupError> {
        let name = |id: Uuid| self.groups.get(&id).map_or_else(String::new, |it| it.name.clone());
        if matches!(parent, UNASSIGNED_COMPUTERS | DOWNSTREAM_SERVERS) {
            return Err(GroupError::NoParent(name(parent)));
        }
        let above = self.ancestors(parent).map(|group| group.id).chain([parent]);
        if above.into_iter().any(|id| id == group.id) {
            return Err(GroupError::Circular { group: group.name.clone(), parent: name(parent) });
        }
        let depth_of = |id| self.ancestors(id).count();
        let own = depth_of(group.id);
        let below = self.subtree(group.id).into_iter().map(depth_of).max().unwrap_or(own);
        let height = below.saturating_sub(own);
        match depth_of(parent) + 1 + height < MAX_DEPTH {
            true => Ok(()),
            false => Err(GroupError::TooDeep(MAX_DEPTH)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Groups 1 below All Computers, 2 below 1, 3 below 2, and 4 beside 1.
    fn policy() -> Policy {
        let mut policy = Policy::undecided();
        for (number, parent) in [(1, None), (2, Some(1)), (3, Some(2)), (4, None)] {
            let group = TargetGroup::new(id(number), format!("{number}"), parent.map(id));
            policy.groups.insert(group.id, group);
        }
        policy
    }

    #[test]
    fn a_lineage_is_the_groups_and_all_above_with_their_depths() {
        let mut policy = policy();
        let lineage = policy.lineage(&[id(3), id(4)]);
        let depths = [ALL_COMPUTERS, id(1), id(2), id(3), id(4)].map(|id| lineage.depth(id));
        assert_eq!(depths, [Some(0), Some(1), Some(2), Some(3), Some(1)]);
        assert_eq!(lineage.depth(UNASSIGNED_COMPUTERS), None);
        assert_eq!(policy.lineage(&[UNASSIGNED_COMPUTERS]).depth(UNASSIGNED_COMPUTERS), Some(1));
        assert_eq!(policy.path(id(3)), "All Computers / 1 / 2 / 3");
        let before = policy.lineage(&[id(2)]).fingerprint();
        policy.groups.get_mut(&id(1)).expect("a group").parent = Some(id(4));
        assert_ne!(policy.lineage(&[id(2)]).fingerprint(), before, "it was moved from above");
    }

    #[test]
    fn the_deepest_group_that_says_so_sets_the_clock() {
        let mut policy = policy();
        let mut offset = |number, minutes| {
            policy.groups.get_mut(&id(number)).expect("a group").utc_offset = Some(minutes);
            policy.lineage(&[id(3), id(4)]).utc_offset()
        };
        assert_eq!(offset(4, -60), -60);
        assert_eq!(offset(2, 120), 120);
        assert_eq!(offset(1, 30), 120);
    }

    #[test]
    fn nothing_is_above_itself_or_below_what_has_no_place_for_it() {
        let policy = policy();
        let check = |group: u128, parent| policy.check_parent(&policy.groups[&id(group)], parent);
        assert_eq!(check(3, id(4)), Ok(()));
        assert_eq!(check(2, ALL_COMPUTERS), Ok(()));
        for parent in [1, 2, 3] {
            assert!(matches!(check(1, id(parent)), Err(GroupError::Circular { .. })), "{parent}");
        }
        assert!(matches!(check(1, UNASSIGNED_COMPUTERS), Err(GroupError::NoParent(_))));
        assert!(matches!(check(1, DOWNSTREAM_SERVERS), Err(GroupError::NoParent(_))));
        assert_eq!(policy.subtree(id(1)), [id(1), id(2), id(3)]);
    }

    #[test]
    fn a_tree_is_only_so_deep_also_when_a_branch_moves() {
        let mut policy = Policy::undecided();
        for number in 1..MAX_DEPTH as u128 {
            let parent = Some(id(number - 1)).filter(|_| number > 1);
            let group = TargetGroup::new(id(number), format!("{number}"), parent);
            policy.check_parent(&group, group.parent.expect("a parent")).expect("deep enough");
            policy.groups.insert(group.id, group);
        }
        let deepest = id(MAX_DEPTH as u128 - 1);
        let more = TargetGroup::new(id(99), "more", None);
        assert_eq!(policy.check_parent(&more, deepest), Err(GroupError::TooDeep(MAX_DEPTH)));
        policy.groups.insert(id(99), more);
        let branch = policy.groups[&id(1)].clone();
        assert_eq!(policy.check_parent(&branch, id(99)), Err(GroupError::TooDeep(MAX_DEPTH)));
    }

    #[test]
    fn a_circle_from_elsewhere_ends_every_walk() {
        let mut policy = policy();
        policy.groups.get_mut(&id(1)).expect("a group").parent = Some(id(3));
        assert_eq!(policy.ancestors(id(1)).count(), MAX_DEPTH);
        assert_eq!(policy.subtree(id(1)).len(), 3);
        assert!(policy.lineage(&[id(2)]).depth(id(3)).is_some());
    }
}
