//! The numbers of updates: with the rows that use them, over restarts, and from earlier versions.

use uuid::Uuid;

use super::support::{Fixture, registration, software, update};
use crate::computers::Statuses;
use crate::computers::UpdateInstallationState::{Failed, Installed, NotInstalled};
use crate::computers::event::Event;
use crate::computers::status::UpdateStatus;
use crate::state::records::StatusRecord;
use crate::store::{Batch, Store, Tree, value};

fn status(at: i64, needed: &[Uuid], installed: &[Uuid]) -> Event {
    Event::status(at, &[("U", needed), ("V", installed)])
}

fn rows(fixture: &Fixture, computer: u8) -> Vec<UpdateStatus> {
    let found = fixture.state.computers().find(&format!("computer-{computer}"));
    fixture.state.rows(&found.expect("a computer").statuses)
}

#[tokio::test]
async fn numbers_outlive_a_restart_while_something_uses_them() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    let [made_up, gone] = [1, 2].map(Uuid::from_u128);
    for (computer, needed) in [(1, vec![gone]), (2, vec![made_up, update(1)])] {
        fixture.state.register(registration(computer, "")).await.expect("registered");
        let events = vec![status(100, &needed, &[])];
        let name = format!("computer-{computer}");
        assert!(fixture.state.report(name, events, false).await.expect("reported"));
    }
    let before = rows(&fixture, 2);
    let events = vec![status(200, &[], &[])];
    fixture.state.report("computer-1".into(), events, false).await.expect("reported");
    assert_eq!(fixture.state.update_number(&gone), Some(0));

    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.update_number(&gone), None, "no row has it any more");
    assert_eq!(rows(&fixture, 2), before);
    let other = Uuid::from_u128(3);
    let events = vec![status(300, &[], &[other])];
    fixture.state.report("computer-1".into(), events, false).await.expect("reported");
    assert_eq!(fixture.state.update_number(&other), Some(0), "it is given again");
    let fixture = fixture.reopened().await;
    let found = UpdateStatus { update: other, state: Installed, since: 300 };
    assert_eq!(rows(&fixture, 1), [found]);
    assert_eq!(rows(&fixture, 2), before);
}

#[tokio::test]
async fn rows_of_an_earlier_version_are_numbered_once() {
    let mut fixture = Fixture::new();
    fixture.state.register(registration(1, "")).await.expect("registered");
    let old = [(8, Failed), (5, NotInstalled)].map(|(number, state)| UpdateStatus {
        update: Uuid::from_u128(number),
        state,
        since: 7,
    });
    let key = fixture.state.computers().find("computer-1").expect("one").computer.number;
    // What a record of the first version is read as.
    let record = StatusRecord { statuses: Statuses::default(), unnumbered: old.to_vec() };
    let mut batch = Batch::default();
    let bytes = value::encode(&record).expect("bytes");
    batch.put(Tree::Statuses, key.to_be_bytes().as_slice(), bytes);
    fixture.store.commit(&batch).expect("committed");
    for _ in 0..2 {
        fixture = fixture.reopened().await;
        let mut expected = old.to_vec();
        expected.sort_by_key(|row| row.update);
        assert_eq!(rows(&fixture, 1), expected);
    }
    let stored = fixture.store.read(Tree::Statuses, &key.to_be_bytes()).expect("read");
    let stored: StatusRecord = value::decode(&stored.expect("a record")).expect("a record");
    assert!(stored.unnumbered.is_empty(), "it is stored as this version does");
}
