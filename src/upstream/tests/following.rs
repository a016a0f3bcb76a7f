//! Looking whether the upstream server has something new.

use super::fake::Misbehaviour::Status;
use super::*;
use crate::policy::by::By;
use crate::wire::operation::Operation;

impl Pair {
    /// Looks, and returns how many runs the history has then.
    async fn look(&self) -> usize {
        self.upstream.look().await.unwrap();
        self.ended().await;
        self.upstream.history().await.unwrap().len()
    }
}

#[tokio::test]
async fn a_look_that_finds_nothing_leaves_no_trace() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    assert_eq!(pair.look().await, 1, "the first one finds everything");
    assert_eq!(pair.revisions(), sample::documents().len());
    let fetched = pair.fake.asked(Operation::GetUpdateData).len();
    for _ in 0..3 {
        assert_eq!(pair.look().await, 1);
    }
    assert_eq!(pair.fake.asked(Operation::GetUpdateData).len(), fetched);
    assert_eq!(pair.fake.asked(Operation::GetRevisionIdList).len(), 8);
    let (_, document) = sample::documents()[0];
    let text = String::from_utf8(document.to_vec()).unwrap();
    pair.fake.world().add(text.replacen("RevisionNumber=\"", "RevisionNumber=\"9", 1).as_bytes());
    assert_eq!(pair.look().await, 2);
    let run = pair.upstream.history().await.unwrap().pop().unwrap();
    assert_eq!((run.status, run.new + run.changed), (6702, 1), "{run:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_named_once_and_asked_once_a_look() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    assert_eq!(pair.look().await, 1);
    let before = pair.fake.asked(Operation::GetConfigData).len();
    let away = vec![Status(503); 3];
    pair.fake.world().misbehave.insert(Operation::GetConfigData, away.into());
    for look in 1..=3 {
        assert_eq!(pair.look().await, 2);
        assert_eq!(pair.fake.asked(Operation::GetConfigData).len(), before + look);
    }
    assert_eq!(pair.upstream.history().await.unwrap()[1].status, 6703);
    assert_eq!(pair.look().await, 3, "that it is back is worth a line");
    assert_eq!(pair.look().await, 3);
}

#[tokio::test]
async fn what_was_set_aside_waits_for_a_synchronization() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let phantom = UpdateIdentity { update_id: uuid::Uuid::max(), revision_number: 1 };
    pair.fake.world().phantoms.push(phantom);
    let first = pair.sync(Scope::Everything).await;
    assert_eq!(first.failures, 1, "{first:?}");
    pair.fake.world().phantoms.clear();
    let fetched = pair.fake.asked(Operation::GetUpdateData).len();
    assert_eq!(pair.look().await, 1);
    assert_eq!(pair.fake.asked(Operation::GetUpdateData).len(), fetched);
    let again = pair.sync(Scope::Everything).await;
    assert_eq!(again.failures, 1, "it was not forgotten: {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_runs_have_one_number_and_one_runs_at_a_time() {
    let pair = Pair::new().await;
    let mut starters = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let upstream = Arc::clone(&pair.upstream);
        starters.spawn(async move {
            let mut numbers = Vec::new();
            while numbers.len() < 10 {
                match upstream.start(By::administrator(), Scope::Categories).await {
                    Ok(number) => numbers.push(number),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            numbers
        });
    }
    let mut numbers: Vec<u64> = starters.join_all().await.concat();
    pair.ended().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=80).collect::<Vec<u64>>());
    let recorded = pair.upstream.history().await.unwrap();
    let recorded: Vec<u64> = recorded.iter().map(|run| run.number).collect();
    assert_eq!(numbers[numbers.len() - recorded.len()..], recorded);
}
