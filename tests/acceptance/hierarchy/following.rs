//! Servers that follow those above them: what comes to the top is at the bottom soon, without anybody
//! saying so, and each server shows how far those below it are.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::levels::{Level, decidable, generate, import};

const DOCUMENTS: usize = 80;
const LATER: usize = 100;
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn what_is_new_at_the_top_goes_down_by_itself() {
    let mut root = Level::root();
    import(&root.directory, &generate(&root.directory, DOCUMENTS));
    let updates = decidable(&root.directory);
    root.directory.json(&["update", "approve", &updates[0], "--group", "All Computers"]);
    root.start();
    let mut middle = Level::following(&root, true);
    middle.start();
    let mut replica = Level::following(&middle, true);
    replica.start();
    // One that only wants to know what there is to select.
    let mut idle = Level::below(&root, false);
    idle.start();
    let run = idle.directory.run(&["sync", "categories"]);
    assert!(run.status.success(), "{run:?}");

    until("the replica has the approval", || is_approved(&replica, &updates[0]));
    until("the middle is current", || below(&root, true)["state"] == "current");
    until("the replica is current", || below(&middle, true)["state"] == "current");
    assert_eq!(below(&root, false)["state"], "never");

    import(&root.directory, &generate(&root.directory, LATER));
    root.directory.json(&["update", "approve", &updates[1], "--group", "All Computers"]);
    root.directory.json(&["update", "decline", &updates[2]]);
    until("the replica has the approval", || is_approved(&replica, &updates[1]));
    until("the replica has the new documents", || {
        decidable(&replica.directory).len() == decidable(&root.directory).len()
    });
    until("the middle is current", || below(&root, true)["state"] == "current");
    until("the replica is current", || below(&middle, true)["state"] == "current");
    // What it found is seen before it is in the history.
    until("the replica rests", || replica.directory.json(&["sync", "status"])["running"].is_null());
    // Looks that find nothing are not in the history.
    let runs = replica.directory.json(&["sync", "history"]).as_array().map_or(0, Vec::len);
    thread::sleep(Duration::from_secs(3));
    let later = replica.directory.json(&["sync", "history"]).as_array().map_or(0, Vec::len);
    assert_eq!(runs, later);

    // One that is away stays behind.
    middle.stop();
    import(&root.directory, &generate(&root.directory, LATER + 10));
    root.directory.json(&["update", "approve", &updates[3], "--group", "All Computers"]);
    let away = below(&root, true);
    assert_eq!(away["state"], "behind", "{away}");
    let number = |key: &str| away[key].as_u64().expect("a number");
    assert_eq!((number("revisions_behind"), number("decisions_behind")), (10, 1), "{away}");
    for level in [&mut root, &mut replica, &mut idle] {
        level.stop();
    }
}

/// The replica that synchronises from this server, or the server that is none.
fn below(above: &Level, replica: bool) -> Value {
    let servers = above.directory.json(&["downstream", "list"]);
    let mut servers = servers.as_array().expect("a list").clone();
    servers.retain(|server| server["parent"].is_null());
    servers.retain(|server| server["decisions_behind"].is_null() != replica);
    servers.pop().unwrap_or(Value::Null)
}

fn is_approved(level: &Level, update: &str) -> bool {
    let ended = level.directory.run(&["update", "show", update, "--json"]);
    let shown: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    shown["approvals"].as_array().is_some_and(|approvals| !approvals.is_empty())
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not yet: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}
