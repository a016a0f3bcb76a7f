//! Deleting takes away what nobody is offered, and brings nothing back by itself.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::support::{Document, Fixture, NOW, detectoid, software, update};
use crate::policy::by::By;
use crate::policy::terms::ApprovalAction::Install;
use crate::state::{AuditFilter, Decision, Deletion, State, StateError};
use crate::wire::types::UpdateIdentity;

fn by() -> By {
    By::administrator()
}

fn identity(number: u8, revision_number: u32) -> UpdateIdentity {
    UpdateIdentity { update_id: update(number), revision_number }
}

async fn decline(fixture: &Fixture, number: u8) {
    fixture.state.decide(by(), update(number), Decision::Decline).await.expect("declined");
}

async fn approve(fixture: &Fixture, number: u8) -> Result<(), StateError> {
    let decision = Decision::Approve { group: "All Computers".into(), terms: Install.into() };
    fixture.state.decide(by(), update(number), decision).await
}

/// What is to be deleted of what is of no use since `before`: updates and revisions.
fn planned(fixture: &Fixture, before: i64) -> Vec<Vec<(Uuid, Vec<u32>, &'static str)>> {
    let plan = State::plan_deletions(&fixture.state.published(), before);
    let shown = |deletion: Deletion| {
        let updates = deletion.0.into_iter();
        updates.map(|it| (it.update, it.revisions.into_keys().collect(), it.reason)).collect()
    };
    plan.into_iter().map(shown).collect()
}

#[tokio::test]
async fn only_what_was_declined_and_nobody_needs_can_be_deleted() {
    let fixture = Fixture::new();
    for document in [
        software(1),
        Document { bundles: vec![1], ..software(2) },
        Document { prerequisites: vec![4], ..software(3) },
        software(4),
        detectoid(5),
        Document { supersedes: vec![7], ..software(6) },
        software(7),
    ] {
        fixture.import_new(document).await;
    }
    let refused = [(1, "not declined"), (9, "there is no update"), (5, "is not declined")];
    for (number, why) in refused {
        let error = fixture.state.delete_update(by(), update(number)).await.expect_err("refused");
        assert!(error.to_string().contains(why), "{error}");
    }
    for number in [1, 4, 6] {
        decline(&fixture, number).await;
    }
    let entries = fixture.journal().len();
    let needed = [
        (1, format!("{} bundles it", update(2))),
        (4, format!("a prerequisite of {} names it", update(3))),
        (6, format!("it replaces {}, which is not declined", update(7))),
    ];
    for (number, why) in needed {
        let error = fixture.state.delete_update(by(), update(number)).await.expect_err("refused");
        assert_eq!(error.to_string(), format!("{} has to stay: {why}", update(number)));
    }
    assert_eq!(fixture.state.published().catalog.len(), 7);
    assert_eq!(fixture.journal().len(), entries, "a refusal is no decision");
    assert!(planned(&fixture, NOW).is_empty());
    for number in [2, 3, 7] {
        decline(&fixture, number).await;
    }
    assert_eq!(planned(&fixture, NOW).len(), 5, "a bundle and its member go together");
    assert!(planned(&fixture, NOW - 1).is_empty(), "not long enough");
    for number in [2, 1, 3, 4, 7, 6] {
        fixture.state.delete_update(by(), update(number)).await.expect("deleted");
    }
    assert_eq!(fixture.state.published().catalog.len(), 1, "each once nothing needs it");
}

#[tokio::test]
async fn what_is_deleted_stays_away_until_it_is_wanted() {
    let fixture = Fixture::new();
    let id = fixture.import_new(software(1)).await;
    decline(&fixture, 1).await;
    fixture.state.delete_update(by(), update(1)).await.expect("deleted");
    assert!(fixture.state.published().catalog.by_id(id).is_none());
    let entry = fixture.journal().pop().expect("an entry");
    assert_eq!(
        (&entry["delete"], &entry["by"]),
        (&update(1).to_string().into(), &"administrator".into())
    );
    let fixture = fixture.reopened().await;
    let unknown = fixture.state.unknown(vec![identity(1, 1), identity(1, 2)]).await.expect("asked");
    assert_eq!((unknown.known, unknown.revisions), (1, vec![identity(1, 2)]));
    let error = approve(&fixture, 1).await.expect_err("it is not here");
    assert!(error.to_string().contains("weir update restore"), "{error}");
    assert!(fixture.state.wanted_back().await.expect("asked").is_empty());
    fixture.state.restore_update(by(), update(1)).await.expect("restored");
    assert_eq!(fixture.state.wanted_back().await.expect("asked"), [identity(1, 1)]);
    fixture.state.restore_update(by(), update(1)).await.expect("restored again");
    let unknown = fixture.state.unknown(vec![identity(1, 1)]).await.expect("asked");
    assert_eq!(unknown.revisions, [identity(1, 1)]);
    let again = fixture.import_new(software(1)).await;
    assert!(again > id, "a number is given out once");
    assert!(fixture.state.wanted_back().await.expect("asked").is_empty());
    assert!(fixture.state.published().policy.is_declined(update(1)), "as it was");
    let gone = fixture.state.restore_update(by(), update(1)).await;
    assert!(matches!(gone, Err(StateError::NotFound { .. })), "it is here");
}

#[tokio::test]
async fn a_deletion_can_be_undone_until_the_update_is_back() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    decline(&fixture, 1).await;
    fixture.state.delete_update(by(), update(1)).await.expect("deleted");
    let all = fixture.state.audit(AuditFilter { last: 1, mentions: None }).await.expect("read");
    let number = all[0].number;
    fixture.state.undo(by(), number).await.expect("undone");
    assert_eq!(fixture.state.wanted_back().await.expect("asked"), [identity(1, 1)]);
    fixture.import_new(software(1)).await;
    assert!(fixture.state.undo(by(), number).await.is_err(), "there is nothing left to undo");
}

#[tokio::test]
async fn a_later_revision_comes_and_is_declined_as_the_update_is() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    decline(&fixture, 1).await;
    fixture.state.delete_update(by(), update(1)).await.expect("deleted");
    fixture.import_new(Document { revision: 2, ..software(1) }).await;
    let published = fixture.state.published();
    assert!(published.policy.is_declined(update(1)) && published.scope.in_scope.is_empty());
    let unknown = fixture.state.unknown(vec![identity(1, 1)]).await.expect("asked");
    assert_eq!(unknown.known, 1, "the earlier one stays away");
    approve(&fixture, 1).await.expect("taken back");
    assert!(fixture.state.wanted_back().await.expect("asked").is_empty(), "the update is here");
}

#[tokio::test]
async fn what_needs_a_deleted_update_brings_it_back() {
    let fixture = Fixture::new();
    for number in [1, 2] {
        fixture.import_new(software(number)).await;
        decline(&fixture, number).await;
        fixture.state.delete_update(by(), update(number)).await.expect("deleted");
    }
    let needs = Document { bundles: vec![1], prerequisites: vec![2], ..software(3) };
    fixture.import_new(needs).await;
    let wanted = fixture.state.wanted_back().await.expect("asked");
    assert_eq!(wanted, [identity(1, 1), identity(2, 1)]);
    fixture.import_new(software(1)).await;
    let published = fixture.state.published();
    let member = published.catalog.by_identity(&identity(1, 1)).expect("it is here");
    assert_eq!(published.catalog.parents(member).len(), 1, "the bundle has waited for it");
}

#[tokio::test]
async fn replaced_revisions_go_and_clients_hear_of_new_leaves() {
    let fixture = Fixture::new();
    let detectoid_id = fixture.import_new(detectoid(5)).await;
    let old = Document { prerequisites: vec![5], ..software(1) };
    fixture.import_new(old).await;
    fixture.import_new(Document { revision: 2, ..software(1) }).await;
    let before = fixture.changed(detectoid_id);
    let reason = "replaced by a later revision long ago";
    assert_eq!(planned(&fixture, NOW), [[(update(1), vec![1], reason)]]);
    let plan = State::plan_deletions(&fixture.state.published(), NOW);
    let done = fixture.state.carry_out_deletions(plan.clone(), None).await.expect("done");
    assert_eq!(done, plan);
    assert!(fixture.changed(detectoid_id) > before, "nothing names it any more");
    let published = fixture.state.published();
    let index = published.catalog.by_id(detectoid_id).expect("it is here");
    assert!(published.catalog.is_leaf(index));
    assert_eq!(fixture.journal().pop().expect("an entry")["why"], reason);
    assert!(planned(&fixture, NOW).is_empty());
}

#[tokio::test]
async fn what_was_decided_since_the_plan_counts() {
    let fixture = Fixture::new();
    for number in 1..=3 {
        fixture.import_new(software(number)).await;
        decline(&fixture, number).await;
    }
    let plan = State::plan_deletions(&fixture.state.published(), NOW);
    assert_eq!(plan.len(), 3);
    approve(&fixture, 1).await.expect("approved");
    fixture.import_new(Document { bundles: vec![2], ..software(4) }).await;
    let done = fixture.state.carry_out_deletions(plan, None).await.expect("done");
    let done: Vec<_> = done.iter().flat_map(|it| &it.0).map(|it| it.update).collect();
    assert_eq!(done, [update(3)]);
    assert_eq!(fixture.state.published().catalog.len(), 3);
}

#[tokio::test]
async fn a_downstream_server_and_an_update_group_are_heard() {
    let fixture = Fixture::new();
    fixture.import_new(Document { has_file: true, ..software(1) }).await;
    let state = &fixture.state;
    state.create_update_group(by(), Uuid::from_u128(7), "October".into()).await.expect("created");
    let updates = BTreeSet::from([update(1)]);
    state
        .change_update_group(by(), "October".into(), updates, BTreeSet::new())
        .await
        .expect("added");
    decline(&fixture, 1).await;
    state.want_content(vec![super::support::address(1)]).await.expect("noted");
    assert_eq!(planned(&fixture, NOW).len(), 1);
    let plan = State::plan_deletions(&state.published(), NOW);
    assert!(state.carry_out_deletions(plan.clone(), None).await.expect("done").is_empty());
    let error = state.delete_update(by(), update(1)).await.expect_err("refused");
    assert!(error.to_string().contains("downstream"), "{error}");
    let content = std::io::Cursor::new(super::support::content(1));
    state
        .add_content(By::administrator(), super::support::address(1), content)
        .await
        .expect("added");
    assert_eq!(state.carry_out_deletions(plan, None).await.expect("done").len(), 1);
    let group = state.published().policy.update_group("October").cloned().expect("a group");
    assert!(group.updates.is_empty());
}
