//! The referee: says what a real agent would choke on, and why.
//!
//! An agent of Windows that is sent something it cannot use fails a whole scan with a number and
//! says no more. The rules here come from such failures, from the specification, and from what the
//! real server was never seen to break. A rule that is broken a thousand times is told once, with
//! the number of times and the first computer.

mod rule;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

pub use rule::Rule;

/// Most different complaints that are kept; a server that breaks more is broken enough.
const KEPT: usize = 1_000;

/// Most characters of a complaint.
const LENGTH: usize = 500;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {what}")]
pub struct Complaint {
    /// The rule.
    pub rule: Rule,
    /// What the server did, without what differs between computers.
    pub what: String,
}

impl Complaint {
    /// A complaint, cut to a readable length.
    pub fn new(rule: Rule, what: impl fmt::Display) -> Self {
        let mut what = what.to_string();
        if let Some((end, _)) = what.char_indices().nth(LENGTH) {
            what.truncate(end);
        }
        Self { rule, what }
    }
}

/// A complaint, as often as it was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// What the server did.
    pub what: String,
    /// What it would do to a real agent.
    pub why: &'static str,
    /// How often.
    pub times: u64,
    /// The first computer that it happened to.
    pub computer: String,
}

/// All complaints of a run.
#[derive(Debug, Default)]
pub struct Referee {
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    by_complaint: BTreeMap<(Rule, String), (u64, String)>,
    /// All of them, also those that are not kept.
    total: u64,
}

impl Referee {
    /// Takes note of a complaint.
    pub fn note(&self, computer: &str, complaint: Complaint) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.total += 1;
        let is_full = failures.by_complaint.len() >= KEPT;
        let key = (complaint.rule, complaint.what);
        match failures.by_complaint.get_mut(&key) {
            Some((times, _)) => *times += 1,
            None if is_full => {}
            None => {
                failures.by_complaint.insert(key, (1, computer.to_owned()));
            }
        }
    }

    /// How many complaints there were.
    pub fn total(&self) -> u64 {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// The complaints, those of one rule together.
    pub fn failures(&self) -> Vec<Failure> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = |((rule, what), (times, computer)): (&(Rule, String), &(u64, String))| {
            let (what, computer) = (what.clone(), computer.clone());
            Failure { rule: *rule, what, why: rule.why(), times: *times, computer }
        };
        failures.by_complaint.iter().map(failure).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, what, why, times, computer } = self;
        write!(f, "{rule}: {what} ({times} times, first on {computer}). {why}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_again_is_told_once() {
        let referee = Referee::default();
        for computer in ["pc-1", "pc-2", "pc-3"] {
            referee.note(computer, Complaint::new(Rule::EmptyPage, "an empty page"));
        }
        referee.note("pc-4", Complaint::new(Rule::EmptyPage, "x".repeat(9_999)));
        let failures = referee.failures();
        assert_eq!(referee.total(), 4);
        assert_eq!(failures.len(), 2);
        assert_eq!((failures[0].times, failures[0].computer.as_str()), (3, "pc-1"));
        assert_eq!(failures[1].what.len(), LENGTH);
        assert!(failures[0].to_string().starts_with("empty-page: an empty page (3 times"));
    }

    #[test]
    fn no_server_can_fill_the_memory_with_complaints() {
        let referee = Referee::default();
        for number in 0..2 * KEPT {
            referee.note("pc", Complaint::new(Rule::UpdateTwice, number));
        }
        assert_eq!(referee.failures().len(), KEPT);
        assert_eq!(referee.total(), 2 * KEPT as u64);
    }
}
