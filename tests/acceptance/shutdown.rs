//! A server that is asked to stop finishes what it has begun.

use std::thread;
use std::time::Duration;

use crate::harness::agent::{Agent, Event};
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;
use crate::harness::soap::REPORTING;
use crate::sample_over_tls::shown_states;

/// So many downloads of 2.5 MiB are more than the buffers of both ends of a connection hold.
const DOWNLOADS: usize = 12;

#[test]
fn responses_in_flight_arrive_whole() {
    let directory = Directory::new();
    let mut server = directory.serve(&["--sample"]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "office-pc.example");
    agent.scan(&OFFICE_PC).expect("a scan");
    let id = agent.revision(GAUGE_207).expect("there").id;
    let file = agent.extended(&[id]).expect("extended metadata").files.remove(0);
    let path = file.url.strip_prefix(&agent.connection.base).expect("here").to_owned();

    // A client that asks for much and reads nothing yet, and one in the middle of its report.
    let mut slow = Connection::plain(&server.http);
    for _ in 0..DOWNLOADS {
        slow.send("GET", &path, &[], &[]);
    }
    let mut reporting = Connection::plain(&server.http);
    let report = report(&agent);
    let action = REPORTING.action("ReportEventBatch");
    let headers = [("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", &action[..])];
    let head = reporting.head("POST", REPORTING.path, &headers, report.len());
    let (begun, rest) = report.split_at(report.len() / 2);
    reporting.write(format!("{head}{begun}").as_bytes());
    thread::sleep(Duration::from_millis(300));

    server.terminate();
    thread::sleep(Duration::from_millis(300));
    reporting.write(rest.as_bytes());
    let answer = reporting.receive().expect("the answer to a request that was begun");
    assert!(answer.text().contains("<ReportEventBatchResult>true<"), "{}", answer.text());
    let mut whole = 0;
    while let Some(answer) = slow.receive() {
        assert_eq!((answer.status, answer.body.len()), (200, file.size));
        whole += 1;
    }
    assert!(!slow.was_cut, "an answer was cut");
    assert!(0 < whole && whole < DOWNLOADS, "{whole} were in flight or before");
    assert!(server.wait().success());

    assert_eq!(shown_states(&directory, "office-pc.example")[GAUGE_207], "Installed");
}

#[test]
fn a_server_can_be_stopped_as_soon_as_it_is_ready() {
    let directory = Directory::new();
    for _ in 0..5 {
        directory.serve(&[]).stop();
    }
}

/// A report that one update is installed.
fn report(agent: &Agent) -> String {
    let event = Event::status(&[("V", &[GAUGE_207.to_owned()])]);
    REPORTING.envelope("ReportEventBatch", &agent.report_xml(&[event]))
}
