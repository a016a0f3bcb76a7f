//! Packages: their versions, what is in them, and that this content stays here.

use std::collections::BTreeSet;
use std::io::Cursor;

use uuid::Uuid;

use super::support::{Document, Fixture, NOW, address, content, software, update};
use crate::policy::by::By;
use crate::policy::package::Package;
use crate::state::{ContentNeeds, StateError};

const ID: Uuid = Uuid::from_u128(7);

fn by() -> By {
    By::administrator()
}

async fn change(fixture: &Fixture, add: &[u8], remove: &[u8]) -> Result<Package, StateError> {
    let ids = |numbers: &[u8]| numbers.iter().map(|it| update(*it)).collect::<BTreeSet<_>>();
    fixture.state.change_package(by(), "branch".into(), ids(add), ids(remove)).await
}

#[tokio::test]
async fn each_change_makes_a_version_of_what_there_was_then() {
    let fixture = Fixture::new();
    for number in [1, 2] {
        fixture.import_new(Document { has_file: true, ..software(number) }).await;
    }
    fixture.import_new(Document { bundles: vec![1, 2], ..software(3) }).await;
    fixture.import_new(software(4)).await;
    let made = fixture.state.create_package(by(), ID, "Branch".into()).await.expect("made");
    assert_eq!((made.version, made.files().len()), (1, 0));
    let first = change(&fixture, &[3], &[]).await.expect("added");
    assert_eq!((first.version, first.files().len()), (2, 2), "with what it bundles");
    assert_eq!(change(&fixture, &[3], &[]).await.expect("no change"), first);
    let second = change(&fixture, &[1], &[3]).await.expect("changed");
    assert_eq!((second.version, second.files().len()), (3, 1));
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.published().policy.package("BRANCH"), Some(&second));
    fixture.state.delete_package(by(), "branch".into()).await.expect("deleted");
    let mut journal = fixture.journal().into_iter().rev();
    let (deleted, changed) = (journal.next().expect("one"), journal.next().expect("one"));
    assert_eq!(deleted["before"], changed["package"]);
    assert_eq!(changed["before"]["version"], 2);
    assert!(fixture.state.published().policy.package("branch").is_none());
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let fixture = Fixture::new();
    fixture.import_new(Document { has_file: true, ..software(1) }).await;
    fixture.import_new(software(2)).await;
    assert!(matches!(change(&fixture, &[1], &[]).await, Err(StateError::NotFound { .. })));
    fixture.state.create_package(by(), ID, "Branch".into()).await.expect("made");
    let taken = fixture.state.create_package(by(), Uuid::nil(), " BRANCH".into()).await;
    assert!(matches!(taken, Err(StateError::Refused(_))));
    let unnamed = fixture.state.create_package(by(), Uuid::nil(), " ".into()).await;
    assert!(matches!(unnamed, Err(StateError::Group(_))));
    for (add, remove) in [(&[1, 9][..], &[][..]), (&[1, 2], &[]), (&[1], &[1])] {
        change(&fixture, add, remove).await.expect_err("refused");
    }
    let package = fixture.state.published().policy.package("branch").cloned().expect("a package");
    assert_eq!((package.version, package.updates.len()), (1, 0));
}

#[tokio::test]
async fn its_content_is_needed() {
    let fixture = Fixture::new();
    fixture.import_new(Document { has_file: true, ..software(1) }).await;
    let source = Cursor::new(content(1));
    fixture.state.add_content(By::administrator(), address(1), source).await.expect("added");
    fixture.state.create_package(by(), ID, "Branch".into()).await.expect("made");
    change(&fixture, &[1], &[]).await.expect("added");
    let needs = ContentNeeds { all: false, express: false, before: NOW };
    for _ in 0..2 {
        assert!(fixture.state.clean_content(needs, None).await.expect("done").is_empty());
    }
    change(&fixture, &[], &[1]).await.expect("taken out");
    fixture.state.clean_content(needs, None).await.expect("marked");
    assert_eq!(fixture.state.clean_content(needs, None).await.expect("done").len(), 1);
}
