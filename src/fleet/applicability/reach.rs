//! How near a machine is to a state in which a rule holds.
//!
//! An installation has a choice where a rule is an `Or`: a patch lists every product that it may
//! meet. What is there already is brought up to date; what is not there is only then put there if
//! nothing else will do.

/// How near; the nearer the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// No installation changes this.
    Never,
    /// By something that is not there yet.
    New,
    /// By a change of something that is there.
    Near,
}

impl Reach {
    pub(super) fn of(is_possible: bool, is_there: bool) -> Self {
        match (is_possible, is_there) {
            (false, _) => Self::Never,
            (true, false) => Self::New,
            (true, true) => Self::Near,
        }
    }
}
