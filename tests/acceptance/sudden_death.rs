//! A server that is killed at any moment has kept all it acknowledged, and starts again.
//!
//! While an administrator imports updates and computers report, the process is killed at random.
//! The next one has to open the directory and to show every revision whose import was reported,
//! under a number of its own, and of every computer the last state it was told was taken, or the
//! one in flight; its counters have to be those of a recount. `WEIR_KILL_ROUNDS` sets the number of rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::compliance::counters_equal_a_recount;
use crate::harness::agent::{Agent, Event};
use crate::harness::directory::{Directory, Server};
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::sample_over_tls::shown_states;

/// A few imports take this long.
const LONGEST_LIFE_MS: u128 = 400;
/// A start takes about this long.
const LONGEST_START_MS: u128 = 150;
const COMPUTERS: usize = 3;

/// What was acknowledged so far.
#[derive(Debug, Default)]
struct Acknowledged {
    /// Updates with the numbers of their revisions; none until they were looked at.
    imported: BTreeMap<String, Option<u64>>,
    computers: Vec<Computer>,
}

/// A computer that reports one update after the other to be the only one installed.
#[derive(Debug)]
struct Computer {
    client_id: String,
    dns_name: String,
    /// The last update that the server took.
    taken: String,
    /// The one after it, which it may have taken.
    sent: String,
}

#[test]
fn what_was_acknowledged_survives() {
    let rounds = std::env::var("WEIR_KILL_ROUNDS");
    let rounds: usize = rounds.map_or(20, |rounds| rounds.parse().expect("a number"));
    let directory = Directory::new();
    // The first start makes keys and certificates, and may be killed as well.
    for _ in 0..5 {
        directory.kill_while_starting(up_to(LONGEST_START_MS));
    }
    let first = directory.serve(&["--sample"]);
    let computers = (0..COMPUTERS).map(|number| Computer::new(&first, number)).collect();
    let mut acknowledged = Acknowledged { computers, ..Acknowledged::default() };
    first.kill();
    for round in 0..rounds {
        directory.kill_while_starting(up_to(LONGEST_START_MS));
        let server = directory.serve(&[]);
        check(&directory, &mut acknowledged, round);
        live_and_die(&directory, server, up_to(LONGEST_LIFE_MS), &mut acknowledged);
    }
    let server = directory.serve(&[]);
    check(&directory, &mut acknowledged, rounds);
    server.stop();
    eprintln!("{} imports were acknowledged in {rounds} rounds", acknowledged.imported.len());
    let verified = directory.json(&["content", "verify"]);
    assert_eq!(verified["damaged"], serde_json::json!([]));
}

/// A random time.
fn up_to(milliseconds: u128) -> Duration {
    Duration::from_millis((Uuid::new_v4().as_u128() % milliseconds) as u64)
}

fn live_and_die(
    directory: &Directory,
    server: Server,
    life: Duration,
    acknowledged: &mut Acknowledged,
) {
    let agents: Vec<_> =
        acknowledged.computers.iter().map(|computer| computer.agent(&server)).collect();
    let killed = AtomicBool::new(false);
    let imported = thread::scope(|scope| {
        let importing = scope.spawn(|| import_until(directory, &killed));
        for (computer, agent) in acknowledged.computers.iter_mut().zip(agents) {
            scope.spawn(|| computer.report_until_the_end(agent));
        }
        thread::sleep(life);
        server.kill();
        killed.store(true, Ordering::SeqCst);
        importing.join().expect("an importer")
    });
    acknowledged.imported.extend(imported.into_iter().map(|update| (update, None)));
}

/// Imports one new update after the other; returns those whose import was acknowledged.
fn import_until(directory: &Directory, killed: &AtomicBool) -> Vec<String> {
    let text = fs::read_to_string(folder("documents/gauge-2.0.7.xml")).expect("readable");
    let document = directory.beside("new.xml");
    let path = document.to_str().expect("UTF-8");
    let mut imported = Vec::new();
    while !killed.load(Ordering::SeqCst) {
        let update = Uuid::new_v4().to_string();
        fs::write(&document, text.replace(GAUGE_207, &update)).expect("written");
        // Once the server is gone, the command may open the directory itself, or find it in use.
        let ended = directory.run(&["import", path, "--json"]);
        if ended.status.success() {
            let report: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
            assert_eq!(report["new"], 1, "{report}");
            imported.push(update);
        }
    }
    imported
}

impl Computer {
    fn new(server: &Server, number: usize) -> Self {
        let dns_name = format!("pc-{number}.example");
        let mut agent = Agent::registered(Connection::plain(&server.http), &dns_name);
        let update = Uuid::new_v4().to_string();
        assert_eq!(agent.report(&[installed(&update)]), Ok(true));
        Self { client_id: agent.client_id, dns_name, taken: update.clone(), sent: update }
    }

    /// The computer with a cookie of the new server. It is still registered.
    fn agent(&self, server: &Server) -> Agent {
        let mut agent = Agent::new(Connection::plain(&server.http), &self.dns_name);
        agent.client_id = self.client_id.clone();
        agent.handshake().expect("a cookie");
        agent
    }

    fn report_until_the_end(&mut self, mut agent: Agent) {
        loop {
            self.sent = Uuid::new_v4().to_string();
            match agent.report_if_there(&[installed(&self.sent)]) {
                Some(taken) => assert_eq!(taken, Ok(true)),
                None => return,
            }
            self.taken.clone_from(&self.sent);
        }
    }
}

/// The report that `update` is installed and nothing else is.
fn installed(update: &String) -> Event {
    Event::status(&[("V", std::slice::from_ref(update))])
}

/// Compares what is there with what was acknowledged.
fn check(directory: &Directory, acknowledged: &mut Acknowledged, round: usize) {
    let updates = directory.json(&["update", "list"]);
    let updates = updates.as_array().expect("a list").iter();
    let numbers: BTreeMap<&str, u64> = updates
        .map(|row| {
            let id = row["update_id"].as_str().expect("an id");
            (id, row["revision_id"].as_u64().expect("a number"))
        })
        .collect();
    let distinct: BTreeSet<u64> = numbers.values().copied().collect();
    assert_eq!(distinct.len(), numbers.len(), "round {round}: a number for two revisions");
    let mut fresh = None;
    for (update, known) in &mut acknowledged.imported {
        let number = numbers.get(update.as_str());
        let number = number.unwrap_or_else(|| panic!("round {round}: {update} is lost"));
        fresh = fresh.or(known.is_none().then_some(update));
        assert_eq!(*known.get_or_insert(*number), *number, "round {round}: renumbered");
    }
    if let Some(update) = fresh {
        let shown = directory.run(&["update", "show", update, "--fragment", "core"]);
        let core = String::from_utf8(shown.stdout).expect("UTF-8");
        assert!(core.contains(update.as_str()), "round {round}: {core} {}", shown.stderr);
    }
    for computer in &mut acknowledged.computers {
        let states = shown_states(directory, &computer.dns_name);
        let installed: Vec<_> = states.iter().filter(|(_, state)| *state == "Installed").collect();
        assert_eq!(installed.len(), 1, "round {round}: {computer:?} {installed:?}");
        let noted = installed[0].0;
        let possible = [&computer.taken, &computer.sent];
        assert!(possible.contains(&noted), "round {round}: {computer:?} {noted}");
        computer.taken.clone_from(noted);
    }
    counters_equal_a_recount(directory);
}
