//! Single records.

use serde_json::json;

use super::support::Fixture;
use crate::policy::by::By;
use crate::state::records::ConfigurationRecord;

fn record(fingerprint: &str) -> ConfigurationRecord {
    ConfigurationRecord { fingerprint: fingerprint.to_owned(), last_change: 1 }
}

#[tokio::test]
async fn a_record_is_what_was_set_last() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    assert_eq!(state.meta::<ConfigurationRecord>("record").await.expect("readable"), None);
    state.set_meta("record", record("one")).await.expect("stored");
    state.set_meta("record", record("two")).await.expect("stored");
    let fixture = fixture.reopened().await;
    let stored = fixture.state.meta::<ConfigurationRecord>("record").await.expect("readable");
    assert_eq!(stored, Some(record("two")));
}

#[tokio::test]
async fn a_record_of_the_same_commit_is_seen() {
    let fixture = Fixture::new();
    let seen = fixture.state.writer.submit(|transaction| {
        transaction.put_meta("record", &record("staged"));
        Ok(transaction.meta::<ConfigurationRecord>("record")?)
    });
    assert_eq!(seen.await.expect("stored"), Some(record("staged")));
}

#[tokio::test]
async fn a_restart_changes_no_configuration() {
    let fixture = Fixture::new();
    let configuration = async |fixture: &Fixture, now| {
        fixture
            .state
            .configuration("configuration", "the same".to_owned(), now)
            .await
            .expect("stored")
    };
    assert_eq!(configuration(&fixture, 10).await, 10);
    let fixture = fixture.reopened().await;
    assert_eq!(configuration(&fixture, 2_000_000_000).await, 10);
}

#[tokio::test]
async fn who_does_something_that_is_kept_nowhere_else_is_noted() {
    let fixture = Fixture::new();
    fixture.state.note(By::person("ann"), json!({ "something": 7 })).await.expect("noted");
    assert_eq!(fixture.journal(), [json!({ "something": 7, "by": "ann" })]);
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.journal().len(), 1);
}
