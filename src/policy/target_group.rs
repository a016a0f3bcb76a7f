//! Target groups ([MS-WUSP] 3.1.1 TargetGroup Table) and who belongs to which.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

/// The group every computer belongs to; the same id on every WSUS.
pub const ALL_COMPUTERS: Uuid = uuid!("a0a08746-4dbe-4a37-9adf-9e7652c0b421");
/// The group of computers that belong to no other; the same id on every WSUS.
pub const UNASSIGNED_COMPUTERS: Uuid = uuid!("b73ca6ed-5727-47f3-84de-015e03f6a88a");

/// A named set of computers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Identity, also towards downstream servers.
    pub id: Uuid,
    /// Unique without regard to case.
    pub name: String,
}

/// Why a group name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupNameError {
    /// Empty, or longer than 256 characters.
    #[error("a group name has 1 to 256 characters")]
    Length,
    /// A character that separates names in policy or cannot be shown.
    #[error("a group name may not contain '{0}'")]
    Character(char),
    /// Another group has it.
    #[error("a group named '{0}' exists already")]
    Taken(String),
}

impl TargetGroup {
    /// The two groups that always exist.
    pub fn built_in() -> [Self; 2] {
        [
            Self { id: ALL_COMPUTERS, name: "All Computers".into() },
            Self { id: UNASSIGNED_COMPUTERS, name: "Unassigned Computers".into() },
        ]
    }

    /// Whether this is one of the two groups that always exist.
    pub fn is_built_in(&self) -> bool {
        matches!(self.id, ALL_COMPUTERS | UNASSIGNED_COMPUTERS)
    }
}

/// Checks a name for a new group. `;` separates the groups a client asks for, so no name has one.
pub fn check_name(name: &str) -> Result<String, GroupNameError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 256 {
        return Err(GroupNameError::Length);
    }
    match name.chars().find(|c| *c == ';' || c.is_control()) {
        Some(character) => Err(GroupNameError::Character(character)),
        None => Ok(name.to_owned()),
    }
}

/// The groups whose approvals count for a computer with the explicit memberships `assigned`:
/// those, or Unassigned Computers when there are none. All Computers is above all of them.
pub fn effective(assigned: &[Uuid]) -> Vec<Uuid> {
    if assigned.is_empty() {
        return vec![UNASSIGNED_COMPUTERS];
    }
    let mut groups = assigned.to_vec();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// A number that differs when the effective groups differ, for cookies: FNV-1a, which is stable
/// across builds and needs no secret because the cookie is authenticated.
pub fn fingerprint(groups: &[Uuid]) -> u64 {
    groups.iter().flat_map(|group| group.as_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_checked() {
        assert_eq!(check_name("  Pilot "), Ok("Pilot".into()));
        assert_eq!(check_name(" "), Err(GroupNameError::Length));
        assert_eq!(check_name("a;b"), Err(GroupNameError::Character(';')));
        assert_eq!(check_name(&"x".repeat(257)), Err(GroupNameError::Length));
    }

    #[test]
    fn a_computer_without_groups_is_unassigned() {
        assert_eq!(effective(&[]), [UNASSIGNED_COMPUTERS]);
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(effective(&[b, a, b]), [a, b]);
        assert_ne!(fingerprint(&[a]), fingerprint(&[b]));
    }
}
