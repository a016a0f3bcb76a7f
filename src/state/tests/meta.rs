//! Single records.

use super::support::Fixture;
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

/// Agents compare `LastChange` exactly: it must move when the configuration does, and only then.
#[tokio::test]
async fn the_configuration_keeps_its_time_until_it_changes() {
    let fixture = Fixture::new();
    let of = async |fixture: &Fixture, fingerprint: &str, now| {
        fixture.state.configuration(fingerprint.to_owned(), now).await.expect("stored")
    };
    assert_eq!(of(&fixture, "one", 10).await, 10);
    let fixture = fixture.reopened().await;
    assert_eq!(of(&fixture, "one", 20).await, 10);
    assert_eq!(of(&fixture, "two", 30).await, 30);
    assert_eq!(of(&fixture, "two", 40).await, 30);
}
