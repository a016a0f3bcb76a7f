//! Three-valued logic: what follows when a fact is not known.

use std::ops::Not;

/// Whether a rule holds on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// The profile lacks a fact that decides it, or the rule is of a kind that nobody here knows.
    Unknown,
}

impl Truth {
    /// Whether it certainly holds.
    pub fn is_true(self) -> bool {
        self == Self::True
    }

    /// Kleene's conjunction; of nothing it is true.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::True;
        for truth in truths {
            match truth {
                Self::False => return Self::False,
                Self::Unknown => all = Self::Unknown,
                Self::True => {}
            }
        }
        all
    }

    /// Kleene's disjunction; of nothing it is false.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(truths.into_iter().map(Self::not))
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl From<Option<bool>> for Truth {
    fn from(holds: Option<bool>) -> Self {
        holds.map_or(Self::Unknown, Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [Truth; 3] = [Truth::False, Truth::Unknown, Truth::True];

    /// The order in which Kleene's connectives are minimum and maximum.
    fn rank(truth: Truth) -> usize {
        VALUES.iter().position(|value| *value == truth).unwrap()
    }

    #[test]
    fn connectives_are_minimum_and_maximum() {
        for one in VALUES {
            assert_eq!(!!one, one);
            for other in VALUES {
                assert_eq!(rank(Truth::all([one, other])), rank(one).min(rank(other)));
                assert_eq!(rank(Truth::any([one, other])), rank(one).max(rank(other)));
                assert_eq!(!Truth::all([one, other]), Truth::any([!one, !other]));
                for third in VALUES {
                    let distributed =
                        Truth::any([Truth::all([one, other]), Truth::all([one, third])]);
                    assert_eq!(Truth::all([one, Truth::any([other, third])]), distributed);
                }
            }
        }
        assert_eq!((Truth::all([]), Truth::any([])), (Truth::True, Truth::False));
    }
}
