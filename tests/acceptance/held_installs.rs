//! An Install is not offered before every file it needs can be served, unless that is asked for.

use std::path::Path;

use crate::approvals::{approve, scan};
use crate::harness::agent::Agent;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;

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
fn holding_back_can_be_switched_off_and_on() {
    let directory = Directory::new();
    directory.import(&[&folder("documents")]);
    approve(&directory, SLUICE_42, "All Computers", "install");
    let mut server = directory.serve(&[]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    scan(&mut agent);
    for (hold_installs, action) in
        [(true, "PreDeploymentCheck"), (false, "Install"), (true, "PreDeploymentCheck")]
    {
        server.stop();
        directory.configure(&format!("hold_installs = {hold_installs}\n"));
        server = directory.serve(&[]);
        agent.connection = Connection::plain(&server.http);
        scan(&mut agent);
        assert_eq!(agent.action(SLUICE_42), action, "hold_installs = {hold_installs}");
    }
    let shown = directory.json(&["update", "show", SLUICE_42]);
    assert_eq!(shown["content"], "missing: installs are held back");
}

fn add(directory: &Directory, name: &str) {
    let file = folder("content").join(name);
    directory.json(&["content", "add", text(&file)]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
