//! How rules compare a fact with a value (`ScalarComparison` and `StringComparison`).

use std::cmp::Ordering;

use crate::fleet::profile::Version;

/// `ScalarComparison`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    LessThan,
    LessThanOrEqualTo,
    EqualTo,
    GreaterThanOrEqualTo,
    GreaterThan,
}

/// `StringComparison`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextComparison {
    EqualTo,
    BeginsWith,
    Contains,
    EndsWith,
}

/// A value that has neighbours.
pub(super) trait Step: Copy + Ord {
    /// The next greater one.
    fn next(self) -> Option<Self>;
    /// The next lesser one.
    fn previous(self) -> Option<Self>;
}

impl Comparison {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "LessThan" => Self::LessThan,
            // Patch metadata leaves out the `To`.
            "LessThanOrEqualTo" | "LessThanOrEqual" => Self::LessThanOrEqualTo,
            "EqualTo" | "Equal" => Self::EqualTo,
            "GreaterThanOrEqualTo" | "GreaterThanOrEqual" => Self::GreaterThanOrEqualTo,
            "GreaterThan" => Self::GreaterThan,
            _ => return None,
        })
    }

    /// Whether a fact that stands so to the rule's value satisfies it.
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::LessThan => order.is_lt(),
            Self::LessThanOrEqualTo => order.is_le(),
            Self::EqualTo => order.is_eq(),
            Self::GreaterThanOrEqualTo => order.is_ge(),
            Self::GreaterThan => order.is_gt(),
        }
    }

    /// The value next to the rule's that satisfies it.
    pub(super) fn witness<T: Step>(self, value: T) -> Option<T> {
        match self {
            Self::LessThan => value.previous(),
            Self::GreaterThan => value.next(),
            _ => Some(value),
        }
    }
}

impl TextComparison {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "EqualTo" => Self::EqualTo,
            "BeginsWith" => Self::BeginsWith,
            "Contains" => Self::Contains,
            "EndsWith" => Self::EndsWith,
            _ => return None,
        })
    }

    /// Whether `fact` satisfies a rule whose value, in lower case, is `value`.
    pub(super) fn holds(self, fact: &str, value: &str) -> bool {
        let fact = fact.to_lowercase();
        match self {
            Self::EqualTo => fact == value,
            Self::BeginsWith => fact.starts_with(value),
            Self::Contains => fact.contains(value),
            Self::EndsWith => fact.ends_with(value),
        }
    }
}

impl Step for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Step for u64 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Step for i64 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// Parts of Windows' versions have 16 bits.
impl Step for Version {
    fn next(self) -> Option<Self> {
        let mut parts = self.0;
        for part in parts.iter_mut().rev() {
            if *part < 0xffff {
                *part += 1;
                return Some(Self(parts));
            }
            *part = 0;
        }
        None
    }

    fn previous(self) -> Option<Self> {
        let mut parts = self.0;
        for part in parts.iter_mut().rev() {
            if *part > 0 {
                *part -= 1;
                return Some(Self(parts));
            }
            *part = 0xffff;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witnesses_satisfy_their_comparison() {
        let names =
            ["LessThan", "LessThanOrEqualTo", "EqualTo", "GreaterThanOrEqualTo", "GreaterThan"];
        for comparison in names.map(|name| Comparison::named(name).unwrap()) {
            for parts in [[0, 0, 0, 1], [1, 0, 0, 0], [5, 0xffff, 0xffff, 0xffff], [6, 3, 2, 1]] {
                let version = Version(parts);
                let witness = comparison.witness(version).unwrap();
                assert!(comparison.holds(witness.cmp(&version)), "{comparison:?} {version}");
            }
        }
        assert_eq!(Comparison::LessThan.witness(Version::default()), None);
        assert_eq!(Comparison::LessThan.witness(0_u32), None);
        assert_eq!(Comparison::GreaterThan.witness(u32::MAX), None);
        assert_eq!(Version([1, 0, 0, 0]).previous(), Some(Version([0, 0xffff, 0xffff, 0xffff])));
    }

    #[test]
    fn texts_are_compared_without_regard_to_case() {
        let holds = |name| TextComparison::named(name).unwrap().holds("Windows NT", "windows nt");
        assert!(["EqualTo", "BeginsWith", "Contains", "EndsWith"].into_iter().all(holds));
        assert!(TextComparison::Contains.holds("xABCx", "abc"));
        assert!(!TextComparison::EndsWith.holds("ABCx", "abc"));
    }
}
