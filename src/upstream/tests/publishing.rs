//! What becomes visible, and when.

use super::*;
use crate::policy::by::By;
use crate::wire::fault::ErrorCode::InternalServerError;
use crate::wire::operation::Operation;

/// Categories, classifications and detectoids of the sample.
const CONFIGURATION: usize = 11;

/// A synchronization of everything that was called off after some of the updates came.
async fn interrupted() -> Pair {
    let pair = Pair::new().await;
    pair.select_everything().await;
    pair.fake.world().per_request = 1;
    pair.upstream.start(By::administrator(), Scope::Everything).await.unwrap();
    while pair.fake.asked(Operation::GetUpdateData).len() < CONFIGURATION + 6 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pair.upstream.cancel();
    pair.upstream.stop().await;
    assert_eq!(pair.revisions(), 0);
    pair
}

#[tokio::test]
async fn categories_alone_do_not_bring_half_of_the_updates_with_them() {
    let pair = interrupted().await;
    let run = pair.sync(Scope::Categories).await;
    assert_eq!((run.status, run.new), (6702, CONFIGURATION as u64), "{run:?}");
    assert_eq!(pair.revisions(), CONFIGURATION);
    let asked = pair.fake.asked(Operation::GetUpdateData).len();
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!(pair.revisions(), sample::documents().len());
    let fetched = pair.fake.asked(Operation::GetUpdateData).len() - asked;
    assert!(fetched < sample::documents().len() - CONFIGURATION, "some of it was here: {fetched}");
}

#[tokio::test]
async fn what_was_fetched_for_another_selection_stays_out_of_sight() {
    let pair = interrupted().await;
    let nothing = SelectionChange { everything: Some(false), ..SelectionChange::default() };
    pair.upstream.select(By::administrator(), nothing).await.unwrap();
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!(pair.revisions(), CONFIGURATION);
    let pair = pair.restarted().await;
    assert_eq!(pair.revisions(), CONFIGURATION);
    pair.select_everything().await;
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!(pair.revisions(), sample::documents().len());
}

#[tokio::test]
async fn a_replica_sees_nothing_new_before_it_knows_what_was_decided_on_it() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let url = pair.fake.url.clone();
    let replica = SourceRecord { url, replica: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), replica).await.unwrap();
    let fault = fake::Misbehaviour::Fault(InternalServerError);
    pair.fake.world().misbehave.insert(Operation::GetDeployments, vec![fault; 9].into());
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.new), (6703, 0), "{run:?}");
    assert_eq!(pair.revisions(), 0);
}
