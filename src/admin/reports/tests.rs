//! What two reports say of the same, they say alike.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::admin::{Source, import_into};
use crate::computers::computer::ComputerInfo;
use crate::computers::event::{Event, STATUS_REPORT};
use crate::metadata::sample;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::state::{Decision, Registration, Settings, State};
use crate::store::memory::MemoryStore;

const IMPORTED: i64 = 1_800_000_000;

fn event(instance: u128, event_id: i16, update: Option<Uuid>, lists: &[(&str, &[Uuid])]) -> Event {
    let update = update
        .map(|update_id| crate::wire::types::UpdateIdentity { update_id, revision_number: 1 });
    Event {
        instance: Uuid::from_u128(instance),
        event_id,
        update,
        result: 0x8024_2016_u32.cast_signed(),
        ..Event::status(IMPORTED, lists)
    }
}

async fn register(state: &State, name: &str) {
    let info = ComputerInfo { dns_name: name.into(), ..ComputerInfo::default() };
    let registration = Registration {
        client_id: name.into(),
        info,
        requested_group: String::new(),
        client_side_targeting: false,
        address: String::new(),
    };
    state.register(registration).await.expect("registered");
}

/// The sample, groups Office above Lab, and four computers: one that never reported, one in no
/// group, one in each group.
async fn office(dir: &std::path::Path) -> (Arc<State>, Vec<Uuid>) {
    let store = Box::new(MemoryStore::new());
    let state = State::with_store(dir, store, &Settings::default(), || IMPORTED).expect("a state");
    let documents = sample::documents().iter();
    let documents =
        documents.map(|(name, bytes)| Source { name: (*name).into(), bytes: bytes.to_vec() });
    import_into(&state, &By::administrator(), documents.collect(), false).await.expect("imported");
    let by = By::administrator;
    for (number, name, parent) in [(1, "Office", None), (2, "Lab", Some("Office".to_owned()))] {
        let id = Uuid::from_u128(number);
        state.create_group(by(), id, name.into(), parent).await.expect("created");
    }
    let report = ReportUpdates { detail: Detail::Tabular, ..ReportUpdates::default() };
    let state = Arc::new(state);
    let updates: Vec<Uuid> =
        report.make(&state).await.expect("a report").rows.iter().map(|it| it.update_id).collect();
    assert!(updates.len() > 4, "{updates:?}");
    for (number, name) in (1..).zip(["silent", "alone", "office", "lab"]) {
        register(&state, name).await;
        if name == "silent" {
            continue;
        }
        let lists: &[(&str, &[Uuid])] = &[("U", &updates[..1]), ("V", &updates[1..3])];
        let mut events = vec![event(number, STATUS_REPORT, None, lists)];
        if name == "lab" {
            events.push(event(number + 100, 182, Some(updates[0]), &[]));
            events.push(event(number + 200, 184, Some(updates[1]), &[]));
        }
        assert!(state.report(name.into(), events, false).await.expect("reported"));
    }
    for (computer, group) in [("office", "Office"), ("lab", "Lab")] {
        let groups = vec![group.to_owned()];
        state.move_computer(by(), computer.into(), groups).await.expect("moved");
    }
    (state, updates)
}

#[tokio::test]
async fn updates_and_computers_add_up_to_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let (state, updates) = office(dir.path()).await;
    let counted = CountedComputers::default();
    for (group, computers) in [(None, 4), (Some("Office"), 2), (Some("lab"), 1)] {
        let group = group.map(str::to_owned);
        let of_updates = ReportUpdates { group: group.clone(), ..ReportUpdates::default() };
        let of_updates = of_updates.make(&state).await.expect("a report");
        let of_computers = ReportComputers { group, ..ReportComputers::default() };
        let of_computers = of_computers.report(&state, &counted).expect("a report");
        assert_eq!((of_updates.computers, of_computers.computers), (computers, computers));
        assert_eq!(of_updates.totals, of_computers.totals);
        assert_eq!(of_updates.totals.total(), computers * of_updates.updates);
        let mut sum = Counts::default();
        of_updates.rows.iter().for_each(|row| sum.add_all(&row.counts));
        assert_eq!(sum, of_updates.totals);
    }
    let all = ReportComputers::default().report(&state, &counted).expect("a report");
    let classes = (all.with_failures, all.in_need, all.with_unknown, all.up_to_date);
    assert_eq!(classes, (1, 2, 1, 0));
    let one = ReportUpdates::default().make(&state).await.expect("a report");
    let one = one.rows.iter().find(|row| row.update_id == updates[0]).expect("the update");
    assert_eq!((one.counts.failed, one.counts.not_installed, one.counts.unknown), (1, 2, 1));
    assert_eq!((one.needed, one.percent_done), (2, Some(0.0)));
}

#[tokio::test]
async fn filters_leave_what_they_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let (state, updates) = office(dir.path()).await;
    let approve = Decision::Approve { group: "Lab".into(), terms: ApprovalAction::Install.into() };
    state.decide(By::administrator(), updates[0], approve).await.expect("approved");
    state.decide(By::administrator(), updates[3], Decision::Decline).await.expect("declined");
    let all = ReportUpdates::default().make(&state).await.expect("a report").rows;
    assert!(all.iter().all(|row| row.update_id != updates[3]), "it is declined");
    let class = all[0].classifications[0].clone();
    let product = all[0].products[0].clone();
    let title = all[0].title.clone();
    let filtered = async |filter: UpdateFilter| {
        let report = ReportUpdates { filter, ..ReportUpdates::default() };
        let rows = report.make(&state).await.expect("a report").rows;
        rows.into_iter().map(|row| row.update_id).collect::<Vec<_>>()
    };
    let expected = |wanted: &dyn Fn(&UpdateRow) -> bool| {
        all.iter().filter(|row| wanted(row)).map(|row| row.update_id).collect::<Vec<_>>()
    };
    let none = UpdateFilter::default;
    let filter = UpdateFilter { classification: Some(class.to_uppercase()), ..none() };
    assert_eq!(filtered(filter).await, expected(&|row| row.classifications.contains(&class)));
    let filter = UpdateFilter { product: Some(product.clone()), ..none() };
    assert_eq!(filtered(filter).await, expected(&|row| row.products.contains(&product)));
    let filter = UpdateFilter { text: Some(title.to_uppercase()), ..none() };
    assert_eq!(filtered(filter).await, expected(&|row| row.title.contains(&title)));
    let filter = UpdateFilter { severity: Some("unspecified".into()), ..none() };
    assert_eq!(filtered(filter).await, expected(&|row| row.severity.is_none()));
    let approved = UpdateFilter { approval: Some(ApprovalFilter::Approved), ..none() };
    assert_eq!(filtered(approved.clone()).await, [updates[0]]);
    let unapproved = UpdateFilter { approval: Some(ApprovalFilter::Unapproved), ..none() };
    assert_eq!(filtered(unapproved).await.len(), all.len() - 1);
    let declined = UpdateFilter { approval: Some(ApprovalFilter::Declined), ..none() };
    assert_eq!(filtered(declined).await, [updates[3]]);
    let (day, next) = (Some("2027-01-15".to_owned()), Some("2027-01-16".to_owned()));
    let arrived = UpdateFilter { arrived_from: day.clone(), arrived_before: next, ..none() };
    assert_eq!(filtered(arrived).await.len(), all.len());
    let earlier = UpdateFilter { arrived_before: day.clone(), ..none() };
    assert!(filtered(earlier).await.is_empty());
    let due = UpdateFilter { deadline_from: day, ..none() };
    assert!(filtered(due).await.is_empty(), "nothing has a deadline");
    for (filter, told) in [
        (UpdateFilter { product: Some("Nothing".into()), ..none() }, "no product 'Nothing'"),
        (UpdateFilter { arrived_from: Some("soon".into()), ..none() }, "'soon' is no day"),
    ] {
        let report = ReportUpdates { filter, ..ReportUpdates::default() };
        let refused = report.make(&state).await.expect_err(told).to_string();
        assert!(refused.contains(told), "{refused}");
    }

    // One row, with the groups behind it.
    let (detail, limit) = (Detail::Detailed, Some(1));
    let report = ReportUpdates { filter: approved, detail, limit, ..ReportUpdates::default() };
    let row = report.make(&state).await.expect("a report").rows.remove(0);
    let approvals: Vec<&str> = row.approvals.iter().map(|it| it.group.as_str()).collect();
    assert_eq!(approvals, ["All Computers / Office / Lab"]);
    let failed: Vec<(&str, u64)> =
        row.groups.iter().map(|it| (it.group.as_str(), it.counts.failed)).collect();
    assert!(failed.contains(&("All Computers / Office", 1)), "it counts those below: {failed:?}");
    assert!(failed.contains(&("All Computers / Unassigned Computers", 0)), "{failed:?}");
}

#[tokio::test]
async fn computers_are_found_by_what_is_true_of_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let (state, updates) = office(dir.path()).await;
    let counted = CountedComputers::default();
    let names = async |report: ReportComputers| {
        let rows = report.report(&state, &counted).expect("a report").rows;
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    let all = ReportComputers::default;
    assert_eq!(names(all()).await, ["alone", "lab", "office", "silent"]);
    let condition = Some(ComputerCondition::RestartPending);
    assert_eq!(names(ReportComputers { condition, ..all() }).await, ["lab"]);
    let condition = Some(ComputerCondition::NeverReported);
    assert_eq!(names(ReportComputers { condition, ..all() }).await, ["silent"]);
    let (sort, descending) = (ComputerOrder::Failed, true);
    let worst = ReportComputers { sort, descending, limit: Some(1), ..all() };
    assert_eq!(names(worst).await, ["lab"]);
    assert_eq!(names(ReportComputers { computer: Some("LA".into()), ..all() }).await, ["lab"]);
    assert!(names(ReportComputers { os: Some("11".into()), ..all() }).await.is_empty());
    assert!(names(ReportComputers { silent_days: Some(1), ..all() }).await.is_empty());
    let (update, state_of) = (Some(updates[0]), Some(StateFilter::Failed));
    let report = ReportComputers { update, state: state_of, ..all() };
    let mut rows = report.report(&state, &counted).expect("a report").rows;
    let [found] = &rows.remove(0).updates[..] else { panic!("one update") };
    assert_eq!((found.update_id, found.state.as_str()), (updates[0], "Failed"));
    let error = found.error.as_deref().expect("an error");
    assert_eq!(error, "0x80242016 (after the restart the update was not as expected)");
    let (update, state_of) = (Some(updates[0]), Some(StateFilter::Unknown));
    let report = ReportComputers { update, state: state_of, ..all() };
    let rows = report.report(&state, &counted).expect("a report").rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].updates[0].why.as_deref(), Some("no report of it was received yet"));
    let page = ReportComputers { offset: Some(1), limit: Some(2), ..all() };
    assert_eq!(names(page).await, ["lab", "office"]);
}

/// Whatever changes between two reports, what is kept of the first makes the second say nothing else.
#[tokio::test]
async fn what_is_kept_of_a_report_is_never_out_of_date() {
    let dir = tempfile::tempdir().expect("a directory");
    let (state, updates) = office(dir.path()).await;
    let counted = CountedComputers::default();
    let (mut before, mut rounds) = (None, 0);
    let mut look = |changes: bool| {
        let report = |counted: &CountedComputers| {
            ReportComputers::default().report(&state, counted).expect("a report")
        };
        let (kept, anew) = (report(&counted), report(&CountedComputers::default()));
        assert_eq!(kept, anew);
        let again = serde_json::to_value(report(&counted)).expect("a value");
        assert_eq!(before.replace(again.clone()) != Some(again), changes, "round {rounds}");
        rounds += 1;
    };
    look(true);
    look(false);
    let lab = ReportComputers { group: Some("Lab".into()), ..ReportComputers::default() };
    assert_eq!(lab.report(&state, &counted).expect("a report").computers, 1);
    assert_eq!(counted.len(), 4, "a report on some forgets nothing of the others");
    let later =
        |instance| Event { at: IMPORTED + 5, ..event(instance, 182, Some(updates[1]), &[]) };
    state.report("office".into(), vec![later(900)], false).await.expect("reported");
    look(true);
    state.decide(By::administrator(), updates[0], Decision::Decline).await.expect("declined");
    look(true);
    state.delete_computer(By::administrator(), "lab".into()).await.expect("deleted");
    look(true);
    register(&state, "newcomer").await;
    look(true);
    look(false);
}
