//! A fleet of mixed machines against the real server over TLS: first scan, report, approval,
//! download, installation, restart, rescan. The referee may have nothing to complain of, and what
//! the server then shows of every computer, and counts in its list of them, has to be what the
//! generator's model says of its machine: as it was before the installations, and as it is after
//! them. Nothing approved may be left that the model would still offer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::compliance::counters_equal_a_recount;
use crate::harness::directory::{Directory, Server};

/// How much of everything.
struct Scale {
    computers: usize,
    /// What is told to the generator.
    catalogue: &'static [&'static str],
}

#[test]
fn a_fleet_installs_what_is_approved_and_the_server_knows() {
    // One of every profile: more say nothing new. As many documents as hold something for each of
    // them, and import within seconds.
    live(&Scale { computers: 15, catalogue: &["--preset", "small", "--count", "900"] });
}

#[test]
#[ignore = "a long run: minutes, and only in release"]
fn a_thousand_computers_install_what_is_approved_of_std() {
    live(&Scale { computers: 1_000, catalogue: &["--preset", "std"] });
}

fn live(scale: &Scale) {
    let directory = Directory::new();
    let catalogue = directory.beside("catalogue");
    generate(&directory, scale, &catalogue, &profiles());
    directory.import(&[&catalogue]);
    add_content(&directory, &catalogue);
    let server = directory.serve(&[]);

    let scanned = fleet(&directory, scale, &server, "1");
    assert_eq!(scanned["trips"]["first_scan"]["scans"], scale.computers, "{scanned}");
    let before = machines(&directory);
    assert_eq!(before.len(), scale.computers);
    let nothing = BTreeSet::new();
    assert_eq!(compare(&directory, &catalogue, &before, |_| nothing.clone()), 0, "none approved");

    for id in before.keys() {
        let shown = directory.json(&["computer", "show", id]);
        assert!(shown["inventory"]["WuClientVer"].is_string(), "{}", shown["inventory"]);
        assert!(shown["health"]["next_scan_from"].is_string(), "{}", shown["health"]);
    }

    let approved = approve(&directory, &catalogue);
    let installed = fleet(&directory, scale, &server, "3");
    let number = |key: &str| installed[key].as_u64().expect(key);
    assert!(number("installed") >= scale.computers as u64, "{installed}");
    assert_eq!(number("not_installed"), 0, "{installed}");
    assert!(number("restarts") > 0, "{installed}");
    assert!(installed["ranges"]["count"].as_u64() > Some(0), "{installed}");
    assert!(number("events") > number("installed") * 4, "{installed}");
    let after = machines(&directory);
    let changed = after.iter().filter(|(id, machine)| **machine != before[*id]).count();
    assert!(changed * 2 > scale.computers, "{changed} machines changed");
    // A driver that is installed is not offered any more, and then not reported; but a printer's is,
    // whose rank agents do not tell.
    let drivers = |id: &str| {
        let name = before[id]["name"].as_str().expect("a name");
        &list(&oracle(&catalogue, name), "drivers") & &approved
    };
    let now_installed = compare_after(&directory, scale, &after, &approved, drivers);
    assert!(!now_installed.is_disjoint(&approved), "{approved:?}");
    if scale.computers < 100 {
        counters_equal_a_recount(&directory);
    }
    server.stop();
}

/// The shipped profiles.
fn profiles() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/profiles");
    let entries = fs::read_dir(folder).expect("profiles");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn generate(directory: &Directory, scale: &Scale, out: &Path, profiles: &[PathBuf]) {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let mut command = [&["catalogue", "generate"], scale.catalogue].concat();
    let out = text(out);
    command.extend(["--content", "--out", &out]);
    let profiles: Vec<String> = profiles.iter().map(|path| text(path)).collect();
    command.extend(profiles.iter().flat_map(|path| ["--profile", path]));
    directory.json(&command);
}

fn add_content(directory: &Directory, catalogue: &Path) {
    let mut files = Vec::new();
    for folder in fs::read_dir(catalogue.join("content")).expect("content") {
        let folder = fs::read_dir(folder.expect("an entry").path()).expect("a folder");
        files.extend(folder.map(|file| file.expect("an entry").path()));
    }
    let files: Vec<&str> = files.iter().map(|file| file.to_str().expect("UTF-8")).collect();
    // A command line has an end.
    for files in files.chunks(4_000) {
        let added = directory.json(&[&["content", "add"], files].concat());
        assert_eq!(added["refused"], serde_json::json!([]));
    }
}

/// Lets the same computers live for some days, without a complaint.
fn fleet(directory: &Directory, scale: &Scale, server: &Server, rounds: &str) -> Value {
    let (url, root) = (format!("https://{}", server.https), directory.data().join("tls/root.pem"));
    let (computers, machines) = (scale.computers.to_string(), directory.beside("machines"));
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (root, machines) = (text(&root), text(&machines));
    let mut command = vec!["fleet", "--against", &url, "--ca", &root, "--rounds", rounds];
    command.extend(["--computers", &computers, "--machines", &machines]);
    let report = directory.json(&command);
    assert_eq!(report["failures"], serde_json::json!([]));
    report
}

/// The machines as the last run left them, by the computer's id.
fn machines(directory: &Directory) -> BTreeMap<String, Value> {
    let mut machines = BTreeMap::new();
    for entry in fs::read_dir(directory.beside("machines")).expect("machines") {
        let path = entry.expect("an entry").path();
        let id = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let json = fs::read_to_string(&path).expect("a machine");
        machines.insert(id, serde_json::from_str(&json).expect("JSON"));
    }
    machines
}

/// Approves what has its files here and anyone is offered; returns that.
fn approve(directory: &Directory, catalogue: &Path) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    for profile in profiles() {
        let name = profile.file_stem().expect("a name").to_string_lossy().into_owned();
        wanted.extend(list(&oracle(catalogue, &name), "with_content"));
    }
    for update in &wanted {
        directory.json(&["update", "approve", update, "--group", "All Computers"]);
    }
    wanted
}

fn oracle(catalogue: &Path, name: &str) -> Value {
    let path = catalogue.join(format!("oracle-{name}.json"));
    let json = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&json).expect("JSON")
}

fn list(oracle: &Value, name: &str) -> BTreeSet<String> {
    let ids = oracle[name].as_array().expect(name).iter();
    ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

/// Compares every computer with the model's lists for the machine of its name, but for the drivers
/// that it installed; returns how many updates wait for something.
fn compare(
    directory: &Directory,
    catalogue: &Path,
    machines: &BTreeMap<String, Value>,
    drivers: impl Fn(&str) -> BTreeSet<String>,
) -> usize {
    let mut waiting = 0;
    let counters = counters(directory);
    for (id, machine) in machines {
        let name = machine["name"].as_str().expect("a name");
        let oracle = oracle(catalogue, name);
        let count = |state: &str| counters[id][state].as_u64().unwrap_or(0) as usize;
        let states = states(directory, id);
        let of = |state: &str| states.get(state).cloned().unwrap_or_default();
        let needed = &list(&oracle, "needed") | &list(&oracle, "drivers");
        assert_eq!(of("NotInstalled"), needed, "{id} ({name}) needs");
        assert_eq!(count("NotInstalled"), needed.len(), "{id} ({name}) is counted to need");
        let installed = list(&oracle, "installed");
        let with_drivers = of("Installed");
        let own_drivers = &with_drivers & &drivers(id);
        assert_eq!(&with_drivers - &own_drivers, installed, "{id} ({name}) has");
        let expected = installed.len() + own_drivers.len();
        assert_eq!(count("Installed"), expected, "{id} ({name}) is counted to have");
        for state in ["Downloaded", "Failed", "InstalledPendingReboot"] {
            assert_eq!(count(state), of(state).len(), "{id} ({name}) is counted as {state}");
            waiting += count(state);
        }
    }
    waiting
}

/// How many updates are in which state, as the list of computers has it, by the computer's id.
fn counters(directory: &Directory) -> BTreeMap<String, Value> {
    let listed = directory.json(&["computer", "list"]);
    let computers = listed.as_array().expect("a list").iter();
    computers
        .map(|it| (it["client_id"].as_str().expect("an id").to_owned(), it["states"].clone()))
        .collect()
}

/// The same with lists made for the machines as they are now, by which nothing approved may be
/// left to offer: states alone would agree if a server kept back what is approved. Returns all that
/// is installed anywhere.
fn compare_after(
    directory: &Directory,
    scale: &Scale,
    machines: &BTreeMap<String, Value>,
    approved: &BTreeSet<String>,
    drivers: impl Fn(&str) -> BTreeSet<String>,
) -> BTreeSet<String> {
    let out = &directory.beside("after");
    let mut renamed = BTreeMap::new();
    let mut paths = Vec::new();
    for (number, (id, machine)) in machines.iter().enumerate() {
        let name = format!("machine-{number}");
        let mut machine = machine.clone();
        machine["name"] = Value::String(name.clone());
        let path = directory.beside(&format!("{name}.json"));
        fs::write(&path, machine.to_string()).expect("written");
        renamed.insert(id.clone(), machine);
        paths.push(path);
    }
    generate(directory, scale, out, &paths);
    assert_eq!(compare(directory, out, &renamed, drivers), 0, "all is installed and restarted");
    for (id, machine) in &renamed {
        let name = machine["name"].as_str().expect("a name");
        let kept_back = &list(&oracle(out, name), "offered") & approved;
        assert_eq!(kept_back, BTreeSet::new(), "{id} is still to be offered");
    }
    renamed.keys().flat_map(|id| states(directory, id).remove("Installed")).flatten().collect()
}

/// A computer's updates by their state.
fn states(directory: &Directory, id: &str) -> BTreeMap<String, BTreeSet<String>> {
    let computer = directory.json(&["computer", "show", id]);
    let mut states: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for update in computer["updates"].as_array().expect("updates") {
        let text = |key: &str| update[key].as_str().expect(key).to_owned();
        states.entry(text("state")).or_default().insert(text("update_id"));
    }
    states
}
