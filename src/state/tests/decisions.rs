//! Decisions: what they change, what they leave alone, and what the journal says of them.

use serde_json::json;
use uuid::Uuid;

use super::support::{Document, Fixture, NOW, detectoid, registration, software, update};
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, GroupError, TargetGroup};
use crate::policy::terms::{Deadline, Terms};
use crate::state::{Children, Decision, Members, StateError};

const PILOT: Uuid = Uuid::from_u128(0x77);

fn by() -> By {
    By::administrator()
}

fn approve(group: &str, action: ApprovalAction, deadline: Option<i64>) -> Decision {
    let deadline = deadline.map(Deadline::utc);
    Decision::Approve { group: group.to_owned(), terms: Terms { deadline, ..action.into() } }
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(detectoid(2)).await;
    fixture.state.create_group(by(), PILOT, "Pilot".into(), None).await.expect("created");
    fixture
}

fn approvals(fixture: &Fixture) -> Vec<Approval> {
    let published = fixture.state.published();
    published.policy.approvals.get(&update(1)).cloned().unwrap_or_default()
}

#[tokio::test]
async fn each_decision_has_a_number_of_its_own_and_replaces_the_one_before() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let install = approve("pilot", ApprovalAction::Install, Some(NOW));
    state.decide(by(), update(1), install).await.expect("approved");
    let first = approvals(&fixture).pop().expect("an approval");
    assert_eq!((first.group, first.terms.deadline), (PILOT, Some(Deadline::utc(NOW))));
    assert_eq!((first.decided, first.revision_number, &*first.by), (NOW, 1, "administrator"));
    assert_eq!(first.changed, state.published().sequence);

    let block = approve("Pilot", ApprovalAction::Block, None);
    state.decide(by(), update(1), block).await.expect("blocked");
    let everyone = approve("All Computers", ApprovalAction::Install, None);
    state.decide(by(), update(1), everyone).await.expect("approved");
    let [second, third] = &approvals(&fixture)[..] else { panic!("{:?}", approvals(&fixture)) };
    assert_eq!((second.terms.action, third.group), (ApprovalAction::Block, ALL_COMPUTERS));
    assert!(first.deployment_id < second.deployment_id);
    assert!(second.deployment_id < third.deployment_id);

    let approve = |approval: &Approval, before: Option<Terms>| {
        let by = "administrator";
        let source = before.map(|_| "decision");
        json!({
            "approve": approval,
            "before": before,
            "before_source": source,
            "was_declined": false,
            "by": by,
        })
    };
    let group = TargetGroup::new(PILOT, "Pilot", None);
    let group = json!({ "group": group, "before": null, "by": "administrator" });
    let (second_entry, third_entry) = (approve(second, Some(first.terms)), approve(third, None));
    let expected = [group, approve(&first, None), second_entry, third_entry];
    assert_eq!(fixture.journal(), expected);
    let dead = &state.published().policy.dead;
    assert_eq!(dead.keys().collect::<Vec<_>>(), [&first.deployment_id]);
    let end = dead[&first.deployment_id];
    assert_eq!((end.guid, end.ended, end.changed), (first.guid, NOW, second.changed));
}

#[tokio::test]
async fn a_decision_that_is_in_force_already_changes_nothing() {
    let fixture = fixture().await;
    let install = approve("Pilot", ApprovalAction::Install, None);
    fixture.state.decide(by(), update(1), install.clone()).await.expect("approved");
    let (before, sequence) = (approvals(&fixture), fixture.state.published().sequence);
    fixture.state.decide(by(), update(1), install).await.expect("approved");
    assert_eq!((approvals(&fixture), fixture.state.published().sequence), (before, sequence));
}

#[tokio::test]
async fn declining_withdraws_all_approvals_and_approving_takes_it_back() {
    let fixture = fixture().await;
    let install = approve("Pilot", ApprovalAction::Install, None);
    fixture.state.decide(by(), update(1), install.clone()).await.expect("approved");
    for _ in 0..2 {
        fixture.state.decide(by(), update(1), Decision::Decline).await.expect("declined");
    }
    let published = fixture.state.published();
    assert!(published.policy.is_declined(update(1)));
    let withdrawn = |approval: &Approval| approval.terms.action == ApprovalAction::None;
    assert!(approvals(&fixture).iter().all(withdrawn), "{:?}", approvals(&fixture));
    assert!(published.scope.tops.is_empty() || !published.scope.tops.contains(0));

    fixture.state.decide(by(), update(1), install).await.expect("approved");
    assert!(!fixture.state.published().policy.is_declined(update(1)));
    let is_decline = |entry: &&serde_json::Value| entry["decline"] == json!(update(1));
    let declines = fixture.journal().iter().filter(is_decline).count();
    assert_eq!(declines, 1, "declining again decides nothing");
}

#[tokio::test]
async fn a_licence_is_accepted_with_the_approval_or_neither_is() {
    let fixture = fixture().await;
    let state = &fixture.state;
    fixture.import_new(Document { eula: Some(9), ..software(3) }).await;
    let entries = fixture.journal().len();
    let install = |group: &str| approve(group, ApprovalAction::Install, None);
    let refused = state.decide_and_accept(by(), update(3), install("Nobody")).await;
    assert!(matches!(refused, Err(StateError::NotFound { .. })), "{refused:?}");
    assert_eq!(fixture.journal().len(), entries);
    assert!(state.published().policy.eulas.is_empty());

    for number in [1, 3] {
        state.decide_and_accept(by(), update(number), install("Pilot")).await.expect("approved");
    }
    let policy = &state.published().policy;
    assert!(policy.approval(update(1), PILOT).is_some(), "which has no licence");
    assert!(policy.approval(update(3), PILOT).is_some());
    assert_eq!(policy.eulas.keys().collect::<Vec<_>>(), [&Uuid::from_u128(9)]);
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_and_alters_nothing() {
    let fixture = fixture().await;
    let sequence = fixture.state.published().sequence;
    let install = |group: &str| approve(group, ApprovalAction::Install, None);
    let deadline = approve("Pilot", ApprovalAction::Block, Some(NOW));
    let past = approve("Pilot", ApprovalAction::Install, Some(NOW - 3600));
    for (number, decision, told) in [
        (9, install("Pilot"), "there is no update"),
        (1, install("Nobody"), "there is no group 'Nobody'"),
        (2, install("Pilot"), "detectoid"),
        (2, Decision::Decline, "detectoid"),
        (1, deadline, "deadline"),
        (1, past, "in the past"),
        (1, install("Downstream Servers"), "no computer"),
    ] {
        let error = fixture.state.decide(by(), update(number), decision).await.expect_err(told);
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(fixture.state.published().sequence, sequence);
    assert_eq!(fixture.journal().len(), 1, "only the group's creation");
}

#[tokio::test]
async fn groups_have_unique_names_and_take_their_approvals_and_memberships_along() {
    let fixture = fixture().await;
    let state = &fixture.state;
    for taken in ["PILOT", " all computers "] {
        assert!(
            state.create_group(by(), Uuid::from_u128(1), taken.into(), None).await.is_err(),
            "{taken}"
        );
    }
    state.register(registration(1, "Pilot")).await.expect("registered");
    state.register(registration(2, "")).await.expect("registered");
    let install = approve("Pilot", ApprovalAction::Install, None);
    state.decide(by(), update(1), install).await.expect("approved");

    state
        .delete_group(by(), "pilot".into(), Children::Refuse, Members::Release)
        .await
        .expect("deleted");
    assert!(!state.published().policy.groups.contains_key(&PILOT));
    assert!(approvals(&fixture).is_empty());
    let computer = state.computers().find("computer-1").expect("a computer");
    assert!(computer.computer.groups.is_empty());
    assert_eq!(
        fixture.journal().last(),
        Some(&json!({
            "delete_group": PILOT,
            "before": TargetGroup::new(PILOT, "Pilot", Some(ALL_COMPUTERS)),
            "by": "administrator",
        }))
    );

    let built_in =
        state.delete_group(by(), "All Computers".into(), Children::Delete, Members::Release).await;
    assert!(matches!(built_in, Err(StateError::Group(GroupError::BuiltIn(_)))), "{built_in:?}");
    let absent = state.delete_group(by(), "Pilot".into(), Children::Refuse, Members::Release).await;
    assert!(matches!(absent, Err(StateError::NotFound { kind: "group", .. })), "{absent:?}");
}
