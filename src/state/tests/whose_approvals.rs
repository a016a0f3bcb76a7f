//! Whose an approval is: a deployment that ends takes back what it made, all of it and nothing else.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::support::{Fixture, NOW, software, update};
use crate::policy::approval::ApprovalAction::{
    self, Install, None as Withdrawn, Optional, Uninstall,
};
use crate::policy::approval::{Approval, Source};
use crate::policy::by::By;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::policy::terms::{Deadline, Terms};
use crate::state::{AuditFilter, Decision};

const MARCH: Uuid = Uuid::from_u128(3);
const APRIL: Uuid = Uuid::from_u128(4);

fn by() -> By {
    By::administrator()
}

/// Updates 1 and 2 are in both March and April.
async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    for number in 1..=2 {
        fixture.import_new(software(number)).await;
    }
    for (id, name) in [(MARCH, "March"), (APRIL, "April")] {
        fixture.state.create_update_group(by(), id, name.into()).await.expect("created");
        let both = BTreeSet::from([update(1), update(2)]);
        let added = fixture.state.change_update_group(by(), name.into(), both, BTreeSet::new());
        added.await.expect("added");
    }
    fixture
}

async fn deploy(fixture: &Fixture, name: &str, terms: impl Into<Terms>) {
    let (name, target, terms) = (name.to_owned(), "All Computers".to_owned(), terms.into());
    fixture.state.deploy_update_group(by(), name, target, terms, true).await.expect("deployed");
}

async fn withdraw(fixture: &Fixture, name: &str) {
    let (name, target) = (name.to_owned(), "All Computers".to_owned());
    fixture.state.withdraw_update_group(by(), name, target).await.expect("withdrawn");
}

async fn decide(fixture: &Fixture, number: u8, action: ApprovalAction) {
    let decision = Decision::Approve { group: "All Computers".into(), terms: action.into() };
    fixture.state.decide(by(), update(number), decision).await.expect("decided");
}

fn approval(fixture: &Fixture, number: u8) -> Approval {
    let policy = &fixture.state.published().policy;
    policy.approval(update(number), ALL_COMPUTERS).expect("an approval").clone()
}

fn actions(fixture: &Fixture) -> [ApprovalAction; 2] {
    [1, 2].map(|number| approval(fixture, number).terms.action)
}

async fn last_entry(fixture: &Fixture) -> u64 {
    let filter = AuditFilter { last: 1, mentions: None };
    fixture.state.audit(filter).await.expect("a journal")[0].number
}

#[tokio::test]
async fn what_a_person_decided_stays_whether_before_the_deployment_or_after_it() {
    let fixture = fixture().await;
    decide(&fixture, 1, Install).await;
    deploy(&fixture, "March", Install).await;
    let deployed = approval(&fixture, 2);
    assert_eq!(deployed.source, Source::UpdateGroup(MARCH));
    decide(&fixture, 2, Install).await;
    let decided = approval(&fixture, 2);
    assert_eq!(decided.source, Source::Decision);
    assert_eq!(
        (decided.guid, decided.changed),
        (deployed.guid, deployed.changed),
        "clients are told nothing"
    );
    withdraw(&fixture, "March").await;
    assert_eq!(actions(&fixture), [Install, Install]);
}

#[tokio::test]
async fn what_the_deployment_made_goes_with_it_whatever_its_terms_have_become() {
    let fixture = fixture().await;
    deploy(&fixture, "March", Optional).await;
    deploy(&fixture, "March", Install).await;
    let fixture = fixture.reopened().await;
    withdraw(&fixture, "March").await;
    assert_eq!(actions(&fixture), [Withdrawn, Withdrawn]);
}

#[tokio::test]
async fn what_another_deployment_wants_too_is_handed_over_to_it() {
    let fixture = fixture().await;
    deploy(&fixture, "March", Install).await;
    let before = approval(&fixture, 1);
    deploy(&fixture, "April", Install).await;
    assert_eq!(approval(&fixture, 1), before, "it is in force already");
    let sole = fixture.state.change_update_group(
        by(),
        "April".into(),
        BTreeSet::new(),
        BTreeSet::from([update(2)]),
    );
    sole.await.expect("taken out");
    withdraw(&fixture, "March").await;
    assert_eq!(actions(&fixture), [Install, Withdrawn]);
    let after = approval(&fixture, 1);
    assert_eq!(after, Approval { source: Source::UpdateGroup(APRIL), ..before });
    let handed = &fixture.journal();
    let why = "update group 'April' deploys it there too";
    assert_eq!(handed.iter().filter(|entry| entry["why"] == why).count(), 1);
    fixture.state.delete_update_group(by(), "April".into()).await.expect("deleted");
    assert_eq!(actions(&fixture), [Withdrawn, Withdrawn]);
}

#[tokio::test]
async fn who_takes_over_has_terms_of_his_own() {
    let fixture = fixture().await;
    let deadline = Some(Deadline::utc(NOW + 60));
    let urgent = Terms { deadline, ..Install.into() };
    deploy(&fixture, "March", Install).await;
    deploy(&fixture, "April", urgent).await;
    assert_eq!(approval(&fixture, 1).terms, urgent);
    withdraw(&fixture, "April").await;
    let left = approval(&fixture, 1);
    assert_eq!((left.terms, left.source), (Install.into(), Source::UpdateGroup(MARCH)));
}

#[tokio::test]
async fn undoing_a_decision_gives_the_approval_back_to_its_deployment() {
    let fixture = fixture().await;
    deploy(&fixture, "March", Install).await;
    let made = last_entry(&fixture).await - 1;
    decide(&fixture, 2, Uninstall).await;
    fixture.state.undo(by(), last_entry(&fixture).await).await.expect("undone");
    assert_eq!(approval(&fixture, 2).source, Source::UpdateGroup(MARCH));
    fixture.state.decide(by(), update(2), Decision::Decline).await.expect("declined");
    fixture.state.undo(by(), last_entry(&fixture).await).await.expect("undone");
    assert_eq!(approval(&fixture, 2).source, Source::UpdateGroup(MARCH));

    decide(&fixture, 1, Install).await;
    let adopted = last_entry(&fixture).await;
    let overtaken = fixture.state.undo(by(), made - 1).await.expect_err("somebody took it over");
    assert!(overtaken.to_string().contains("decided since"), "{overtaken}");
    fixture.state.undo(by(), adopted).await.expect("undone");
    assert_eq!(approval(&fixture, 1).source, Source::UpdateGroup(MARCH));
    withdraw(&fixture, "March").await;
    assert_eq!(actions(&fixture), [Withdrawn, Withdrawn]);
}
