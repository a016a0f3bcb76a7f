//! On what terms an update is deployed to a group: what to do, from when, by when, how urgently.

use std::hash::Hasher;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target_group::Fnv;

/// What an administrator decided for an update and a group. The numbers of the variants are stored,
/// so new ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalAction {
    /// Install it.
    Install,
    /// Remove it.
    Uninstall,
    /// Offer it to users, do not install it by itself.
    Optional,
    /// Not deployed here, whatever groups above say.
    Block,
    /// The decision was taken back: what groups above say holds again. Kept as a record so that
    /// clients which cached the approval learn of its end through ChangedUpdates.
    None,
    /// Only checked here, whatever groups above say: the `Scan` of other servers.
    NotApproved,
}

impl ApprovalAction {
    /// Whether computers are to change because of it.
    pub fn acts(self) -> bool {
        matches!(self, Self::Install | Self::Uninstall | Self::Optional)
    }

    /// Of two decisions at the same depth the one with the lesser rank wins: installs override
    /// uninstalls, required installs override optional ones.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Install => 0,
            Self::Optional => 1,
            Self::Uninstall => 2,
            Self::NotApproved => 3,
            Self::Block => 4,
            Self::None => 5,
        }
    }
}

/// Whose clock a deadline is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// Everybody's at the same instant.
    Utc,
    /// Each computer's own, by the offset of its groups
    /// ([`TargetGroup::utc_offset`](super::target_group::TargetGroup::utc_offset)).
    Local,
}

/// By when something has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// Unix seconds; on a local clock, the seconds at which UTC shows the same date and time.
    pub at: i64,
    /// Whose clock.
    pub clock: Clock,
    /// Seconds over which the deadlines of single computers are spread, from `at` on.
    pub spread: u32,
}

impl Deadline {
    /// The same instant for every computer.
    pub fn utc(at: i64) -> Self {
        Self { at, clock: Clock::Utc, spread: 0 }
    }

    /// Unix seconds for computers whose clocks are `utc_offset` minutes ahead of UTC, before any
    /// spread.
    pub fn instant(self, utc_offset: i16) -> i64 {
        match self.clock {
            Clock::Utc => self.at,
            Clock::Local => self.at.saturating_sub(i64::from(utc_offset) * 60),
        }
    }
}

/// By how many seconds the deadline of one computer is later than that of its group. Always the
/// same for one computer and deployment, or the client would be told of a change in every scan.
pub fn spread_for(spread: u32, deployment: u32, computer: u32) -> i64 {
    let mut hash = Fnv::default();
    hash.write_u32(deployment);
    hash.write_u32(computer);
    // The low bits of FNV say little of the last bytes; the multiplication takes the high ones.
    let share = (u128::from(hash.finish()) * (u128::from(spread) + 1)) >> 64;
    i64::try_from(share).unwrap_or(0)
}

/// How urgently clients fetch the files ([MS-WSUSSS] 3.1.4.10 numbers them from 1).
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DownloadPriority {
    /// After everything else.
    Low = 1,
    /// As usual.
    #[default]
    Normal = 2,
    /// Before everything else.
    High = 3,
}

/// The terms of one deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// What to do.
    pub action: ApprovalAction,
    /// By when; only for what is done without a user's choice.
    pub deadline: Option<Deadline>,
    /// Unix seconds before which the decision counts for nothing. What was decided for the same group
    /// before ends at once. None: at once.
    pub go_live: Option<i64>,
    /// How urgently.
    pub download_priority: DownloadPriority,
}

impl From<ApprovalAction> for Terms {
    fn from(action: ApprovalAction) -> Self {
        Self { action, deadline: None, go_live: None, download_priority: Default::default() }
    }
}

/// Most seconds of a spread: a week. Beyond that it is no deadline.
const MAX_SPREAD: u32 = 7 * 86_400;
/// The last second that every agent can read: 9999-12-31T23:59:59Z stands for no deadline.
const MAX_INSTANT: i64 = 253_402_214_400;

/// Seconds by which a deadline may have passed when it is decided: whoever says `now` is heard a
/// moment later, and by another clock.
const PATIENCE: i64 = 300;

/// Why terms make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Nothing happens by itself.
    #[error("only an install or uninstall has a deadline")]
    DeadlineWithoutAction,
    /// It cannot be kept.
    #[error("the deadline is in the past; to have it done at the next contact, say `now`")]
    PastDeadline,
    /// The other way round.
    #[error("the deadline is before the update becomes available")]
    DeadlineBeforeGoLive,
    /// Nothing begins.
    #[error("only an install, uninstall or offer can become available later")]
    GoLiveWithoutAction,
    /// Longer than a week.
    #[error("deadlines are spread over a week at most")]
    Spread,
    /// Beyond the year 9999.
    #[error("there is no such time")]
    NoSuchTime,
}

impl Terms {
    /// Terms that make sense at `now` (unix seconds), in one form: a go-live time that has passed
    /// is none.
    ///
    /// # Errors
    /// Says what contradicts what.
    pub fn checked(mut self, now: i64) -> Result<Self, TermsError> {
        if self.go_live.is_some_and(|at| at > MAX_INSTANT)
            || self.deadline.is_some_and(|deadline| !(0..=MAX_INSTANT).contains(&deadline.at))
        {
            return Err(TermsError::NoSuchTime);
        }
        self.go_live = self.go_live.filter(|at| *at > now);
        if self.go_live.is_some() && !self.action.acts() {
            return Err(TermsError::GoLiveWithoutAction);
        }
        let Some(deadline) = self.deadline else { return Ok(self) };
        if !matches!(self.action, ApprovalAction::Install | ApprovalAction::Uninstall) {
            return Err(TermsError::DeadlineWithoutAction);
        }
        if deadline.spread > MAX_SPREAD {
            return Err(TermsError::Spread);
        }
        // Somewhere on earth a local clock still shows it: 14 hours is the furthest behind.
        let latest = match deadline.clock {
            Clock::Utc => deadline.at,
            Clock::Local => deadline.at + 14 * 3600,
        };
        if latest < now - PATIENCE {
            return Err(TermsError::PastDeadline);
        }
        if self.go_live.is_some_and(|at| latest < at) {
            return Err(TermsError::DeadlineBeforeGoLive);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn install() -> Terms {
        ApprovalAction::Install.into()
    }

    fn by(at: i64) -> Option<Deadline> {
        Some(Deadline::utc(at))
    }

    #[test]
    fn terms_that_contradict_themselves_are_refused() {
        let late = NOW + 60;
        let local = |at| Some(Deadline { clock: Clock::Local, ..Deadline::utc(at) });
        let spread = |spread| Some(Deadline { spread, ..Deadline::utc(late) });
        let check = |terms: Terms| terms.checked(NOW).map(|terms| terms.go_live);
        for (terms, expected) in [
            (install(), Ok(None)),
            (Terms { deadline: by(NOW), ..install() }, Ok(None)),
            (Terms { deadline: by(NOW - 300), ..install() }, Ok(None)),
            (Terms { deadline: by(NOW - 301), ..install() }, Err(TermsError::PastDeadline)),
            (Terms { deadline: local(NOW - 300 - 14 * 3600), ..install() }, Ok(None)),
            (
                Terms { deadline: local(NOW - 301 - 14 * 3600), ..install() },
                Err(TermsError::PastDeadline),
            ),
            (Terms { deadline: by(late), go_live: Some(late), ..install() }, Ok(Some(late))),
            (
                Terms { deadline: by(late), go_live: Some(late + 1), ..install() },
                Err(TermsError::DeadlineBeforeGoLive),
            ),
            (Terms { go_live: Some(NOW), ..install() }, Ok(None)),
            (Terms { go_live: Some(late), ..ApprovalAction::Optional.into() }, Ok(Some(late))),
            (
                Terms { go_live: Some(late), ..ApprovalAction::Block.into() },
                Err(TermsError::GoLiveWithoutAction),
            ),
            (
                Terms { deadline: by(late), ..ApprovalAction::Optional.into() },
                Err(TermsError::DeadlineWithoutAction),
            ),
            (Terms { deadline: spread(MAX_SPREAD), ..install() }, Ok(None)),
            (Terms { deadline: spread(MAX_SPREAD + 1), ..install() }, Err(TermsError::Spread)),
            (Terms { deadline: by(i64::MAX), ..install() }, Err(TermsError::NoSuchTime)),
            (Terms { deadline: by(i64::MIN), ..install() }, Err(TermsError::NoSuchTime)),
            (Terms { go_live: Some(i64::MAX), ..install() }, Err(TermsError::NoSuchTime)),
        ] {
            assert_eq!(check(terms), expected, "{terms:?}");
        }
    }

    #[test]
    fn a_local_deadline_comes_earlier_where_clocks_are_ahead() {
        let local = Deadline { clock: Clock::Local, ..Deadline::utc(NOW) };
        assert_eq!(local.instant(90), NOW - 5400);
        assert_eq!(local.instant(-60), NOW + 3600);
        assert_eq!(Deadline::utc(NOW).instant(90), NOW);
    }

    #[test]
    fn a_spread_is_even_stays_within_and_is_the_same_every_time() {
        let mut quarters = [0; 4];
        for computer in 0..4000 {
            let later = spread_for(7199, 77, computer);
            assert!((0..7200).contains(&later), "{later}");
            assert_eq!(later, spread_for(7199, 77, computer));
            quarters[usize::try_from(later / 1800).expect("a quarter")] += 1;
        }
        assert!(quarters.iter().all(|count| (850..1150).contains(count)), "{quarters:?}");
        assert_eq!(spread_for(0, 77, 5), 0);
        assert_ne!(spread_for(7199, 77, 5), spread_for(7199, 78, 5));
    }
}
