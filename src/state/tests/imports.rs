//! Importing: what stays for ever, what is refused, and when readers see it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::support::{Document, Fixture, detectoid, software, update};
use crate::policy::by::By;
use crate::state::{ImportOutcome, Importable, Rejection, Settings, State};
use crate::store::sled::SledStore;

/// All packs, with their lengths.
fn packs(fixture: &Fixture) -> Vec<(PathBuf, u64)> {
    let packs = ["documents", "fragments", "records"]
        .map(|kind| fixture.dir.path().join("packs").join(kind));
    let packs = packs.iter().flat_map(|directory| std::fs::read_dir(directory).expect("packs"));
    let mut packs: Vec<_> = packs
        .map(|pack| pack.expect("an entry"))
        .map(|pack| (pack.path(), pack.metadata().expect("there").len()))
        .collect();
    packs.sort();
    packs
}

#[tokio::test]
async fn ids_stay_through_importing_again_and_restarts() {
    let fixture = Fixture::new();
    let first = fixture.import_new(software(1)).await;
    let second = fixture.import_new(Document { revision: 2, ..software(1) }).await;
    assert_ne!(first, second);
    let fixture = fixture.reopened().await;
    for (revision, id) in [(1, first), (2, second)] {
        let again = fixture.import(Document { revision, ..software(1) }).await.expect("imported");
        assert_eq!(again, ImportOutcome::Unchanged(id));
    }
    let third = fixture.import_new(software(2)).await;
    assert!(third != first && third != second);
}

#[tokio::test]
async fn a_revision_that_changed_is_refused_and_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    let before = packs(&fixture);
    let changed = Document { title: "Another".into(), ..software(1) };
    let identity = changed.importable().identity();
    let outcome = fixture.import(changed).await.expect("an answer");
    assert_eq!(outcome, ImportOutcome::Rejected(Rejection::Differs(identity)));
    assert_eq!(packs(&fixture), before);
}

#[tokio::test]
async fn one_call_may_bring_a_document_twice_and_refuse_another() {
    let fixture = Fixture::new();
    let other = Document { title: "Another".into(), ..software(1) };
    let documents = [software(1), software(2), software(1), other].map(|d| d.importable());
    let outcomes =
        fixture.state.import(By::administrator(), documents.into(), false).await.expect("imported");
    let [ImportOutcome::New(one), ImportOutcome::New(_), again, refused] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(*again, ImportOutcome::Unchanged(*one));
    assert!(matches!(refused, ImportOutcome::Rejected(Rejection::Differs(_))), "{refused:?}");
    let twice = packs(&fixture);
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(software(2)).await;
    let lengths = |packs: &[(PathBuf, u64)]| packs.iter().map(|pack| pack.1).collect::<Vec<_>>();
    assert_eq!(lengths(&twice), lengths(&packs(&fixture)), "each is stored once");
}

#[tokio::test]
async fn what_no_record_can_hold_is_refused_and_leaves_nothing() {
    let fixture = Fixture::new();
    let document = Document { prerequisites: vec![7; 60_000], ..software(1) };
    let outcome = fixture.import(document).await.expect("an answer");
    assert!(matches!(outcome, ImportOutcome::Rejected(Rejection::TooLarge(_))), "{outcome:?}");
    assert_eq!(packs(&fixture), []);
}

#[tokio::test]
async fn a_restart_removes_what_an_import_left_behind_unless_the_store_is_empty() {
    let fixture = Fixture::new();
    fixture.store.fail_next_commit();
    assert!(fixture.import(software(1)).await.is_err());
    let left = packs(&fixture);
    assert_eq!(left.len(), 3, "the document, its fragments and what it says");

    let fixture = fixture.reopened().await;
    assert_eq!(packs(&fixture), left, "a lost store must not take the documents with it");
    fixture.import_new(software(2)).await;
    let with_both = packs(&fixture);
    fixture.store.fail_next_commit();
    assert!(fixture.import(software(3)).await.is_err());
    assert_ne!(packs(&fixture), with_both);

    let fixture = fixture.reopened().await;
    assert_eq!(packs(&fixture), with_both);
    let places = fixture.state.published().places(0).expect("a revision");
    assert!(fixture.state.document(places).expect("there").contains("Update 2"));
    fixture.state.fragments(places.core).expect("there");
    fixture.state.fragments(places.others).expect("there");
}

/// Clients that have a revision cached are told when it becomes a prerequisite or a member.
#[tokio::test]
async fn a_directory_of_the_earlier_layout_is_refused_and_left_alone() {
    let fixture = Fixture::new();
    let earlier = fixture.dir.path().join("earlier");
    std::fs::create_dir_all(earlier.join("blobs/ab")).expect("a directory");
    let store = Box::new(fixture.store.clone());
    let refused = State::with_store(&earlier, store, &Settings::default(), || 0).map(drop);
    let error = refused.expect_err("not read").to_string();
    assert!(error.contains("import the documents into a new data directory"), "{error}");
    let left: Vec<_> = std::fs::read_dir(&earlier).expect("there").collect();
    assert_eq!(left.len(), 1, "nothing was made there: {left:?}");
}

#[tokio::test]
async fn neighbours_change_when_their_role_does_and_only_then() {
    let fixture = Fixture::new();
    let needed = fixture.import_new(detectoid(1)).await;
    let member = fixture.import_new(software(2)).await;
    let bystander = fixture.import_new(software(3)).await;
    let before = [needed, member, bystander].map(|id| fixture.changed(id));
    assert_eq!(before, [1, 2, 3]);

    let bundle = Document { prerequisites: vec![1], bundles: vec![2], ..software(4) };
    let bundle = fixture.import_new(bundle).await;
    let after = [needed, member, bystander, bundle].map(|id| fixture.changed(id));
    assert_eq!(after, [4, 4, 3, 4]);

    let another = Document { prerequisites: vec![1], bundles: vec![2], ..software(5) };
    fixture.import_new(another).await;
    let after = [needed, member, bystander, bundle].map(|id| fixture.changed(id));
    // A member is told of each of its bundles: at most a repetition, and nothing is missed.
    assert_eq!(after, [4, 5, 3, 4], "only the member");
}

#[tokio::test]
async fn readers_see_a_bulk_import_with_its_last_part_or_with_the_next_change() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let visible = || state.published().catalog.len();
    let part = |number| vec![software(number).importable()];

    state.import(By::administrator(), part(1), true).await.expect("imported");
    assert_eq!(visible(), 0);
    state.import(By::administrator(), part(2), true).await.expect("imported");
    state.set_meta("record", record()).await.expect("stored");
    assert_eq!(visible(), 0, "what readers do not see shows them nothing");
    state.import(By::administrator(), Vec::new(), false).await.expect("imported");
    assert_eq!(visible(), 2);

    state.import(By::administrator(), part(3), true).await.expect("imported");
    let group = state
        .create_group(By::administrator(), update(9), "Pilot".into(), None)
        .await
        .expect("created");
    assert!(state.published().policy.groups.contains_key(&group.id), "acknowledged is visible");
    assert_eq!(visible(), 3);
}

#[tokio::test]
async fn readers_do_not_wait_for_an_import_that_does_not_go_on() {
    let patience = Duration::from_millis(50);
    let fixture = Fixture::with(&Settings { import_patience: patience, ..Settings::default() });
    let part = vec![software(1).importable()];
    fixture.state.import(By::administrator(), part, true).await.expect("imported");
    let begun = Instant::now();
    while fixture.state.published().catalog.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never published");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_embedded_store_remembers_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || State::open(dir.path(), &Settings::default(), || 1).expect("a state");
    let documents = || vec![software(1).importable(), software(2).importable()];
    let state = open();
    assert!(SledStore::open(dir.path()).is_err(), "somebody else could use the directory");
    let new = state.import(By::administrator(), documents(), false).await.expect("imported");
    state.close().await;

    let state = open();
    assert_eq!(state.published().catalog.len(), 2);
    let again = state.import(By::administrator(), documents(), false).await.expect("imported");
    let ids = |outcomes: &[ImportOutcome]| -> Vec<_> {
        let ids = outcomes.iter().map(|outcome| match outcome {
            ImportOutcome::New(id) | ImportOutcome::Unchanged(id) => *id,
            other => panic!("{other:?}"),
        });
        ids.collect()
    };
    assert_eq!(ids(&again), ids(&new));
    assert!(state.measures().store_bytes > 0);
    state.close().await;
}

#[tokio::test]
async fn fragments_are_read_once_and_then_from_memory() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    let places = fixture.state.published().places(0).expect("a revision");
    for _ in 0..3 {
        fixture.state.fragments(places.core).expect("there");
    }
    let measures = fixture.state.measures();
    assert_eq!((measures.fragment_reads, measures.fragment_hits), (1, 2));
    assert!(measures.fragment_bytes > 0);
}

#[test]
fn titles_that_nobody_reads_are_not_kept() {
    let german = software(1).xml().replace("<Language>en", "<Language>de");
    let document = software(1).xml().replace(
        "</LocalizedProperties></LocalizedPropertiesCollection>",
        "</LocalizedProperties><LocalizedProperties><Language>de</Language><Title>T</Title>\
         </LocalizedProperties></LocalizedPropertiesCollection>",
    );
    for (document, kept) in [(document, "en"), (german, "de")] {
        let importable = Importable::new(document).expect("a document");
        let languages: Vec<_> =
            importable.metadata().titles.iter().map(|title| title.language.as_str()).collect();
        assert_eq!(languages, [kept]);
    }
}

fn record() -> crate::state::records::ConfigurationRecord {
    crate::state::records::ConfigurationRecord { fingerprint: String::new(), last_change: 0 }
}
