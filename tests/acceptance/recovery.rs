//! The faults that tell an agent how to go on, and that it gets on when it does as told
//! ([MS-WUSP] 2.2.2.4). CookieExpired takes an hour, so `src/services` shows it with a clock of
//! its own.

use crate::harness::agent::Agent;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::harness::soap::Fault;

#[test]
fn a_computer_that_is_moved_to_another_server_keeps_its_cache() {
    let (first, second) = (Directory::new(), Directory::new());
    // The same updates, under other numbers.
    second.import(&[&folder("documents/gauge-viewer-1.3.1.xml")]);
    let before = first.serve(&["--sample"]);
    let mut agent = Agent::registered(Connection::plain(&before.http), "moved.example");
    agent.scan(&OFFICE_PC).expect("a scan");
    let cached = agent.cache.len();
    let number = |agent: &Agent| agent.revision(GAUGE_VIEWER).expect("there").id;
    let old_number = number(&agent);

    let after = second.serve(&["--sample"]);
    agent.connection = Connection::plain(&after.http);
    let changed = Err("ServerChanged".to_owned());
    assert_eq!(code(agent.scan(&OFFICE_PC)), changed);
    assert_eq!(code(agent.register()), changed);
    assert_eq!(code(agent.refresh_cache()), changed);
    assert_eq!(code(agent.extended(&[old_number])), changed);
    assert_eq!(code(agent.report(&[])), changed);
    // An old cookie of another server may not be renewed.
    agent.config().expect("the configuration");
    assert_eq!(code(agent.renew()), changed);

    agent.start_over().expect("a handshake and a cache");
    assert_eq!((agent.cache.len(), number(&agent)), (cached, 1));
    assert_ne!(old_number, 1);
    assert_eq!(code(agent.scan(&OFFICE_PC)), Err("RegistrationRequired".to_owned()));
    agent.register().expect("registered");
    let scan = agent.scan(&OFFICE_PC).expect("a scan");
    assert_eq!((scan.trips, scan.new.len(), scan.forgotten.len()), (1, 0, 0));
}

#[test]
fn a_cookie_that_nobody_issued_is_invalid() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "forger.example");
    agent.scan(&OFFICE_PC).expect("a scan");
    let issued = agent.cookie.clone();
    let turned = {
        let (start, last) = issued.data.split_at(issued.data.len() - 8);
        let other = if last.starts_with('A') { "B" } else { "A" };
        format!("{start}{other}{}", &last[1..])
    };
    let authorization = agent.authorization_cookie().expect("a cookie");
    let invalid = Err("InvalidCookie".to_owned());
    for data in [turned.as_str(), "AAAA", "", "not Base64", &authorization] {
        agent.cookie.data = data.to_owned();
        assert_eq!(code(agent.scan(&OFFICE_PC)), invalid, "{data}");
        assert_eq!(code(agent.register()), invalid, "{data}");
        assert_eq!(code(agent.refresh_cache()), invalid, "{data}");
        assert_eq!(code(agent.extended(&[1])), invalid, "{data}");
        assert_eq!(code(agent.report(&[])), invalid, "{data}");
    }
    // Nor is a cookie of the other kind an authorization.
    agent.cookie = issued.clone();
    assert_eq!(code(agent.get_cookie(&issued.data)), Err("InvalidAuthorizationCookie".to_owned()));

    agent.cookie.data = turned;
    assert_eq!(code(agent.renew()), invalid, "not even as the old one");
    agent.start_over().expect("a handshake and a cache");
    let scan = agent.scan(&OFFICE_PC).expect("a scan, without registering again");
    assert_eq!((scan.new.len(), scan.forgotten.len()), (0, 0));
}

#[test]
fn a_changed_configuration_is_asked_for_again() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "patient.example");
    agent.scan(&OFFICE_PC).expect("a scan");
    assert_eq!(agent.max_extended, 50);
    server.stop();

    directory.configure("[limits]\nextended_updates = 3\n");
    let server = directory.serve(&[]);
    agent.connection = Connection::plain(&server.http);
    let changed = Err("ConfigChanged".to_owned());
    assert_eq!(code(agent.scan(&OFFICE_PC)), changed);
    assert_eq!(code(agent.renew()), changed);
    agent.handshake().expect("a cookie");
    assert_eq!(agent.max_extended, 3);
    let scan = agent.scan(&OFFICE_PC).expect("a scan, without registering again");
    assert_eq!((scan.trips, scan.new.len()), (1, 0));
    assert_eq!(scan.changed, [""; 0], "what the client was told is remembered");

    let all: Vec<u32> = agent.cache.keys().copied().collect();
    agent.max_extended = 4;
    let fault = agent.extended(&all).expect_err("too many");
    assert_eq!((fault.code.as_str(), fault.message.as_str()), ("InvalidParameters", "revisionIDs"));
    agent.max_extended = 3;
    agent.extended(&all).expect("as many as the configuration allows");

    // The same configuration is no change.
    server.stop();
    let server = directory.serve(&[]);
    agent.connection = Connection::plain(&server.http);
    agent.scan(&OFFICE_PC).expect("a scan");
}

#[test]
fn a_forgotten_computer_registers_again() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "forgotten.example");
    agent.scan(&OFFICE_PC).expect("a scan");
    directory.json(&["computer", "delete", "forgotten.example"]);
    assert_eq!(code(agent.scan(&OFFICE_PC)), Err("RegistrationRequired".to_owned()));
    assert_eq!(agent.report(&[]), Ok(false), "it keeps its events until it is known");
    agent.register().expect("registered");
    let scan = agent.scan(&OFFICE_PC).expect("a scan");
    assert_eq!((scan.new.len(), scan.changed.len(), scan.forgotten.len()), (0, 0, 0));
    let computers = directory.json(&["computer", "list"]);
    assert_eq!(computers.as_array().map(Vec::len), Some(1));
}

/// The code of the fault, if it is one.
fn code<T>(result: Result<T, Fault>) -> Result<(), String> {
    result.map(drop).map_err(|fault| fault.code)
}
