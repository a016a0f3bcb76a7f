//! Update groups: deployed as one, and taken back as one where nobody decided otherwise.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::support::{Fixture, NOW, detectoid, software, update};
use crate::policy::approval::ApprovalAction::{self, Install, None as Withdrawn, Uninstall};
use crate::policy::by::By;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::policy::terms::{Deadline, Terms};
use crate::state::{Decision, StateError};

fn by() -> By {
    By::administrator()
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    for number in 1..=3 {
        fixture.import_new(software(number)).await;
    }
    fixture.import_new(detectoid(4)).await;
    let created = fixture.state.create_update_group(by(), Uuid::from_u128(5), "October".into());
    created.await.expect("created");
    fixture
}

async fn change(fixture: &Fixture, add: &[u8], remove: &[u8]) -> Result<(), StateError> {
    let ids = |numbers: &[u8]| numbers.iter().map(|number| update(*number)).collect();
    let changed = fixture.state.change_update_group(by(), "october".into(), ids(add), ids(remove));
    changed.await.map(drop)
}

async fn deploy(fixture: &Fixture, terms: impl Into<Terms>, enabled: bool) {
    let (name, group) = ("October".to_owned(), "All Computers".to_owned());
    let deployed = fixture.state.deploy_update_group(by(), name, group, terms.into(), enabled);
    deployed.await.expect("deployed");
}

fn actions(fixture: &Fixture) -> [Option<ApprovalAction>; 3] {
    let policy = &fixture.state.published().policy;
    [1, 2, 3].map(|number| {
        policy.approval(update(number), ALL_COMPUTERS).map(|approval| approval.terms.action)
    })
}

#[tokio::test]
async fn adding_an_update_deploys_it_and_taking_it_out_takes_that_back() {
    let fixture = fixture().await;
    change(&fixture, &[1], &[]).await.expect("added");
    deploy(&fixture, Install, true).await;
    assert_eq!(actions(&fixture), [Some(Install), None, None]);
    change(&fixture, &[2], &[]).await.expect("added");
    assert_eq!(actions(&fixture), [Some(Install), Some(Install), None]);
    let entry = &fixture.journal()[2];
    assert_eq!(entry["why"], "update group 'October'");

    let uninstall = Decision::Approve { group: "All Computers".into(), terms: Uninstall.into() };
    fixture.state.decide(by(), update(2), uninstall).await.expect("decided");
    change(&fixture, &[3], &[1, 2]).await.expect("changed");
    let expected = [Some(Withdrawn), Some(Uninstall), Some(Install)];
    assert_eq!(actions(&fixture), expected, "somebody decided otherwise on the second");

    let fixture = fixture.reopened().await;
    let group = fixture.state.published().policy.update_groups[&Uuid::from_u128(5)].clone();
    assert_eq!(group.updates, BTreeSet::from([update(3)]));
    fixture.state.delete_update_group(by(), "October".into()).await.expect("deleted");
    assert_eq!(actions(&fixture), [Some(Withdrawn), Some(Uninstall), Some(Withdrawn)]);
    assert!(fixture.state.published().policy.update_groups.is_empty());
}

#[tokio::test]
async fn a_disabled_deployment_approves_nothing_and_disabling_one_takes_it_back() {
    let fixture = fixture().await;
    change(&fixture, &[1], &[]).await.expect("added");
    deploy(&fixture, Install, false).await;
    change(&fixture, &[2], &[]).await.expect("added");
    assert_eq!(actions(&fixture), [None; 3]);
    deploy(&fixture, Install, true).await;
    assert_eq!(actions(&fixture), [Some(Install), Some(Install), None]);
    deploy(&fixture, Install, false).await;
    assert_eq!(actions(&fixture), [Some(Withdrawn), Some(Withdrawn), None]);
    deploy(&fixture, Uninstall, true).await;
    assert_eq!(actions(&fixture), [Some(Uninstall), Some(Uninstall), None]);
    let withdrawn =
        fixture.state.withdraw_update_group(by(), "October".into(), "All Computers".into());
    withdrawn.await.expect("withdrawn");
    assert_eq!(actions(&fixture), [Some(Withdrawn), Some(Withdrawn), None]);
}

#[tokio::test]
async fn declined_updates_stay_declined_and_deadlines_that_passed_are_refused_as_by_hand() {
    let fixture = fixture().await;
    change(&fixture, &[1, 2], &[]).await.expect("added");
    for number in [2, 3] {
        fixture.state.decide(by(), update(number), Decision::Decline).await.expect("declined");
    }
    let refused = change(&fixture, &[3], &[]).await.expect_err("declined").to_string();
    assert!(refused.contains("declined") && refused.contains(&update(3).to_string()), "{refused}");
    let deadline = Some(Deadline::utc(NOW + 60));
    deploy(&fixture, Terms { deadline, ..Install.into() }, true).await;
    assert_eq!(actions(&fixture), [Some(Install), None, None]);
    let declined =
        |fixture: &Fixture, number| fixture.state.published().policy.is_declined(update(number));
    assert!(declined(&fixture, 2) && declined(&fixture, 3));

    let fixture = fixture.reopened_at(|| NOW + 3600).await;
    fixture.import_new(software(5)).await;
    let entries = fixture.journal().len();
    let refused = change(&fixture, &[5], &[]).await.expect_err("too late").to_string();
    assert!(refused.contains("'All Computers'") && refused.contains("in the past"), "{refused}");
    assert_eq!(fixture.journal().len(), entries);
    change(&fixture, &[], &[2]).await.expect("what goes out needs no deadline");
    deploy(&fixture, Install, true).await;
    change(&fixture, &[5], &[]).await.expect("added");
    assert!(declined(&fixture, 2));
}

#[tokio::test]
async fn what_cannot_be_changes_nothing() {
    let fixture = fixture().await;
    let journal = fixture.journal().len();
    for (add, remove, told) in [
        (&[1, 4][..], &[][..], "detectoid"),
        (&[1, 9], &[], "there is no update"),
        (&[1], &[2], "there is no update in the group"),
    ] {
        let refused = change(&fixture, add, remove).await.expect_err(told).to_string();
        assert!(refused.contains(told), "{refused}");
    }
    let again = fixture.state.create_update_group(by(), Uuid::from_u128(6), "OCTOBER".into()).await;
    assert!(again.expect_err("taken").to_string().contains("exists already"));
    let nothing =
        fixture.state.withdraw_update_group(by(), "October".into(), "All Computers".into());
    assert!(matches!(nothing.await, Err(StateError::NotFound { kind: "deployment to", .. })));
    let take_back = fixture.state.deploy_update_group(
        by(),
        "October".into(),
        "All Computers".into(),
        Withdrawn.into(),
        true,
    );
    assert!(matches!(take_back.await, Err(StateError::Refused(_))));
    assert_eq!(fixture.journal().len(), journal);
}
