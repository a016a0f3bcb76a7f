//! Reports: the states of many updates on many computers, filtered as WSUS filters them.
//!
//! A report is either a summary, a table, or a table with what is behind each row. Rows come from
//! the counters, so what costs time is what is shown of updates beside them: titles lie on disk, and
//! are read for the page that is asked for, unless the filter goes by them.

mod computers;
mod counted;
mod selection;
mod syncs;
mod trend;
mod updates;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use computers::{
    ComputerCondition, ComputerOrder, ComputerRow, ComputersReport, ReportComputers,
};
pub use counted::CountedComputers;
pub use selection::{ApprovalFilter, UpdateFilter};
pub use syncs::{ReportSyncs, SyncRow, SyncsReport};
pub use trend::{ReportTrend, TrendReport, TrendRow};
pub use updates::{
    GroupApproval, GroupCounts, ReportUpdates, UpdateOrder, UpdateRow, UpdatesReport,
};

use super::AdminError;
use crate::computers::{Counts, UpdateInstallationState};
use crate::policy::Policy;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::state::StateError;
use crate::wire::time::DateTime;

/// How much of a report is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Sums alone.
    Summary,
    /// With a row for each update or computer.
    #[default]
    Tabular,
    /// With what is behind each row.
    Detailed,
}

/// A state, or several under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StateFilter {
    /// Nobody knows.
    Unknown,
    /// Not applicable.
    NotApplicable,
    /// Needed.
    NotInstalled,
    /// Needed, and the files are there.
    Downloaded,
    /// There.
    Installed,
    /// The last attempt failed.
    Failed,
    /// Installed, and not in effect before a restart.
    InstalledPendingReboot,
    /// What WSUS calls needed: NotInstalled, Downloaded, InstalledPendingReboot.
    Needed,
    /// What Configuration Manager calls required: the same and Failed.
    Required,
}

impl StateFilter {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::NotApplicable,
        Self::NotInstalled,
        Self::Downloaded,
        Self::Installed,
        Self::Failed,
        Self::InstalledPendingReboot,
        Self::Needed,
        Self::Required,
    ];

    fn has(self, state: UpdateInstallationState) -> bool {
        use UpdateInstallationState as State;
        match self {
            Self::Unknown => state == State::Unknown,
            Self::NotApplicable => state == State::NotApplicable,
            Self::NotInstalled => state == State::NotInstalled,
            Self::Downloaded => state == State::Downloaded,
            Self::Installed => state == State::Installed,
            Self::Failed => state == State::Failed,
            Self::InstalledPendingReboot => state == State::InstalledPendingReboot,
            Self::Needed => matches!(
                state,
                State::NotInstalled | State::Downloaded | State::InstalledPendingReboot
            ),
            Self::Required => Self::Needed.has(state) || state == State::Failed,
        }
    }

    fn counted(self, counts: &Counts) -> u64 {
        let states = UpdateInstallationState::ALL.into_iter();
        states.filter(|state| self.has(*state)).map(|state| counts.of(state)).sum()
    }
}

/// The counts under a name: of a product, a severity, an operating system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedCounts {
    /// The name.
    pub name: String,
    /// How many updates or computers have it.
    pub members: u64,
    /// Their states.
    pub counts: Counts,
}

/// Sums under names, in the order of the names.
#[derive(Default)]
struct Sums(std::collections::BTreeMap<String, (u64, Counts)>);

impl Sums {
    fn add(&mut self, name: &str, counts: &Counts) {
        let (members, sum) = match self.0.get_mut(name) {
            Some(known) => known,
            None => self.0.entry(name.to_owned()).or_default(),
        };
        *members += 1;
        sum.add_all(counts);
    }

    fn named(self) -> Vec<NamedCounts> {
        let all = self.0.into_iter();
        all.map(|(name, (members, counts))| NamedCounts { name, members, counts }).collect()
    }
}

/// The group called `name`; All Computers without one.
fn group_called(policy: &Policy, name: Option<&str>) -> Result<Uuid, StateError> {
    let Some(name) = name else { return Ok(ALL_COMPUTERS) };
    let group = policy.group_by_name(name).map(|group| group.id);
    group.ok_or_else(|| StateError::NotFound { kind: "group", name: name.to_owned() })
}

/// A day or a moment as people write it: `2026-11-28`, `2026-11-28T12:00:00Z`.
fn moment(text: Option<&str>) -> Result<Option<i64>, AdminError> {
    let Some(text) = text else { return Ok(None) };
    let day = format!("{text}T00:00:00Z");
    let parsed = text.parse::<DateTime>().or_else(|_| day.parse());
    match parsed {
        Ok(at) => Ok(Some(at.unix_seconds())),
        Err(_) => Err(AdminError::invalid(
            "",
            format!("'{text}' is no day like 2026-11-28 and no time like 2026-11-28T12:00:00Z"),
        )),
    }
}

/// The part of a list that was asked for.
fn page<T>(rows: Vec<T>, offset: Option<u32>, limit: Option<u32>) -> Vec<T> {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let limit = limit.map_or(usize::MAX, size);
    rows.into_iter().skip(size(offset.unwrap_or(0))).take(limit).collect()
}

#[cfg(test)]
mod tests;
