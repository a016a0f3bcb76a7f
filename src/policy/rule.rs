//! Automatic deployment rules: which updates are deployed without anybody looking at each, when,
//! and on what terms.
//!
//! A rule never overrides a person: an update that is declined, or that somebody decided on for a
//! target of the rule, is left as it is for that target.

pub mod criteria;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cron::Cron;
use super::terms::{ApprovalAction, Clock, Deadline, DownloadPriority, Terms};
pub use criteria::{Candidate, Criteria, Search};

/// Most updates that a rule deploys in one run unless it says otherwise, as in Configuration
/// Manager: a rule that matches more is more likely to be wrong.
pub const DEFAULT_CAP: u32 = 1000;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Identity.
    pub id: Uuid,
    /// Unique without regard to case.
    pub name: String,
    /// Which updates.
    pub criteria: Criteria,
    /// When it runs.
    pub schedule: Schedule,
    /// Where they are deployed.
    pub targets: Vec<RuleTarget>,
    /// Name of the update group that they are put into; `{date}` in it stands for the day of the
    /// run, so that each run makes a new group. None: they are only approved.
    pub update_group: Option<String>,
    /// Whether what it deploys counts at once; otherwise the update group's deployments are left
    /// disabled for somebody to look at.
    pub enables: bool,
    /// Most updates in one run. With more it stops and deploys none.
    pub cap: u32,
    /// Unix seconds of the last run; of its creation before the first.
    pub last_run: i64,
    /// What came of the last run; none before the first.
    pub outcome: Option<Outcome>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How many updates it deployed, or put into its update group.
    pub deployed: u32,
    /// Why it stopped and deployed none, if it did.
    pub stopped: Option<String>,
}

/// When a rule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// When somebody says so.
    Manual,
    /// After new updates came in.
    AfterSync,
    /// At these times.
    At(Cron),
}

/// One deployment that a rule makes of every update. Times count from the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTarget {
    /// The target group.
    pub group: Uuid,
    /// What to do.
    pub action: ApprovalAction,
    /// Seconds from the run to the deadline.
    pub deadline_after: Option<u32>,
    /// Whose clock the deadline is read on.
    pub clock: Clock,
    /// Seconds over which deadlines are spread.
    pub spread: u32,
    /// Seconds from the run until it counts.
    pub available_after: u32,
    /// How urgently.
    pub download_priority: DownloadPriority,
}

impl RuleTarget {
    /// The terms of a run at `now` (unix seconds).
    pub fn terms(&self, now: i64) -> Terms {
        let after = |seconds: u32| now.saturating_add(seconds.into());
        let deadline = self.deadline_after.map(|seconds| Deadline {
            at: after(seconds),
            clock: self.clock,
            spread: self.spread,
        });
        Terms {
            action: self.action,
            deadline,
            go_live: Some(self.available_after).filter(|it| *it > 0).map(after),
            download_priority: self.download_priority,
        }
    }
}
