//! A catalogue and what is decided on it flow from the top to the bottom, and what computers report
//! from the bottom to the top.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::levels::{Level, decidable, generate, import};
use crate::harness::agent::{Agent, Event};
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample;
use crate::harness::scan::{Machine, Revision};

const DOCUMENTS: usize = 250;
const LATER: usize = 320;
/// Documents of the sample.
const SAMPLE: u64 = 22;

#[test]
fn what_is_at_the_top_is_at_the_bottom_and_the_difference_follows() {
    replicate(DOCUMENTS, LATER);
}

/// The same with 20,000 documents; takes minutes.
#[test]
#[ignore = "long"]
fn a_large_catalogue_is_at_the_bottom_too() {
    replicate(20_000, 20_200);
}

fn replicate(documents: usize, later: usize) {
    let mut root = Level::root();
    let catalogue = generate(&root.directory, documents);
    import(&root.directory, &catalogue);
    let updates = decidable(&root.directory);
    decide(&root.directory, &updates);
    // The sample has an update with a licence.
    root.directory.import(&[&sample::folder("documents")]);
    root.directory.json(&["update", "accept-licence", sample::GAUGE_21]);
    root.start();
    let mut middle = Level::below(&root, true);
    middle.start();
    let mut replica = Level::below(&middle, true);
    replica.start();
    for level in [&middle, &replica] {
        let run = level.sync_well();
        let came = came(&run);
        assert!(came > documents as u64 * 9 / 10 && came <= documents as u64 + SAMPLE, "{run}");
    }
    let refused = replica.directory.run(&["update", "decline", &updates[20]]);
    assert!(!refused.status.success() && refused.stderr.contains("is a replica of"), "{refused:?}");
    same_for_a_computer(&root, &replica);

    // A computer of the replica reports, and is seen at the top.
    let mut agent = Agent::registered(Connection::plain(replica.http()), "branch-pc.example");
    scan(&mut agent);
    let lists: [(&str, &[String]); 2] = [("U", &updates[..3]), ("V", &updates[3..7])];
    assert_eq!(agent.report(&[Event::of(147, None), Event::status(&lists)]), Ok(true));
    replica.directory.json(&["sync", "report"]);
    middle.directory.json(&["sync", "report"]);
    let there = states(&replica.directory);
    assert_eq!(states(&root.directory), there);
    assert_eq!(there.values().filter(|state| *state == "Installed").count(), 4);
    let seen = root.directory.json(&["computer", "show", "branch-pc.example"]);
    assert!(seen["server"].is_string(), "{seen}");
    let servers = root.directory.json(&["downstream", "list"]);
    assert_eq!(servers.as_array().map(Vec::len), Some(2), "{servers}");

    // New revisions, some of them expired, one more approval and one more decline.
    for level in [&middle, &replica] {
        level.relay().take_asked();
    }
    let new = import(&root.directory, &generate(&root.directory, later));
    assert_eq!(new, (later - documents) as u64);
    root.directory.json(&["update", "approve", &updates[24], "--group", "Pilot"]);
    root.directory.json(&[
        "update",
        "approve",
        &updates[0],
        "--group",
        "Office",
        "--action",
        "none",
    ]);
    root.directory.json(&["update", "decline", &updates[25]]);
    let mut differences = Vec::new();
    for level in [&middle, &replica] {
        let run = level.sync_well();
        assert_eq!(level.relay().take_asked() as u64, came(&run), "only the difference travels");
        differences.push(came(&run));
        level.sync_well();
        assert_eq!(level.relay().take_asked(), 0);
    }
    assert!(differences[0] > new / 2 && differences[0] <= new, "{differences:?} of {new}");
    assert_eq!(differences[0], differences[1]);
    same_for_a_computer(&root, &replica);
    for level in [&mut root, &mut middle, &mut replica] {
        level.stop();
    }
    let top = root.picture();
    assert_eq!(top.eulas.len(), 1);
    assert!(middle.picture() == top, "the middle differs from the root");
    assert!(replica.picture() == top, "the replica differs from the root");
}

/// How many revisions a synchronization brought.
fn came(run: &Value) -> u64 {
    ["new", "changed"].iter().map(|key| run[*key].as_u64().expect("a number")).sum()
}

/// Groups, approvals of every kind, and declines.
fn decide(directory: &Directory, updates: &[String]) {
    directory.json(&["group", "create", "Office"]);
    directory.json(&["group", "create", "Pilot", "--parent", "Office"]);
    let approve = |update: usize, group: &str, more: &[&str]| {
        let command = [&["update", "approve", &updates[update], "--group", group], more].concat();
        directory.json(&command);
    };
    for update in 0..10 {
        approve(update, "Office", &[]);
    }
    for update in 3..6 {
        approve(update, "All Computers", &["--deadline", "2031-05-01T00:00:00Z"]);
    }
    approve(6, "Pilot", &["--action", "optional"]);
    approve(7, "Pilot", &["--action", "uninstall"]);
    approve(8, "Pilot", &["--action", "block"]);
    for update in &updates[10..13] {
        directory.json(&["update", "decline", update]);
    }
}

/// A computer in Pilot gets the same from both.
fn same_for_a_computer(one: &Level, other: &Level) {
    let what = |level: &Level| {
        let mut agent = Agent::new(Connection::plain(level.http()), "same-pc.example");
        agent.target_group = Some("Pilot".to_owned());
        agent.introduce();
        scan(&mut agent);
        let seen: BTreeMap<_, _> = agent.cache.values().map(offered).collect();
        level.directory.json(&["computer", "delete", &agent.client_id]);
        seen
    };
    let (here, there) = (what(one), what(other));
    assert!(here.len() > 20, "{}", here.len());
    assert_eq!(here, there);
}

/// What a computer is told of a revision, but for the numbers that are each server's own.
fn offered(revision: &Revision) -> (String, Value) {
    let deployment = &revision.deployment;
    let told = json!({
        "revision": revision.revision_number,
        "core": revision.core,
        "leaf": revision.is_leaf,
        "action": deployment.action,
        "deadline": deployment.deadline,
        "assigned": deployment.is_assigned,
        "hardware": deployment.hardware_ids,
    });
    (revision.update_id.clone(), told)
}

/// A scan of a computer with all products and, as no server takes more ids, half of the detectoids.
fn scan(agent: &mut Agent) {
    let is_there = |revision: &Revision| match revision.update_type.as_str() {
        "Category" => true,
        "Detectoid" => revision.update_id.ends_with(|last: char| last < '8'),
        _ => false,
    };
    let machine = Machine { installed: &is_there, devices: &[] };
    agent.scan(&machine).expect("a scan");
}

/// The state of every update on the computer of the branch.
fn states(directory: &Directory) -> BTreeMap<String, String> {
    let shown = directory.json(&["computer", "show", "branch-pc.example"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let updates = shown["updates"].as_array().expect("a list").iter();
    updates.map(|row| (text(&row["update_id"]), text(&row["state"]))).collect()
}
