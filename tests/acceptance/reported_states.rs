//! What agents report becomes the state that an administrator sees, as on the real server.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::harness::agent::{Agent, Event};
use crate::harness::corpus;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::soap::{self, REPORTING};

const DEFENDER: &str = "a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe";

#[test]
fn a_recorded_failed_installation_leads_to_the_states_of_the_real_server() {
    let Some(flow) = corpus::folder("agent-flow") else { return };
    let directory = Directory::new();
    let server = directory.serve(&[]);
    let mut agent = Agent::new(Connection::plain(&server.http), "native.example");
    agent.client_id = "e1da06a3-5601-43c9-bac3-52d5db701494".to_owned();
    agent.introduce();
    let mut report = |exchange: &str| {
        let body = fs::read_to_string(flow.join(exchange).join("request.body")).expect("readable");
        let (before, rest) = body.split_once("<EncryptedData>").expect("a cookie");
        let (_, after) = rest.split_once("</EncryptedData>").expect("its end");
        let cookie = &agent.cookie.data;
        let body = format!("{before}<EncryptedData>{cookie}</EncryptedData>{after}");
        let action = REPORTING.action("ReportEventBatch");
        let headers =
            [("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", action.as_str())];
        let answer = agent.connection.ask("POST", REPORTING.path, &headers, body.as_bytes());
        let text = soap::outcome(&answer).expect("taken");
        assert!(text.contains("<ReportEventBatchResult>true<"), "{text}");
    };

    // Two failed scans and one that found nothing say nothing of any update.
    report("000016");
    assert_eq!(reported(&directory), BTreeMap::new());
    // A status report makes its lists the states. A failed download and a started installation
    // change nothing.
    report("000017");
    let mut expected = BTreeMap::from([
        ("1594b429-a8c5-4b0d-ac86-79b0a826a847", "NotInstalled"),
        ("22281ef5-bbea-4576-af48-6aa6bafbb5b3", "NotInstalled"),
        ("391d3487-e6f5-4bd0-a607-7e29f9fbd88e", "NotInstalled"),
        ("42e65fc7-a953-4d7f-9277-54e3a265200e", "NotInstalled"),
        ("74e87997-e3b3-45d2-a527-a8877a5162ec", "NotInstalled"),
        (DEFENDER, "NotInstalled"),
    ]);
    assert_eq!(reported(&directory), owned(&expected));
    // A failed installation is seen at once.
    report("000018");
    expected.insert(DEFENDER, "Failed");
    expected.insert("0daf8592-9e3f-4a8a-9141-d83fafebd09f", "Failed");
    assert_eq!(reported(&directory), owned(&expected));

    // What was sent before changes nothing, not even a time.
    let before = directory.json(&["computer", "show", "native.example"]);
    report("000017");
    let after = directory.json(&["computer", "show", "native.example"]);
    for part in ["updates", "events", "last_status_report", "last_scan"] {
        assert_eq!(after[part], before[part], "{part}");
    }
}

#[test]
fn every_list_of_a_recorded_status_report_becomes_its_state() {
    let Some(reports) = corpus::folder("reports") else { return };
    let text = fs::read_to_string(reports.join("native-156-lists.json")).expect("readable");
    let native: Value = serde_json::from_str(&text).expect("JSON");
    let list = |tag: &str| -> Vec<String> {
        let ids = native["native"][tag].as_array().expect("a list").iter();
        ids.map(|id| id.as_str().expect("a text").to_owned()).collect()
    };
    let (installable, installed) = (list("U"), list("V"));
    assert_eq!((installable.len(), installed.len()), (22, 38));
    // The recording has these two lists; the others are made of the same updates.
    let (pending, failed, downloaded) = (&installed[..3], &installable[..2], &installable[2..6]);
    let lists: [(&str, &[String]); 5] = [
        ("U", &installable[6..]),
        ("V", &installed[3..]),
        ("W", pending),
        ("g", failed),
        ("h", downloaded),
    ];

    let directory = Directory::new();
    let server = directory.serve(&[]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "native.example");
    let mut report = Event::status(&lists);
    assert_eq!(agent.report(&[Event::of(147, None), report.clone()]), Ok(true));
    let states = ["NotInstalled", "Installed", "InstalledPendingReboot", "Failed", "Downloaded"];
    let expected: BTreeMap<String, String> = lists
        .iter()
        .zip(states)
        .flat_map(|((_, ids), state)| {
            ids.iter().map(move |id| (id.to_lowercase(), state.to_owned()))
        })
        .collect();
    assert_eq!(expected.len(), 60);
    assert_eq!(reported(&directory), expected);

    // The same event again, whatever it says now, is the event that is known.
    report.misc = Vec::new();
    assert_eq!(agent.report(&[report]), Ok(true));
    assert_eq!(reported(&directory), expected);

    // The next one replaces them all.
    let next = [("V", &installable[..1])];
    assert_eq!(agent.report(&[Event::status(&next)]), Ok(true));
    let state = (installable[0].to_lowercase(), "Installed".to_owned());
    assert_eq!(reported(&directory), BTreeMap::from([state]));
    let shown = directory.json(&["computer", "show", "native.example"]);
    assert_eq!(shown["states"], json!({ "Installed": 1 }));
}

#[test]
fn a_clock_that_was_wrong_once_does_not_silence_a_computer() {
    let directory = Directory::new();
    let server = directory.serve(&[]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "native.example");
    let update = [DEFENDER.to_owned()];
    // The event was noted while the clock was ahead, and is sent when it is right again.
    let early = Event { at: Some("2099-01-01T00:00:00Z"), ..Event::status(&[("U", &update)]) };
    assert_eq!(agent.report(&[early]), Ok(true));
    assert_eq!(reported(&directory)[DEFENDER], "NotInstalled");
    assert_eq!(agent.report(&[Event::status(&[("V", &update)])]), Ok(true));
    assert_eq!(reported(&directory)[DEFENDER], "Installed");
}

/// What the only computer reported of updates; the catalogue is empty.
fn reported(directory: &Directory) -> BTreeMap<String, String> {
    let shown = directory.json(&["computer", "show", "native.example"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let updates = shown["updates"].as_array().expect("a list").iter();
    updates.map(|row| (text(&row["update_id"]), text(&row["state"]))).collect()
}

fn owned(states: &BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    states.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
}
