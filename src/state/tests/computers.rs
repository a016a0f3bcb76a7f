//! Computers: what is written of them, and how much of it at most.

use std::io::Cursor;

use serde_json::json;
use uuid::Uuid;

use super::support::{Document, Fixture, address, content, registration, software};
use crate::computers::UpdateInstallationState::NotInstalled;
use crate::computers::event::{EVENTS_KEPT, Event, STATUS_REPORT};
use crate::content::files::ContentError;
use crate::policy::by::By;
use crate::state::{Children, Members, Registration, StateError};

/// No groups.
const NONE: [Uuid; 0] = [];
const PILOT: Uuid = Uuid::from_u128(0x77);

fn event(instance: u128, event_id: i16) -> Event {
    Event {
        instance: Uuid::from_u128(instance),
        event_id,
        source: 101,
        update: Some(super::support::software(1).importable().identity()),
        at: i64::try_from(instance).expect("few"),
        result: 0,
        app: String::new(),
        strings: Vec::new(),
        misc: vec![("U".to_owned(), super::support::update(1).to_string())],
    }
}

#[tokio::test]
async fn a_computer_that_says_nothing_new_costs_no_write() {
    let fixture = Fixture::new();
    fixture.state.register(registration(1, "Pilot")).await.expect("registered");
    // Any commit would use this up.
    fixture.store.fail_next_commit();
    fixture.state.register(registration(1, "Pilot")).await.expect("known");
    let moved = Registration { address: "10.0.0.2".into(), ..registration(1, "Pilot") };
    assert!(fixture.state.register(moved.clone()).await.is_err(), "a new address is written");

    let number = || fixture.state.computers().find("computer-1").expect("known").computer.number;
    let before = number();
    fixture.state.register(moved).await.expect("registered");
    assert_eq!(number(), before);
}

/// 150,000 computers register again and again; what they would say again by themselves is not
/// worth a line.
#[tokio::test]
async fn the_journal_has_what_was_decided_of_computers_and_no_registrations() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    state.create_group(By::administrator(), PILOT, "Pilot".into(), None).await.expect("created");
    for number in 1..=3 {
        state.register(registration(number, "")).await.expect("registered");
    }
    let twice = vec!["Pilot".to_owned(), "pilot".to_owned(), "All Computers".to_owned()];
    state.move_computer(By::administrator(), "PC1.example".into(), twice).await.expect("moved");
    state.delete_computer(By::administrator(), "computer-2".into()).await.expect("deleted");
    assert_eq!(
        fixture.journal()[1..],
        [
            json!({
                "move": { "computer": "computer-1", "groups": [PILOT] },
                "before": [],
                "by": "administrator",
            }),
            json!({
                "delete_computer": "computer-2",
                "before": { "name": "pc2.example", "groups": [] },
                "by": "administrator",
            }),
        ]
    );
    let groups = |number: u8| {
        state.computers().find(&format!("computer-{number}")).map(|t| t.computer.groups.clone())
    };
    assert_eq!((groups(1), groups(2), groups(3)), (Some(vec![PILOT]), None, Some(vec![])));
}

#[tokio::test]
async fn a_number_is_not_given_to_a_second_computer() {
    let fixture = Fixture::new();
    let number = |fixture: &Fixture, client_id: &str| {
        fixture.state.computers().find(client_id).expect("known").computer.number
    };
    fixture.state.register(registration(1, "")).await.expect("registered");
    let events = vec![event(1, 182)];
    assert!(fixture.state.report("computer-1".into(), events, false).await.expect("reported"));
    let first = number(&fixture, "computer-1");
    fixture.state.delete_computer(By::administrator(), "computer-1".into()).await.expect("deleted");

    let fixture = fixture.reopened().await;
    fixture.state.register(registration(1, "")).await.expect("registered");
    assert_ne!(number(&fixture, "computer-1"), first);
    let details = fixture.state.computer("computer-1".into()).await.expect("known");
    assert!(details.events.events.is_empty() && details.tracked.statuses.rows().count() == 0);
}

#[tokio::test]
async fn reports_are_bounded_and_survive_a_restart() {
    let fixture = Fixture::new();
    let stranger = fixture.state.report("computer-1".into(), vec![event(1, 182)], false).await;
    assert!(!stranger.expect("an answer"), "it has to register first");

    fixture.state.register(registration(1, "")).await.expect("registered");
    for batch in 0..4 {
        let events = (0..50).map(|number| event(batch * 50 + number + 1, 182)).collect();
        assert!(fixture.state.report("computer-1".into(), events, false).await.expect("reported"));
    }
    let report = vec![event(500, STATUS_REPORT)];
    assert!(fixture.state.report("computer-1".into(), report, false).await.expect("reported"));

    let fixture = fixture.reopened().await;
    let details = fixture.state.computer("computer-1".into()).await.expect("known");
    assert_eq!(details.events.events.len(), EVENTS_KEPT);
    let newest = details.events.events.back().expect("events").instance;
    assert_eq!(newest, Uuid::from_u128(200));
    let rows = details.tracked.statuses.rows();
    assert_eq!(rows.map(|row| row.state).collect::<Vec<_>>(), [NotInstalled]);
}

#[tokio::test]
async fn a_host_name_has_to_be_unambiguous() {
    let fixture = Fixture::new();
    for number in [1, 2] {
        let info = registration(1, "").info;
        let twin = Registration { info, ..registration(number, "") };
        fixture.state.register(twin).await.expect("registered");
    }
    let twins = fixture.state.computer("pc1.example".into()).await;
    assert!(matches!(twins, Err(StateError::Refused(_))), "{twins:?}");
    assert!(fixture.state.computer("COMPUTER-2".into()).await.is_ok());
    let stranger = fixture.state.computer("pc9".into()).await;
    assert!(matches!(stranger, Err(StateError::NotFound { kind: "computer", .. })));
}

#[tokio::test]
async fn content_arrives_once_and_only_as_the_metadata_has_it() {
    let fixture = Fixture::new();
    let add = |number: u8, bytes: Vec<u8>| {
        fixture.state.add_content(By::administrator(), address(number), Cursor::new(bytes))
    };
    let unknown = add(1, content(1)).await;
    assert!(matches!(unknown, Err(StateError::NotFound { kind: "file", .. })), "{unknown:?}");

    fixture.import_new(Document { has_file: true, ..software(1) }).await;
    let forged = add(1, b"something else".to_vec()).await;
    assert!(matches!(forged, Err(StateError::Content(ContentError::Length { .. }))), "{forged:?}");
    assert!(!fixture.state.has_content(&address(1)));

    assert!(add(1, content(1)).await.expect("taken").new);
    let sequence = fixture.state.published().sequence;
    assert_eq!(fixture.state.published().contents[&address(1)].changed, sequence);
    assert!(!add(1, content(1)).await.expect("repaired").new);
    assert_eq!(fixture.state.published().sequence, sequence);
    let fixture = fixture.reopened().await;
    assert!(fixture.state.has_content(&address(1)));
}

#[tokio::test]
async fn newcomers_go_where_the_rules_say_unless_they_ask_themselves() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let by = By::administrator;
    state.create_group(by(), PILOT, "Pilot".into(), None).await.expect("created");
    state.register(registration(1, "")).await.expect("registered");
    let add = |group: &str, name: Option<&str>| {
        state.add_placement(by(), group.into(), name.map(str::to_owned), None, None)
    };
    let rule = add("pilot", Some("PC*")).await.expect("a rule");
    for (group, name, told) in [
        ("Nobody", Some("x"), "no group 'Nobody'"),
        ("Unassigned Computers", Some("x"), "built in"),
        ("Pilot", None, "every newcomer"),
        ("Pilot", Some(""), "256"),
    ] {
        let refused = add(group, name).await.expect_err(told).to_string();
        assert!(refused.contains(told), "{refused}");
    }
    state.register(registration(2, "")).await.expect("registered");
    state.register(registration(3, "Nowhere")).await.expect("registered");
    let mut other = registration(4, "");
    other.info.dns_name = "server.example".into();
    state.register(other).await.expect("registered");
    let groups = |number: u8| {
        let found = state.computers().find(&format!("computer-{number}")).expect("a computer");
        found.computer.groups.clone()
    };
    assert_eq!(groups(1), NONE, "it was here before the rule");
    assert_eq!(groups(2), [PILOT]);
    assert_eq!(groups(3), NONE, "its policy names a group, if one that does not exist");
    assert_eq!(groups(4), NONE);
    state.move_computer(by(), "computer-2".into(), Vec::new()).await.expect("moved");
    state.register(registration(2, "")).await.expect("registered");
    assert_eq!(groups(2), NONE, "it is no newcomer any more");

    let fixture = fixture.reopened().await;
    let state = &fixture.state;
    assert_eq!(state.published().policy.placements.as_slice(), std::slice::from_ref(&rule));
    let no_such = state.remove_placement(by(), 9).await.expect_err("no such rule");
    assert!(matches!(no_such, StateError::NotFound { .. }), "{no_such:?}");
    assert_eq!(state.remove_placement(by(), 1).await.expect("removed"), rule);
    let again = state.add_placement(by(), "Pilot".into(), Some("x".into()), None, None).await;
    assert_eq!(again.expect("a rule").number, 2, "numbers are not reused");
    let deleted = state.delete_group(by(), "Pilot".into(), Children::Refuse, Members::Release);
    deleted.await.expect("deleted");
    assert!(state.published().policy.placements.is_empty());
}
