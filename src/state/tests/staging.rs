//! What a synchronization fetched, until and while it becomes visible.

use serde_json::json;

use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::state::library::Library;
use crate::state::model::Model;
use crate::state::staging::{Part, move_all};
use crate::state::{Decision, ImportOutcome, Moved, Reveal, StateError, Unknown};
use crate::store::memory::MemoryStore;
use crate::store::{Batch, EachRecord, Page, Store, StoreError, Tree};
use crate::wire::types::UpdateIdentity;

use super::support::{Document, Fixture, software, update};

fn revision(number: u8, revision: u32) -> Document {
    Document { revision, ..software(number) }
}

fn identity(number: u8, revision_number: u32) -> UpdateIdentity {
    UpdateIdentity { update_id: update(number), revision_number }
}

async fn stage(fixture: &Fixture, documents: &[Document]) -> Vec<ImportOutcome> {
    let documents = documents.iter().map(Document::importable).collect();
    fixture.state.stage(documents, Vec::new()).await.expect("staged")
}

/// Publishes whatever of the tests is staged.
async fn publish_all(fixture: &Fixture) -> Result<Moved, StateError> {
    let listed = (1..=9).flat_map(|number| (1..=9).map(move |revision| identity(number, revision)));
    fixture.state.publish_staged(Reveal::Listed(listed.collect()), false).await
}

#[tokio::test]
async fn nobody_sees_what_is_staged_until_all_of_it_is_published() {
    let fixture = Fixture::new();
    fixture.import_new(revision(1, 1)).await;
    let before = fixture.state.published();
    let outcomes = stage(&fixture, &[revision(1, 1), revision(1, 2), revision(2, 1)]).await;
    assert!(matches!(
        outcomes[..],
        [ImportOutcome::Unchanged(_), ImportOutcome::Staged, ImportOutcome::Staged]
    ));
    // Also not with the next change of another kind.
    let by = By::administrator();
    fixture.state.create_group(by, update(9), "Pilot".into(), None).await.expect("a group");
    assert_eq!(fixture.state.published().catalog.len(), before.catalog.len());

    let moved = publish_all(&fixture).await.expect("published");
    assert_eq!(moved, Moved { new: 1, changed: 1 });
    assert_eq!(fixture.state.published().catalog.len(), 3);
    assert_eq!(publish_all(&fixture).await.expect("again"), Moved::default());
}

#[tokio::test]
async fn a_later_revision_of_an_approved_update_is_in_the_journal_however_it_came() {
    let fixture = Fixture::new();
    for number in 1..=2 {
        fixture.import_new(revision(number, 1)).await;
    }
    let install = ApprovalAction::Install.into();
    let approve = Decision::Approve { group: "All Computers".into(), terms: install };
    fixture.state.decide(By::administrator(), update(1), approve).await.expect("approved");
    stage(&fixture, &[revision(1, 2), revision(2, 2)]).await;
    publish_all(&fixture).await.expect("published");
    fixture.import_new(revision(1, 3)).await;
    let journal = fixture.journal();
    let told: Vec<_> = journal.iter().filter(|it| it.get("take_over").is_some()).collect();
    let numbers: Vec<_> = told.iter().map(|it| (&it["before"], &it["revision_number"])).collect();
    assert_eq!(numbers, [(&json!(1), &json!(2)), (&json!(2), &json!(3))]);
    let why = "a later revision of an approved update takes its place";
    assert!(told.iter().all(|it| it["take_over"] == json!(update(1)) && it["why"] == why));
    assert_eq!(told[0]["groups"], json!([ALL_COMPUTERS]));
}

#[tokio::test]
async fn what_is_staged_survives_a_restart_and_is_not_fetched_again() {
    let fixture = Fixture::new();
    fixture.import_new(revision(1, 1)).await;
    stage(&fixture, &[revision(2, 1), Document { has_file: true, ..revision(3, 1) }]).await;
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.published().catalog.len(), 1);
    let listed = vec![identity(1, 1), identity(2, 1), identity(4, 1), identity(4, 1)];
    let unknown = fixture.state.unknown(listed).await.expect("asked");
    assert_eq!(unknown, Unknown { revisions: vec![identity(4, 1)], known: 1, staged: 1 });
    publish_all(&fixture).await.expect("published");
    let published = fixture.state.published();
    let index = published.catalog.by_identity(&identity(3, 1)).expect("a revision");
    let places = published.places(index).expect("a place");
    fixture.state.document(places).expect("its document is still there");
}

#[tokio::test]
async fn a_neighbour_is_told_with_the_commit_that_publishes() {
    let fixture = Fixture::new();
    let named = fixture.import_new(revision(1, 1)).await;
    stage(&fixture, &[Document { prerequisites: vec![1], ..software(2) }]).await;
    let before = fixture.changed(named);
    fixture.import_new(revision(3, 1)).await;
    let seen = fixture.state.published().sequence;
    publish_all(&fixture).await.expect("published");
    assert!(fixture.changed(named) > seen, "{before} {seen}");
}

/// A store that dies at one of its commits.
struct Dying {
    store: MemoryStore,
    left: u32,
}

impl Store for Dying {
    fn page(&self, tree: Tree, after: Option<&[u8]>, bytes: usize) -> Result<Page, StoreError> {
        self.store.page(tree, after, bytes)
    }

    fn load(&self, tree: Tree, each: &mut EachRecord<'_>) -> Result<(), StoreError> {
        self.store.load(tree, each)
    }

    fn read(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read(tree, key)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.left == 0 {
            return Err(StoreError::corrupt("the power failed"));
        }
        self.left -= 1;
        self.store.commit(batch)
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.store.size_on_disk()
    }
}

#[tokio::test]
async fn a_start_finishes_what_a_killed_process_began_to_publish() {
    let documents: Vec<Document> = (1..=5).map(|number| revision(1, number)).collect();
    for (commits, expected) in [(0, 0), (1, 5), (2, 5), (3, 5)] {
        let fixture = Fixture::new();
        stage(&fixture, &documents).await;
        let mut store = Dying { store: fixture.store.clone(), left: commits };
        let library = Library::open(fixture.dir.path()).expect("the same library");
        let mut model = Model::load(&store, &library).expect("loaded");
        let moved = move_all(&mut model, &mut store, &library, 0, 2, Part::All, &mut Vec::new());
        assert_eq!(moved.is_ok(), commits == 3, "{commits}");
        let fixture = fixture.reopened().await;
        assert_eq!(fixture.state.published().catalog.len(), expected, "after {commits} commits");
        publish_all(&fixture).await.expect("published");
        assert_eq!(fixture.state.published().catalog.len(), 5, "after {commits} commits");
        let ids: std::collections::BTreeSet<_> =
            fixture.state.published().catalog.revisions().map(|(_, it)| it.id).collect();
        assert_eq!(ids.len(), 5, "no number was given out twice");
    }
}

#[tokio::test]
async fn a_store_that_fails_at_the_beginning_leaves_everything_as_it_was() {
    let fixture = Fixture::new();
    stage(&fixture, &[revision(1, 1)]).await;
    fixture.store.fail_next_commit();
    publish_all(&fixture).await.expect_err("refused");
    assert_eq!(fixture.state.published().catalog.len(), 0);
    let moved = publish_all(&fixture).await.expect("the next time");
    assert_eq!(moved.new, 1);
}

#[tokio::test]
async fn categories_become_visible_alone_and_what_is_not_listed_goes() {
    let fixture = Fixture::new();
    let category = Document { kind: "Category", ..software(1) };
    stage(&fixture, &[category, revision(2, 1), revision(3, 1)]).await;
    let moved = fixture.state.publish_staged(Reveal::Configuration, false).await;
    assert_eq!(moved.expect("published").new, 1);
    assert_eq!(fixture.state.published().catalog.len(), 1);
    let listed = Reveal::Listed([identity(3, 1)].into());
    assert_eq!(fixture.state.publish_staged(listed, false).await.expect("published").new, 1);
    let fixture = fixture.reopened().await;
    let published = fixture.state.published();
    assert!(published.catalog.by_identity(&identity(2, 1)).is_none());
    assert_eq!(published.catalog.len(), 2);
    let unknown = fixture.state.unknown(vec![identity(2, 1)]).await.expect("asked");
    assert_eq!(unknown.revisions, [identity(2, 1)], "to be fetched again");
}

#[tokio::test]
async fn a_start_moves_categories_alone_when_only_they_were_to_be_moved() {
    let fixture = Fixture::new();
    let category = |number| Document { kind: "Category", ..software(number) };
    stage(&fixture, &[category(1), revision(2, 1), category(3), category(4)]).await;
    let mut store = Dying { store: fixture.store.clone(), left: 1 };
    let library = Library::open(fixture.dir.path()).expect("the same library");
    let mut model = Model::load(&store, &library).expect("loaded");
    move_all(&mut model, &mut store, &library, 0, 2, Part::Configuration, &mut Vec::new())
        .expect_err("it died");
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.published().catalog.len(), 3);
    assert_eq!(publish_all(&fixture).await.expect("published").new, 1);
}
