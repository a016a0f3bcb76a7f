//! The options that say on what terms something is deployed.

use clap::{Args, ValueEnum};

use super::CliError;
use super::serve::now;
use crate::admin::rules::TargetDraft;
use crate::policy::terms::{ApprovalAction, Clock, Deadline, DownloadPriority, Terms};
use crate::wire::time::DateTime;

/// On what terms.
#[derive(Debug, Clone, Args)]
pub(super) struct TermsArgs {
    /// What the group's computers are to do.
    #[arg(long, default_value = "install")]
    action: Action,
    /// By when, for example 2027-01-31T03:00:00Z, or `now` for the next contact.
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    deadline: Option<Instant>,
    /// Read the deadline on each computer's own clock (`weir group clock`); write it without a zone.
    #[arg(long, requires = "deadline")]
    local: bool,
    /// Spread the deadlines of single computers over this time from the deadline on, for example
    /// 90m or 2h.
    #[arg(long, requires = "deadline", value_name = "TIME", value_parser = parse_duration)]
    spread: Option<u32>,
    /// Not before this time.
    #[arg(long, value_name = "RFC3339", value_parser = parse_instant)]
    available: Option<Instant>,
    /// How urgently the files are fetched.
    #[arg(long, default_value = "normal")]
    priority: Priority,
}

/// On what terms a rule deploys: times count from its run.
#[derive(Debug, Clone, Args)]
pub(super) struct RuleTermsArgs {
    /// What the groups' computers are to do.
    #[arg(long, default_value = "install")]
    action: Action,
    /// The deadline, so long after the run, for example 7d.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline_after: Option<u32>,
    /// Read the deadline on each computer's own clock (`weir group clock`).
    #[arg(long, requires = "deadline_after")]
    local: bool,
    /// Spread the deadlines of single computers over this time from the deadline on.
    #[arg(long, requires = "deadline_after", value_name = "TIME", value_parser = parse_duration)]
    spread: Option<u32>,
    /// Not before so long after the run.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    available_after: Option<u32>,
    /// How urgently the files are fetched.
    #[arg(long, default_value = "normal")]
    priority: Priority,
}

impl RuleTermsArgs {
    /// The terms for a group.
    pub(super) fn target(&self, group: String) -> TargetDraft {
        TargetDraft {
            group,
            action: self.action.action(),
            deadline_after: self.deadline_after,
            clock: if self.local { Clock::Local } else { Clock::Utc },
            spread: self.spread.unwrap_or(0),
            available_after: self.available_after.unwrap_or(0),
            download_priority: self.priority.priority(),
        }
    }
}

/// A decision.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// Install it.
    Install,
    /// Remove it.
    Uninstall,
    /// Offer it, do not install it.
    Optional,
    /// Only check it here, whatever groups above say.
    NotApproved,
    /// Not here, whatever groups above say.
    Block,
    /// Take the decision back.
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Priority {
    Low,
    Normal,
    High,
}

impl Action {
    fn action(self) -> ApprovalAction {
        match self {
            Self::Install => ApprovalAction::Install,
            Self::Uninstall => ApprovalAction::Uninstall,
            Self::Optional => ApprovalAction::Optional,
            Self::NotApproved => ApprovalAction::NotApproved,
            Self::Block => ApprovalAction::Block,
            Self::None => ApprovalAction::None,
        }
    }
}

impl Priority {
    fn priority(self) -> DownloadPriority {
        match self {
            Self::Low => DownloadPriority::Low,
            Self::Normal => DownloadPriority::Normal,
            Self::High => DownloadPriority::High,
        }
    }
}

/// Unix seconds; none for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instant(Option<i64>);

impl Instant {
    fn seconds(self) -> i64 {
        self.0.unwrap_or_else(now)
    }
}

impl TermsArgs {
    /// # Errors
    /// When the options contradict each other; what contradicts the server is for it to say.
    pub(super) fn terms(&self) -> Result<Terms, CliError> {
        let clock = if self.local { Clock::Local } else { Clock::Utc };
        let deadline = self.deadline.map(|at| Deadline {
            at: at.seconds(),
            clock,
            spread: self.spread.unwrap_or(0),
        });
        if self.local && self.deadline == Some(Instant(None)) {
            return Err(CliError::Failed("now is now on every clock; leave out --local".into()));
        }
        Ok(Terms {
            action: self.action.action(),
            deadline,
            go_live: self.available.map(Instant::seconds),
            download_priority: self.priority.priority(),
        })
    }
}

fn parse_instant(text: &str) -> Result<Instant, String> {
    if text.eq_ignore_ascii_case("now") {
        return Ok(Instant(None));
    }
    let instant: DateTime = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Instant(Some(instant.unix_seconds())))
}

/// Seconds, of a number with its unit.
pub(super) fn parse_duration(text: &str) -> Result<u32, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*seconds)
    });
    found.ok_or_else(|| "a time is written as 30s, 90m, 2h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(parse_duration("90m"), Ok(5400));
        assert_eq!(parse_duration("7d"), Ok(604_800));
        for text in ["", "7", "-1h", "99999999999s", "49711d", "h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(parse_instant("NOW"), Ok(Instant(None)));
        assert_eq!(parse_instant("1970-01-02T00:00:00Z"), Ok(Instant(Some(86_400))));
        assert!(parse_instant("tomorrow").is_err());
    }
}
