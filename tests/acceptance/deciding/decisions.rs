//! Decisions, and the terms that they are made on.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Install,
    Optional,
    Uninstall,
    NotApproved,
    Block,
    /// What was decided is taken back.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    pub(super) at: i64,
    /// By the computer's own clock.
    pub(super) local: bool,
    pub(super) spread: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) action: Action,
    pub(super) deadline: Option<Deadline>,
    pub(super) go_live: Option<i64>,
    /// 1 to 3, from low to high.
    pub(super) priority: u8,
}

/// Who decided: this decides what is taken back with an update group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    Person,
    Rule,
    UpdateGroup(String),
}

#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) terms: Terms,
    pub(super) who: Who,
    /// Of two decisions the earlier has the lesser number.
    pub(super) made: u64,
}

impl Terms {
    /// The terms, unless they contradict themselves.
    pub(super) fn checked(self, now: i64) -> Option<Self> {
        let waits = self.go_live.is_some_and(|at| at > now);
        let acts = matches!(self.action, Action::Install | Action::Uninstall | Action::Optional);
        let ends = matches!(self.action, Action::Install | Action::Uninstall);
        let makes_sense = match self.deadline {
            None => acts || !waits,
            Some(Deadline { at, local, .. }) => {
                // Somewhere a clock is fourteen hours behind, and all are heard a moment later.
                let last = if local { at + 14 * 3600 } else { at };
                ends && last >= now - 300 && self.go_live.is_none_or(|from| last >= from)
            }
        };
        makes_sense.then_some(self.from(now))
    }

    /// The same from `now` on: what was to begin by then has begun.
    pub(super) fn from(self, now: i64) -> Self {
        Self { go_live: self.go_live.filter(|at| *at > now), ..self }
    }
}
