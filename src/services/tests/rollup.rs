//! What downstream servers report ([MS-WSUSSS] 3.1.4.13 to 3.1.4.17).

use std::fmt::Write as _;

use uuid::Uuid;

use super::agent::{Agent, Hello, Parameters};
use super::documents::{Document, id};
use super::server::{Answer, DAY, HOUR, MINUTE, START, Server, clock};
use crate::computers::UpdateInstallationState::{
    Downloaded, Failed, Installed, NotApplicable, NotInstalled, Unknown,
};
use crate::policy::by::By;
use crate::services::Settings;
use crate::state::Tracked;
use crate::wire::operation::Operation;
use crate::wire::time::DateTime;

/// The cookie that says nothing.
const COOKIE: &str =
    "<cookie><Expiration>9999-12-31T23:59:59.9999999</Expiration><EncryptedData/></cookie>";
const MIDDLE: u128 = 0x31;
const REPLICA: u128 = 0x32;
const NEVER: i64 = -6_847_804_800;

fn at(seconds: i64) -> String {
    DateTime::from_unix(seconds, 0).expect("a time").to_string()
}

/// One server in a report.
fn info(server: u128, parent: u128, at_seconds: i64, computers: u32) -> String {
    format!(
        "<DownstreamServerRollupInfo><ServerId>{}</ServerId>\
         <FullDomainName>server-{server}.example</FullDomainName><LastSyncTime>{}</LastSyncTime>\
         <ParentServerId>{}</ParentServerId><Version>10.0.20348.1</Version>\
         <IsReplica>true</IsReplica><LastRollupTime>{}</LastRollupTime>\
         <ServerSummary><UpdateCount>12</UpdateCount><ComputerTargetCount>{computers}</ComputerTargetCount>\
         </ServerSummary><ClientSummaries><DownstreamServerRollupClientSummary>\
         <OSMajorVersion>10</OSMajorVersion><OSMinorVersion>0</OSMinorVersion>\
         <OSBuildNumber>26100</OSBuildNumber><Count>{computers}</Count><ActivitySummaries>\
         <DownstreamServerRollupClientActivitySummary><InstallSuccessCount>3</InstallSuccessCount>\
         <InstallFailureCount>1</InstallFailureCount></DownstreamServerRollupClientActivitySummary>\
         </ActivitySummaries></DownstreamServerRollupClientSummary></ClientSummaries>\
         </DownstreamServerRollupInfo>",
        Uuid::from_u128(server),
        at(NEVER),
        Uuid::from_u128(parent),
        at(at_seconds),
    )
}

async fn servers(server: &Server, client_time: i64, infos: &[String]) -> Answer {
    let children = format!(
        "{COOKIE}<clientTime>{}</clientTime><downstreamServers>{}</downstreamServers>",
        at(client_time),
        infos.concat()
    );
    server.call(Operation::RollupDownstreamServers, &children).await
}

/// Two servers, one below the other.
async fn chain(server: &Server) {
    let infos = [info(MIDDLE, 0, START, 0), info(REPLICA, MIDDLE, START, 2)];
    servers(server, START, &infos).await.ok();
}

/// A computer of a server, with details when it has a name.
fn computer(client_id: &str, parent: u128, last_sync: i64, name: Option<&str>) -> String {
    let never = at(NEVER);
    let details = name.map(|name| {
        format!(
            "<Details IPAddress=\"10.1.1.1\" FullDomainName=\"{name}\" OSMajorVersion=\"10\" \
             OSMinorVersion=\"0\" OSBuildNumber=\"26100\" OSServicePackMajorNumber=\"0\" \
             OSServicePackMinorNumber=\"0\" OSLocale=\"en-US\" BiosReleaseDate=\"{never}\" \
             SuiteMask=\"256\" OldProductType=\"1\" NewProductType=\"48\" SystemMetrics=\"0\" \
             ClientVersion=\"10.0.26100.1\"><TargetGroupIdList><guid>{}</guid></TargetGroupIdList>\
             <RequestedTargetGroupNames><string>Pilot</string></RequestedTargetGroupNames></Details>",
            id(77)
        )
    });
    format!(
        "<ComputerRollupInfo ComputerId=\"{client_id}\" LastSyncTime=\"{}\" LastSyncResult=\"1\" \
         LastReportedRebootTime=\"{never}\" LastReportedStatusTime=\"{}\" \
         LastInventoryTime=\"{never}\" ParentServerId=\"{}\">{}</ComputerRollupInfo>",
        at(last_sync),
        at(last_sync),
        Uuid::from_u128(parent),
        details.unwrap_or_default()
    )
}

async fn computers(server: &Server, client_time: i64, computers: &[String]) -> Answer {
    let children = format!(
        "{COOKIE}<clientTime>{}</clientTime><computers>{}</computers>",
        at(client_time),
        computers.concat()
    );
    server.call(Operation::RollupComputers, &children).await
}

/// Who changed, and how.
fn changes(answer: &Answer) -> Vec<(String, String)> {
    let document = answer.document();
    let named = document.descendants().filter(|it| it.tag_name().name() == "ChangedComputer");
    let text = |node: roxmltree::Node<'_, '_>, name| node.attribute(name).expect(name).to_owned();
    named.map(|it| (text(it, "ComputerId"), text(it, "Change"))).collect()
}

struct Status<'s> {
    client_id: &'s str,
    number: i32,
    full: bool,
    detected: i64,
    rows: &'s [(u128, i32, i64)],
}

async fn status(server: &Server, parent: u128, client_time: i64, status: &Status<'_>) -> Answer {
    let mut rows = String::new();
    for (update, state, since) in status.rows {
        let (update, since) = (id(*update), at(*since));
        let _ = write!(
            rows,
            "<ComputerStatusRollupUpdateStatus><UpdateId>{update}</UpdateId><SummarizationState>{state}</SummarizationState><LastChangeTime>{since}</LastChangeTime></ComputerStatusRollupUpdateStatus>"
        );
    }
    let children = format!(
        "{COOKIE}<clientTime>{}</clientTime><parentServerId>{}</parentServerId><computers>\
         <ComputerStatusRollupInfo><InstanceId>{}</InstanceId><ComputerId>{}</ComputerId>\
         <EffectiveLastDetectionTime>{}</EffectiveLastDetectionTime><RollupNumber>{}</RollupNumber>\
         <IsFullRollup>{}</IsFullRollup><UpdateStatus>{rows}</UpdateStatus>\
         </ComputerStatusRollupInfo></computers>",
        at(client_time),
        Uuid::from_u128(parent),
        Uuid::new_v4(),
        status.client_id,
        at(status.detected),
        status.number,
        status.full,
    );
    server.call(Operation::RollupComputerStatus, &children).await
}

async fn out_of_sync(server: &Server, parent: u128, numbers: &[(&str, i32)]) -> Vec<String> {
    let mut list = String::new();
    for (client_id, number) in numbers {
        let _ = write!(
            list,
            "<ComputerLastRollupNumber><ComputerId>{client_id}</ComputerId><RollupNumber>{number}</RollupNumber></ComputerLastRollupNumber>"
        );
    }
    let parent = Uuid::from_u128(parent);
    let children = format!(
        "{COOKIE}<parentServerId>{parent}</parentServerId><lastRollupNumbers>{list}</lastRollupNumbers>"
    );
    server.call(Operation::GetOutOfSyncComputers, &children).await.ok().texts("string")
}

fn tracked(server: &Server, client_id: &str) -> Tracked {
    server.state.computers().find(client_id).expect("a computer")
}

#[tokio::test]
async fn the_configuration_stays_the_same_for_ever() {
    let mut server = Server::start(clock!()).await;
    let ask = async |server: &Server| {
        let answer = server.call(Operation::GetRollupConfiguration, COOKIE).await.ok();
        let sizes = ["RollupDownstreamServers", "RollupComputers", "GetOutOfSyncComputers"];
        let sizes = sizes.map(|name| answer.text_of(&format!("{name}MaxBatchSize")));
        assert_eq!(sizes, ["5000", "1500", "20000"]);
        assert_eq!(answer.text_of("DoDetailedRollup"), "true");
        (answer.text_of("RollupResetGuid"), answer.text_of("ServerId"))
    };
    let first = ask(&server).await;
    assert_ne!(first.0, first.1);
    server.restart(|_, _| ()).await;
    assert_eq!(ask(&server).await, first);
}

#[tokio::test]
async fn servers_report_themselves_and_those_below_them() {
    let server = Server::start(clock!()).await;
    servers(&server, START, &[info(REPLICA, MIDDLE, START, 2)])
        .await
        .is_fault("InvalidParameters", "downstreamServers");
    chain(&server).await;
    let known = server.state.downstream_server(Uuid::from_u128(REPLICA)).expect("a server");
    assert_eq!(known.parent, Some(Uuid::from_u128(MIDDLE)));
    let reported = known.reported.clone().expect("a report");
    assert_eq!((reported.last_sync, reported.is_replica), (None, true));
    assert_eq!((reported.summary.updates, reported.systems[0].count), (12, 2));
    assert_eq!((reported.installations, reported.failures), (3, 1));
    let middle = server.state.downstream_server(Uuid::from_u128(MIDDLE)).expect("a server");
    assert_eq!(middle.parent, None, "zero is the receiver");

    // Sums grow; what is older than the last says nothing.
    servers(&server, START, &[info(REPLICA, MIDDLE, START - HOUR, 9)]).await.ok();
    servers(&server, START, &[info(REPLICA, MIDDLE, START + 5, 3)]).await.ok();
    let known = server.state.downstream_server(Uuid::from_u128(REPLICA)).expect("a server");
    let reported = known.reported.clone().expect("a report");
    assert_eq!((reported.summary.computers, reported.installations), (3, 6));

    // No server is above itself, nor above one that it is below.
    for (below, above) in [(MIDDLE, REPLICA), (REPLICA, REPLICA)] {
        servers(&server, START, &[info(below, above, START + 9, 0)])
            .await
            .is_fault("InvalidParameters", "downstreamServers");
    }
}

#[tokio::test]
async fn more_than_the_configuration_allows_is_refused() {
    let server = Server::start(clock!()).await;
    chain(&server).await;
    let one = computer("pc", REPLICA, START, None);
    let answer = computers(&server, START, &vec![one; 1501]).await;
    answer.is_fault("InvalidParameters", "computers: 1501 of at most 1500");
    let none = server.call(Operation::RollupComputers, COOKIE).await;
    none.is_fault("InvalidParameters", "clientTime");
    let time = format!("{COOKIE}<clientTime>{}</clientTime>", at(START));
    let none = server.call(Operation::RollupComputers, &time).await;
    none.is_fault("InvalidParameters", "computers");
    let answer = computers(&server, START, &[computer("pc", 0x99, START, None)]).await;
    answer.is_fault("InternalServerError", "");
    assert!(server.state.computers().is_empty());
}

#[tokio::test]
async fn a_computer_is_described_once_and_then_only_named() {
    let server = Server::start(clock!()).await;
    chain(&server).await;
    let named = [computer("PC-1", REPLICA, START - 9, None)];
    let answer = computers(&server, START, &named).await.ok();
    assert_eq!(changes(&answer), [("pc-1".to_owned(), "NewParent".to_owned())]);
    let described = [computer("pc-1", REPLICA, START - 9, Some("pc1.example"))];
    assert_eq!(changes(&computers(&server, START, &described).await.ok()), []);
    assert_eq!(changes(&computers(&server, START, &named).await.ok()), []);
    let known = tracked(&server, "pc-1");
    assert_eq!(known.computer.info.dns_name, "pc1.example");
    assert_eq!(known.computer.info.client_version, (10, 0, 26100, 1));
    assert_eq!(
        (known.computer.requested_group.as_str(), known.computer.groups.len()),
        ("Pilot", 1)
    );
    assert_eq!(known.last_sync(), Some(START - 9));

    // It moved to the other server, which did not say what it is.
    let moved = [computer("pc-1", MIDDLE, START - 5, None)];
    assert_eq!(changes(&computers(&server, START, &moved).await.ok()).len(), 1);
    // The first one has older news.
    assert_eq!(changes(&computers(&server, START, &named).await.ok()), []);
    let below = tracked(&server, "pc-1").below.expect("another server's");
    assert_eq!(below.parent, Uuid::from_u128(MIDDLE));
}

#[tokio::test]
async fn states_are_taken_over_and_counted_by_number() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(1), Document::software(2), Document::software(3)]).await;
    chain(&server).await;
    computers(&server, START, &[computer("pc-1", REPLICA, START, Some("pc"))]).await.ok();
    let first = Status {
        client_id: "pc-1",
        number: 1,
        full: true,
        detected: START,
        rows: &[(1, 2, START - 60), (2, 4, START - 60), (3, 9, START)],
    };
    // By a server that it is not below, nothing is taken.
    servers(&server, START, &[info(0x44, 0, START, 0)]).await.ok();
    assert_eq!(
        status(&server, 0x44, START, &first).await.ok().text_of("RollupComputerStatusResult"),
        "true"
    );
    assert_eq!(tracked(&server, "pc-1").statuses.rows().count(), 0);
    // By the one above its server, it is.
    status(&server, MIDDLE, START, &first).await.ok();
    let states = |numbers: &[u128]| -> Vec<_> {
        let statuses = tracked(&server, "pc-1").statuses;
        let number = |number: &u128| server.state.update_number(&id(*number));
        numbers.iter().map(|it| statuses.state(number(it), START)).collect()
    };
    assert_eq!(states(&[1, 2, 3]), [NotInstalled, Installed, NotApplicable], "9 is no state");
    let changed = Status { number: 2, full: false, rows: &[(1, 5, START)], ..first };
    status(&server, REPLICA, START, &changed).await.ok();
    assert_eq!(states(&[1, 2]), [Failed, Installed]);
    assert_eq!(out_of_sync(&server, MIDDLE, &[("pc-1", 2), ("pc-9", 1)]).await, [""; 0]);
    assert_eq!(out_of_sync(&server, MIDDLE, &[("PC-1", 1)]).await, ["pc-1"]);
    assert_eq!(out_of_sync(&server, REPLICA, &[("pc-1", 0)]).await, ["pc-1"]);
    assert_eq!(out_of_sync(&server, 0x44, &[("pc-1", 0)]).await, [""; 0]);
    assert_eq!(out_of_sync(&server, 0x99, &[("pc-1", 0)]).await, [""; 0]);
    let all = Status { number: 3, full: true, detected: NEVER, rows: &[(2, 3, START)], ..first };
    status(&server, REPLICA, START, &all).await.ok();
    assert_eq!(states(&[1, 2]), [Unknown, Downloaded], "it reported on nothing yet");
}

#[tokio::test]
async fn clocks_that_are_off_by_more_than_a_minute_are_corrected() {
    let server = Server::start(clock!()).await;
    chain(&server).await;
    for (client_id, theirs, expected) in [
        ("pc-1", START - DAY, START - HOUR),
        ("pc-2", START + DAY, START - HOUR),
        ("pc-3", START - MINUTE, START - HOUR - MINUTE),
    ] {
        let computer = [computer(client_id, REPLICA, theirs - HOUR, None)];
        computers(&server, theirs, &computer).await.ok();
        assert_eq!(tracked(&server, client_id).last_sync(), Some(expected), "{client_id}");
    }
    // From the future, it is now.
    computers(&server, START, &[computer("pc-4", REPLICA, START + DAY, None)]).await.ok();
    assert_eq!(tracked(&server, "pc-4").last_sync(), Some(START));
}

#[tokio::test]
async fn a_computer_that_asks_here_is_ours_whoever_reports_it() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(1)]).await;
    chain(&server).await;
    let client_id = "e1da06a3-5601-43c9-bac3-52d5db701494";
    computers(&server, START, &[computer(client_id, REPLICA, START, Some("pc"))]).await.ok();
    let hello = Hello { client_id, ..Hello::default() };
    let mut agent = Agent::unregistered(&server, &hello).await;
    let scan = Parameters::default().write();
    agent.call(Operation::SyncUpdates, &scan).await.is_fault("RegistrationRequired", "");
    server.pass(MINUTE);
    agent.register(hello.build).await.ok();
    agent.scan(&[], &[]).await;
    assert!(tracked(&server, client_id).below.is_none());
    // What the other server last heard is older.
    computers(&server, START + MINUTE, &[computer(client_id, REPLICA, START, None)]).await.ok();
    assert!(tracked(&server, client_id).below.is_none());
    let refused =
        server.state.move_computer(By::administrator(), client_id.into(), Vec::new()).await;
    assert!(refused.is_ok(), "{refused:?}");
}

#[tokio::test]
async fn what_is_deleted_here_is_told_once_and_goes_with_its_server() {
    let server = Server::start(clock!()).await;
    chain(&server).await;
    let both = ["pc-1", "pc-2"].map(|it| computer(it, REPLICA, START, Some(it)));
    computers(&server, START, &both).await.ok();
    let by = By::administrator;
    let refused = server.state.move_computer(by(), "pc-1".into(), Vec::new()).await;
    assert!(refused.unwrap_err().to_string().contains("place it there"));
    server.state.delete_computer(by(), "pc-1".into()).await.expect("deleted");
    let told = changes(&computers(&server, START, &both).await.ok());
    assert_eq!(told, [("pc-1".to_owned(), "Deleted".to_owned())]);
    assert_eq!(server.state.computers().len(), 1);
    // It is there all the same, and comes back.
    assert_eq!(changes(&computers(&server, START, &both).await.ok()), []);
    assert_eq!(server.state.computers().len(), 2);

    let middle = Uuid::from_u128(MIDDLE).to_string();
    server.state.forget_downstream(middle, by()).await.expect("forgotten");
    assert!(server.state.computers().is_empty());
    assert!(server.state.downstream_servers().is_empty());
}

#[tokio::test]
async fn where_servers_need_approval_so_do_their_reports() {
    let settings = Settings { approve_downstream: true, ..Settings::default() };
    let server = Server::with(clock!(), settings).await;
    let refused = servers(&server, START, &[info(MIDDLE, 0, START, 0)]).await;
    assert_eq!(refused.fault, Some("InvalidParameters"), "{}", refused.text);
    let id = Uuid::from_u128(MIDDLE);
    server.state.note_authorization(id, "server.example".into()).await.expect("noted");
    let refused = computers(&server, START, &[computer("pc", MIDDLE, START, None)]).await;
    assert_eq!(refused.fault, Some("InvalidParameters"), "{}", refused.text);
    let by = By::administrator();
    server.state.approve_downstream(id.to_string(), by).await.expect("approved");
    chain(&server).await;
    computers(&server, START, &[computer("pc", REPLICA, START, None)]).await.ok();
    assert_eq!(server.state.computers().len(), 1);
}

#[tokio::test]
async fn what_was_reported_survives_a_restart() {
    let mut server = Server::start(clock!()).await;
    chain(&server).await;
    computers(&server, START, &[computer("pc-1", REPLICA, START, Some("pc"))]).await.ok();
    let rows = [(1, 2, START)];
    let report = Status { client_id: "pc-1", number: 7, full: true, detected: START, rows: &rows };
    status(&server, REPLICA, START, &report).await.ok();
    let before = tracked(&server, "pc-1");
    server.restart(|_, _| ()).await;
    let after = tracked(&server, "pc-1");
    assert_eq!((after.below, after.statuses), (before.below, before.statuses));
    assert_eq!(out_of_sync(&server, REPLICA, &[("pc-1", 7)]).await, [""; 0]);
}
