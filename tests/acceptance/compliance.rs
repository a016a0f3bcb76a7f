//! Every state of an update is reached by what computers report, every Unknown says why, and the
//! counters of reports are what a recount of all computers gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::harness::agent::{Agent, Event};
use crate::harness::directory::{Directory, Server};
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::sample_over_tls::shown_states;

/// The states as JSON and as the counters name them.
const STATES: [(&str, &str); 7] = [
    ("Unknown", "unknown"),
    ("NotApplicable", "not_applicable"),
    ("NotInstalled", "not_installed"),
    ("Downloaded", "downloaded"),
    ("Installed", "installed"),
    ("Failed", "failed"),
    ("InstalledPendingReboot", "installed_pending_reboot"),
];

/// 0x80244022: the server answered 503.
const OVERLOADED: i32 = -2_145_107_934;

/// A computer that reported; returns its id.
fn computer(server: &Server, name: &str, events: &[Event]) -> String {
    let mut agent = Agent::registered(Connection::plain(&server.http), name);
    if !events.is_empty() {
        assert_eq!(agent.report(events), Ok(true));
    }
    agent.client_id
}

/// Imports an update that nobody reported on.
fn import_another(directory: &Directory) -> String {
    let update = Uuid::new_v4().to_string();
    let text = fs::read_to_string(folder("documents/gauge-2.0.7.xml")).expect("readable");
    let document = directory.beside("another.xml");
    fs::write(&document, text.replace(GAUGE_207, &update)).expect("written");
    assert_eq!(directory.import(&[&document])["new"], 1);
    update
}

#[test]
fn every_state_is_reached_and_every_unknown_says_why() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    let before = directory.json(&["report", "updates"]);
    let offered: Vec<String> = before["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["update_id"].as_str().expect("an id").to_owned())
        .collect();
    assert!(offered.len() > 5, "{offered:?}");
    let of = |at: usize| std::slice::from_ref(&offered[at]);
    let lists = [("U", of(0)), ("h", of(1)), ("V", of(2)), ("g", of(3)), ("W", of(4))];
    computer(&server, "all.example", &[Event::of(147, None), Event::status(&lists)]);
    computer(&server, "silent.example", &[]);
    let failed_scan = Event { result: OVERLOADED, ..Event::of(148, None) };
    let failing = computer(&server, "-failing.example", &[failed_scan]);
    let damaged = Event { misc: vec!["V=1594B429-A8C5;".to_owned()], ..Event::of(156, None) };
    computer(&server, "damaged.example", &[damaged]);
    let failed = Event { result: OVERLOADED, ..Event::of(182, Some((offered[0].clone(), 100))) };
    let restart = Event::of(184, Some((offered[1].clone(), 100)));
    computer(&server, "single.example", &[Event::status(&[]), failed, restart]);
    // Times are whole seconds, and a report of the same second knows the update.
    thread::sleep(Duration::from_millis(1_100));
    let another = import_another(&directory);

    let seen = shown_states(&directory, "all.example");
    let states: BTreeSet<&str> = seen.values().filter_map(Value::as_str).collect();
    assert_eq!(states, STATES.iter().map(|(name, _)| *name).collect(), "{seen:?}");
    for (name, expected) in [
        ("all.example", "backlog"),
        ("silent.example", "not_received"),
        (&failing, "scan_failed"),
        ("damaged.example", "unusable"),
        ("single.example", "backlog"),
    ] {
        let shown = directory.json(&["computer", "show", name]);
        let updates = shown["updates"].as_array().expect("updates");
        let unknown: Vec<&Value> =
            updates.iter().filter(|update| update["state"] == "Unknown").collect();
        assert!(unknown.iter().any(|update| update["update_id"] == another.as_str()));
        for update in unknown {
            assert_eq!(update["unknown"]["reason"], expected, "{name}: {update}");
            assert!(update["why"].is_string(), "{update}");
        }
        let others = updates.iter().filter(|update| update["state"] != "Unknown");
        assert!(others.clone().all(|update| update["why"].is_null()));
        let compliance = |update: &Value| match update["state"].as_str() {
            Some("NotApplicable") => "NotRequired",
            Some("Installed") => "Installed",
            _ => "Required",
        };
        assert!(others.clone().all(|update| update["compliance"] == compliance(update)));
    }
    let shown = directory.json(&["computer", "show", "single.example"]);
    assert!(shown["restart_pending"].is_string(), "{shown}");
    let failed = shown["updates"].as_array().expect("updates").iter();
    let failed = failed.clone().find(|it| it["state"] == "Failed").expect("a failure");
    assert_eq!(failed["error"], "0x80244022 (the server answered 503, overloaded)");

    counters_equal_a_recount(&directory);
    reports_say_the_same_in_every_form(&directory);
    server.stop();
    counters_equal_a_recount(&directory);
}

fn reports_say_the_same_in_every_form(directory: &Directory) {
    let unknown = ["report", "computers", "--state", "unknown", "--detailed"];
    let report = directory.json(&unknown);
    assert_eq!(report["rows"].as_array().expect("rows").len(), 5);
    for row in report["rows"].as_array().expect("rows") {
        for update in row["updates"].as_array().expect("updates") {
            assert!(update["unknown"]["reason"].is_string(), "{update}");
        }
    }
    let csv = directory.run(&["report", "computers", "--csv"]);
    let csv = String::from_utf8(csv.stdout).expect("UTF-8");
    assert!(csv.starts_with("COMPUTER,SYSTEM,GROUPS,"), "{csv}");
    assert!(csv.contains("\r\n'-failing.example,"), "a name is no formula: {csv}");
    assert_eq!(csv.lines().count(), 6);
    let table = directory.run(&["report", "updates", "--summary"]);
    let table = String::from_utf8(table.stdout).expect("UTF-8");
    assert!(table.starts_with("KIND") && table.contains("severity"), "{table}");
    let pending = directory.json(&["report", "computers", "--condition", "restart-pending"]);
    assert_eq!(pending["computers"], 2, "{pending}");
    assert_eq!(directory.json(&["report", "sync"])["rows"], serde_json::json!([]));
}

#[test]
fn computers_that_share_an_id_are_noticed() {
    let directory = Directory::new();
    let server = directory.serve(&[]);
    let mut one = Agent::registered(Connection::plain(&server.http), "pc-1.example");
    let duplicates = || directory.json(&["report", "computers", "--condition", "duplicate"]);
    for name in ["pc-2.example", "pc-1.example", "pc-2.example"] {
        assert_eq!(duplicates()["computers"], 0);
        name.clone_into(&mut one.dns_name);
        one.register().expect("registered");
    }
    assert_eq!(duplicates()["rows"][0]["client_id"], one.client_id.as_str());
    let shown = directory.json(&["computer", "show", &one.client_id]);
    assert_eq!(shown["health"]["duplicate"], true);
    assert_eq!(shown["health"]["seen_as"][0]["name"], "pc-1.example");
    let trend = directory.json(&["report", "trend"]);
    assert_eq!(trend["rows"][0]["computers"], 1, "{trend}");
    server.stop();
}

/// Compares every counter of the report on updates with the states of every computer.
pub(crate) fn counters_equal_a_recount(directory: &Directory) {
    let mut counted: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    let computers = directory.json(&["computer", "list"]);
    for computer in computers.as_array().expect("a list") {
        let id = computer["client_id"].as_str().expect("an id");
        for (update, state) in shown_states(directory, id) {
            let name = STATES.iter().find(|(name, _)| state == *name).expect("a state").1;
            *counted.entry(update).or_default().entry(name).or_default() += 1;
        }
    }
    let listed = directory.json(&["update", "list"]);
    let report = directory.json(&["report", "updates"]);
    for row in listed.as_array().expect("a list") {
        let same = report["rows"].as_array().expect("rows").iter();
        let same = same.clone().find(|it| it["update_id"] == row["update_id"]);
        assert!(same.is_none_or(|it| it["counts"] == row["states"]), "{row}");
    }
    for row in report["rows"].as_array().expect("rows") {
        let of = counted.remove(row["update_id"].as_str().expect("an id")).unwrap_or_default();
        for (_, name) in STATES {
            let expected = of.get(name).copied().unwrap_or(0);
            assert_eq!(row["counts"][name], expected, "{name} of {row}");
        }
    }
}
