//! Which groups a computer belongs to, and that what is approved for a group reaches its computers
//! and no others.

use serde_json::{Value, json};

use crate::approvals::{approve, scan, serve_sample};
use crate::harness::agent::Agent;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;

#[test]
fn an_approval_for_a_group_reaches_its_computers_only() {
    let (directory, server) = serve_sample();
    directory.json(&["group", "create", "Pilot"]);
    let mut pilot = Agent::new(Connection::plain(&server.http), "pilot.example");
    // As Windows sends what policy says: names that no group has create none.
    pilot.target_group = Some("pilot;Nowhere".to_owned());
    pilot.introduce();
    let mut other = Agent::registered(Connection::plain(&server.http), "other.example");
    assert_eq!(groups(&directory, "pilot.example"), json!(["Pilot"]));
    assert_eq!(groups(&directory, "other.example"), json!(["Unassigned Computers"]));

    approve(&directory, SLUICE_42, "Pilot", "install");
    approve(&directory, NETWORK_DRIVER, "Pilot", "install");
    for (agent, action) in [(&mut pilot, "Install"), (&mut other, "PreDeploymentCheck")] {
        scan(agent);
        assert_eq!(agent.action(SLUICE_42), action, "{}", agent.dns_name);
        assert_eq!(agent.action(NETWORK_DRIVER), action, "{}", agent.dns_name);
    }
}

#[test]
fn a_computer_that_is_moved_gets_what_its_new_groups_get() {
    let (directory, server) = serve_sample();
    directory.json(&["group", "create", "Pilot"]);
    approve(&directory, SLUICE_42, "Pilot", "install");
    approve(&directory, NETWORK_DRIVER, "Pilot", "install");
    let mut agent = Agent::registered(Connection::plain(&server.http), "moved.example");
    let mut expect = |action: &str| {
        scan(&mut agent);
        assert_eq!(agent.action(SLUICE_42), action);
        assert_eq!(agent.action(NETWORK_DRIVER), action);
        // To register again does not undo what an administrator did.
        agent.register().expect("registered");
    };
    expect("PreDeploymentCheck");
    directory.json(&["computer", "move", "moved.example", "--group", "Pilot"]);
    expect("Install");
    expect("Install");
    directory.json(&["computer", "move", "moved.example"]);
    expect("PreDeploymentCheck");
    directory.json(&["computer", "move", "moved.example", "--group", "Pilot"]);
    expect("Install");
    // With a group go its approvals.
    directory.json(&["group", "delete", "Pilot"]);
    expect("PreDeploymentCheck");
    assert_eq!(groups(&directory, "moved.example"), json!(["Unassigned Computers"]));
}

#[test]
fn a_computer_follows_its_own_policy_when_that_or_the_groups_change() {
    let (directory, server) = serve_sample();
    directory.json(&["group", "create", "Pilot"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "follower.example");
    scan(&mut agent);
    assert_eq!(groups(&directory, "follower.example"), json!(["Unassigned Computers"]));

    // Its policy names a group from now on. An agent does not register for that by itself.
    agent.target_group = Some("Pilot;Later".to_owned());
    agent.renew().expect("a cookie");
    registers_and_scans(&mut agent);
    assert_eq!(groups(&directory, "follower.example"), json!(["Pilot"]));
    // A group that it asked for all along is created.
    directory.json(&["group", "create", "Later"]);
    registers_and_scans(&mut agent);
    let now = groups(&directory, "follower.example");
    let mut now: Vec<_> = now.as_array().expect("a list").iter().map(Value::as_str).collect();
    now.sort();
    assert_eq!(now, [Some("Later"), Some("Pilot")]);
    // And deleted: there is nothing that it would have to say.
    directory.json(&["group", "delete", "Later"]);
    scan(&mut agent);
    assert_eq!(groups(&directory, "follower.example"), json!(["Pilot"]));
}

fn registers_and_scans(agent: &mut Agent) {
    let fault = agent.scan(&OFFICE_PC).expect_err("it is not where it asks to be");
    assert_eq!(fault.code, "RegistrationRequired");
    agent.register().expect("registered");
    scan(agent);
}

fn groups(directory: &Directory, computer: &str) -> Value {
    directory.json(&["computer", "show", computer])["groups"].clone()
}
