//! Who says to be a downstream server, and is none.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use weir::wire::operation::Operation;

use super::support::{Agent, Answer, Weir, assert_invalid, call, shared};

const ID: &str = "7d1f0c57-0000-4000-8000-000000000a07";
const SERVER: &str = "6f1c2f6e-3f0b-4d3a-9b1e-0d2f6a1c5e99";
const NEVER: &str = "1753-01-01T00:00:00Z";
/// The cookie of reports, which says nothing.
const ROLLUP: &str =
    "<cookie><Expiration>9999-12-31T23:59:59.9999999</Expiration><EncryptedData/></cookie>";

/// The cookie of a server that anybody may get.
fn cookie(weir: &Weir) -> String {
    let identity =
        format!("<accountName>dss.example</accountName><accountGuid>{SERVER}</accountGuid>");
    let answer = call(weir, Operation::DssAuthGetAuthorizationCookie, &identity);
    let data = answer.value("CookieData");
    let request = format!(
        "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId>\
         <CookieData>{data}</CookieData></AuthorizationCookie></authCookies>\
         <protocolVersion>1.20</protocolVersion>"
    );
    let answer = call(weir, Operation::ServerSyncGetCookie, &request);
    element(&answer.value("EncryptedData"))
}

fn element(data: &str) -> String {
    format!("<cookie><EncryptedData>{data}</EncryptedData></cookie>")
}

/// One server in a report.
fn server(id: Uuid, parent: Uuid) -> String {
    format!(
        "<DownstreamServerRollupInfo><ServerId>{id}</ServerId><FullDomainName>s</FullDomainName>\
         <LastSyncTime>{NEVER}</LastSyncTime><ParentServerId>{parent}</ParentServerId>\
         <Version>1.0</Version><IsReplica>false</IsReplica>\
         <LastRollupTime>2026-01-01T00:00:00Z</LastRollupTime><ClientSummaries/>\
         </DownstreamServerRollupInfo>"
    )
}

fn servers(weir: &Weir, infos: &str) -> Answer {
    let time = "<clientTime>2026-01-01T00:00:00Z</clientTime>";
    let children = format!("{ROLLUP}{time}<downstreamServers>{infos}</downstreamServers>");
    call(weir, Operation::RollupDownstreamServers, &children)
}

fn statuses(weir: &Weir, computers: &str) -> Answer {
    let children = format!(
        "{ROLLUP}<clientTime>2026-01-01T00:00:00Z</clientTime>\
         <parentServerId>{SERVER}</parentServerId><computers>{computers}</computers>"
    );
    call(weir, Operation::RollupComputerStatus, &children)
}

#[test]
fn cookies_of_agents_and_invented_ones_open_nothing() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    let foreign = [
        String::new(),
        "<cookie/>".to_owned(),
        element(""),
        element(&STANDARD.encode(&agent.session.0)),
        element(&STANDARD.encode(&agent.authorization.0)),
        element(&STANDARD.encode([0; 496])),
        element(&STANDARD.encode(vec![7; 3000])),
    ];
    for operation in [
        Operation::GetConfigData,
        Operation::GetRevisionIdList,
        Operation::GetUpdateData,
        Operation::GetDeployments,
        Operation::DownloadFiles,
        Operation::GetUpdateDecryptionData,
    ] {
        for cookie in &foreign {
            let answer = call(&weir, operation, cookie);
            assert_eq!(answer.fault().0, "InvalidCookie", "{operation:?} {}", answer.text);
        }
    }
    weir.serves_an_honest_client();
}

#[test]
fn lists_are_counted_and_anchors_are_read() {
    let weir = Weir::start();
    let cookie = cookie(&weir);
    let ids = |count: usize| {
        let id = format!(
            "<UpdateIdentity><UpdateID>{ID}</UpdateID><RevisionNumber>1</RevisionNumber></UpdateIdentity>"
        );
        format!("<updateIds>{}</updateIds>", id.repeat(count))
    };
    let filter = |inner: &str| format!("<filter><GetConfig>false</GetConfig>{inner}</filter>");
    let category = format!("<IdAndDelta><Id>{ID}</Id><Delta>true</Delta></IdAndDelta>");
    let digest = "<base64Binary>AQEBAQEBAQEBAQEBAQEBAQEBAQE=</base64Binary>";
    weir.grows_at_most(96, || {
        for (operation, children) in [
            (Operation::GetUpdateData, ids(101)),
            (Operation::GetUpdateData, ids(4_000)),
            (Operation::GetUpdateDecryptionData, ids(101)),
            (Operation::GetRevisionIdList, filter("<Anchor>garbage</Anchor>")),
            (Operation::GetRevisionIdList, filter("<Anchor>1,9999999999-01-01</Anchor>")),
            (
                Operation::GetRevisionIdList,
                filter(&format!("<Categories>{}</Categories>", category.repeat(30_000))),
            ),
            (
                Operation::DownloadFiles,
                format!("<fileDigestList>{}</fileDigestList>", digest.repeat(101)),
            ),
        ] {
            assert_invalid(&call(&weir, operation, &format!("{cookie}{children}")));
        }
    });
    for name in ["", "a b", "<a/>", &"x".repeat(5_000), "a..b"] {
        let identity =
            format!("<accountName>{name}</accountName><accountGuid>{SERVER}</accountGuid>");
        assert_invalid(&call(&weir, Operation::DssAuthGetAuthorizationCookie, &identity));
    }
    weir.serves_an_honest_client();
}

#[test]
fn servers_that_are_above_themselves_are_refused() {
    let weir = Weir::start();
    let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
    assert_invalid(&servers(&weir, &server(a, a)));
    assert_invalid(&servers(&weir, &(server(a, b) + &server(b, a))));
    let chain = server(a, Uuid::nil()) + &server(b, a) + &server(c, b);
    assert_eq!(servers(&weir, &chain).status, 200);
    assert_invalid(&servers(&weir, &server(a, c)));
    weir.serves_an_honest_client();
}

#[test]
fn a_flood_of_servers_and_computers_stays_within_bounds() {
    let weir = Weir::start();
    weir.grows_at_most(160, || {
        for round in 0..3u128 {
            let mut infos = String::new();
            for number in 0..5_000u128 {
                let id = Uuid::from_u128((round << 64) + number + 1);
                let _ = write!(infos, "{}", server(id, Uuid::nil()));
            }
            assert_eq!(servers(&weir, &infos).status, 200);
        }
        let known = servers(&weir, &server(SERVER.parse().expect("a GUID"), Uuid::nil()));
        assert_eq!(known.status, 200);
        // 200,000 states of one computer that is not there, and of states that there are not.
        let row = format!(
            "<ComputerStatusRollupUpdateStatus><UpdateId>{ID}</UpdateId>\
             <SummarizationState>-2147483648</SummarizationState>\
             <LastChangeTime>0001-01-01T00:00:00Z</LastChangeTime></ComputerStatusRollupUpdateStatus>"
        );
        let computer = format!(
            "<ComputerStatusRollupInfo><ComputerId>pc</ComputerId><RollupNumber>-2147483648</RollupNumber>\
             <IsFullRollup>true</IsFullRollup><EffectiveLastDetectionTime>9999-12-31T23:59:59Z</EffectiveLastDetectionTime>\
             <UpdateStatus>{}</UpdateStatus></ComputerStatusRollupInfo>",
            row.repeat(100_000)
        );
        assert_eq!(statuses(&weir, &computer).status, 200);
        assert_invalid(&statuses(&weir, &"<ComputerStatusRollupInfo/>".repeat(101)));
    });
    weir.serves_an_honest_client();
}

#[test]
fn what_is_said_of_computers_is_cut_and_never_believed() {
    let weir = Weir::start();
    assert_eq!(servers(&weir, &server(SERVER.parse().expect("a GUID"), Uuid::nil())).status, 200);
    let agent = Agent::enrol(&weir, ID);
    let long = "x".repeat(3_000);
    let computer = |client_id: &str, parent: &str| {
        format!(
            "<ComputerRollupInfo ComputerId=\"{client_id}\" LastSyncTime=\"9999-12-31T23:59:59Z\" \
             LastSyncResult=\"77\" LastReportedRebootTime=\"{NEVER}\" \
             LastReportedStatusTime=\"{NEVER}\" LastInventoryTime=\"{NEVER}\" \
             ParentServerId=\"{parent}\"><Details FullDomainName=\"{long}\" OSMajorVersion=\"-1\" \
             ClientVersion=\"9999999999.x.-1\"><TargetGroupIdList>{}</TargetGroupIdList>\
             </Details></ComputerRollupInfo>",
            format!("<guid>{ID}</guid>").repeat(9_000)
        )
    };
    let send = |computers: &str| {
        let time = "<clientTime>2026-01-01T00:00:00Z</clientTime>";
        let children = format!("{ROLLUP}{time}<computers>{computers}</computers>");
        call(&weir, Operation::RollupComputers, &children)
    };
    assert_eq!(send(&computer("pc-1", SERVER)).status, 200);
    assert_eq!(send(&computer("pc-1", ID)).fault().0, "InternalServerError");
    assert_invalid(&send(&computer("../../etc/passwd", SERVER)));
    assert_invalid(&send(&computer(&"a".repeat(256), SERVER)));
    // A computer of ours that somebody claims registers, and is ours again.
    assert_eq!(send(&computer(ID, SERVER)).status, 200);
    let scan = agent.scan("");
    assert_eq!(scan.fault().0, "RegistrationRequired", "{}", scan.text);
    assert_eq!(agent.register("<DnsName>pc.example</DnsName>").status, 200);
    let scan = agent.scan("");
    assert_eq!(scan.status, 200, "{}", scan.text);
    weir.serves_an_honest_client();
}
