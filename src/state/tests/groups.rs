//! The tree of groups: what moves, what goes, and what is refused without changing anything.

use serde_json::json;
use uuid::Uuid;

use super::support::{Fixture, registration, software, update};
use crate::policy::approval::ApprovalAction::Install;
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, GroupError};
use crate::state::{Children, Decision, Members, StateError};
use crate::store::{Batch, Store, Tree};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn by() -> By {
    By::administrator()
}

/// Office with Floor below it and Room below that, and Lab. Computer 1 is in Floor, computer 2 in
/// Floor and Lab, and update 1 is approved for all three.
async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let state = &fixture.state;
    fixture.import_new(software(1)).await;
    for (number, name, parent) in [
        (1, "Office", None),
        (2, "Floor", Some("Office")),
        (3, "Room", Some("floor")),
        (4, "Lab", None),
    ] {
        let parent = parent.map(str::to_owned);
        state.create_group(by(), id(number), name.into(), parent).await.expect("created");
    }
    state.register(registration(1, "")).await.expect("registered");
    state.register(registration(2, "")).await.expect("registered");
    for (computer, groups) in [("computer-1", &["Floor"][..]), ("computer-2", &["Floor", "Lab"])] {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        state.move_computer(by(), computer.into(), groups).await.expect("moved");
    }
    for group in ["Floor", "Room", "Lab"] {
        let decision = Decision::Approve { group: group.into(), terms: Install.into() };
        state.decide(by(), update(1), decision).await.expect("approved");
    }
    fixture
}

fn parent(fixture: &Fixture, group: u128) -> Option<Uuid> {
    fixture.state.published().policy.groups.get(&id(group)).and_then(|group| group.parent)
}

fn groups(fixture: &Fixture, computer: &str) -> Vec<Uuid> {
    fixture.state.computers().find(computer).expect("a computer").computer.groups.clone()
}

fn approved_for(fixture: &Fixture) -> Vec<Uuid> {
    let approvals = &fixture.state.published().policy.approvals[&update(1)];
    approvals.iter().map(|approval| approval.group).collect()
}

#[tokio::test]
async fn a_group_moves_with_all_below_it() {
    let fixture = fixture().await;
    fixture.state.move_group(by(), "Floor".into(), Some("Lab".into())).await.expect("moved");
    assert_eq!((parent(&fixture, 2), parent(&fixture, 3)), (Some(id(4)), Some(id(2))));
    let fixture = fixture.reopened().await;
    let policy = &fixture.state.published().policy;
    assert_eq!(policy.path(id(3)), "All Computers / Lab / Floor / Room");
    fixture.state.move_group(by(), "Floor".into(), None).await.expect("moved");
    assert_eq!(parent(&fixture, 2), Some(ALL_COMPUTERS));
}

#[tokio::test]
async fn what_the_tree_does_not_allow_changes_nothing() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let before = (state.published().sequence, fixture.journal().len());
    let move_group =
        |group: &str, parent: &str| state.move_group(by(), group.into(), Some(parent.to_owned()));
    for (group, parent, told) in [
        ("Office", "Room", "below it"),
        ("Office", "Office", "is itself"),
        ("All Computers", "Lab", "built in"),
        ("Unassigned Computers", "Lab", "built in"),
        ("Lab", "Unassigned Computers", "no group can be below"),
        ("Lab", "Downstream Servers", "no group can be below"),
        ("Lab", "Nowhere", "no group 'Nowhere'"),
        ("Nobody", "Lab", "no group 'Nobody'"),
    ] {
        let refused = move_group(group, parent).await.expect_err(told).to_string();
        assert!(refused.contains(told), "{refused}");
    }
    let renamed = state.rename_group(by(), "Lab".into(), "OFFICE".into()).await;
    assert!(matches!(renamed, Err(StateError::Group(GroupError::Taken(_)))), "{renamed:?}");
    let clock = state.set_group_clock(by(), "Lab".into(), Some(841)).await;
    assert!(matches!(clock, Err(StateError::Group(GroupError::Offset))), "{clock:?}");
    let deleted = state.delete_group(by(), "Floor".into(), Children::Refuse, Members::MoveUp);
    let deleted = deleted.await;
    assert!(matches!(deleted, Err(StateError::Group(GroupError::HasChildren(_)))), "{deleted:?}");
    move_group("Room", "Floor").await.expect("it is there already");
    assert_eq!((state.published().sequence, fixture.journal().len()), before);
}

#[tokio::test]
async fn a_deleted_group_leaves_what_is_below_and_who_is_in_it_where_it_was_told_to() {
    let fixture = fixture().await;
    let delete =
        |children, members| fixture.state.delete_group(by(), "Floor".into(), children, members);
    delete(Children::MoveUp, Members::MoveUp).await.expect("deleted");
    assert_eq!((parent(&fixture, 2), parent(&fixture, 3)), (None, Some(id(1))));
    assert_eq!(groups(&fixture, "computer-1"), [id(1)]);
    assert_eq!(groups(&fixture, "computer-2"), [id(1), id(4)]);
    assert_eq!(approved_for(&fixture), [id(3), id(4)]);
    assert_eq!(fixture.state.published().policy.dead.len(), 1);
}

#[tokio::test]
async fn who_is_asked_why_an_approval_ended_says_that_its_group_was_deleted() {
    let fixture = fixture().await;
    let delete =
        fixture.state.delete_group(by(), "Floor".into(), Children::MoveUp, Members::Release);
    delete.await.expect("deleted");
    let journal = fixture.journal();
    let ends = journal.iter().filter(|entry| entry.get("end_deployment").is_some());
    let [end] = &ends.collect::<Vec<_>>()[..] else { panic!("{journal:?}") };
    assert_eq!((&end["update"], &end["group"]), (&json!(update(1)), &json!(id(2))));
    assert_eq!((&end["by"], &end["started_by"]), (&json!("weir"), &json!("administrator")));
    assert_eq!(end["why"], "its target group was deleted");
    assert_eq!(end["before"]["action"], "install");
}

#[tokio::test]
async fn approvals_for_groups_that_are_gone_are_ignored_and_end() {
    let fixture = fixture().await;
    let mut batch = Batch::default();
    batch.delete(Tree::Groups, id(4).as_bytes().as_slice());
    fixture.store.clone().commit(&batch).expect("as an earlier version left it");
    let fixture = fixture.reopened().await;
    assert_eq!(approved_for(&fixture), [id(2), id(3)]);
    // The writer has begun once it answers.
    fixture.state.wanted_back().await.expect("an answer");
    let ended = |fixture: &Fixture| {
        let journal = fixture.journal();
        journal.iter().filter(|entry| entry["why"] == "its target group is gone").count()
    };
    assert_eq!((ended(&fixture), fixture.state.published().policy.dead.len()), (1, 1));
    let fixture = fixture.reopened().await;
    fixture.state.wanted_back().await.expect("an answer");
    assert_eq!((ended(&fixture), fixture.state.published().policy.dead.len()), (1, 1));
    assert_eq!(approved_for(&fixture), [id(2), id(3)]);
}

#[tokio::test]
async fn a_branch_goes_as_a_whole() {
    let fixture = fixture().await;
    let delete =
        fixture.state.delete_group(by(), "Office".into(), Children::Delete, Members::MoveUp);
    delete.await.expect("deleted");
    let left = fixture.state.published();
    let own = left.policy.groups.values().filter(|group| !group.is_built_in());
    assert_eq!(own.map(|group| group.id).collect::<Vec<_>>(), [id(4)]);
    assert_eq!(
        groups(&fixture, "computer-1"),
        [] as [Uuid; 0],
        "everybody is in All Computers anyway"
    );
    assert_eq!(groups(&fixture, "computer-2"), [id(4)]);
    assert_eq!(approved_for(&fixture), [id(4)]);
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.published().policy.dead, left.policy.dead);
}
