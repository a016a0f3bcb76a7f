//! What an administrator decides reaches the computers it is meant for, at their next scan.

use std::path::Path;

use serde_json::json;

use crate::harness::agent::Agent;
use crate::harness::directory::{Directory, Server};
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::harness::scan::Scan;

#[test]
fn an_approval_for_a_group_reaches_its_computers_only() {
    let (directory, server) = serve_sample();
    directory.json(&["group", "create", "Pilot"]);
    let mut pilot = Agent::new(Connection::plain(&server.http), "pilot.example");
    // As Windows sends what policy says: names that no group has create none.
    pilot.target_group = Some("pilot;Nowhere".to_owned());
    pilot.introduce();
    let mut other = Agent::registered(Connection::plain(&server.http), "other.example");
    let groups = |computer: &str| directory.json(&["computer", "show", computer])["groups"].clone();
    assert_eq!(groups("pilot.example"), json!(["Pilot"]));
    assert_eq!(groups("other.example"), json!(["Unassigned Computers"]));

    approve(&directory, SLUICE_42, "Pilot", "install");
    approve(&directory, NETWORK_DRIVER, "Pilot", "install");
    for (agent, action) in [(&mut pilot, "Install"), (&mut other, "PreDeploymentCheck")] {
        scan(agent);
        assert_eq!(agent.action(SLUICE_42), action, "{}", agent.dns_name);
        assert_eq!(agent.action(NETWORK_DRIVER), action, "{}", agent.dns_name);
    }

    // Who moves into the group gets what the group gets, drivers included, and back again.
    directory.json(&["computer", "move", "other.example", "--group", "Pilot"]);
    scan(&mut other);
    assert_eq!(other.action(SLUICE_42), "Install");
    assert_eq!(other.action(NETWORK_DRIVER), "Install");
    directory.json(&["computer", "move", "other.example"]);
    scan(&mut other);
    assert_eq!(other.action(SLUICE_42), "PreDeploymentCheck");
    assert_eq!(other.action(NETWORK_DRIVER), "PreDeploymentCheck");

    // With the group go its approvals.
    directory.json(&["group", "delete", "Pilot"]);
    scan(&mut pilot);
    assert_eq!(pilot.action(SLUICE_42), "PreDeploymentCheck");
    assert_eq!(groups("pilot.example"), json!(["Unassigned Computers"]));
}

#[test]
fn every_action_reaches_a_computer_as_its_deployment() {
    let (directory, server) = serve_sample();
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    scan(&mut agent);
    let mut deployments = vec![deployment_id(&agent)];
    for (action, delivered) in [
        ("install", "Install"),
        ("uninstall", "Uninstall"),
        ("optional", "OptionalInstall"),
        ("block", "PreDeploymentCheck"),
        ("install", "Install"),
        ("none", "PreDeploymentCheck"),
    ] {
        approve(&directory, GAUGE_21, "All Computers", action);
        let scan = scan(&mut agent);
        assert_eq!((&scan.new[..], &scan.changed[..]), (&[][..], &[GAUGE_21.to_owned()][..]));
        assert_eq!(agent.action(GAUGE_21), delivered, "{action}");
        deployments.push(deployment_id(&agent));
    }
    let undecided = deployments[0];
    // An approval is a deployment of its own, and never one that a computer may have cached.
    let mut approved = deployments.clone();
    approved.retain(|id| *id != undecided);
    let all = approved.len();
    approved.sort_unstable();
    approved.dedup();
    assert_eq!((approved.len(), all), (4, 4), "{deployments:?}");

    // A group's own decision stands above what All Computers says.
    approve(&directory, GAUGE_21, "All Computers", "install");
    approve(&directory, GAUGE_21, "Unassigned Computers", "block");
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_21), "PreDeploymentCheck");
    approve(&directory, GAUGE_21, "Unassigned Computers", "none");
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_21), "Install");
}

#[test]
fn a_declined_update_is_taken_from_the_computers() {
    let (directory, server) = serve_sample();
    directory.json(&["group", "create", "Pilot"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    approve(&directory, SLUICE_42, "All Computers", "install");
    scan(&mut agent);
    directory.json(&["update", "decline", SLUICE_42]);
    let declined = scan(&mut agent);
    let mut forgotten = declined.forgotten;
    forgotten.sort();
    assert_eq!(forgotten, [SLUICE_42_X64, SLUICE_42], "with what only it bundles");
    assert_eq!((declined.new.len(), declined.changed.len()), (0, 0));

    // Approving takes it back, and it is sent as if for the first time.
    approve(&directory, SLUICE_42, "All Computers", "install");
    let approved = scan(&mut agent);
    assert_eq!(approved.new.len(), 2);
    assert_eq!(agent.action(SLUICE_42), "Install");
}

#[test]
fn declining_ends_approvals_also_for_computers_that_did_not_look() {
    let (directory, server) = serve_sample();
    directory.json(&["group", "create", "Pilot"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    approve(&directory, SLUICE_42, "All Computers", "install");
    scan(&mut agent);
    assert_eq!(agent.action(SLUICE_42), "Install");

    directory.json(&["update", "decline", SLUICE_42]);
    approve(&directory, SLUICE_42, "Pilot", "install");
    let scan = scan(&mut agent);
    assert_eq!((&scan.forgotten[..], &scan.changed[..]), (&[][..], &[SLUICE_42.to_owned()][..]));
    assert_eq!(agent.action(SLUICE_42), "PreDeploymentCheck");
}

#[test]
fn an_install_waits_for_the_last_file_it_needs() {
    let directory = Directory::new();
    directory.import(&[&folder("documents")]);
    let server = directory.serve(&[]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    approve(&directory, SLUICE_42, "All Computers", "install");
    approve(&directory, NETWORK_DRIVER, "All Computers", "install");
    scan(&mut agent);
    assert_eq!(agent.action(SLUICE_42), "PreDeploymentCheck");
    assert_eq!(agent.action(NETWORK_DRIVER), "PreDeploymentCheck");
    // Without its content it still has locations, or agents would drop the update.
    let id = agent.revision(SLUICE_42_X64).expect("there").id;
    let extended = agent.extended(&[id]).expect("extended metadata");
    let path = extended.files[0].url.strip_prefix(&agent.connection.base).expect("here").to_owned();
    assert_eq!(agent.connection.ask("GET", &path, &[], &[]).status, 404);

    let missing = directory.json(&["content", "status"])["missing"].clone();
    assert_eq!(missing.as_array().map(Vec::len), Some(3), "{missing}");
    // Another file under its name is not it.
    let wrong = directory.beside("sluice-4.2-x64.exe");
    std::fs::write(&wrong, "not this").expect("written");
    assert!(!directory.run(&["content", "add", text(&wrong)]).status.success());

    add(&directory, "sluice-4.2-x64.exe");
    let half = scan(&mut agent);
    assert_eq!(half.changed, [""; 0], "the other member of the bundle has no content yet");
    add(&directory, "sluice-4.2-x86.exe");
    add(&directory, "weirworks-nic-8.4.1.cab");
    let whole = scan(&mut agent);
    assert_eq!(whole.changed, [SLUICE_42, NETWORK_DRIVER]);
    assert_eq!(agent.action(SLUICE_42), "Install");
    assert_eq!(agent.action(NETWORK_DRIVER), "Install");
    assert_eq!(agent.connection.ask("GET", &path, &[], &[]).status, 200);
}

#[test]
fn a_scan_of_some_categories_does_not_hide_changes_from_a_scan_of_all() {
    let (directory, server) = serve_sample();
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    scan(&mut agent);
    approve(&directory, GAUGE_21, "All Computers", "install");
    approve(&directory, SLUICE_41, "All Computers", "uninstall");

    let limited = agent.scan_software(&OFFICE_PC, &[PRODUCT_SLUICE]).expect("a scan");
    assert_eq!(
        (&limited.forgotten[..], &limited.changed[..]),
        (&[][..], &[SLUICE_41.to_owned()][..])
    );
    let limited = agent.scan_software(&OFFICE_PC, &[PRODUCT_SLUICE]).expect("a scan");
    assert_eq!(limited.changed, [""; 0]);
    let all = scan(&mut agent);
    assert!(all.changed.contains(&GAUGE_21.to_owned()), "{:?}", all.changed);
    assert_eq!(agent.action(GAUGE_21), "Install");
    assert_eq!(scan(&mut agent).changed, [""; 0]);
}

fn serve_sample() -> (Directory, Server) {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    (directory, server)
}

fn approve(directory: &Directory, update: &str, group: &str, action: &str) {
    directory.json(&["update", "approve", update, "--group", group, "--action", action]);
}

fn scan(agent: &mut Agent) -> Scan {
    agent.scan(&OFFICE_PC).expect("a scan")
}

fn deployment_id(agent: &Agent) -> u32 {
    agent.revision(GAUGE_21).expect("there").deployment.id
}

fn add(directory: &Directory, name: &str) {
    let file = folder("content").join(name);
    directory.json(&["content", "add", text(&file)]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
