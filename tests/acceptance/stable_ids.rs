//! The numbers that computers know revisions and deployments by never change and never mean
//! anything else.

use std::collections::BTreeMap;
use std::fs;

use uuid::Uuid;

use crate::harness::agent::Agent;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;

#[test]
fn numbers_outlive_restarts_and_repeated_imports() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    directory.json(&["update", "approve", GAUGE_207, "--group", "All Computers"]);
    let known = numbers(&server.http);
    assert_eq!(known.len(), 18);
    server.stop();

    // Each document again, one by one and backwards, without a server and with one.
    let documents = fs::read_dir(folder("documents")).expect("a folder");
    let mut documents: Vec<_> = documents.map(|entry| entry.expect("an entry").path()).collect();
    documents.sort();
    documents.reverse();
    for document in documents.iter().take(5) {
        assert_eq!(directory.import(&[document])["unchanged"], 1);
    }
    let server = directory.serve(&["--sample"]);
    directory.import(&documents.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    assert_eq!(numbers(&server.http), known);
    server.kill();
    let server = directory.serve(&[]);
    assert_eq!(numbers(&server.http), known);

    // What is new gets numbers that nothing had before.
    let text = fs::read_to_string(folder("documents/gauge-2.0.7.xml")).expect("readable");
    let new = Uuid::new_v4().to_string();
    let document = directory.beside("new.xml");
    fs::write(&document, text.replace(GAUGE_207, &new)).expect("written");
    assert_eq!(directory.import(&[&document])["new"], 1);
    let mut after = numbers(&server.http);
    let (revision, deployment) = after.remove(&new).expect("sent");
    assert_eq!(after, known);
    assert!(known.values().all(|numbers| numbers.0 < revision && numbers.1 < deployment));
}

/// What a new computer is told: revision and deployment numbers by update.
fn numbers(http: &str) -> BTreeMap<String, (u32, u32)> {
    let mut agent = Agent::registered(Connection::plain(http), "counting.example");
    agent.scan(&OFFICE_PC).expect("a scan");
    let revisions = agent.cache.into_values();
    revisions.map(|revision| (revision.update_id, (revision.id, revision.deployment.id))).collect()
}
