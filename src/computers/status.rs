//! From events to the installation state of every update on a computer.
//!
//! A status report (156) is the whole truth at its time: it replaces everything. Between two of
//! them single events only make an update Failed or pending a restart. A real WSUS was seen to
//! change nothing on 161, 162, 167, 181 and 201, and never to call an update Installed on the
//! word of an event: Installed and NotInstalled come from 156 alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{DETECTION_FAILED, DETECTION_FINISHED, Event, STATUS_REPORT};
use super::rollup::StatusReport;

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

impl UpdateInstallationState {
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
}

/// The state of one update.
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
    /// The HRESULT; 0 for success.
    pub result: i32,
}

/// Everything a computer reported of updates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses {
    /// Unix seconds of the latest status report; none before the first.
    pub reported: Option<i64>,
    /// The latest scan.
    pub scan: Option<LastScan>,
    /// Unix seconds when anything was last received.
    pub received: i64,
    /// Rows by update id.
    updates: Vec<UpdateStatus>,
}

/// Most rows kept of a computer. The largest list seen had 312 entries.
const ROWS_KEPT: usize = 10_000;

impl Statuses {
    /// The state of an update that has been on offer since `offered` (unix seconds).
    pub fn state(&self, update: Uuid, offered: i64) -> UpdateInstallationState {
        if let Ok(at) = self.row(update) {
            return self.updates[at].state;
        }
        match self.reported {
            Some(reported) if reported >= offered => UpdateInstallationState::NotApplicable,
            _ => UpdateInstallationState::Unknown,
        }
    }

    /// All rows, by update id.
    pub fn rows(&self) -> &[UpdateStatus] {
        &self.updates
    }

    /// Takes in one event that was not seen before.
    pub fn apply(&mut self, event: &Event) {
        match event.event_id {
            STATUS_REPORT => self.replace(event),
            DETECTION_FINISHED | DETECTION_FAILED => {
                if self.scan.is_none_or(|scan| scan.at <= event.at) {
                    self.scan = Some(LastScan { at: event.at, result: event.result });
                }
            }
            _ => self.single(event),
        }
    }

    /// A status report replaces all rows but those of events after it; rows that did not change
    /// keep their time. One that was overtaken by a later one says nothing any more.
    fn replace(&mut self, event: &Event) {
        if self.reported.is_some_and(|reported| reported > event.at) {
            return;
        }
        let mut rows: Vec<UpdateStatus> = Vec::new();
        // Should an id stand in several lists, the later of these wins.
        for (tag, state) in [
            ("V", UpdateInstallationState::Installed),
            ("U", UpdateInstallationState::NotInstalled),
            ("h", UpdateInstallationState::Downloaded),
            ("W", UpdateInstallationState::InstalledPendingReboot),
            ("g", UpdateInstallationState::Failed),
        ] {
            let lists = event.misc.iter().filter(|(misc, _)| misc == tag);
            let ids = lists.flat_map(|(_, list)| list.split(';'));
            let ids = ids.filter_map(|id| Uuid::try_parse(id.trim()).ok());
            rows.extend(ids.map(|update| UpdateStatus { update, state, since: event.at }));
        }
        rows.extend(self.updates.iter().filter(|row| row.since > event.at));
        // The stable sort keeps the order of the lists, and of equal ids the last one stays.
        rows.reverse();
        rows.sort_by_key(|row| row.update);
        rows.dedup_by_key(|row| row.update);
        rows.truncate(ROWS_KEPT);
        // Kept for as long as the computer is, and there may be 150,000.
        rows.shrink_to_fit();
        for row in &mut rows {
            if let Ok(at) = self.row(row.update)
                && self.updates[at].state == row.state
            {
                row.since = self.updates[at].since;
            }
        }
        self.updates = rows;
        self.reported = Some(event.at);
    }

    /// Takes in what another server reports of one of its computers ([MS-WSUSSS] 3.1.4.17). States
    /// that are newer here stay.
    pub fn take_over(&mut self, report: &StatusReport) {
        let before = std::mem::take(&mut self.updates);
        let kept = before.into_iter().filter(|_| !report.full);
        let mut rows: BTreeMap<Uuid, UpdateStatus> = kept.map(|row| (row.update, row)).collect();
        for &(update, state, since) in &report.updates {
            if rows.get(&update).is_some_and(|row| row.since > since) {
                continue;
            }
            match state {
                Some(state) if rows.len() < ROWS_KEPT || rows.contains_key(&update) => {
                    rows.insert(update, UpdateStatus { update, state, since });
                }
                Some(_) => {}
                None => drop(rows.remove(&update)),
            }
        }
        self.updates = rows.into_values().collect();
        self.reported = report.detected;
    }

    fn single(&mut self, event: &Event) {
        let (Some(update), Some(state)) = (event.update, state_after(event.event_id)) else {
            return;
        };
        // A report that came later knows better.
        if self.reported.is_some_and(|reported| reported > event.at) {
            return;
        }
        let row = UpdateStatus { update: update.update_id, state, since: event.at };
        match self.row(row.update) {
            Ok(at) if self.updates[at].state == state => {}
            Ok(at) => self.updates[at] = row,
            Err(at) if self.updates.len() < ROWS_KEPT => self.updates.insert(at, row),
            Err(_) => {}
        }
    }

    fn row(&self, update: Uuid) -> Result<usize, usize> {
        self.updates.binary_search_by_key(&update, |row| row.update)
    }
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
mod tests {
    use super::*;
    use crate::wire::types::UpdateIdentity;
    use UpdateInstallationState::{
        Downloaded, Failed, Installed, InstalledPendingReboot, NotApplicable, NotInstalled, Unknown,
    };

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn event(event_id: i16, at: i64, update: Option<u128>, misc: &[(&str, &[u128])]) -> Event {
        let list = |ids: &[u128]| {
            let ids: Vec<_> = ids.iter().map(|n| id(*n).to_string().to_uppercase()).collect();
            ids.join(";")
        };
        Event {
            instance: Uuid::from_u128(9),
            event_id,
            source: 101,
            update: update.map(|n| UpdateIdentity { update_id: id(n), revision_number: 200 }),
            at,
            result: 0,
            app: String::new(),
            strings: Vec::new(),
            misc: misc.iter().map(|(tag, ids)| ((*tag).to_owned(), list(ids))).collect(),
        }
    }

    #[test]
    fn a_status_report_sets_all_five_states_and_absence_means_not_applicable() {
        let mut statuses = Statuses::default();
        assert_eq!(statuses.state(id(1), 0), Unknown);
        let lists: &[(&str, &[u128])] =
            &[("U", &[1, 6]), ("V", &[2]), ("W", &[3]), ("g", &[4, 6]), ("h", &[5])];
        statuses.apply(&event(156, 100, None, lists));
        let states: Vec<_> = (1..=6).map(|n| statuses.state(id(n), 50)).collect();
        let expected =
            [NotInstalled, Installed, InstalledPendingReboot, Failed, Downloaded, Failed];
        assert_eq!(states, expected);
        assert_eq!(statuses.state(id(7), 50), NotApplicable);
        assert_eq!(statuses.state(id(7), 101), Unknown, "the update came after the report");
    }

    #[test]
    fn rows_missing_from_a_later_report_vanish_and_unchanged_ones_keep_their_time() {
        let mut statuses = Statuses::default();
        statuses.apply(&event(156, 100, None, &[("U", &[1, 2]), ("V", &[3])]));
        statuses.apply(&event(156, 200, None, &[("U", &[2]), ("V", &[1])]));
        assert_eq!(statuses.state(id(3), 0), NotApplicable);
        let since: Vec<_> = statuses.rows().iter().map(|row| (row.state, row.since)).collect();
        assert_eq!(since, [(Installed, 200), (NotInstalled, 100)]);
    }

    #[test]
    fn a_report_that_was_overtaken_changes_nothing() {
        let mut statuses = Statuses::default();
        statuses.apply(&event(156, 200, None, &[("V", &[1])]));
        statuses.apply(&event(156, 100, None, &[("U", &[1])]));
        statuses.apply(&event(182, 150, Some(1), &[]));
        assert_eq!(statuses.state(id(1), 0), Installed);
    }

    #[test]
    fn a_report_does_not_undo_what_happened_after_it() {
        let mut statuses = Statuses::default();
        statuses.apply(&event(156, 100, None, &[("U", &[1, 2])]));
        statuses.apply(&event(182, 150, Some(1), &[]));
        statuses.apply(&event(182, 140, Some(3), &[]));
        statuses.apply(&event(156, 145, None, &[("U", &[1, 2])]));
        let rows: Vec<_> = statuses.rows().iter().map(|row| (row.state, row.since)).collect();
        assert_eq!(rows, [(Failed, 150), (NotInstalled, 100)]);
    }

    #[test]
    fn only_failures_and_pending_restarts_are_taken_from_single_events() {
        let mut statuses = Statuses::default();
        statuses.apply(&event(156, 100, None, &[("U", &[1])]));
        for silent in [161, 162, 167, 181, 183, 201, 203, 222, 224] {
            statuses.apply(&event(silent, 110, Some(1), &[]));
            assert_eq!(statuses.state(id(1), 0), NotInstalled, "event {silent}");
        }
        statuses.apply(&event(182, 120, Some(1), &[]));
        assert_eq!(statuses.state(id(1), 0), Failed);
        statuses.apply(&event(184, 130, Some(1), &[]));
        assert_eq!(statuses.state(id(1), 0), InstalledPendingReboot);
    }

    #[test]
    fn a_report_of_another_server_is_all_or_what_changed() {
        let report =
            |full, updates: &[(u128, Option<UpdateInstallationState>, i64)]| StatusReport {
                client_id: "c".into(),
                number: 1,
                detected: Some(100),
                full,
                updates: updates.iter().map(|(n, state, since)| (id(*n), *state, *since)).collect(),
            };
        let mut statuses = Statuses::default();
        statuses.take_over(&report(true, &[(2, Some(Installed), 50), (1, Some(NotInstalled), 50)]));
        assert_eq!(statuses.state(id(3), 100), NotApplicable);
        assert_eq!(statuses.state(id(3), 101), Unknown, "it came after the computer's report");
        statuses.take_over(&report(
            false,
            &[(1, Some(Failed), 60), (2, None, 49), (4, None, 1), (2, Some(Downloaded), 49)],
        ));
        let rows: Vec<_> = statuses.rows().iter().map(|row| (row.state, row.since)).collect();
        assert_eq!(rows, [(Failed, 60), (Installed, 50)], "what is newer here stays");
        statuses.take_over(&report(false, &[(2, None, 70)]));
        assert_eq!(statuses.rows().len(), 1);
        statuses.take_over(&report(true, &[]));
        assert!(statuses.rows().is_empty());
    }

    #[test]
    fn rows_of_another_server_are_bounded_too() {
        let updates = (0..ROWS_KEPT as u128 + 5).map(|n| (id(n), Some(Installed), 1)).collect();
        let mut statuses = Statuses::default();
        let client_id = String::new();
        let report = StatusReport { client_id, number: 1, detected: None, full: false, updates };
        statuses.take_over(&report);
        assert_eq!(statuses.rows().len(), ROWS_KEPT);
    }
}
