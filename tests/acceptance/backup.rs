//! A backup is what the server was at one moment, and computers go on with a server made of it.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::compliance::counters_equal_a_recount;
use crate::harness::agent::{Agent, Event};
use crate::harness::directory::{Directory, Server};
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::sample_over_tls::shown_states;

const COMPUTERS: usize = 4;

/// A computer that reports one update after the other to be the only one installed.
struct Busy {
    agent: Agent,
    sent: Vec<String>,
}

#[test]
fn computers_go_on_with_a_server_that_is_restored_from_a_backup_taken_under_load() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    directory.json(&["group", "create", "Pilot"]);
    for update in [GAUGE_207, SLUICE_42] {
        directory.json(&["update", "approve", update, "--group", "All Computers"]);
    }
    let agent = |name: String| {
        let mut agent = Agent::registered(Connection::plain(&server.http), &name);
        let scan = agent.scan(&OFFICE_PC).expect("a scan");
        assert!(!scan.new.is_empty());
        agent
    };
    let busy: Vec<_> = (0..COMPUTERS)
        .map(|number| Busy { agent: agent(format!("busy-{number}.example")), sent: Vec::new() })
        .collect();
    let mut quiet = agent("quiet.example".to_owned());

    let file = directory.beside("backup");
    let (busy, possible, decided) = under_load(&directory, &server, busy, &file);
    let told = directory.json(&["tls", "show"]);
    let audit = decisions(&directory);
    server.kill();

    let restored = Directory::new();
    let path = file.to_str().expect("UTF-8");
    let verified = restored.json(&["restore", path]);
    assert_eq!(verified["content"], true);
    assert_eq!(restored.json(&["tls", "show"]), told, "clients trust it as before");
    let server = restored.serve(&[]);
    for (busy, possible) in busy.iter().zip(&possible) {
        let states = shown_states(&restored, &busy.agent.dns_name);
        let installed: Vec<_> = states.iter().filter(|(_, state)| *state == "Installed").collect();
        assert_eq!(installed.len(), 1, "{installed:?}");
        let (from, to) = *possible;
        let place = busy.sent.iter().position(|update| update == installed[0].0);
        let place = place.expect("something that was sent");
        assert!((from..=to).contains(&place), "{place} is not within {possible:?}");
    }
    counters_equal_a_recount(&restored);
    one_moment(&restored, &audit, decided);
    assert_eq!(restored.json(&["content", "verify"])["damaged"], json!([]));

    // Nobody has to register, to ask for another cookie or to be told anything again.
    quiet.connection = Connection::plain(&server.http);
    goes_on(&mut quiet);
    for mut busy in busy {
        busy.agent.connection = Connection::plain(&server.http);
        goes_on(&mut busy.agent);
    }
    let ids: Vec<u32> = quiet.cache.keys().copied().collect();
    quiet.extended(&ids).expect("their numbers mean the same");
    // And what is decided from here on reaches them.
    restored.json(&["update", "decline", GAUGE_207]);
    let scan = quiet.scan(&OFFICE_PC).expect("a scan");
    assert_eq!((scan.new.len(), scan.forgotten), (0, vec![GAUGE_207.to_owned()]));
}

/// What an earlier release backed up, this one restores, and computers and people find it as it was.
#[test]
fn a_backup_of_every_release_is_restored() {
    let backups = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/backups");
    let backups = fs::read_dir(backups).expect("a folder").map(|it| it.expect("an entry").path());
    let backups: Vec<_> = backups.filter(|path| path.extension().is_some()).collect();
    assert!(!backups.is_empty());
    for backup in backups {
        let directory = Directory::new();
        let told = directory.json(&["restore", backup.to_str().expect("UTF-8")]);
        let release = backup.file_stem().and_then(|it| it.to_str()).expect("a version");
        assert_eq!(told["version"], release);
        let server = directory.serve(&[]);
        let list = |arguments: &[&str]| {
            let listed = directory.json(arguments);
            listed.as_array().unwrap_or_else(|| panic!("{arguments:?}: {listed}")).clone()
        };
        let names = |arguments: &[&str]| {
            let names = list(arguments).into_iter().map(|it| it["name"].clone());
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(list(&["update", "list"]).len(), 7);
        for name in ["Pilot", "Kiosks"] {
            assert!(names(&["group", "list"]).contains(&name.to_owned()));
        }
        assert_eq!(names(&["updategroup", "list"]), ["March"]);
        assert_eq!(names(&["rule", "list"]), ["Security"]);
        assert_eq!(names(&["account", "list"]), ["admin", "ann"]);
        assert_eq!(names(&["token", "list"]), ["dashboard"]);
        assert_eq!(names(&["notification", "list"]), ["ops"]);
        assert_eq!(list(&["placement", "list"]).len(), 1);
        let update = directory.json(&["update", "show", GAUGE_21]);
        assert_eq!(update["approvals"][0]["deadline"], "2027-01-31T03:00:00Z");
        let decisions = decisions(&directory);
        let declined = |entry: &Value| entry["what"]["decline"] == GAUGE_207;
        assert!(decisions.iter().any(declined), "{decisions:?}");
        let computers = list(&["computer", "list"]);
        assert_eq!(computers.len(), 1);
        let client_id = computers[0]["client_id"].as_str().expect("an id");
        let states = shown_states(&directory, client_id);
        assert!(states.values().any(|state| *state == "Installed"), "{states:?}");
        counters_equal_a_recount(&directory);
        // Its documents, fragments and numbers are whole, too.
        let mut agent = Agent::registered(Connection::plain(&server.http), "later.example");
        let scan = agent.scan(&OFFICE_PC).expect("a scan");
        assert!(scan.new.contains(&GAUGE_21.to_owned()) && !scan.new.is_empty());
        let ids: Vec<u32> = agent.cache.keys().copied().collect();
        agent.extended(&ids).expect("fragments");
        server.stop();
    }
}

/// Takes a backup while computers report and an administrator decides. Also gives, for each computer,
/// the first and the last of its reports that the backup may end with, and how many decisions it has
/// to have at least.
fn under_load(
    directory: &Directory,
    server: &Server,
    mut busy: Vec<Busy>,
    file: &Path,
) -> (Vec<Busy>, Vec<(usize, usize)>, usize) {
    let done = AtomicBool::new(false);
    let taken: Vec<AtomicUsize> = busy.iter().map(|_| AtomicUsize::new(0)).collect();
    let sent: Vec<AtomicUsize> = busy.iter().map(|_| AtomicUsize::new(0)).collect();
    let newcomers = AtomicUsize::new(0);
    let possible = Mutex::new(Vec::new());
    let mut decided = 0;
    thread::scope(|scope| {
        for ((busy, taken), sent) in busy.iter_mut().zip(&taken).zip(&sent) {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let update = Uuid::new_v4().to_string();
                    let event = Event::status(&[("V", std::slice::from_ref(&update))]);
                    busy.sent.push(update);
                    sent.store(busy.sent.len() - 1, Ordering::SeqCst);
                    assert_eq!(busy.agent.report(&[event]), Ok(true));
                    taken.store(busy.sent.len() - 1, Ordering::SeqCst);
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let number = newcomers.fetch_add(1, Ordering::SeqCst);
                let name = format!("new-{number}.example");
                Agent::registered(Connection::plain(&server.http), &name);
            }
        });
        let deciding = scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::SeqCst) {
                directory.json(&["group", "create", &format!("Group {number}")]);
                let action = if number % 2 == 0 { "install" } else { "none" };
                let approve = ["update", "approve", GAUGE_VIEWER, "--group", "Pilot", "--action"];
                directory.json(&[&approve[..], &[action]].concat());
                number += 1;
            }
        });
        thread::sleep(Duration::from_millis(500));
        decided = decisions(directory).len();
        let before: Vec<usize> = taken.iter().map(|it| it.load(Ordering::SeqCst)).collect();
        let path = file.to_str().expect("UTF-8");
        let told = directory.json(&["backup", path, "--content"]);
        assert!(told["records"].as_u64() > Some(100), "{told}");
        let after = sent.iter().map(|it| it.load(Ordering::SeqCst));
        *possible.lock().expect("unlocked") = before.into_iter().zip(after).collect();
        thread::sleep(Duration::from_millis(200));
        done.store(true, Ordering::SeqCst);
        deciding.join().expect("an administrator");
    });
    assert!(newcomers.into_inner() > 0);
    (busy, possible.into_inner().expect("unlocked"), decided)
}

fn decisions(directory: &Directory) -> Vec<Value> {
    let listed = directory.json(&["audit", "list", "--last", "10000"]);
    listed.as_array().expect("a list").clone()
}

/// The decisions are the first of those that were made, and groups and journal are of one moment.
fn one_moment(restored: &Directory, audit: &[Value], decided: usize) {
    let found = decisions(restored);
    assert!(found.len() > decided, "{} of {decided}", found.len());
    let (restore, found) = found.split_last().expect("what was done");
    assert!(restore["what"]["restore_backup"]["sha256"].is_string(), "{restore}");
    assert_eq!(found, &audit[..found.len()]);
    let made = found.iter().filter(|entry| entry.to_string().contains("\"Group "));
    let groups = restored.json(&["group", "list"]);
    let groups = groups.as_array().expect("a list").iter();
    let groups = groups.filter(|group| group.to_string().contains("\"Group "));
    assert_eq!(groups.count(), made.count());
}

fn goes_on(agent: &mut Agent) {
    let cookie = agent.cookie.clone();
    let scan = agent.scan(&OFFICE_PC).expect("no fault");
    assert_eq!((scan.trips, scan.new, scan.forgotten), (1, vec![], vec![]));
    assert_eq!(scan.changed, [""; 0]);
    assert_ne!(agent.cookie, cookie);
    assert_eq!(agent.report(&[Event::status(&[])]), Ok(true));
}
