//! Decisions: what they change, what they leave alone, and what the journal says of them.

use serde_json::json;
use uuid::Uuid;

use super::support::{Fixture, NOW, detectoid, registration, software, update};
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::target_group::ALL_COMPUTERS;
use crate::state::{Decision, StateError};

const PILOT: Uuid = Uuid::from_u128(0x77);

fn approve(group: &str, action: ApprovalAction, deadline: Option<i64>) -> Decision {
    Decision::Approve { group: group.to_owned(), action, deadline }
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(detectoid(2)).await;
    fixture.state.create_group(PILOT, "Pilot".into()).await.expect("created");
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
    state.decide(update(1), install).await.expect("approved");
    let first = approvals(&fixture).pop().expect("an approval");
    assert_eq!((first.group, first.deadline, first.decided), (PILOT, Some(NOW), NOW));
    assert_eq!(first.changed, state.published().sequence);

    let block = approve("Pilot", ApprovalAction::Block, None);
    state.decide(update(1), block).await.expect("blocked");
    let everyone = approve("All Computers", ApprovalAction::Install, None);
    state.decide(update(1), everyone).await.expect("approved");
    let [second, third] = &approvals(&fixture)[..] else { panic!("{:?}", approvals(&fixture)) };
    assert_eq!((second.action, third.group), (ApprovalAction::Block, ALL_COMPUTERS));
    assert!(first.deployment_id < second.deployment_id);
    assert!(second.deployment_id < third.deployment_id);

    let approve = |approval: &Approval| json!({ "approve": approval });
    let group = json!({ "group": { "id": PILOT, "name": "Pilot" } });
    let expected = [group, approve(&first), approve(second), approve(third)];
    assert_eq!(fixture.journal(), expected);
}

#[tokio::test]
async fn a_decision_that_is_in_force_already_changes_nothing() {
    let fixture = fixture().await;
    let install = approve("Pilot", ApprovalAction::Install, None);
    fixture.state.decide(update(1), install.clone()).await.expect("approved");
    let (before, sequence) = (approvals(&fixture), fixture.state.published().sequence);
    fixture.state.decide(update(1), install).await.expect("approved");
    assert_eq!((approvals(&fixture), fixture.state.published().sequence), (before, sequence));
}

#[tokio::test]
async fn declining_withdraws_all_approvals_and_approving_takes_it_back() {
    let fixture = fixture().await;
    let install = approve("Pilot", ApprovalAction::Install, None);
    fixture.state.decide(update(1), install.clone()).await.expect("approved");
    for _ in 0..2 {
        fixture.state.decide(update(1), Decision::Decline).await.expect("declined");
    }
    let published = fixture.state.published();
    assert!(published.policy.is_declined(update(1)));
    let withdrawn = |approval: &Approval| approval.action == ApprovalAction::None;
    assert!(approvals(&fixture).iter().all(withdrawn), "{:?}", approvals(&fixture));
    assert!(published.scope.tops.is_empty() || !published.scope.tops.contains(0));

    fixture.state.decide(update(1), install).await.expect("approved");
    assert!(!fixture.state.published().policy.is_declined(update(1)));
    let decline = json!({ "decline": update(1), "decided": NOW });
    let declines = fixture.journal().iter().filter(|entry| **entry == decline).count();
    assert_eq!(declines, 1, "declining again decides nothing");
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_and_alters_nothing() {
    let fixture = fixture().await;
    let sequence = fixture.state.published().sequence;
    let install = |group: &str| approve(group, ApprovalAction::Install, None);
    let deadline = approve("Pilot", ApprovalAction::Block, Some(NOW));
    for (number, decision, told) in [
        (9, install("Pilot"), "there is no update"),
        (1, install("Nobody"), "there is no group 'Nobody'"),
        (2, install("Pilot"), "detectoid"),
        (2, Decision::Decline, "detectoid"),
        (1, deadline, "deadline"),
    ] {
        let error = fixture.state.decide(update(number), decision).await.expect_err(told);
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
        assert!(state.create_group(Uuid::from_u128(1), taken.into()).await.is_err(), "{taken}");
    }
    state.register(registration(1, "Pilot")).await.expect("registered");
    state.register(registration(2, "")).await.expect("registered");
    let install = approve("Pilot", ApprovalAction::Install, None);
    state.decide(update(1), install).await.expect("approved");

    state.delete_group("pilot".into()).await.expect("deleted");
    assert!(!state.published().policy.groups.contains_key(&PILOT));
    assert!(approvals(&fixture).is_empty());
    let computer = state.computers().find("computer-1").expect("a computer");
    assert!(computer.computer.groups.is_empty());
    assert_eq!(fixture.journal().last(), Some(&json!({ "delete_group": PILOT })));

    let built_in = state.delete_group("All Computers".into()).await;
    assert!(matches!(built_in, Err(StateError::Refused(_))), "{built_in:?}");
    let absent = state.delete_group("Pilot".into()).await;
    assert!(matches!(absent, Err(StateError::NotFound { kind: "group", .. })), "{absent:?}");
}
