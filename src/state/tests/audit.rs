//! The audit trail: what was decided can be read, and undone while nothing else was decided since.

use serde_json::json;
use uuid::Uuid;

use super::support::{Fixture, registration, software, update};
use crate::policy::approval::ApprovalAction::{self, Install, Optional, Uninstall};
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, UNASSIGNED_COMPUTERS};
use crate::state::{AuditEntry, AuditFilter, Decision};

fn by() -> By {
    By::administrator()
}

async fn approve(fixture: &Fixture, group: &str, action: ApprovalAction) {
    let decision = Decision::Approve { group: group.into(), terms: action.into() };
    fixture.state.decide(by(), update(1), decision).await.expect("decided");
}

async fn all(fixture: &Fixture) -> Vec<AuditEntry> {
    let filter = AuditFilter { last: usize::MAX, mentions: None };
    fixture.state.audit(filter).await.expect("a journal")
}

async fn undo_last(fixture: &Fixture) -> Result<AuditEntry, String> {
    let last = all(fixture).await.last().expect("an entry").number;
    fixture.state.undo(by(), last).await.map_err(|error| error.to_string())
}

fn action(fixture: &Fixture, group: Uuid) -> Option<ApprovalAction> {
    let policy = &fixture.state.published().policy;
    let approval = policy.approval(update(1), group)?;
    (!policy.is_declined(update(1))).then_some(approval.terms.action)
}

#[tokio::test]
async fn an_approval_is_undone_by_what_held_before_it() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    approve(&fixture, "All Computers", Install).await;
    approve(&fixture, "All Computers", Uninstall).await;
    let undone = undo_last(&fixture).await.expect("undone");
    assert_eq!(action(&fixture, ALL_COMPUTERS), Some(Install));
    let last = all(&fixture).await.pop().expect("an entry");
    assert_eq!(last.value["why"], format!("undoes {}", undone.number));

    let again = fixture.state.undo(by(), undone.number).await.expect_err("undone already");
    assert!(again.to_string().contains("decided since"), "{again}");
    // The first approval was decided over, too.
    assert!(
        fixture.state.undo(by(), 2).await.expect_err("overtaken").to_string().contains("since")
    );
    let import = fixture.state.undo(by(), 1).await.expect_err("an import").to_string();
    assert!(import.contains("cannot be undone"), "{import}");
    approve(&fixture, "Unassigned Computers", Optional).await;
    undo_last(&fixture).await.expect("undone");
    let nothing = Some(ApprovalAction::None);
    assert_eq!(action(&fixture, UNASSIGNED_COMPUTERS), nothing, "there was nothing before");
    assert!(fixture.state.undo(by(), 999).await.is_err());
}

#[tokio::test]
async fn a_decline_is_undone_with_the_approvals_that_it_ended() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    approve(&fixture, "All Computers", Install).await;
    approve(&fixture, "Unassigned Computers", Optional).await;
    fixture.state.decide(by(), update(1), Decision::Decline).await.expect("declined");
    assert_eq!(action(&fixture, ALL_COMPUTERS), None);
    undo_last(&fixture).await.expect("undone");
    assert_eq!(action(&fixture, ALL_COMPUTERS), Some(Install));
    assert_eq!(action(&fixture, UNASSIGNED_COMPUTERS), Some(Optional));

    // What took a decline back is undone by declining.
    fixture.state.decide(by(), update(1), Decision::Decline).await.expect("declined");
    approve(&fixture, "All Computers", Uninstall).await;
    undo_last(&fixture).await.expect("undone");
    assert!(fixture.state.published().policy.is_declined(update(1)));
}

#[tokio::test]
async fn a_computer_goes_back_where_it_was() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let pilot = Uuid::from_u128(7);
    state.create_group(by(), pilot, "Pilot".into(), None).await.expect("created");
    assert!(undo_last(&fixture).await.expect_err("a group").contains("cannot be undone"));
    state.register(registration(1, "")).await.expect("registered");
    let place = |groups: &[&str]| {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        state.move_computer(by(), "computer-1".into(), groups)
    };
    place(&["Pilot"]).await.expect("moved");
    let moved = all(&fixture).await.last().expect("an entry").number;
    place(&[]).await.expect("moved");
    assert!(state.undo(by(), moved).await.is_err(), "it was moved since");
    undo_last(&fixture).await.expect("undone");
    let computer = state.computers().find("computer-1").expect("a computer").computer;
    assert_eq!(computer.groups, [pilot]);
}

#[tokio::test]
async fn what_the_store_refused_is_not_listed_and_entries_are_found_by_what_they_name() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(software(2)).await;
    approve(&fixture, "All Computers", Install).await;
    fixture.store.fail_next_commit();
    assert!(fixture.state.decide(by(), update(1), Decision::Decline).await.is_err());
    fixture.state.decide(by(), update(2), Decision::Decline).await.expect("declined");
    let told = all(&fixture).await;
    assert_eq!(told.len(), 4, "two imports, and two of the other four lines in the journal");
    let import = json!({ "import": { "revisions": 1 }, "by": "administrator" });
    assert_eq!((&told[0].value, &told[1].value), (&import, &import));
    assert_eq!(fixture.journal().len(), 4);
    let find = async |last, text: Option<String>| {
        let filter = AuditFilter { last, mentions: text };
        let found = fixture.state.audit(filter).await.expect("a journal");
        found.into_iter().map(|entry| entry.number).collect::<Vec<_>>()
    };
    assert_eq!(find(10, Some(update(1).to_string())).await, [3]);
    assert_eq!(find(1, None).await, [6]);
    assert_eq!(find(10, Some("nobody".into())).await, [0_u64; 0]);
    assert_eq!(told[3].value["decline"], json!(update(2)));
}
