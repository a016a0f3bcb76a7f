//! The first command of the README, and a computer that scans, downloads, installs and reports
//! against it over TLS.

use serde_json::Value;

use crate::harness::agent::{Agent, Event};
use crate::harness::directory::{Directory, Server};
use crate::harness::http::Connection;
use crate::harness::sample::*;

#[test]
fn a_computer_scans_downloads_and_reports() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    let mut agent = Agent::registered(connect(&directory, &server), "office-pc.example");

    scans_in_stages(&mut agent);
    an_approval_reaches_it_at_the_next_scan(&directory, &mut agent);
    downloads_what_it_is_to_install(&mut agent);
    reports_and_is_shown(&directory, &mut agent);
}

fn connect(directory: &Directory, server: &Server) -> Connection {
    Connection::tls(&server.https, &directory.data().join("tls/root.pem"))
}

fn scans_in_stages(agent: &mut Agent) {
    let scan = agent.scan(&OFFICE_PC).expect("a scan");
    // Each of these unlocks the next; after the products comes everything else, in one call that
    // brings no more than leaves.
    let at = |update: &str| scan.new.iter().position(|id| id == update).expect(update);
    let stages = [COMPANY, FAMILY, PRODUCT_SLUICE, SLUICE_42];
    assert!(stages.map(at).is_sorted());
    assert_eq!(scan.trips, 4);
    assert_eq!((scan.changed.len(), scan.forgotten.len()), (0, 0));

    for evaluated in [COMPANY, FAMILY, PRODUCT_SLUICE, X64, X86] {
        assert_eq!(agent.action(evaluated), "Evaluate");
        assert!(!agent.revision(evaluated).expect("there").is_leaf);
    }
    for checked in [SLUICE_41, SLUICE_42, GAUGE_207, GAUGE_21, GAUGE_VIEWER] {
        assert_eq!(agent.action(checked), "PreDeploymentCheck");
        assert!(agent.revision(checked).expect("there").is_leaf);
    }
    assert_eq!(agent.action(SLUICE_42_X64), "Bundle");
    let absent = [SLUICE_40, SLUICE_42_X86, GAUGE_GERMAN];
    assert!(!absent.iter().any(|update| agent.revision(update).is_some()));

    let driver = agent.revision(NETWORK_DRIVER).expect("the driver of the device");
    assert_eq!(driver.deployment.action, "PreDeploymentCheck");
    assert_eq!(driver.deployment.hardware_ids, [NETWORK_DEVICE]);

    let again = agent.scan(&OFFICE_PC).expect("a scan");
    assert_eq!((again.trips, again.new.len(), again.changed.len()), (1, 0, 0));
}

fn an_approval_reaches_it_at_the_next_scan(directory: &Directory, agent: &mut Agent) {
    let deadline = "2027-01-31T03:00:00Z";
    let approve = |update: &str, more: &[&str]| {
        let command = ["update", "approve", update, "--group", "All Computers"];
        directory.json(&[&command, more].concat())
    };
    approve(SLUICE_42, &["--deadline", deadline]);
    approve(GAUGE_207, &[]);
    approve(NETWORK_DRIVER, &[]);
    let scan = agent.scan(&OFFICE_PC).expect("a scan");
    assert_eq!((scan.trips, scan.new.len(), scan.forgotten.len()), (1, 0, 0));
    let mut changed = scan.changed.clone();
    changed.sort();
    let mut expected = [SLUICE_42, GAUGE_207, NETWORK_DRIVER];
    expected.sort_unstable();
    assert_eq!(changed, expected);

    let deployment = agent.revision(SLUICE_42).expect("there").deployment.clone();
    assert_eq!((deployment.action.as_str(), deployment.is_assigned), ("Install", true));
    let told = deployment.deadline.expect("a deadline");
    assert!(told.starts_with("2027-01-31T03:00:00"), "{told}");
    assert_eq!(agent.revision(GAUGE_207).expect("there").deployment.deadline, None);
    assert_eq!(agent.action(SLUICE_42_X64), "Bundle");
    assert_eq!(agent.action(NETWORK_DRIVER), "Install");

    let again = agent.scan(&OFFICE_PC).expect("a scan");
    assert_eq!(again.changed, [""; 0]);
}

fn downloads_what_it_is_to_install(agent: &mut Agent) {
    let wanted = [SLUICE_42, SLUICE_42_X64, GAUGE_207, NETWORK_DRIVER];
    let ids = wanted.map(|update| agent.revision(update).expect("there").id);
    let extended = agent.extended(&ids).expect("extended metadata");
    assert_eq!(extended.out_of_scope, [0; 0]);
    for id in ids {
        let fragments = extended.fragments.iter().filter(|(revision, _)| *revision == id);
        let fragments: Vec<_> = fragments.map(|(_, fragment)| fragment.as_str()).collect();
        assert_eq!(fragments.len(), 2, "{fragments:?}");
        assert!(fragments[0].starts_with("<ExtendedProperties "), "{}", fragments[0]);
        assert!(fragments[1].contains("<Language>en</Language><Title>"), "{}", fragments[1]);
    }
    let mut names: Vec<_> = extended.files.iter().map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["gauge-2.0.7.exe", "sluice-4.2-x64.exe", "weirworks-nic-8.4.1.cab"]);
    for file in &extended.files {
        let content = agent.download(file);
        assert!(file.name != "gauge-2.0.7.exe" || content.len() == 5 << 19);
    }
}

fn reports_and_is_shown(directory: &Directory, agent: &mut Agent) {
    let update = |id: &str| agent.revision(id).map(|r| (r.update_id.clone(), r.revision_number));
    let bundle = update(SLUICE_42);
    let events = [167, 162, 181, 183].map(|id| Event::of(id, bundle.clone()));
    assert_eq!(agent.report(&events), Ok(true));
    let states = |directory: &Directory| shown_states(directory, "office-pc.example");
    assert_eq!(states(directory)[SLUICE_42], "Unknown", "no event alone makes it installed");

    let lists: [(&str, &[String]); 2] = [
        ("U", &[GAUGE_21.to_owned(), NETWORK_DRIVER.to_owned()]),
        ("V", &[SLUICE_41.to_owned(), SLUICE_42.to_owned(), GAUGE_207.to_owned()]),
    ];
    let events = [Event::of(147, None), Event::status(&lists)];
    assert_eq!(agent.report(&events), Ok(true));
    let states = states(directory);
    assert_eq!(states[SLUICE_42], "Installed");
    assert_eq!(states[GAUGE_207], "Installed");
    assert_eq!(states[GAUGE_21], "NotInstalled");
    assert_eq!(states[GAUGE_VIEWER], "NotApplicable");
}

/// The state of every update on a computer, by update id.
pub(crate) fn shown_states(
    directory: &Directory,
    computer: &str,
) -> serde_json::Map<String, Value> {
    let shown = directory.json(&["computer", "show", computer]);
    let updates = shown["updates"].as_array().expect("a list").iter();
    updates
        .map(|row| (row["update_id"].as_str().expect("an id").to_owned(), row["state"].clone()))
        .collect()
}
