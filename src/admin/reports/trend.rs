//! The report on how the states change from day to day.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::group_called;
use crate::admin::{AdminError, Call, Operation, Route, instant};
use crate::computers::Counts;
use crate::state::State;

/// The states of updates on the computers of a group, day by day.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReportTrend {
    /// The group's name; all computers without one.
    pub group: Option<String>,
    /// The last so many days; all that are kept without.
    pub days: Option<u32>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendReport {
    /// The group, with those above it.
    pub group: String,
    /// The days on which there were computers, the earliest first.
    pub rows: Vec<TrendRow>,
}

/// The beginning of one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendRow {
    /// The day, in UTC.
    pub day: String,
    /// How many computers there were.
    pub computers: u64,
    /// Pairs of computer and update on offer by their state.
    pub counts: Counts,
    /// How many percent of the pairs were installed or not applicable.
    pub percent_done: Option<f64>,
}

impl Operation for ReportTrend {
    type Answer = TrendReport;
    const ROUTE: Route = Route::get("/reports/trend");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        self.make(call.state()).await
    }
}

impl ReportTrend {
    /// Makes the report.
    ///
    /// # Errors
    /// When there is no such group, or the state fails.
    pub(super) async fn make(self, state: &Arc<State>) -> Result<TrendReport, AdminError> {
        let published = state.published();
        let group = group_called(&published.policy, self.group.as_deref())?;
        let days = state.trend(group).await?;
        let wanted = self.days.map_or(usize::MAX, |days| days as usize);
        let skipped = days.len().saturating_sub(wanted);
        let rows = days.into_iter().skip(skipped).map(|(day, group)| TrendRow {
            day: date(day),
            computers: group.computers,
            counts: group.counts,
            percent_done: group.counts.percent_done(),
        });
        Ok(TrendReport { group: published.policy.path(group), rows: rows.collect() })
    }
}

/// The day with this number, as `2026-11-28`.
fn date(day: u32) -> String {
    let instant = instant(i64::from(day) * 86_400).unwrap_or_default();
    instant.split('T').next().unwrap_or_default().to_owned()
}
