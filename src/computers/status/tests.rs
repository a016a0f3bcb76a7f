//! What events and reports make of states.

use super::*;
use crate::computers::numbers::Numbers;
use crate::wire::types::UpdateIdentity;
use UpdateInstallationState::{
    Downloaded, Failed, Installed, InstalledPendingReboot, NotApplicable, NotInstalled, Unknown,
};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Statuses with a table of numbers of their own.
#[derive(Default)]
struct Kept {
    statuses: Statuses,
    numbers: Numbers,
}

impl Kept {
    fn apply(&mut self, event: &Event) {
        self.statuses.apply(event, None, &mut self.numbers);
    }

    fn take_over(&mut self, report: &StatusReport) {
        self.statuses.take_over(report, &mut self.numbers);
    }

    fn state(&self, update: Uuid, offered: i64) -> UpdateInstallationState {
        self.statuses.state(self.numbers.number(&update), offered)
    }

    /// By the ids of the updates.
    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.statuses.rows().collect();
        rows.sort_by_key(|row| self.numbers.id(row.number));
        rows
    }
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
    let mut statuses = Kept::default();
    assert_eq!(statuses.state(id(1), 0), Unknown);
    let lists: &[(&str, &[u128])] =
        &[("U", &[1, 6]), ("V", &[2]), ("W", &[3]), ("g", &[4, 6]), ("h", &[5])];
    statuses.apply(&event(156, 100, None, lists));
    let states: Vec<_> = (1..=6).map(|n| statuses.state(id(n), 50)).collect();
    let expected = [NotInstalled, Installed, InstalledPendingReboot, Failed, Downloaded, Failed];
    assert_eq!(states, expected);
    assert_eq!(statuses.state(id(7), 50), NotApplicable);
    assert_eq!(statuses.state(id(7), 101), Unknown, "the update came after the report");
}

#[test]
fn rows_missing_from_a_later_report_vanish_and_unchanged_ones_keep_their_time() {
    let mut statuses = Kept::default();
    statuses.apply(&event(156, 100, None, &[("U", &[1, 2]), ("V", &[3])]));
    statuses.apply(&event(156, 200, None, &[("U", &[2]), ("V", &[1])]));
    assert_eq!(statuses.state(id(3), 0), NotApplicable);
    let since: Vec<_> = statuses.rows().iter().map(|row| (row.state, row.since)).collect();
    assert_eq!(since, [(Installed, 200), (NotInstalled, 100)]);
}

#[test]
fn a_report_that_was_overtaken_changes_nothing() {
    let mut statuses = Kept::default();
    statuses.apply(&event(156, 200, None, &[("V", &[1])]));
    statuses.apply(&event(156, 100, None, &[("U", &[1])]));
    statuses.apply(&event(182, 150, Some(1), &[]));
    assert_eq!(statuses.state(id(1), 0), Installed);
}

#[test]
fn a_report_does_not_undo_what_happened_after_it() {
    let mut statuses = Kept::default();
    statuses.apply(&event(156, 100, None, &[("U", &[1, 2])]));
    statuses.apply(&event(182, 150, Some(1), &[]));
    statuses.apply(&event(182, 140, Some(3), &[]));
    statuses.apply(&event(156, 145, None, &[("U", &[1, 2])]));
    let rows: Vec<_> = statuses.rows().iter().map(|row| (row.state, row.since)).collect();
    assert_eq!(rows, [(Failed, 150), (NotInstalled, 100)]);
}

#[test]
fn only_failures_and_pending_restarts_are_taken_from_single_events() {
    let mut statuses = Kept::default();
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
    let report = |full, updates: &[(u128, Option<UpdateInstallationState>, i64)]| StatusReport {
        client_id: "c".into(),
        number: 1,
        detected: Some(100),
        full,
        updates: updates.iter().map(|(n, state, since)| (id(*n), *state, *since)).collect(),
    };
    let mut statuses = Kept::default();
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
    let mut statuses = Kept::default();
    let client_id = String::new();
    let report = StatusReport { client_id, number: 1, detected: None, full: false, updates };
    statuses.take_over(&report);
    assert_eq!(statuses.rows().len(), ROWS_KEPT);
}

#[test]
fn a_failure_keeps_its_error_until_something_else_is_reported() {
    let failure = |at, result| Event { result, ..event(182, at, Some(1), &[]) };
    let mut statuses = Kept::default();
    statuses.apply(&event(156, 100, None, &[("U", &[1])]));
    statuses.apply(&failure(110, -5));
    let code = |statuses: &Kept| statuses.rows()[0].code;
    assert_eq!(code(&statuses), -5);
    statuses.apply(&event(156, 120, None, &[("g", &[1])]));
    assert_eq!((code(&statuses), statuses.rows()[0].since), (-5, 110), "it says no other");
    statuses.apply(&failure(130, -6));
    assert_eq!(code(&statuses), -6, "the last attempt counts");
    statuses.apply(&event(156, 140, None, &[("U", &[1])]));
    assert_eq!(code(&statuses), 0);
    statuses.apply(&event(156, 160, None, &[("g", &[1])]));
    statuses.apply(&failure(150, -7));
    assert_eq!(code(&statuses), -7, "an event that was late still says why");
}

#[test]
fn scans_that_never_began_count_as_failed() {
    let mut statuses = Kept::default();
    for (number, event_id) in [(1, 148), (2, 157), (3, 158)] {
        statuses.apply(&event(event_id, number, None, &[]));
        let scan = statuses.statuses.scan.expect("a scan");
        assert!(scan.failed() && scan.at == number, "{event_id}: {scan:?}");
    }
    statuses.apply(&event(147, 4, None, &[]));
    assert!(!statuses.statuses.scan.expect("a scan").failed());
}

#[test]
fn a_report_that_cannot_be_read_in_full_changes_nothing_and_is_noted() {
    let mut statuses = Kept::default();
    statuses.apply(&event(156, 100, None, &[("U", &[1])]));
    let mut damaged = event(156, 200, None, &[("V", &[1])]);
    damaged.misc.push(("U".into(), "1594b429-a8c5-4b0d-ac86".into()));
    statuses.apply(&damaged);
    assert_eq!(statuses.state(id(1), 0), NotInstalled);
    assert_eq!((statuses.statuses.reported, statuses.statuses.unusable), (Some(100), Some(200)));
    let mut endless = event(156, 300, None, &[]);
    endless.misc.push(("V".into(), format!("{};", id(1)).repeat(ROWS_KEPT + 1)));
    statuses.apply(&endless);
    assert_eq!(statuses.statuses.unusable, Some(300));
    let mut empty = event(156, 400, None, &[]);
    empty.misc.push(("V".into(), " ; ".into()));
    statuses.apply(&empty);
    assert_eq!((statuses.state(id(1), 0), statuses.statuses.reported), (NotApplicable, Some(400)));
}

#[test]
fn a_restart_is_pending_until_the_computer_says_that_it_restarted() {
    let mut statuses = Kept::default();
    let pending = |statuses: &Kept| statuses.statuses.restart_pending();
    statuses.apply(&event(184, 100, Some(1), &[]));
    statuses.apply(&event(184, 110, Some(2), &[]));
    assert_eq!(pending(&statuses), Some(100));
    statuses.apply(&event(202, 120, None, &[]));
    assert_eq!((pending(&statuses), statuses.state(id(1), 0)), (None, InstalledPendingReboot));
    statuses.apply(&event(184, 130, Some(3), &[]));
    assert_eq!(pending(&statuses), Some(130));
    statuses.apply(&event(156, 140, None, &[("V", &[1, 2, 3])]));
    assert_eq!(pending(&statuses), None);
}

#[test]
fn what_is_installed_and_needed_in_turn_is_noticed() {
    let mut statuses = Kept::default();
    for at in 1..=4 {
        let list: &[(&str, &[u128])] = if at % 2 == 1 { &[("V", &[1])] } else { &[("U", &[1])] };
        assert_eq!(statuses.statuses.relapses.flapping(at).count(), 0);
        statuses.apply(&event(156, at, None, list));
    }
    assert_eq!(statuses.statuses.relapses.flapping(4).count(), 1);
}

#[test]
fn every_state_means_one_thing_for_compliance() {
    let means = UpdateInstallationState::ALL.map(|state| (state as u8, state.compliance() as u8));
    assert_eq!(means, [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 2), (6, 2)]);
}
