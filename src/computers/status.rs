//! From events to the installation state of every update on a computer.
//!
//! A status report (156) is the whole truth at its time: it replaces everything. Between two of
//! them single events only make an update Failed or pending a restart. A real WSUS was seen to
//! change nothing on 161, 162, 167, 181 and 201, and never to call an update Installed on the
//! word of an event: Installed and NotInstalled come from 156 alone.
//!
//! What a report leaves out is not applicable, so one that cannot be read in full says nothing: it
//! is noted as such and changes no state.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{
    DETECTION_FAILED, DETECTION_FINISHED, DETECTION_INIT_FAILED, DETECTION_SERVICE_REG_FAILED,
    Event, REBOOT_COMPLETED, STATUS_REPORT,
};
use super::numbers::{Numbers, UpdateNumber};
use super::relapses::Relapses;
use super::rollup::StatusReport;
use super::rows::{PackedRows, Row};

/// `UpdateInstallationState`, with the numbers of [MS-WSUSSS] 3.1.1 Update Status Table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum UpdateInstallationState {
    /// The computer has not reported since the update arrived.
    Unknown = 0,
    /// It reported, and does not need the update.
    NotApplicable = 1,
    /// Needed.
    NotInstalled = 2,
    /// Needed, and its files are there.
    Downloaded = 3,
    /// There.
    Installed = 4,
    /// Needed; the last attempt failed.
    Failed = 5,
    /// Installed, and takes effect at the next restart.
    InstalledPendingReboot = 6,
}

/// What a state means to who has to answer for the computers: the four compliance states of
/// Configuration Manager.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[repr(u8)]
pub enum Compliance {
    /// Nobody knows.
    Unknown = 0,
    /// Not applicable.
    NotRequired = 1,
    /// Applicable and not in effect: needed, downloaded, failed, or waiting for a restart.
    Required = 2,
    /// Applicable and in effect.
    Installed = 3,
}

impl UpdateInstallationState {
    /// All of them, by their numbers.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::NotApplicable,
        Self::NotInstalled,
        Self::Downloaded,
        Self::Installed,
        Self::Failed,
        Self::InstalledPendingReboot,
    ];

    /// The state with this number, if it is that of a row.
    pub fn from_number(number: i32) -> Option<Self> {
        let rows = [
            Self::NotInstalled,
            Self::Downloaded,
            Self::Installed,
            Self::Failed,
            Self::InstalledPendingReboot,
        ];
        rows.into_iter().find(|state| *state as i32 == number)
    }

    /// The specification's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::NotApplicable => "NotApplicable",
            Self::NotInstalled => "NotInstalled",
            Self::Downloaded => "Downloaded",
            Self::Installed => "Installed",
            Self::Failed => "Failed",
            Self::InstalledPendingReboot => "InstalledPendingReboot",
        }
    }

    /// What it means for compliance.
    pub const fn compliance(self) -> Compliance {
        match self {
            Self::Unknown => Compliance::Unknown,
            Self::NotApplicable => Compliance::NotRequired,
            Self::NotInstalled | Self::Downloaded | Self::Failed | Self::InstalledPendingReboot => {
                Compliance::Required
            }
            Self::Installed => Compliance::Installed,
        }
    }
}

/// The state of one update, by its id: as earlier versions stored it, and as servers tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UpdateStatus {
    /// The update.
    pub update: Uuid,
    /// Never Unknown or NotApplicable: those are the absence of a row.
    pub state: UpdateInstallationState,
    /// Unix seconds since when it is in this state.
    pub since: i64,
}

/// How the last scan that was reported ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastScan {
    /// Unix seconds.
    pub at: i64,
    /// The HRESULT; 0 for success, and negative for a failure.
    pub result: i32,
}

impl LastScan {
    /// The scan that an event tells the end of, if it does.
    pub fn of(event: &Event) -> Option<Self> {
        /// `E_FAIL`, for a failure that names no error.
        const UNSPECIFIED: i32 = 0x8000_4005_u32.cast_signed();
        let result = match event.event_id {
            DETECTION_FINISHED => event.result,
            DETECTION_FAILED | DETECTION_INIT_FAILED | DETECTION_SERVICE_REG_FAILED => {
                if event.result < 0 { event.result } else { UNSPECIFIED }
            }
            _ => return None,
        };
        Some(Self { at: event.at, result })
    }

    /// Whether it failed.
    pub fn failed(self) -> bool {
        self.result < 0
    }
}

/// Gives updates their numbers.
pub trait Numbering {
    /// The number of an update that has one.
    fn known(&self, update: &Uuid) -> Option<UpdateNumber>;

    /// The number of an update, a new one if need be; none when there are too many.
    fn number(&mut self, update: Uuid) -> Option<UpdateNumber>;
}

impl Numbering for Numbers {
    fn known(&self, update: &Uuid) -> Option<UpdateNumber> {
        self.number(update)
    }

    fn number(&mut self, update: Uuid) -> Option<UpdateNumber> {
        Numbers::number(self, &update).or_else(|| self.give(update, false))
    }
}

/// Everything a computer reported of updates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses {
    /// Unix seconds of the latest status report; none before the first.
    pub reported: Option<i64>,
    /// Unix seconds of what that report goes by: it tells of all updates that were here then, and says
    /// nothing of those that came later, though they came before the report.
    pub detected: Option<i64>,
    /// The latest scan.
    pub scan: Option<LastScan>,
    /// Unix seconds when anything was last received.
    pub received: i64,
    /// Unix seconds of the latest status report that could not be used.
    pub unusable: Option<i64>,
    /// Unix seconds of the latest restart after an installation that it told of.
    pub restarted: Option<i64>,
    /// Updates that were installed and then needed again.
    pub relapses: Relapses,
    /// Rows by the numbers of updates.
    pub(super) rows: PackedRows,
}

/// Most rows kept of a computer. The largest list seen had 312 entries.
const ROWS_KEPT: usize = 10_000;

impl Statuses {
    /// The state of an update that has been on offer since `offered` (unix seconds).
    pub fn state(&self, update: Option<UpdateNumber>, offered: i64) -> UpdateInstallationState {
        if let Some(row) = update.and_then(|number| self.rows.get(number)) {
            return row.state;
        }
        match self.detected {
            Some(detected) if detected >= offered => UpdateInstallationState::NotApplicable,
            _ => UpdateInstallationState::Unknown,
        }
    }

    /// All rows, by number.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.rows.iter()
    }

    /// Bytes that the rows take.
    pub fn size(&self) -> usize {
        self.rows.size()
    }

    /// Since when (unix seconds) an update waits for the computer to restart; none when none does,
    /// or when it has restarted and only its next report is awaited.
    pub fn restart_pending(&self) -> Option<i64> {
        let waits = |row: &Row| row.state == UpdateInstallationState::InstalledPendingReboot;
        let waiting = self.rows().filter(waits).map(|row| row.since);
        waiting.filter(|since| self.restarted.is_none_or(|restarted| restarted < *since)).min()
    }

    /// Statuses of which nothing is known but the rows.
    pub fn with_rows(rows: PackedRows) -> Self {
        Self { rows, ..Self::default() }
    }

    /// The rows of earlier versions, by their new numbers.
    pub fn renumber(&mut self, rows: &[UpdateStatus], numbers: &mut impl Numbering) {
        let mut rows: Vec<Row> = rows
            .iter()
            .filter_map(|&UpdateStatus { update, state, since }| {
                Some(Row { number: numbers.number(update)?, state, since, code: 0 })
            })
            .collect();
        self.rows = PackedRows::pack(&mut rows);
    }

    /// Takes in one event that was not seen before. `asked` is when the computer was last told of
    /// updates (unix seconds), if that is known.
    pub fn apply(&mut self, event: &Event, asked: Option<i64>, numbers: &mut impl Numbering) {
        match event.event_id {
            STATUS_REPORT => self.replace(event, asked, numbers),
            REBOOT_COMPLETED => self.restarted = self.restarted.max(Some(event.at)),
            _ => match LastScan::of(event) {
                Some(scan) if self.scan.is_none_or(|last| last.at <= scan.at) => {
                    self.scan = Some(scan);
                }
                Some(_) => {}
                None => self.single(event, numbers),
            },
        }
    }

    /// Notes that a status report could not be used.
    pub fn note_unusable(&mut self, at: i64) {
        self.unusable = self.unusable.max(Some(at));
    }

    /// A status report replaces all rows but those of events after it; rows that did not change
    /// keep their time. One that was overtaken by a later one says nothing any more.
    ///
    /// A report is made some time after the scan that it is about, and computers send it minutes later.
    /// What came here in between it cannot tell of.
    fn replace(&mut self, event: &Event, asked: Option<i64>, numbers: &mut impl Numbering) {
        if self.reported.is_some_and(|reported| reported > event.at) {
            return;
        }
        let Some(listed) = listed(event) else { return self.note_unusable(event.at) };
        let mut rows: Vec<Row> = listed
            .into_iter()
            .filter_map(|(update, state)| {
                Some(Row { number: numbers.number(update)?, state, since: event.at, code: 0 })
            })
            .collect();
        rows.extend(self.rows().filter(|row| row.since > event.at));
        // The stable sort keeps the order of the lists, and of equal numbers the last one stays.
        rows.reverse();
        rows.sort_by_key(|row| row.number);
        rows.dedup_by_key(|row| row.number);
        rows.truncate(ROWS_KEPT);
        let mut before = self.rows.iter().peekable();
        for row in &mut rows {
            while before.next_if(|old| old.number < row.number).is_some() {}
            let Some(old) = before.next_if(|old| old.number == row.number) else { continue };
            if old.state == row.state {
                *row = old;
            } else if old.state == UpdateInstallationState::Installed && needs(row.state) {
                self.relapses.note(row.number, event.at);
            }
        }
        self.rows = PackedRows::pack(&mut rows);
        self.reported = Some(event.at);
        self.detected = Some(asked.map_or(event.at, |asked| asked.min(event.at)));
    }

    /// Takes in what another server reports of one of its computers ([MS-WSUSSS] 3.1.4.17). States
    /// that are newer here stay.
    pub fn take_over(&mut self, report: &StatusReport, numbers: &mut impl Numbering) {
        let kept = self.rows().filter(|_| !report.full);
        let mut rows: BTreeMap<UpdateNumber, Row> = kept.map(|row| (row.number, row)).collect();
        for &(update, state, since) in &report.updates {
            let Some(state) = state else {
                let number = numbers.known(&update);
                let old = number.and_then(|number| rows.get(&number)).copied();
                if let Some(old) = old.filter(|old| old.since <= since) {
                    rows.remove(&old.number);
                }
                continue;
            };
            if rows.len() >= ROWS_KEPT && numbers.known(&update).is_none() {
                continue;
            }
            let Some(number) = numbers.number(update) else { continue };
            match rows.get(&number) {
                Some(old) if old.since > since => {}
                None if rows.len() >= ROWS_KEPT => {}
                _ => drop(rows.insert(number, Row { number, state, since, code: 0 })),
            }
        }
        self.rows = PackedRows::pack(&mut rows.into_values().collect());
        self.reported = report.detected;
        self.detected = report.detected;
    }

    fn single(&mut self, event: &Event, numbers: &mut impl Numbering) {
        let (Some(update), Some(state)) = (event.update, state_after(event.event_id)) else {
            return;
        };
        let code = if state == UpdateInstallationState::Failed { event.result } else { 0 };
        // A report that came later knows better, but not why something failed.
        let overtaken = self.reported.is_some_and(|reported| reported > event.at);
        let known = numbers.known(&update.update_id);
        let old = known.and_then(|number| self.rows.get(number));
        let row = match old {
            Some(old) if old.state == state => {
                if code == 0 || old.code == code || (overtaken && old.code != 0) {
                    return;
                }
                Row { code, ..old }
            }
            _ if overtaken => return,
            None if self.rows().count() >= ROWS_KEPT => return,
            _ => {
                let Some(number) = numbers.number(update.update_id) else { return };
                Row { number, state, since: event.at, code }
            }
        };
        let mut rows = vec![row];
        rows.extend(self.rows());
        self.rows = PackedRows::pack(&mut rows);
    }
}

/// Whether an update in this state still has to be installed.
pub fn needs(state: UpdateInstallationState) -> bool {
    matches!(state, UpdateInstallationState::NotInstalled | UpdateInstallationState::Downloaded)
}

/// The lists of a status report, those that win coming last; none when it cannot be read in full.
fn listed(event: &Event) -> Option<Vec<(Uuid, UpdateInstallationState)>> {
    let mut listed = Vec::new();
    // Should an id stand in several lists, the later of these wins.
    for (tag, state) in [
        ("V", UpdateInstallationState::Installed),
        ("U", UpdateInstallationState::NotInstalled),
        ("h", UpdateInstallationState::Downloaded),
        ("W", UpdateInstallationState::InstalledPendingReboot),
        ("g", UpdateInstallationState::Failed),
    ] {
        let lists = event.misc.iter().filter(|(misc, _)| misc == tag);
        let ids = lists.flat_map(|(_, list)| list.split(';')).map(str::trim);
        for id in ids.filter(|id| !id.is_empty()) {
            if listed.len() >= ROWS_KEPT {
                return None;
            }
            listed.push((Uuid::try_parse(id).ok()?, state));
        }
    }
    Some(listed)
}

/// What an event alone says about its update ([MS-WUSP] 2.2.2.3.1, EventID table).
///
/// Absent on purpose, so that the next status report decides: 203, which the specification calls a
/// failure and the real server's own table "succeeded after restart"; and what ends an
/// uninstallation well (222, 224, 542, 544), after which the update is needed or not.
fn state_after(event_id: i16) -> Option<UpdateInstallationState> {
    match event_id {
        182 | 187 | 192 | 195 | 198 | 200 | 204 | 221 | 225 | 522 | 525 | 541 | 545 => {
            Some(UpdateInstallationState::Failed)
        }
        184 | 191 | 199 => Some(UpdateInstallationState::InstalledPendingReboot),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
