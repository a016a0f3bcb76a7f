//! What an administrator decides reaches the computers it is meant for, at their next scan.

use crate::harness::agent::Agent;
use crate::harness::directory::{Directory, Server};
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::harness::scan::Scan;

#[test]
fn every_action_reaches_a_computer_as_its_deployment() {
    let (directory, server) = serve_sample();
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    scan(&mut agent);
    // Until somebody accepts its licence, an approval changes nothing.
    approve(&directory, GAUGE_21, "All Computers", "install");
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_21), "PreDeploymentCheck");
    directory.json(&["update", "accept-licence", GAUGE_21]);
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_21), "Install");
    approve(&directory, GAUGE_21, "All Computers", "none");
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
fn a_scan_of_some_categories_does_not_hide_changes_from_a_scan_of_all() {
    let (directory, server) = serve_sample();
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    scan(&mut agent);
    directory.json(&["update", "accept-licence", GAUGE_21]);
    approve(&directory, GAUGE_21, "All Computers", "install");
    approve(&directory, SLUICE_41, "All Computers", "uninstall");

    let limited = agent.scan_software(&OFFICE_PC, &[PRODUCT_SLUICE]).expect("a scan");
    assert_eq!(
        (&limited.forgotten[..], &limited.changed[..]),
        (&[][..], &[SLUICE_41.to_owned()][..])
    );
    // Told again until a scan of everything cached: until then the server cannot know what of the
    // rest the client was told.
    let limited = agent.scan_software(&OFFICE_PC, &[PRODUCT_SLUICE]).expect("a scan");
    assert_eq!(limited.changed, [SLUICE_41.to_owned()]);
    let all = scan(&mut agent);
    assert!(all.changed.contains(&GAUGE_21.to_owned()), "{:?}", all.changed);
    assert_eq!(agent.action(GAUGE_21), "Install");
    assert_eq!(scan(&mut agent).changed, [""; 0]);
}

pub(crate) fn serve_sample() -> (Directory, Server) {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    (directory, server)
}

pub(crate) fn approve(directory: &Directory, update: &str, group: &str, action: &str) {
    directory.json(&["update", "approve", update, "--group", group, "--action", action]);
}

pub(crate) fn scan(agent: &mut Agent) -> Scan {
    agent.scan(&OFFICE_PC).expect("a scan")
}

fn deployment_id(agent: &Agent) -> u32 {
    agent.revision(GAUGE_21).expect("there").deployment.id
}
