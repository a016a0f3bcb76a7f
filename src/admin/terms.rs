//! Terms of a deployment as administrators read them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instant;
use crate::policy::approval::ApprovalAction;
use crate::policy::terms::{Clock, DownloadPriority, Terms};

/// For whom and on what terms; what is as usual is left out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownTerms {
    /// The group's name.
    pub group: String,
    /// What its computers are to do.
    pub action: ApprovalAction,
    /// By when; on the computers' own clocks if it says `local time`.
    pub deadline: Option<String>,
    /// Seconds over which the deadlines of single computers are spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_seconds: Option<u32>,
    /// Since when, or from when on, it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// How urgently the files are fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_priority: Option<DownloadPriority>,
}

impl ShownTerms {
    pub(super) fn of(group: &str, terms: &Terms) -> Self {
        let Terms { action, deadline, go_live, download_priority } = *terms;
        let shown = deadline.and_then(|deadline| match deadline.clock {
            Clock::Utc => instant(deadline.at),
            Clock::Local => {
                instant(deadline.at).map(|at| format!("{} local time", at.trim_end_matches('Z')))
            }
        });
        Self {
            group: group.to_owned(),
            action,
            deadline: shown,
            spread_seconds: deadline.map(|deadline| deadline.spread).filter(|it| *it > 0),
            available: go_live.and_then(instant),
            download_priority: Some(download_priority)
                .filter(|priority| *priority != DownloadPriority::default()),
        }
    }
}
