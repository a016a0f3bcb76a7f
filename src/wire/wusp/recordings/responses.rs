//! Given the values of a recorded response, the same bytes are written.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use roxmltree::{Document, Node};
use uuid::Uuid;

use crate::wire::body::{BodyWriter, Prepared};
use crate::wire::fault::{ErrorCode, Fault};
use crate::wire::operation::EnvelopeStyle;
use crate::wire::soap::{Response, SoapVersion, respond};
use crate::wire::time::DateTime;
use crate::wire::types::{RevisionId, Sha1};
use crate::wire::wusp::client::*;
use crate::wire::wusp::reporting::ReportEventBatchResponse;
use crate::wire::wusp::simple_auth::GetAuthorizationCookieResponse;
use crate::wire::wusp::types::{Deployment, DeploymentAction, FileLocation, IssuedCookie};
use crate::wire::xml::escape_text;

use super::file;

fn flatten(body: BodyWriter) -> String {
    let bytes: Vec<u8> = body.finish().iter().flat_map(|it| it.bytes().expect("whole")).collect();
    String::from_utf8(bytes).expect("a response is UTF-8")
}

/// Fails unless `response` is written as `name` was recorded.
fn compare<R: Response>(name: &str, response: &R) {
    if let Some(recorded) = file(&format!("{name}/response.body")) {
        assert_eq!(flatten(respond(SoapVersion::V11, response)), recorded, "{name}");
    }
}

fn time(text: &str) -> DateTime {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_handshake() {
    let property = |name, value| ConfigurationProperty { name, value: Cow::Borrowed(value) };
    let config = Config {
        last_change: time("2026-10-04T13:17:07.59Z"),
        is_registration_required: true,
        auth_info: &[AuthPlugInInfo {
            plug_in_id: "SimpleTargeting",
            service_url: "SimpleAuthWebService/SimpleAuth.asmx",
            parameter: "",
        }],
        allowed_event_ids: None,
        properties: &[
            property("MaxExtendedUpdatesPerRequest", "50"),
            property("PackageServerShare", r"\\REDACTED2\UpdateServicesPackages"),
            property("ProtocolVersion", "3.2"),
            property("IsInventoryRequired", "0"),
            property("ClientReportingLevel", "2"),
        ],
    };
    compare("agent-scan/000001", &GetConfigResponse(config));
    compare(
        "agent-scan/000002",
        &GetAuthorizationCookieResponse { plug_in_id: "SimpleTargeting", cookie_data: &[0; 496] },
    );
    compare(
        "agent-scan/000003",
        &GetCookieResponse(IssuedCookie {
            expiration: time("2026-10-04T16:03:35.9967236Z"),
            encrypted_data: &[0; 224],
        }),
    );
    compare("agent-scan/000004", &RegisterComputerResponse);
    let category = Uuid::from_u128(0xdd78b8a1_0b20_45c1_add6_4da72e9364cf);
    compare(
        "agent-scan/000005",
        &StartCategoryScanResponse {
            preferred_category_ids: &[category],
            requested_category_ids_in_error: &[],
        },
    );
    compare("agent-flow/000018", &ReportEventBatchResponse(true));
}

#[test]
fn scans() {
    for name in [
        "agent-scan/000006",
        "agent-scan/000007",
        "agent-scan/000008",
        "agent-scan/000009",
        "agent-flow/000001",
        "agent-flow/000012",
        "agent-flow/000014",
        "client-basic/000005",
    ] {
        let Some(recorded) = file(&format!("{name}/response.body")) else { return };
        let document = Document::parse(&recorded).expect("XML");
        let result = find(document.root(), "SyncUpdatesResult");
        let updates = children(result, "NewUpdates");
        let fragments: Vec<_> = updates.iter().map(|it| prepared(*it)).collect();
        let new_updates: Vec<_> = updates
            .iter()
            .zip(&fragments)
            .map(|(update, xml)| UpdateInfo {
                id: RevisionId(value(*update, "ID")),
                deployment: deployment(find(*update, "Deployment")),
                is_leaf: value(*update, "IsLeaf"),
                xml: Some(xml),
            })
            .collect();
        let out_of_scope = revision_ids(result, "OutOfScopeRevisionIDs");
        let cookie = bytes(find(result, "NewCookie"), "EncryptedData");
        let response = SyncUpdatesResponse(SyncInfo {
            new_updates: &new_updates,
            out_of_scope_revision_ids: &out_of_scope,
            changed_updates: &[],
            truncated: value(result, "Truncated"),
            new_cookie: Some(IssuedCookie {
                expiration: value(result, "Expiration"),
                encrypted_data: &cookie,
            }),
            deployed_out_of_scope_revision_ids: &[],
            driver_sync_not_needed: Some(value(result, "DriverSyncNotNeeded")),
        });
        compare(name, &response);
    }
}

#[test]
fn extended_update_info() {
    for name in ["agent-scan/000010", "agent-flow/000015"] {
        let Some(recorded) = file(&format!("{name}/response.body")) else { return };
        let document = Document::parse(&recorded).expect("XML");
        let result = find(document.root(), "GetExtendedUpdateInfoResult");
        let updates = children(result, "Updates");
        let fragments: Vec<_> = updates.iter().map(|it| prepared(*it)).collect();
        let updates: Vec<_> = updates
            .iter()
            .zip(&fragments)
            .map(|(update, xml)| UpdateData { id: RevisionId(value(*update, "ID")), xml })
            .collect();
        let file_locations: Vec<_> = children(result, "FileLocations")
            .into_iter()
            .map(|location| FileLocation {
                file_digest: Sha1(bytes(location, "FileDigest").try_into().expect("20 bytes")),
                url: Cow::Borrowed(leaf(location, "Url")),
                file_digest_algorithm: None,
            })
            .collect();
        compare(
            name,
            &GetExtendedUpdateInfoResponse(ExtendedUpdateInfo {
                updates: &updates,
                file_locations: &file_locations,
                out_of_scope_revision_ids: &[],
            }),
        );
    }
}

#[test]
fn a_fault_differs_only_in_its_more_telling_faultstring() {
    let Some(recorded) = file("client-basic/000141/response.body") else { return };
    let fault = Fault {
        code: ErrorCode::InvalidParameters,
        message: Some("parameters.InstalledNonLeafUpdateIDs".to_owned()),
        id: Uuid::from_u128(0x81418b4e_82c1_48d0_9504_da01db6148ae),
        method: Some(
            "\"http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService/SyncUpdates\""
                .to_owned(),
        ),
        actor: None,
    };
    let recorded = recorded.replace("Fault occurred", "Fault occurred: InvalidParameters");
    assert_eq!(flatten(fault.write(EnvelopeStyle::Wcf, SoapVersion::V11)), recorded);
}

#[test]
fn an_asmx_fault_differs_only_in_its_more_telling_faultstring() {
    for (name, code, message) in [
        ("server-sync/000017", ErrorCode::InternalServerError, None),
        ("server-sync/000018", ErrorCode::InvalidParameters, Some("filter")),
        ("server-sync/000019", ErrorCode::InvalidCookie, None),
    ] {
        let Some(recorded) = file(&format!("{name}/response.body")) else { return };
        let document = Document::parse(&recorded).expect("XML");
        let root = document.root();
        let fault = Fault {
            code,
            message: message.map(str::to_owned),
            id: value(root, "ID"),
            method: Some(leaf(root, "Method").to_owned()),
            actor: Some(leaf(root, "faultactor").to_owned()),
        };
        let telling = format!("Fault occurred: {}", code.name());
        let recorded = recorded.replace("Fault occurred", &telling);
        assert_eq!(flatten(fault.write(EnvelopeStyle::Asmx, SoapVersion::V11)), recorded, "{name}");
    }
}

fn find<'d>(node: Node<'d, 'd>, name: &str) -> Node<'d, 'd> {
    let found = node.descendants().find(|it| it.tag_name().name() == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// The elements in the child `name`; none when there is no such child.
fn children<'d>(node: Node<'d, 'd>, name: &str) -> Vec<Node<'d, 'd>> {
    let parent = node.children().find(|it| it.tag_name().name() == name);
    parent.into_iter().flat_map(|it| it.children()).collect()
}

fn leaf<'d>(node: Node<'d, 'd>, name: &str) -> &'d str {
    find(node, name).text().unwrap_or_default()
}

fn value<T: std::str::FromStr<Err: std::fmt::Debug>>(node: Node<'_, '_>, name: &str) -> T {
    leaf(node, name).parse().expect(name)
}

fn bytes(node: Node<'_, '_>, name: &str) -> Vec<u8> {
    STANDARD.decode(leaf(node, name)).expect("base64")
}

fn revision_ids(node: Node<'_, '_>, name: &str) -> Vec<RevisionId> {
    let ids = children(node, name).into_iter();
    ids.map(|id| RevisionId(id.text().and_then(|it| it.parse().ok()).expect("an id"))).collect()
}

fn prepared(update: Node<'_, '_>) -> Prepared {
    let escaped = escape_text(leaf(update, "Xml")).into_owned();
    Prepared::Escaped(Bytes::from(escaped))
}

fn deployment(node: Node<'_, '_>) -> Deployment<'static> {
    let actions = [
        DeploymentAction::Install,
        DeploymentAction::PreDeploymentCheck,
        DeploymentAction::Evaluate,
        DeploymentAction::Bundle,
    ];
    let action = leaf(node, "Action");
    Deployment {
        id: value(node, "ID"),
        action: actions.into_iter().find(|it| it.name() == action).expect("an action"),
        deadline: None,
        is_assigned: value(node, "IsAssigned"),
        last_change_time: value(node, "LastChangeTime"),
        download_priority: None,
        hardware_ids: &[],
        auto_select: Some(value(node, "AutoSelect")),
        auto_download: Some(value(node, "AutoDownload")),
        supersedence_behavior: Some(value(node, "SupersedenceBehavior")),
        flag_bitmask: None,
    }
}
