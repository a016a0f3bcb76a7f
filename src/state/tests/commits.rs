//! What a failure leaves behind: nothing of the change, and a state that goes on or says why not.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::json;

use super::picture::Picture;
use super::support::{Fixture, NOW, registration, software, update};
use crate::policy::by::By;
use crate::state::events::Events;
use crate::state::health::Health;
use crate::state::library::Library;
use crate::state::model::Model;
use crate::state::records::ConfigurationRecord;
use crate::state::registry::Registry;
use crate::state::writer::{Owned, Writer};
use crate::state::{ContentHandling, Decision, State, StateError};
use crate::store::journal::Journal;
use crate::store::memory::MemoryStore;
use crate::store::{Store, Tree};

fn record(fingerprint: &str) -> ConfigurationRecord {
    ConfigurationRecord { fingerprint: fingerprint.to_owned(), last_change: 1 }
}

#[tokio::test]
async fn a_failed_commit_leaves_nothing_and_the_next_change_succeeds() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.state.register(registration(1, "")).await.expect("registered");
    fixture.state.computers().find("computer-1").expect("a computer").touch(77);
    let before = Picture::of(&fixture.state).await;

    fixture.store.fail_next_commit();
    let declined = fixture.state.decide(By::administrator(), update(1), Decision::Decline).await;
    assert!(matches!(declined, Err(StateError::Store(_))), "{declined:?}");
    fixture.store.fail_next_commit();
    assert!(fixture.import(software(2)).await.is_err());
    fixture.store.fail_next_commit();
    assert!(fixture.state.register(registration(2, "")).await.is_err());
    assert_eq!(Picture::of(&fixture.state).await, before);
    let seen = &fixture.state.computers().find("computer-1").expect("a computer").last_contact;
    assert_eq!(seen.at(), Some(77), "a hint was lost");

    fixture.state.health().expect("it goes on");
    fixture
        .state
        .decide(By::administrator(), update(1), Decision::Decline)
        .await
        .expect("declined");
    let void = json!({ "void": { "from": 2, "to": 2 } });
    let decline = json!({
        "decline": update(1), "decided": NOW, "before": [], "by": "administrator",
    });
    let second = json!({ "void": { "from": 4, "to": 4 } });
    assert_eq!(fixture.journal(), [decline.clone(), void, second, decline]);
}

/// Keeps the writer busy until the sender is dropped, so that what follows is one commit.
fn occupy(state: &Arc<State>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (busy, is_busy) = mpsc::channel();
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let wait = move |_: &mut crate::state::transaction::Transaction<'_>| {
            let _ = busy.send(());
            let _ = released.recv();
            Ok(())
        };
        state.writer.submit(wait).await
    });
    tokio::task::block_in_place(|| is_busy.recv()).expect("busy");
    release
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_wait_together_are_durable_together_or_not_at_all() {
    for fails in [true, false] {
        let Fixture { state, store, dir: _dir } = Fixture::new();
        let state = Arc::new(state);
        let release = occupy(&state);
        let changes: Vec<_> = (1..=3)
            .map(|number| {
                let state = Arc::clone(&state);
                tokio::spawn(async move { state.register(registration(number, "")).await })
            })
            .collect();
        while state.measures().waiting_changes < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if fails {
            store.fail_next_commit();
        }
        drop(release);
        for change in changes {
            assert_eq!(change.await.expect("no panic").is_err(), fails);
        }
        let mut stored = 0;
        let mut count = |_: &[u8], _: &[u8]| {
            stored += 1;
            Ok(())
        };
        store.load(Tree::Computers, &mut count).expect("readable");
        let expected = if fails { 0 } else { 3 };
        assert_eq!((stored, state.computers().len()), (expected, expected));
    }
}

#[tokio::test]
async fn a_broken_store_closes_the_state_for_changes_only() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.state.register(registration(1, "")).await.expect("registered");
    fixture.store.break_at_next_commit();

    let first = fixture.state.decide(By::administrator(), update(1), Decision::Decline).await;
    assert!(matches!(first, Err(StateError::Store(_))), "{first:?}");
    for _ in 0..2 {
        let later = fixture.state.register(registration(2, "")).await;
        let Err(StateError::Closed(reason)) = later else { panic!("{later:?}") };
        assert!(reason.contains("told to break"), "{reason}");
    }
    assert!(matches!(fixture.state.health(), Err(StateError::Closed(_))));
    let published = fixture.state.published();
    assert_eq!((published.catalog.len(), published.policy.declined.len()), (1, 0));
    assert!(fixture.state.computers().find("computer-1").is_some());
    fixture.state.close().await;
}

#[tokio::test]
async fn a_panic_in_a_change_is_told_to_its_caller_and_all_later_ones() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    let panicked = fixture.state.writer.submit::<()>(|_| panic!("a test's panic")).await;
    assert!(matches!(panicked, Err(StateError::Closed(_))), "{panicked:?}");
    let later = fixture.state.set_meta("record", record("x")).await;
    assert!(matches!(later, Err(StateError::Closed(_))), "{later:?}");
    assert_eq!(fixture.state.published().catalog.len(), 1);
    fixture.state.close().await;
    assert!(fixture.state.health().is_err());
}

/// The journal comes first: where it cannot be written, the store never hears of the decision.
#[tokio::test]
async fn without_its_journal_a_decision_is_neither_durable_nor_acknowledged() {
    let dir = tempfile::tempdir().expect("a directory");
    let directory = dir.path().join("journal");
    // Begins a file for each append; without its directory it cannot.
    let journal = Journal::open_rotating(&directory, 0).expect("a journal");
    std::fs::remove_dir_all(&directory).expect("removed");
    let store = MemoryStore::new();
    let library = Arc::new(Library::open(dir.path()).expect("a library"));
    let model = Model::load(&store, &library).expect("empty");
    let published =
        Arc::new(ArcSwap::from_pointee(model.publish(ContentHandling::default(), None)));
    let events = Arc::new(Events::new(|| 0));
    let health = Arc::new(Health::new(Arc::clone(&events)));
    let writer = Writer::start(Owned {
        store: Box::new(store.clone()),
        journal,
        model,
        library,
        handling: ContentHandling::default(),
        patience: Duration::from_secs(30),
        published,
        registry: Arc::new(Registry::default()),
        downstream: Arc::default(),
        health: Arc::clone(&health),
        events,
        now: || NOW,
    })
    .expect("a writer");

    let journalled = writer.submit(|transaction| {
        transaction.journal(&By::administrator(), json!({ "decided": true }));
        transaction.put_meta("record", &record("x"));
        Ok(())
    });
    let refused = journalled.await;
    assert!(matches!(refused, Err(StateError::Store(_))), "{refused:?}");
    assert_eq!(store.read(Tree::Meta, b"record").expect("readable"), None);
    assert!(health.is_closed());
    let later = writer.submit(|_| Ok(())).await;
    assert!(matches!(later, Err(StateError::Closed(_))), "{later:?}");
    writer.stop().await;
}
