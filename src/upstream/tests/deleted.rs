//! What was deleted here does not come again, unless somebody wants it or it is revised.

use super::*;
use crate::policy::by::By;
use crate::state::Decision;
use crate::wire::operation::Operation;

/// Synchronises everything, and deletes an update that can be.
async fn deleted(pair: &Pair) -> UpdateIdentity {
    pair.select_everything().await;
    pair.sync(Scope::Everything).await;
    let published = pair.state.published();
    for (_, revision) in published.catalog.revisions() {
        let identity = revision.metadata.identity;
        let by = By::administrator();
        let decided = pair.state.decide(by.clone(), identity.update_id, Decision::Decline).await;
        if decided.is_ok() && pair.state.delete_update(by, identity.update_id).await.is_ok() {
            return identity;
        }
    }
    panic!("the sample catalogue has updates that nothing needs");
}

#[tokio::test]
async fn a_full_list_does_not_bring_it_again_and_a_restoration_does() {
    let pair = Pair::new().await;
    let identity = deleted(&pair).await;
    let fetched = pair.fake.asked(Operation::GetUpdateData).len();
    // The whole list once more, as after a change of the selection.
    pair.select(&["Gauge Reader"], &["Critical Updates"]).await;
    pair.select_everything().await;
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.new, run.changed), (6702, 0, 0), "{run:?}");
    assert!(!pair.has(&identity));
    assert_eq!(pair.fake.asked(Operation::GetUpdateData).len(), fetched);

    pair.state.restore_update(By::administrator(), identity.update_id).await.unwrap();
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.new, run.changed), (6702, 1, 0), "{run:?}");
    assert!(pair.has(&identity));
    assert!(pair.state.published().policy.is_declined(identity.update_id));
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.new, run.changed), (6702, 0, 0), "{run:?}");
}

#[tokio::test]
async fn an_upstream_server_without_it_makes_no_synchronization_fail() {
    let pair = Pair::new().await;
    let identity = deleted(&pair).await;
    pair.state.restore_update(By::administrator(), identity.update_id).await.unwrap();
    pair.fake.world().documents.remove(&identity);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.new), (6702, 0), "{run:?}");
    assert!(!pair.has(&identity));
}
