//! The room of deleted documents is given back, and nothing else is lost, whenever the process dies.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::picture::Picture;
use super::support::{Document, Fixture, software, update};
use crate::policy::by::By;
use crate::state::{Decision, Published, Reveal, State};
use crate::wire::types::RevisionId;

/// Bytes of all packs below a data directory.
fn room(directory: &Path) -> u64 {
    let kinds = ["documents", "fragments", "records"];
    let packs = kinds.map(|kind| fs::read_dir(directory.join("packs").join(kind)).expect("packs"));
    let files = packs.into_iter().flatten().map(|entry| entry.expect("an entry"));
    files.map(|file| file.metadata().expect("a file").len()).sum()
}

/// What is stored of every revision, read.
fn read_all(state: &State, published: &Published) -> Vec<(RevisionId, String)> {
    let revisions = published.catalog.revisions();
    let read = |(index, revision): (u32, &crate::catalog::Revision)| {
        let places = published.places(index).expect("places");
        for place in [places.core, places.others] {
            state.fragments(place).expect("its fragments");
        }
        assert_eq!(
            state.metadata(places).expect("its record").identity,
            revision.metadata.identity
        );
        (revision.id, state.document(places).expect("its document"))
    };
    revisions.map(read).collect()
}

/// Updates 0 to 29, of which all but 7, 8 and 9 are deleted.
async fn sparse() -> Fixture {
    let fixture = Fixture::new();
    for number in 0..30 {
        fixture.import_new(Document { title: "x".repeat(2_000), ..software(number) }).await;
        if !(7..10).contains(&number) {
            let by = By::administrator;
            let state = &fixture.state;
            state.decide(by(), update(number), Decision::Decline).await.expect("declined");
            state.delete_update(by(), update(number)).await.expect("deleted");
        }
    }
    fixture
}

#[tokio::test]
async fn what_lives_is_moved_and_the_rest_is_given_back() {
    let fixture = sparse().await;
    let (before, at_first) = (fixture.state.published(), room(fixture.dir.path()));
    let contents = read_all(&fixture.state, &before);
    assert_eq!(fixture.state.compact(1 << 20).await.expect("done"), 0, "it is not worth it");
    assert_eq!(fixture.state.compact(1_000).await.expect("done"), 3);
    assert_eq!(read_all(&fixture.state, &before), contents, "by an earlier snapshot");
    let after = fixture.state.published();
    assert_eq!(read_all(&fixture.state, &after), contents);
    fixture.state.remove_retired(Duration::ZERO).await.expect("removed");
    let left = room(fixture.dir.path());
    assert!(left * 4 < at_first, "{left} of {at_first}");
    assert_eq!(read_all(&fixture.state, &after), contents);
    assert_eq!(fixture.state.compact(1_000).await.expect("done"), 0, "once is enough");
    let seen = Picture::of(&fixture.state).await;
    let fixture = fixture.reopened().await;
    assert_eq!(Picture::of(&fixture.state).await, seen);
    assert_eq!(read_all(&fixture.state, &fixture.state.published()), contents);
}

#[tokio::test]
async fn a_death_or_a_failure_on_the_way_loses_nothing() {
    let fixture = sparse().await;
    let contents = read_all(&fixture.state, &fixture.state.published());
    let at_first = room(fixture.dir.path());
    fixture.store.fail_next_commit();
    fixture.state.compact(1_000).await.expect_err("the store failed");
    assert_eq!(read_all(&fixture.state, &fixture.state.published()), contents);
    // It dies before the packs are removed.
    fixture.state.compact(1_000).await.expect("done");
    let fixture = fixture.reopened().await;
    assert_eq!(read_all(&fixture.state, &fixture.state.published()), contents);
    let left = room(fixture.dir.path());
    assert!(left * 2 < at_first, "{left} of {at_first}: the next start removes them");
}

#[tokio::test]
async fn what_arrives_meanwhile_is_left_alone() {
    let fixture = sparse().await;
    let arriving = fixture.state.library.arriving();
    assert_eq!(fixture.state.compact(1_000).await.expect("done"), 0);
    drop(arriving);
    fixture.import_new(software(40)).await;
    let staged = vec![software(41).importable()];
    fixture.state.stage(staged, Vec::new()).await.expect("staged");
    assert_eq!(fixture.state.compact(1_000).await.expect("done"), 0);
    let listed = Reveal::Listed([software(41).importable().identity()].into());
    fixture.state.publish_staged(listed, false).await.expect("published");
    assert_eq!(fixture.state.compact(1_000).await.expect("done"), 3);
    fixture.state.remove_retired(Duration::ZERO).await.expect("removed");
    assert_eq!(read_all(&fixture.state, &fixture.state.published()).len(), 5);
}
