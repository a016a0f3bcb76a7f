//! Cleanup declines what nobody can want any more, with a reason, and nothing else.

use uuid::Uuid;

use super::support::{Document, Fixture, NOW, registration, software, update};
use crate::computers::event::{Event, STATUS_REPORT};
use crate::policy::approval::ApprovalAction::{Block, Install};
use crate::policy::by::By;
use crate::policy::cause::Cause;
use crate::policy::terms::ApprovalAction;
use crate::state::{AuditFilter, CleanupSettings, Decision};

fn by() -> By {
    By::administrator()
}

/// Of the tests' one moment: what is here for no day is old enough after none.
fn settings() -> CleanupSettings {
    CleanupSettings {
        decline_expired: true,
        decline_superseded_days: 0,
        delete_days: 0,
        delete_now: false,
        delete_content_days: 0,
        keep_all_content: false,
        forget_computers_days: 0,
    }
}

async fn approve(fixture: &Fixture, number: u8, action: ApprovalAction) {
    let decision = Decision::Approve { group: "All Computers".into(), terms: action.into() };
    fixture.state.decide(by(), update(number), decision).await.expect("decided");
}

/// A computer says that it needs an update.
async fn report_needed(fixture: &Fixture, number: u8) {
    fixture.state.register(registration(1, "")).await.expect("registered");
    let needs = Event {
        instance: Uuid::from_u128(1),
        event_id: STATUS_REPORT,
        source: 101,
        update: None,
        at: NOW,
        result: 0,
        app: String::new(),
        strings: Vec::new(),
        misc: vec![("U".to_owned(), update(number).to_string())],
    };
    fixture.state.report("computer-1".into(), vec![needs], false).await.expect("reported");
}

async fn undo_last(fixture: &Fixture) {
    let filter = AuditFilter { last: 1, mentions: None };
    let last = fixture.state.audit(filter).await.expect("a journal")[0].number;
    fixture.state.undo(by(), last).await.expect("undone");
}

async fn declined(fixture: &Fixture) -> Vec<(Uuid, Cause)> {
    fixture.state.clean_up(settings(), None).await.expect("done").declines
}

#[tokio::test]
async fn what_its_publisher_withdrew_is_declined_with_the_reason_and_once() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(Document { expired: true, revision: 2, ..software(1) }).await;
    fixture.import_new(software(2)).await;
    let preview = fixture.state.preview_cleanup(settings()).await.expect("a plan");
    let reason = "its publisher withdrew it";
    assert_eq!(preview.declines, [(update(1), Cause::Expired(2))]);
    assert_eq!(
        fixture.state.clean_up(settings(), Some("ann".into())).await.expect("done"),
        preview
    );
    assert!(fixture.state.published().policy.is_declined(update(1)));
    let entry = fixture.journal().pop().expect("an entry");
    assert_eq!((&entry["by"], &entry["why"]), (&"weir".into(), &reason.into()));
    assert_eq!(entry["started_by"], "ann");
    let again = fixture.state.preview_cleanup(settings()).await.expect("a plan");
    assert!(again.declines.is_empty());
    let off = CleanupSettings { decline_expired: false, ..settings() };
    assert!(fixture.state.preview_cleanup(off).await.expect("a plan").declines.is_empty());
}

#[tokio::test]
async fn what_was_replaced_is_declined_only_if_nobody_misses_it() {
    let fixture = Fixture::new();
    for number in 1..=4 {
        fixture.import_new(software(number)).await;
    }
    fixture.import_new(Document { supersedes: vec![1, 2, 3], ..software(9) }).await;
    fixture.import_new(Document { supersedes: vec![4], ..software(8) }).await;
    approve(&fixture, 3, Install).await;
    approve(&fixture, 8, Block).await;
    report_needed(&fixture, 2).await;
    let old = CleanupSettings { decline_superseded_days: 90, ..settings() };
    let declined = |days: i64| {
        let cleanup = fixture.state.plan_cleanup(old, NOW + days * 86_400);
        cleanup.declines.into_iter().map(|(update, _)| update).collect::<Vec<_>>()
    };
    assert!(declined(91).is_empty(), "what replaces them is not approved");
    approve(&fixture, 9, Install).await;
    assert_eq!(declined(91), [update(1), update(3)], "2 is needed, and 8 is blocked");
    assert!(declined(89).is_empty(), "not here for long enough");
}

#[tokio::test]
async fn what_somebody_took_back_is_not_declined_for_the_same_cause_again() {
    let fixture = Fixture::new();
    let expired = |revision| Document { expired: true, revision, ..software(1) };
    fixture.import_new(expired(2)).await;
    assert_eq!(declined(&fixture).await, [(update(1), Cause::Expired(2))]);
    undo_last(&fixture).await;
    assert_eq!(declined(&fixture).await, []);
    let fixture = fixture.reopened().await;
    assert_eq!(declined(&fixture).await, []);
    let exempt =
        |fixture: &Fixture| fixture.state.published().policy.exempt.get(&update(1)).copied();
    assert_eq!(exempt(&fixture), Some(Cause::Expired(2)));

    fixture.import_new(expired(3)).await;
    assert_eq!(declined(&fixture).await, [(update(1), Cause::Expired(3))], "it says so anew");
    approve(&fixture, 1, Install).await;
    assert_eq!(declined(&fixture).await, [], "approving takes it back as well");

    fixture.state.decide(by(), update(1), Decision::Decline).await.expect("declined");
    assert_eq!(exempt(&fixture), None, "he declines it himself");
    approve(&fixture, 1, Install).await;
    assert_eq!(declined(&fixture).await, [(update(1), Cause::Expired(3))]);
}

#[tokio::test]
async fn an_exemption_lasts_as_long_as_what_replaced_the_update_is_approved() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(Document { supersedes: vec![1], ..software(8) }).await;
    approve(&fixture, 8, Install).await;
    let old = CleanupSettings { decline_superseded_days: 90, ..settings() };
    let later = NOW + 91 * 86_400;
    let plan = || fixture.state.plan_cleanup(old, later);
    let rules = old.declines(later);
    assert_eq!(plan().declines, [(update(1), Cause::Superseded(update(8)))]);
    fixture.state.carry_out_cleanup(rules, plan(), None).await.expect("done");
    undo_last(&fixture).await;
    fixture.import_new(Document { supersedes: vec![1], ..software(9) }).await;
    approve(&fixture, 9, Install).await;
    assert_eq!(plan().declines, []);
    fixture.state.decide(by(), update(8), Decision::Decline).await.expect("declined");
    assert_eq!(plan().declines, [(update(1), Cause::Superseded(update(9)))]);
}

#[tokio::test]
async fn what_is_not_to_be_declined_any_more_when_its_turn_comes_is_left_alone() {
    let fixture = Fixture::new();
    for number in 1..=4 {
        fixture.import_new(software(number)).await;
    }
    fixture.import_new(Document { supersedes: vec![1, 2], ..software(8) }).await;
    fixture.import_new(Document { supersedes: vec![3], ..software(9) }).await;
    fixture.import_new(Document { revision: 2, expired: true, ..software(4) }).await;
    approve(&fixture, 8, Install).await;
    approve(&fixture, 9, Install).await;
    let old = CleanupSettings { decline_superseded_days: 90, ..settings() };
    let later = NOW + 91 * 86_400;
    let plan = fixture.state.plan_cleanup(old, later);
    assert_eq!(plan.declines.len(), 4, "{plan:?}");

    report_needed(&fixture, 1).await;
    fixture.state.decide(by(), update(9), Decision::Decline).await.expect("declined");
    fixture.import_new(Document { revision: 3, ..software(4) }).await;
    let done = fixture.state.carry_out_cleanup(old.declines(later), plan, None).await;
    let done = done.expect("done").declines;
    assert_eq!(done, [(update(2), Cause::Superseded(update(8)))]);
    let policy = &fixture.state.published().policy;
    let declined = [1, 2, 3, 4].map(|number| policy.is_declined(update(number)));
    assert_eq!(declined, [false, true, false, false]);
}

#[tokio::test]
async fn computers_that_are_silent_are_forgotten() {
    let fixture = Fixture::new();
    fixture.state.register(registration(1, "")).await.expect("registered");
    fixture.state.register(registration(2, "")).await.expect("registered");
    let later = NOW + 31 * 86_400;
    fixture.state.computers().find("computer-2").expect("a computer").touch(later);
    let settings = CleanupSettings { forget_computers_days: 30, ..settings() };
    let plan = fixture.state.plan_cleanup(settings, later);
    assert_eq!(plan.computers, ["computer-1"]);
    let rules = settings.declines(later);
    fixture.state.carry_out_cleanup(rules, plan, None).await.expect("done");
    assert!(fixture.state.computers().find("computer-1").is_none());
    assert!(fixture.state.computers().find("computer-2").is_some());
    assert_eq!(fixture.journal().pop().expect("an entry")["why"], "it was silent for too long");
}
