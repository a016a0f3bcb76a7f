//! An update that others depend on, or that a bundle contains, is deployed otherwise when these are
//! declined and offered again, and computers that have it cached are told.

use std::fs;

use uuid::Uuid;

use crate::approvals::{approve, scan, serve_sample};
use crate::harness::agent::Agent;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;

#[test]
fn a_declined_update_that_another_needs_is_not_installed_any_more() {
    let (directory, server) = serve_sample();
    let needed = format!("<upd:Prerequisites><upd:UpdateIdentity UpdateID=\"{GAUGE_207}\"/>");
    import(
        &directory,
        "gauge-viewer-1.3.1.xml",
        &[(GAUGE_VIEWER, &Uuid::new_v4().to_string()), ("<upd:Prerequisites>", &needed)],
    );
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    approve(&directory, GAUGE_207, "All Computers", "install");
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_207), "Install");

    directory.json(&["update", "decline", GAUGE_207]);
    let declined = scan(&mut agent);
    assert_eq!((declined.new.len(), declined.forgotten.len()), (0, 0), "it is still needed");
    assert_eq!(agent.action(GAUGE_207), "Evaluate");
    approve(&directory, GAUGE_207, "All Computers", "none");
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_207), "PreDeploymentCheck");
}

#[test]
fn an_update_of_its_own_changes_with_the_bundle_around_it() {
    let (directory, server) = serve_sample();
    let bundle = Uuid::new_v4().to_string();
    let bundles_viewer = [
        (SLUICE_42, bundle.as_str()),
        ("54F97FF2-48EA-4622-850A-10231EA40AED\" RevisionNumber=\"200\"", &member(GAUGE_VIEWER)),
    ];
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    scan(&mut agent);
    assert_eq!(agent.action(GAUGE_VIEWER), "PreDeploymentCheck");
    let mut expect = |action: &str| {
        scan(&mut agent);
        assert_eq!(agent.action(GAUGE_VIEWER), action);
    };
    import(&directory, "sluice-4.2-bundle.xml", &bundles_viewer);
    expect("Bundle");
    directory.json(&["update", "decline", &bundle]);
    expect("PreDeploymentCheck");
    approve(&directory, &bundle, "All Computers", "none");
    expect("Bundle");
    // The next revision of the bundle has something else in its place.
    import(
        &directory,
        "sluice-4.2-bundle.xml",
        &[(SLUICE_42, &bundle), ("RevisionNumber=\"201\"", "RevisionNumber=\"202\"")],
    );
    expect("PreDeploymentCheck");
}

fn member(update: &str) -> String {
    format!("{update}\" RevisionNumber=\"100\"")
}

/// Imports a document of the sample with some of its text replaced.
fn import(directory: &Directory, name: &str, changes: &[(&str, &str)]) {
    let text = fs::read_to_string(folder("documents").join(name)).expect("readable");
    let changed = changes.iter().fold(text, |text, (old, new)| {
        assert!(text.contains(old), "{name} has no {old}");
        text.replace(old, new)
    });
    let document = directory.beside("changed.xml");
    fs::write(&document, changed).expect("written");
    assert_eq!(directory.import(&[&document])["new"], 1);
}
