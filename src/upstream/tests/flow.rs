//! Synchronising when nothing goes wrong.

use uuid::Uuid;

use super::*;
use crate::policy::by::By;
use crate::state::{AuditEntry, AuditFilter};
use crate::wire::operation::Operation;

#[tokio::test]
async fn categories_come_first_and_what_is_selected_follows() {
    let pair = Pair::new().await;
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.new, run.changed), (6702, 11, 0), "{run:?}");
    pair.select(&["Gauge Reader"], &["Critical Updates"]).await;
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.failures), (6702, 0), "{run:?}");
    assert!(run.new > 0 && pair.revisions() < sample::documents().len(), "{run:?}");
    // The second revision of one update counts as changed.
    let updates = pair.state.published().catalog.update_count() as u64;
    assert_eq!(run.new + run.changed + 11, pair.revisions() as u64);
    assert_eq!(updates, 11 + run.new);
}

#[tokio::test]
async fn all_of_it_is_what_an_import_of_the_documents_makes() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.new + run.changed, sample::documents().len() as u64, "{run:?}");
    let phases = run.events.iter().filter(|event| event.id == 6704);
    let phases: Vec<&str> = phases.map(|event| event.text.as_str()).collect();
    let expected =
        ["connecting", "listing categories", "listing updates", "fetching updates", "publishing"];
    let mut passed = phases.iter();
    assert!(expected.iter().all(|phase| passed.any(|other| other == phase)), "{phases:?}");
    let published = pair.state.published();
    for (identity, (text, _)) in &pair.fake.world().documents {
        let index = published.catalog.by_identity(identity).expect("synchronised");
        assert_eq!(pair.state.document(published.places(index).unwrap()).unwrap(), *text);
    }
    let revisions = published.catalog.indices();
    let file = revisions.flat_map(|index| published.catalog.files(index)).next().unwrap();
    let origins = pair.state.origins(vec![*file]).await.unwrap();
    assert_eq!(
        origins[file].mu_url.clone().unwrap(),
        format!("http://download.example/{}", file.to_hex())
    );
}

#[tokio::test]
async fn the_next_one_asks_for_what_is_new_and_fetches_nothing_twice() {
    let pair = Pair::new().await;
    pair.sync(Scope::Categories).await;
    pair.select(&["Gauge Reader"], &["Critical Updates", "Security Updates"]).await;
    let first = pair.sync(Scope::Everything).await;
    let fetched = pair.fake.asked(Operation::GetUpdateData).len();

    let second = pair.sync(Scope::Everything).await;
    assert_eq!((second.status, second.new, second.unchanged), (6702, 0, 0), "{second:?}");
    assert_eq!(pair.fake.asked(Operation::GetUpdateData).len(), fetched);
    let lists = pair.fake.asked(Operation::GetRevisionIdList);
    let last = lists.last().unwrap();
    assert!(last.contains("<Anchor>22</Anchor>"), "{last}");
    assert!(!last.contains("<Delta>false</Delta>"), "{last}");

    pair.select(&["Sluice Gate Control"], &[]).await;
    let third = pair.sync(Scope::Everything).await;
    let lists = pair.fake.asked(Operation::GetRevisionIdList);
    assert_eq!(lists.last().unwrap().matches("<Delta>false</Delta>").count(), 1);
    assert!(third.new > 0 && third.unchanged < first.new, "{third:?}");
}

#[tokio::test]
async fn short_answers_are_asked_for_again_in_batches_of_the_advertised_size() {
    let pair = Pair::new().await;
    (pair.fake.world().per_answer, pair.fake.world().per_request) = (2, 5);
    pair.select_everything().await;
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.failures), (6702, 0), "{run:?}");
    assert_eq!(pair.revisions(), sample::documents().len());
    let asked = pair.fake.asked(Operation::GetUpdateData);
    assert!(asked.iter().all(|body| body.matches("<UpdateIdentity>").count() <= 5));
}

#[tokio::test]
async fn answers_may_be_encoded() {
    for encoding in ["gzip", "xpress"] {
        let pair = Pair::new().await;
        pair.fake.world().encoding = Some(encoding);
        pair.select_everything().await;
        let run = pair.sync(Scope::Everything).await;
        assert_eq!(run.status, 6702, "{encoding}: {run:?}");
        assert_eq!(pair.revisions(), sample::documents().len());
    }
}

#[tokio::test]
async fn languages_are_named_by_their_tags() {
    let pair = Pair::new().await;
    pair.sync(Scope::Categories).await;
    pair.select(&["Gauge Reader"], &["Critical Updates"]).await;
    let change = SelectionChange { languages: vec!["de".into()], ..SelectionChange::default() };
    assert_eq!(pair.upstream.select(By::administrator(), change).await.unwrap().languages, [1031]);
    let change = SelectionChange { languages: vec!["fr".into()], ..SelectionChange::default() };
    assert!(pair.upstream.select(By::administrator(), change).await.is_err());
    pair.sync(Scope::Everything).await;
    let lists = pair.fake.asked(Operation::GetRevisionIdList);
    assert!(lists.last().unwrap().contains("<Id>1031</Id><Delta>false</Delta>"));
    // The second answer of GetConfigData has no languages; they stay known.
    let change = SelectionChange { languages: vec!["DE".into()], ..SelectionChange::default() };
    pair.upstream.select(By::administrator(), change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_selects_at_once_undoes_nothing_of_the_others() {
    let pair = Pair::new().await;
    let wanted: Vec<Uuid> = (1..=40).map(Uuid::from_u128).collect();
    let mut selecting = tokio::task::JoinSet::new();
    for product in wanted.clone() {
        let (upstream, products) = (Arc::clone(&pair.upstream), vec![product.to_string()]);
        let change = SelectionChange { products, ..SelectionChange::default() };
        selecting.spawn(async move { upstream.select(By::administrator(), change).await });
    }
    while let Some(selected) = selecting.join_next().await {
        selected.unwrap().unwrap();
    }
    let mut selected = pair.upstream.selection().await.unwrap().products;
    selected.sort_unstable();
    assert_eq!(selected, wanted);
    let filter = AuditFilter { last: 100, mentions: Some("sync_selection".into()) };
    let told = pair.state.audit(filter).await.unwrap();
    let before = |entry: &AuditEntry| entry.value["before"]["products"].as_array().map(Vec::len);
    assert_eq!(told.iter().map(before).collect::<Vec<_>>(), (0..40).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn another_upstream_server_is_asked_from_the_beginning() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    pair.sync(Scope::Everything).await;
    let other = Fake::start().await;
    for (_, document) in sample::documents() {
        other.world().add(document);
    }
    let source = SourceRecord { url: other.url.clone(), ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.new, run.unchanged), (0, sample::documents().len() as u64), "{run:?}");
    assert!(!other.asked(Operation::GetRevisionIdList).concat().contains("Anchor"));
    assert_eq!(other.asked(Operation::GetUpdateData).len(), 0);
}
