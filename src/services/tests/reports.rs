//! ReportEventBatch ([MS-WUSP] 3.1.5.11), and what becomes of the events.

use uuid::Uuid;

use super::agent::{Agent, Hello};
use super::documents::{Document, id};
use super::server::{Answer, DAY, HOUR, Server, call, clock, with_cookie};
use crate::computers::UpdateInstallationState::{
    self, Failed, Installed, NotApplicable, NotInstalled, Unknown,
};
use crate::computers::event::EventLog;
use crate::policy::approval::ApprovalAction::Install;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::wire::operation::Operation;
use crate::wire::time::DateTime;

const REPORTING: &str = "http://www.microsoft.com/SoftwareDistribution";

/// An event being written.
struct Event<'e> {
    instance: u128,
    event_id: i32,
    at: i64,
    update: u128,
    sid: &'e str,
    namespace: i32,
    misc: &'e str,
}

impl Default for Event<'_> {
    fn default() -> Self {
        let at = super::server::START;
        Self { instance: 1, event_id: 156, at, update: 0, sid: "", namespace: 1, misc: "" }
    }
}

impl Event<'_> {
    fn write(&self) -> String {
        let Self { event_id, sid, namespace, misc, .. } = self;
        let target = match *sid {
            "" => String::new(),
            sid => format!("<TargetID><Sid>{sid}</Sid></TargetID>"),
        };
        let (instance, update) = (Uuid::from_u128(self.instance), id(self.update));
        let at = DateTime::from_unix(self.at, 0).expect("a time");
        format!(
            "<ReportingEvent><BasicData>{target}<SequenceNumber>0</SequenceNumber><TimeAtTarget>{at}</TimeAtTarget><EventInstanceID>{instance}</EventInstanceID><NamespaceID>{namespace}</NamespaceID><EventID>{event_id}</EventID><SourceID>101</SourceID><UpdateID><UpdateID>{update}</UpdateID><RevisionNumber>1</RevisionNumber></UpdateID><Win32HResult>0</Win32HResult></BasicData><ExtendedData><MiscData>{misc}</MiscData></ExtendedData><PrivateData/></ReportingEvent>"
        )
    }
}

/// A list of a status report: `U=GUID;GUID`.
fn list(tag: &str, updates: &[u128]) -> String {
    let ids: Vec<_> = updates.iter().map(|it| id(*it).to_string().to_uppercase()).collect();
    format!("<string>{tag}={}</string>", ids.join(";"))
}

async fn report(agent: &Agent<'_>, client_time: i64, events: &[Event<'_>]) -> Answer {
    let client_time = DateTime::from_unix(client_time, 0).expect("a time");
    let events: String = events.iter().map(Event::write).collect();
    let request =
        format!("<clientTime>{client_time}</clientTime><eventBatch>{events}</eventBatch>");
    agent.call(Operation::ReportEventBatch, &request).await
}

fn state(agent: &Agent<'_>, update: u128) -> UpdateInstallationState {
    let tracked = agent.server.state.computers().find(&agent.client_id).expect("registered");
    let number = agent.server.state.update_number(&id(update));
    tracked.statuses.state(number, super::server::START)
}

async fn log(agent: &Agent<'_>) -> EventLog {
    agent.server.state.computer(agent.client_id.clone()).await.expect("registered").events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_needs_the_clients_time_and_a_batch() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let ask = |request: &'static str| agent.call(Operation::ReportEventBatch, request);
    let time = "<clientTime>2026-10-04T12:00:00Z</clientTime>";
    ask("<eventBatch/>").await.is_fault("InvalidParameters", "clientTime");
    ask("<clientTime>noon</clientTime>").await.is_fault("InvalidParameters", "clientTime");
    ask(time).await.is_fault("InvalidParameters", "eventBatch");
    let answer = ask("<clientTime>2026-10-04T12:00:00Z</clientTime><eventBatch/>").await.ok();
    assert_eq!(answer.text_of("ReportEventBatchResult"), "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_registered_keeps_its_events() {
    let server = Server::start(clock!()).await;
    let agent = Agent::unregistered(&server, &Hello::default()).await;
    let answer = report(&agent, server.now(), &[Event::default()]).await.ok();
    assert_eq!(answer.text_of("ReportEventBatchResult"), "false");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_report_replaces_all_and_a_failure_is_noted_at_once() {
    let server = Server::start(clock!()).await;
    server.import([1, 2, 3].map(Document::software)).await;
    let agent = Agent::new(&server).await;
    assert_eq!(state(&agent, 1), Unknown);
    let misc = format!("<string>G=1507.2601</string>{}{}", list("U", &[1]), list("V", &[2]));
    report(&agent, server.now(), &[Event { misc: &misc, ..Event::default() }]).await.ok();
    assert_eq!([1, 2, 3].map(|it| state(&agent, it)), [NotInstalled, Installed, NotApplicable]);

    server.pass(HOUR / 2);
    let at = server.now();
    let failure = |instance| Event { instance, event_id: 182, update: 1, at, ..Event::default() };
    let others = [161, 162, 167, 181, 183, 201].map(|event_id| Event {
        instance: event_id as u128,
        event_id,
        update: 3,
        at,
        ..Event::default()
    });
    report(&agent, at, &others).await.ok();
    report(&agent, at, &[failure(2)]).await.ok();
    assert_eq!([1, 2, 3].map(|it| state(&agent, it)), [Failed, Installed, NotApplicable]);

    // A report that took longer on its way than the next one says nothing any more.
    let late = Event { instance: 3, misc: &misc, at: at - 60, ..Event::default() };
    report(&agent, at, &[late]).await.ok();
    assert_eq!(state(&agent, 1), Failed);
}

/// A report comes minutes after its scan, and what came here in between is no part of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_nothing_of_what_came_after_its_scan() {
    let server = Server::start(clock!()).await;
    server.import([1, 2].map(Document::software)).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    server.pass(60);
    let arrived = server.now();
    server.import([Document::software(3)]).await;
    server.pass(240);
    let misc = list("U", &[1]);
    let event = |instance| Event { instance, misc: &misc, at: server.now(), ..Event::default() };
    report(&agent, server.now(), &[event(1)]).await.ok();
    let client_id = agent.client_id.clone();
    let shown = || async {
        let standing = server.state.standing(ALL_COMPUTERS).await.expect("counters");
        let tracked = server.state.computers().find(&client_id).expect("registered");
        let number = server.state.update_number(&id(3));
        let counts = &standing.updates[&id(3)];
        (tracked.statuses.state(number, arrived), counts.unknown, counts.not_applicable)
    };
    assert_eq!([1, 2].map(|it| state(&agent, it)), [NotInstalled, NotApplicable]);
    assert_eq!(shown().await, (Unknown, 1, 0));
    agent.scan(&[], &[]).await;
    server.pass(240);
    report(&agent, server.now(), &[event(2)]).await.ok();
    assert_eq!(shown().await, (NotApplicable, 0, 1));
}

/// Nobody was told of it meanwhile, so nobody said anything of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_again_is_unknown_until_it_is_reported_on() {
    let server = Server::start(clock!()).await;
    server.import([1, 2].map(Document::software)).await;
    let mut agent = Agent::new(&server).await;
    let counted = || async {
        let standing = server.state.standing(ALL_COMPUTERS).await.expect("counters");
        let counts = &standing.updates[&id(1)];
        (counts.unknown, counts.not_applicable)
    };
    let misc = list("U", &[2]);
    let event = |instance| Event { instance, misc: &misc, at: server.now(), ..Event::default() };
    server.decline(1).await;
    agent.scan(&[], &[]).await;
    server.pass(60);
    report(&agent, server.now(), &[event(1)]).await.ok();
    server.pass(60);
    server.approve(1, "All Computers", Install).await;
    assert_eq!(counted().await, (1, 0));
    agent.scan(&[], &[]).await;
    server.pass(60);
    report(&agent, server.now(), &[event(2)]).await.ok();
    assert_eq!(counted().await, (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_reports_lead_to_the_states_that_the_real_server_showed() {
    let Some(folder) = crate::corpus::folder("agent-flow") else { return };
    let server = Server::start(clock!()).await;
    let client_id = "e1da06a3-5601-43c9-bac3-52d5db701494";
    let agent = Agent::with(&server, Hello { client_id, ..Hello::default() }).await;
    let mut expected = std::collections::BTreeMap::new();
    for name in ["000016", "000017", "000018"] {
        let body = std::fs::read_to_string(folder.join(name).join("request.body"));
        let body = with_cookie(&body.expect("a recording"), &agent.cookie.1);
        let document = roxmltree::Document::parse(&body).expect("XML");
        let events =
            document.descendants().filter(|it| it.has_tag_name((REPORTING, "ReportingEvent")));
        for event in events {
            let texts = |name: &'static str| {
                let named = event.descendants().filter(move |it| it.tag_name().name() == name);
                named.filter_map(|it| it.text()).filter(|text| !text.trim().is_empty())
            };
            let needed = texts("string").find_map(|text| text.strip_prefix("U="));
            match texts("EventID").next() {
                Some("156") => {
                    let needed = needed.into_iter().flat_map(|list| list.split(';'));
                    let needed =
                        needed.map(|id| (Uuid::try_parse(id).expect("a GUID"), NotInstalled));
                    expected = needed.collect();
                }
                Some("182") => {
                    let id = texts("UpdateID").next().map(Uuid::try_parse);
                    expected.insert(id.expect("an update").expect("a GUID"), Failed);
                }
                _ => {}
            }
        }
        let mut report = call(Operation::ReportEventBatch, "");
        report.body = body.into();
        let answer = server.soap(report).await.ok();
        assert_eq!(answer.text_of("ReportEventBatchResult"), "true");
    }
    let tracked = server.state.computers().find(client_id).expect("registered");
    let rows = server.state.rows(&tracked.statuses);
    let rows = rows.iter().map(|row| (row.update, row.state));
    assert_eq!(rows.collect::<std::collections::BTreeMap<_, _>>(), expected);
    assert_eq!(expected.values().filter(|state| **state == Failed).count(), 2);
    assert_eq!(tracked.statuses.scan.map(|scan| scan.result), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_sent_twice_counts_once() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let failure = || Event { event_id: 182, update: 1, ..Event::default() };
    report(&agent, server.now(), &[failure(), failure()]).await.ok();
    report(&agent, server.now(), &[failure()]).await.ok();
    assert_eq!(log(&agent).await.events.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_others_and_of_other_namespaces_are_passed_over() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let own = agent.client_id.to_uppercase();
    let failure = Event { event_id: 182, update: 1, ..Event::default() };
    let events = [
        Event { instance: 1, sid: &own, ..failure },
        Event { instance: 2, sid: "someone-else", event_id: 182, update: 1, ..Event::default() },
        Event { instance: 3, namespace: 2, event_id: 182, update: 1, ..Event::default() },
    ];
    let answer = report(&agent, server.now(), &events).await.ok();
    assert_eq!(answer.text_of("ReportEventBatchResult"), "true");
    let kept: Vec<_> = log(&agent).await.events.iter().map(|it| it.instance.as_u128()).collect();
    assert_eq!(kept, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_corrected_and_nothing_happens_in_the_future() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let now = server.now();
    let at =
        |instance, at| Event { instance, event_id: 182, update: instance, at, ..Event::default() };
    // A clock that is a day behind, one that is half a minute behind, and one that was set right
    // between the event and its report.
    report(&agent, now - DAY, &[at(1, now - DAY - HOUR)]).await.ok();
    report(&agent, now - 30, &[at(2, now - 40)]).await.ok();
    report(&agent, now, &[at(3, now + 365 * DAY)]).await.ok();
    let times: Vec<_> = log(&agent).await.events.iter().map(|it| it.at - now).collect();
    assert_eq!(times, [-HOUR, -40, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_form_names_the_computer_itself() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let event = Event { event_id: 182, update: 1, ..Event::default() }.write();
    let request = |id: &str| {
        format!(
            "<computerId>{id}</computerId><clientTime>2026-10-04T12:00:00Z</clientTime><eventBatch>{event}</eventBatch>"
        )
    };
    let answer = server.call(Operation::ReportEventBatch2, &request("../x")).await;
    answer.is_fault("InvalidParameters", "computerId");
    let answer = server.call(Operation::ReportEventBatch2, &request("nobody")).await.ok();
    assert_eq!(answer.text_of("ReportEventBatch2Result"), "false");
    let answer = server.call(Operation::ReportEventBatch2, &request(&agent.client_id)).await.ok();
    assert_eq!(answer.text_of("ReportEventBatch2Result"), "true");
    assert_eq!(log(&agent).await.events.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_xml_forbids_spoil_no_report() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let event = Event { event_id: 182, update: 1, ..Event::default() }.write();
    let strings = "<ReplacementStrings><string>a\u{1}b&#0;c";
    let event =
        event.replace("<MiscData>", &format!("{strings}</string></ReplacementStrings><MiscData>"));
    let request = format!(
        "{}<clientTime>2026-10-04T12:00:00Z</clientTime><eventBatch>{event}</eventBatch>",
        agent.cookie_as("cookie")
    );
    let mut report = call(Operation::ReportEventBatch, &request);
    // And a byte that is no text.
    let mut body = report.body.to_vec();
    let at = body.windows(3).position(|bytes| bytes == b"a\x01b").expect("the string");
    body[at] = 0xff;
    report.body = body.into();
    server.soap(report.clone()).await.ok();
    let strings = log(&agent).await.events[0].strings.clone();
    assert_eq!(strings, ["\u{fffd}\u{fffd}b\u{fffd}c"]);

    // Only events are so dear: anywhere else it is a fault.
    let answer =
        server.call(Operation::GetConfig, "<protocolVersion>1\u{1}</protocolVersion>").await;
    assert_eq!(answer.text_of("ErrorCode"), "InvalidParameters");
}
