//! Content that is needed never goes, and what nothing needs does, whenever the process dies.

use std::io::Cursor;

use super::support::{Document, Fixture, NOW, address, content, software, update};
use crate::metadata::model::UpdateFile;
use crate::policy::by::By;
use crate::policy::terms::ApprovalAction::{self, Install, None as Nothing, Optional};
use crate::state::{ContentNeeds, Decision, StateError};

/// Long enough ago is now.
const AT_ONCE: ContentNeeds = ContentNeeds { all: false, express: false, before: NOW };
const LATER: ContentNeeds = ContentNeeds { all: false, express: false, before: NOW - 1 };

async fn approve(fixture: &Fixture, number: u8, action: ApprovalAction) {
    let decision = Decision::Approve { group: "All Computers".into(), terms: action.into() };
    fixture.state.decide(By::administrator(), update(number), decision).await.expect("decided");
}

/// Updates 1 to `last` with their files, and a bundle 9 of update 1.
async fn with_files(last: u8) -> Fixture {
    let fixture = Fixture::new();
    for number in 1..=last {
        fixture.import_new(Document { has_file: true, ..software(number) }).await;
        let source = Cursor::new(content(number));
        fixture
            .state
            .add_content(By::administrator(), address(number), source)
            .await
            .expect("added");
    }
    fixture.import_new(Document { bundles: vec![1], ..software(9) }).await;
    fixture
}

/// Which of the files are there: offered to clients, and on disk.
fn there(fixture: &Fixture, last: u8) -> Vec<(bool, bool)> {
    let is_there = |number| {
        let (sha1, length) = (address(number), content(number).len() as u64);
        (fixture.state.has_content(&sha1), fixture.state.contents().contains(&sha1, length))
    };
    (1..=last).map(is_there).collect()
}

const HERE: (bool, bool) = (true, true);
const GONE: (bool, bool) = (false, false);

#[tokio::test]
async fn only_what_nothing_needed_for_long_enough_goes() {
    let fixture = with_files(4).await;
    approve(&fixture, 9, Install).await;
    approve(&fixture, 2, Optional).await;
    approve(&fixture, 3, Install).await;
    let state = &fixture.state;
    assert!(state.clean_content(LATER, None).await.expect("done").is_empty());
    assert!(
        state.clean_content(LATER, None).await.expect("done").is_empty(),
        "not for long enough"
    );
    approve(&fixture, 3, Nothing).await;
    let planned = state.plan_content(AT_ONCE).await.expect("a plan");
    assert_eq!(planned, [(address(4), content(4).len() as u64)], "3 was needed until now");
    assert_eq!(state.clean_content(AT_ONCE, None).await.expect("done"), planned);
    assert_eq!(there(&fixture, 4), [HERE, HERE, HERE, GONE]);
    let entry = fixture.journal().pop().expect("an entry");
    assert_eq!(entry["remove_content"][0], address(4).to_hex());
    // Marked by the last cleanup, but needed again.
    approve(&fixture, 3, Install).await;
    assert!(state.clean_content(AT_ONCE, None).await.expect("done").is_empty());
    approve(&fixture, 3, Nothing).await;
    assert!(
        state.clean_content(AT_ONCE, None).await.expect("done").is_empty(),
        "from the beginning"
    );
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.clean_content(AT_ONCE, None).await.expect("done").len(), 1);
    assert_eq!(there(&fixture, 4), [HERE, HERE, GONE, GONE]);
    let source = Cursor::new(content(4));
    fixture
        .state
        .add_content(By::administrator(), address(4), source)
        .await
        .expect("it may come again");
    assert_eq!(there(&fixture, 4)[3], HERE);
}

#[tokio::test]
async fn what_a_downstream_server_waits_for_or_the_configuration_wants_stays() {
    let fixture = with_files(2).await;
    let all = ContentNeeds { all: true, ..AT_ONCE };
    for _ in 0..2 {
        assert!(fixture.state.clean_content(all, None).await.expect("done").is_empty());
    }
    fixture.state.clean_content(LATER, None).await.expect("done");
    // A file that is asked for while it is here is not noted; one that is not here is.
    fixture.state.clean_content(AT_ONCE, None).await.expect("done");
    assert_eq!(there(&fixture, 2), [GONE, GONE]);
    fixture.state.want_content(vec![address(1)]).await.expect("noted");
    fixture.state.contents().add(Cursor::new(content(1)), &described(1)).expect("on its way");
    fixture.state.clean_content(AT_ONCE, None).await.expect("done");
    assert_eq!(there(&fixture, 1), [(false, true)], "it is awaited");
}

#[tokio::test]
async fn express_files_are_needed_only_where_they_are_hosted() {
    let fixture = Fixture::new();
    let express = Document { has_file: true, is_express: true, ..software(1) };
    fixture.import_new(express).await;
    approve(&fixture, 1, Install).await;
    let source = Cursor::new(content(1));
    fixture.state.add_content(By::administrator(), address(1), source).await.expect("added");
    let hosted = ContentNeeds { express: true, ..AT_ONCE };
    for _ in 0..2 {
        assert!(fixture.state.clean_content(hosted, None).await.expect("done").is_empty());
    }
    fixture.state.clean_content(AT_ONCE, None).await.expect("marked");
    assert_eq!(fixture.state.clean_content(AT_ONCE, None).await.expect("done").len(), 1);
    assert_eq!(there(&fixture, 1), [GONE]);
}

#[tokio::test]
async fn a_death_or_a_failure_on_the_way_leaves_no_promise_unkept() {
    let fixture = with_files(3).await;
    fixture.state.clean_content(LATER, None).await.expect("done");
    fixture.store.fail_next_commit();
    fixture.state.clean_content(AT_ONCE, None).await.expect_err("the store failed");
    assert_eq!(there(&fixture, 3), [HERE; 3]);
    // What is left when it dies before it unlinks.
    fixture.state.clean_content(AT_ONCE, None).await.expect("done");
    fixture.state.contents().add(Cursor::new(content(1)), &described(1)).expect("left over");
    let fixture = fixture.reopened().await;
    assert_eq!(there(&fixture, 3), [(false, true), GONE, GONE]);
    fixture.state.clean_content(AT_ONCE, None).await.expect("done");
    assert_eq!(there(&fixture, 3), [GONE; 3]);
    // And one that arrives just as it is removed.
    let arrived = fixture.state.note_content(None, address(2), content(2).len() as u64).await;
    assert!(matches!(arrived, Err(StateError::Refused(_))));
}

#[tokio::test]
async fn parts_of_files_go_unless_they_are_needed() {
    let fixture = with_files(0).await;
    for number in [5, 6] {
        fixture.import_new(Document { has_file: true, ..software(number) }).await;
        drop(fixture.state.contents().partial(&described(number)).expect("begun"));
    }
    approve(&fixture, 5, Install).await;
    fixture.state.clean_content(AT_ONCE, None).await.expect("done");
    let left = std::fs::read_dir(fixture.dir.path().join("content/partial")).expect("a folder");
    let names = left.map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names.collect::<Vec<_>>(), [std::ffi::OsString::from(address(5).to_hex())]);
}

/// What the metadata says of an update's file.
fn described(number: u8) -> UpdateFile {
    let digests = crate::content::files::digest_of(content(number).as_slice()).expect("memory");
    UpdateFile {
        sha1: digests.sha1,
        sha256: Some(digests.sha256),
        name: format!("{number}.exe"),
        size: digests.length,
    }
}
