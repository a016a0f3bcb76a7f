//! Target groups ([MS-WSUSSS] 3.1.1 TargetGroup Table) and who belongs to which.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

/// The group every computer belongs to; the same id on every WSUS.
pub const ALL_COMPUTERS: Uuid = uuid!("a0a08746-4dbe-4a37-9adf-9e7652c0b421");
/// The group of computers that belong to no other; the same id on every WSUS.
pub const UNASSIGNED_COMPUTERS: Uuid = uuid!("b73ca6ed-5727-47f3-84de-015e03f6a88a");
/// The group of servers that synchronise from this one; the same id on every WSUS. No computer is
/// in it, and it stands beside All Computers, not below.
pub const DOWNSTREAM_SERVERS: Uuid = uuid!("d374f42a-9be2-4163-a0fa-3c86a401b7a7");

/// A named set of computers, with a place in the tree of groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Identity, also towards downstream servers.
    pub id: Uuid,
    /// Unique without regard to case.
    pub name: String,
    /// The group above it, whose decisions hold here too unless this one decides otherwise; none at
    /// the top.
    pub parent: Option<Uuid>,
    /// Minutes by which its computers' clocks are ahead of UTC, for deadlines in their own time; none
    /// to go by the group above. The protocol does not tell a server of a computer's time zone.
    pub utc_offset: Option<i16>,
}

/// Why a group cannot be what it was asked to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// A name is empty, or longer than 256 characters.
    #[error("a group name has 1 to 256 characters")]
    Length,
    /// A character that separates names in policy or cannot be shown.
    #[error("a group name may not contain '{0}'")]
    Character(char),
    /// Another group has the name.
    #[error("a group named '{0}' exists already")]
    Taken(String),
    /// It is there on every server.
    #[error("'{0}' is built in")]
    BuiltIn(String),
    /// Only All Computers, among the groups that are built in, has others below it.
    #[error("no group can be below '{0}'")]
    NoParent(String),
    /// It would be above itself.
    #[error("'{group}' cannot be moved below '{parent}', which is below it or is itself")]
    Circular {
        /// What was to move.
        group: String,
        /// Where to.
        parent: String,
    },
    /// Deeper than anybody can oversee.
    #[error("groups are at most {0} levels deep")]
    TooDeep(usize),
    /// Somebody has to say what becomes of the groups below.
    #[error("'{0}' has groups below it; say whether they move up or go too")]
    HasChildren(String),
    /// An offset that no time zone has.
    #[error("clocks are at most 14 hours from UTC")]
    Offset,
}

impl TargetGroup {
    /// A group below `parent`, or below All Computers.
    pub fn new(id: Uuid, name: impl Into<String>, parent: Option<Uuid>) -> Self {
        let parent = Some(parent.unwrap_or(ALL_COMPUTERS));
        Self { id, name: name.into(), parent, utc_offset: None }
    }

    /// The groups that always exist.
    pub fn built_in() -> [Self; 3] {
        let top = |id, name: &str| Self { parent: None, ..Self::new(id, name, None) };
        [
            top(ALL_COMPUTERS, "All Computers"),
            Self::new(UNASSIGNED_COMPUTERS, "Unassigned Computers", None),
            top(DOWNSTREAM_SERVERS, "Downstream Servers"),
        ]
    }

    /// Whether this is one of the groups that always exist.
    pub fn is_built_in(&self) -> bool {
        matches!(self.id, ALL_COMPUTERS | UNASSIGNED_COMPUTERS | DOWNSTREAM_SERVERS)
    }
}

/// Checks a name for a new group. `;` separates the groups a client asks for, so no name has one.
pub fn check_name(name: &str) -> Result<String, GroupError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 256 {
        return Err(GroupError::Length);
    }
    match name.chars().find(|c| *c == ';' || c.is_control()) {
        Some(character) => Err(GroupError::Character(character)),
        None => Ok(name.to_owned()),
    }
}

/// The groups that a computer with the explicit memberships `assigned` is in: those, or Unassigned
/// Computers when there are none. What is above them counts too: see
/// [`Policy::lineage`](super::Policy::lineage).
pub fn effective(assigned: &[Uuid]) -> Vec<Uuid> {
    if assigned.is_empty() {
        return vec![UNASSIGNED_COMPUTERS];
    }
    let mut groups = assigned.to_vec();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// FNV-1a, for numbers that must stay the same across builds and restarts; needs no secret, as what
/// carries them is authenticated.
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // FNV mixes the last bytes into the low bits only; this spreads them.
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_checked() {
        assert_eq!(check_name("  Pilot "), Ok("Pilot".into()));
        assert_eq!(check_name(" "), Err(GroupError::Length));
        assert_eq!(check_name("a;b"), Err(GroupError::Character(';')));
        assert_eq!(check_name(&"x".repeat(257)), Err(GroupError::Length));
    }

    #[test]
    fn a_computer_without_groups_is_unassigned() {
        assert_eq!(effective(&[]), [UNASSIGNED_COMPUTERS]);
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(effective(&[b, a, b]), [a, b]);
    }
}
