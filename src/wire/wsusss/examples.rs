//! What no recording has: messages in the form of the dialogues of [MS-WSUSSS] section 4.

use uuid::Uuid;

use crate::wire::operation::{Operation, Service};
use crate::wire::request::{Request, ServerRequest};
use crate::wire::soap::{SoapVersion, answer, call, open};
use crate::wire::time::DateTime;

use super::both_ways::{flatten, rewrite_request};
use super::rollup::*;
use super::server_sync::{GetConfigDataResponse, GetDeploymentsResponse};

const ENVELOPE: &str = r#"<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>"#;

/// An envelope around the element `name` with `content`.
fn message(name: &str, content: &str) -> String {
    let namespace = Operation::GetDeployments.namespace();
    format!(
        "{ENVELOPE}<{name} xmlns=\"{namespace}\">{content}</{name}></soap:Body></soap:Envelope>"
    )
}

/// Reads the request in `text` and demands that it is written in the same way.
fn rollup(text: &str, check: impl FnOnce(ServerRequest<'_>)) {
    let envelope = open(text, Service::Reporting, None).expect("an envelope");
    let Ok(Request::Server(request)) = Request::read(envelope) else { panic!("{text}") };
    assert_eq!(rewrite_request(SoapVersion::V11, &request), text);
    check(request);
}

const COOKIE: &str = "<cookie><Expiration>9999-12-31T23:59:59.9999999</Expiration><EncryptedData /></cookie><clientTime>2026-11-22T14:26:38.75Z</clientTime>";

#[test]
fn computers_are_reported_in_attributes() {
    let text = message(
        "RollupComputers",
        &format!(
            "{COOKIE}<computers><ComputerRollupInfo ComputerId=\"pc-1\" LastSyncTime=\"2026-11-22T14:00:00Z\" \
             LastSyncResult=\"1\" LastReportedRebootTime=\"0001-01-01T00:00:00Z\" \
             LastReportedStatusTime=\"2026-11-22T14:00:00.377Z\" LastInventoryTime=\"1753-01-01T00:00:00Z\" \
             ParentServerId=\"6b5d41f7-2fa6-4476-ba6a-a38a153fe320\">\
             <Details IPAddress=\"192.0.2.7\" FullDomainName=\"pc-1.example.test\" OSMajorVersion=\"10\" \
             OSMinorVersion=\"0\" OSBuildNumber=\"26200\" OSServicePackMajorNumber=\"0\" \
             OSServicePackMinorNumber=\"0\" OSLocale=\"de-DE\" ComputerMake=\"A &quot;quoted&quot; &lt;maker&gt; &amp; Co\" \
             BiosReleaseDate=\"2025-05-18T00:00:00Z\" SuiteMask=\"256\" OldProductType=\"1\" \
             NewProductType=\"48\" SystemMetrics=\"0\" ClientVersion=\"1507.2601.30012.0\">\
             <TargetGroupIdList><guid>b73ca6ed-5727-47f3-84de-015e03f6a88a</guid></TargetGroupIdList>\
             <RequestedTargetGroupNames><string>Büro</string><string /></RequestedTargetGroupNames>\
             </Details></ComputerRollupInfo><ComputerRollupInfo ComputerId=\"pc-2\" /></computers>"
        ),
    );
    rollup(&text, |request| {
        let ServerRequest::RollupComputers(request) = request else { panic!("{request:?}") };
        assert_eq!(request.cookie, Some(cookie()));
        let computers = request.computers.expect("computers");
        assert_eq!(computers[0].computer_id.as_deref(), Some("pc-1"));
        assert_eq!(computers[0].last_reported_reboot_time, Some(DateTime::MIN));
        let details = computers[0].details.as_ref().expect("details");
        assert_eq!(details.computer_make.as_deref(), Some("A \"quoted\" <maker> & Co"));
        assert_eq!((details.os_build_number, &details.os_family), (Some(26200), &None));
        assert_eq!(details.requested_target_group_names, Some(vec!["Büro".into(), "".into()]));
        assert_eq!(computers[1].details, None);
    });
}

#[test]
fn a_bad_attribute_is_named() {
    for (attribute, value, problem) in [
        ("LastSyncResult", "two", "'two' is not a valid int"),
        ("ParentServerId", "", "'' is not a valid guid"),
        ("LastSyncTime", "never", "'never' is not a valid dateTime"),
    ] {
        let text = message(
            "RollupComputers",
            &format!("<computers><ComputerRollupInfo {attribute}=\"{value}\"/></computers>"),
        );
        let envelope = open(&text, Service::Reporting, None).expect("an envelope");
        let error = Request::read(envelope).expect_err(attribute).to_string();
        assert_eq!(error, format!("computers.{attribute}: {problem}"));
    }
}

#[test]
fn states_are_reported() {
    let text = message(
        "RollupComputerStatus",
        &format!(
            "{COOKIE}<parentServerId>6b5d41f7-2fa6-4476-ba6a-a38a153fe320</parentServerId><computers>\
             <ComputerStatusRollupInfo><InstanceId>14720b83-5998-41f7-b586-6088cd8acd0c</InstanceId>\
             <ComputerId>pc-1</ComputerId><EffectiveLastDetectionTime>2026-11-20T01:47:46.42Z</EffectiveLastDetectionTime>\
             <RollupNumber>3</RollupNumber><IsFullRollup>true</IsFullRollup><UpdateStatus>\
             <ComputerStatusRollupUpdateStatus><UpdateId>09de7a79-5c09-4f3a-972e-cc1bbb7ca7e4</UpdateId>\
             <SummarizationState>4</SummarizationState><LastChangeTime>2026-11-19T22:25:11.64Z</LastChangeTime>\
             </ComputerStatusRollupUpdateStatus></UpdateStatus></ComputerStatusRollupInfo></computers>"
        ),
    );
    rollup(&text, |request| {
        let ServerRequest::RollupComputerStatus(request) = request else { panic!("{request:?}") };
        let computers = request.computers.expect("computers");
        assert_eq!(
            (computers[0].rollup_number, computers[0].is_full_rollup),
            (Some(3), Some(true))
        );
        let states = computers[0].update_status.as_ref().expect("states");
        assert_eq!(states[0].summarization_state, Some(4));
    });
}

#[test]
fn an_upstream_server_wants_computers_anew() {
    let text = message(
        "RollupComputersResponse",
        "<RollupComputersResult><ChangedComputer ComputerId=\"pc-1\" Change=\"NewParent\"/>\
         <ChangedComputer ComputerId=\"pc-2\" Change=\"Deleted\"/></RollupComputersResult>",
    );
    let response: RollupComputersResponse<'_> = answer(&text).expect("a response");
    let changed = response.result.expect("computers");
    let changes: Vec<_> = changed.iter().filter_map(|it| it.change).collect();
    assert_eq!(changes, [ComputerChangeType::NewParent, ComputerChangeType::Deleted]);
    let moved = text.replace("NewParent", "Moved");
    let error = answer::<RollupComputersResponse<'_>>(&moved).expect_err("an unknown change");
    let expected = "RollupComputersResult.Change: 'Moved' is not a valid ComputerChangeType";
    assert_eq!(error.to_string(), format!("in the answer: {expected}"));
    let text = message(
        "GetOutOfSyncComputersResponse",
        "<GetOutOfSyncComputersResult><string>pc-1</string></GetOutOfSyncComputersResult>",
    );
    let response: GetOutOfSyncComputersResponse<'_> = answer(&text).expect("a response");
    assert_eq!(response.result, Some(vec!["pc-1".into()]));
}

#[test]
fn deployments_of_an_older_server() {
    let text = message(
        "GetDeploymentsResponse",
        "<GetDeploymentsResult><Anchor>4742,2026-05-26 18:59:26.192</Anchor><Groups>\
         <ServerSyncTargetGroup><TargetGroupID>a0a08746-4dbe-4a37-9adf-9e7652c0b421</TargetGroupID>\
         <Name>All Computers</Name><IsBuiltin>true</IsBuiltin></ServerSyncTargetGroup></Groups><Deployments>\
         <ServerSyncDeployment><UpdateId>4b62aa32-52f6-4c15-b739-1c8e696eb33e</UpdateId>\
         <RevisionNumber>100</RevisionNumber><Action>0</Action><AdminName>EXAMPLE\\admin</AdminName>\
         <Deadline>9999-12-31T23:59:59.9999999</Deadline><IsAssigned>true</IsAssigned>\
         <GoLiveTime>2026-05-24T15:37:08.887</GoLiveTime>\
         <DeploymentGuid>f3df0a2a-4d5a-4ab4-9bd8-9ae1a8ba4d0a</DeploymentGuid>\
         <TargetGroupId>a0a08746-4dbe-4a37-9adf-9e7652c0b421</TargetGroupId><DownloadPriority>1</DownloadPriority>\
         </ServerSyncDeployment></Deployments><DeadDeployments /><HiddenUpdates>\
         <guid>09de7a79-5c09-4f3a-972e-cc1bbb7ca7e4</guid></HiddenUpdates><AcceptedEulas />\
         </GetDeploymentsResult>",
    );
    let response: GetDeploymentsResponse<'_> = answer(&text).expect("a response");
    let result = response.result.as_ref().expect("a result");
    let group = &result.groups.as_ref().expect("groups")[0];
    assert_eq!((group.parent_group_id, group.is_builtin), (None, Some(true)));
    let deployment = &result.deployments.as_ref().expect("deployments")[0];
    assert_eq!(deployment.deadline, Some(DateTime::NEVER));
    assert_eq!((deployment.action, deployment.download_priority), (Some(0), Some(1)));
    assert_eq!(result.dead_deployments, Some(Vec::new()));
    let hidden = result.hidden_updates.as_ref().expect("hidden updates");
    assert_eq!(hidden, &[Uuid::from_u128(0x09de7a79_5c09_4f3a_972e_cc1bbb7ca7e4)]);
    let written = flatten(crate::wire::soap::respond(SoapVersion::V11, &response));
    assert_eq!(written, text.replace("08.887<", "08.887Z<"), "a time has a zone, never has none");
}

#[test]
fn an_older_server_leaves_out_what_newer_ones_add() {
    let text = message(
        "GetConfigDataResponse",
        "<GetConfigDataResult><CatalogOnlySync>true</CatalogOnlySync><LazySync>true</LazySync>\
         <MaxNumberOfUpdatesPerRequest>100</MaxNumberOfUpdatesPerRequest></GetConfigDataResult>",
    );
    let response: GetConfigDataResponse<'_> = answer(&text).expect("a response");
    let config = response.result.expect("a configuration");
    assert_eq!(config.max_number_of_updates_per_request, Some(100));
    assert_eq!(config.max_updates_per_request_in_get_update_decryption_data, None);
    assert_eq!(config.language_update_list, None);
}

#[test]
fn every_rollup_has_the_prescribed_cookie() {
    let request = GetRollupConfigurationRequest { cookie: Some(cookie()) };
    let content = COOKIE.split_once("<clientTime>").expect("a cookie").0;
    assert_eq!(
        flatten(call(SoapVersion::V11, &request)),
        message("GetRollupConfiguration", content)
    );
}
