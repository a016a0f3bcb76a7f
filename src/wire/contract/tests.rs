//! Contract and messages, held together.

use std::borrow::Cow;

use bytes::Bytes;
use roxmltree::{Document, Node};
use uuid::Uuid;

use super::sample::{Contract, Schema, request, response};
use super::*;
use crate::wire::body::{BodyWriter, Prepared};
use crate::wire::operation::Operation;
use crate::wire::request::Request;
use crate::wire::soap::read::UNKNOWN;
use crate::wire::soap::{SoapVersion, open, respond};
use crate::wire::time::DateTime;
use crate::wire::types::{RevisionId, Sha1, UpdateIdentity};
use crate::wire::wsusss::both_ways::{rewrite_request, rewrite_response};
use crate::wire::wusp::client::*;
use crate::wire::wusp::reporting::*;
use crate::wire::wusp::simple_auth::GetAuthorizationCookieResponse;
use crate::wire::wusp::types::{Deployment, DeploymentAction, FileLocation, IssuedCookie};

#[test]
fn everything_a_contract_lets_a_client_send_is_read() {
    for &operation in Operation::ALL {
        for version in [SoapVersion::V11, SoapVersion::V12] {
            let text = request(operation, version);
            UNKNOWN.take();
            let envelope = open(&text, operation.service(), Some(operation)).expect("an envelope");
            assert_eq!(envelope.version, version);
            let read = Request::read(envelope).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(UNKNOWN.take(), Vec::<String>::new(), "unread in {operation:?}");
            // And the other way round: there is no field that no contract mentions.
            let debug = format!("{read:?}");
            assert!(!debug.contains("None"), "not in the contract of {operation:?}: {debug}");
            // Servers' requests are also sent.
            if let Request::Server(read) = read {
                obey(operation, operation.name(), &rewrite_request(version, &read));
            }
        }
    }
}

#[test]
fn everything_a_contract_lets_a_server_answer_is_read_and_written() {
    let of_servers = |it: &&Operation| rewrite_response(**it, "").is_some();
    for &operation in Operation::ALL.iter().filter(of_servers) {
        for version in [SoapVersion::V11, SoapVersion::V12] {
            UNKNOWN.take();
            let text = response(operation, version);
            let reread = rewrite_response(operation, &text)
                .expect("a server's operation")
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(UNKNOWN.take(), Vec::<String>::new(), "unread of {operation:?}");
            let debug = reread.debug;
            assert!(!debug.contains("None"), "not in the contract of {operation:?}: {debug}");
            obey(operation, &format!("{}Response", operation.name()), &reread.text);
        }
    }
}

#[test]
fn everything_written_obeys_the_contract() {
    for &operation in Operation::ALL {
        if let Some(response) = maximal_response(operation) {
            obey(operation, &format!("{}Response", operation.name()), &flatten(response));
        }
    }
}

/// Fails unless the element `name` in the envelope `text` is as the contract has it.
fn obey(operation: Operation, name: &str, text: &str) {
    let document = Document::parse(text).expect("a message is XML");
    let message = document
        .descendants()
        .find(|node| node.tag_name().name() == name)
        .expect("a message has its element");
    let namespace = operation.namespace();
    let contract = Contract::parse(super::text(operation.service()));
    let schema = Schema::new(&contract.0, namespace);
    check(&schema, message, schema.element(name), namespace);
}

/// Fails unless the children of `node` are those of the complex type `of`, in its order.
fn check<'c>(schema: &Schema<'c>, node: Node<'_, '_>, of: Node<'c, 'static>, namespace: &str) {
    let parent = node.tag_name().name();
    let attributes = schema.attributes(of);
    for attribute in node.attributes().filter(|it| it.namespace().is_none()) {
        let known = attributes.iter().find(|it| it.name == attribute.name());
        let known = known.unwrap_or_else(|| panic!("{parent} has a {}", attribute.name()));
        check_value(schema, attribute.name(), attribute.value(), known.kind);
    }
    for attribute in attributes.iter().filter(|it| it.required) {
        assert!(node.has_attribute(attribute.name), "{parent} lacks {}", attribute.name);
    }
    let mut children = node.children().filter(Node::is_element).peekable();
    for field in schema.fields(of) {
        let mut count = 0;
        while let Some(child) = children.next_if(|it| it.has_tag_name((namespace, field.name))) {
            count += 1;
            match schema.complex(field.kind) {
                Some(complex) => check(schema, child, complex, namespace),
                None => {
                    check_value(schema, field.name, child.text().unwrap_or_default(), field.kind);
                }
            }
        }
        assert!(count > 0 || !field.required, "{parent} lacks {}", field.name);
        assert!(count < 2 || field.repeats, "{parent} repeats {}", field.name);
    }
    let rest: Vec<_> = children.map(|child| child.tag_name().name()).collect();
    assert!(rest.is_empty(), "not in the contract of {parent}, or out of order: {rest:?}");
}

fn check_value(schema: &Schema<'_>, name: &str, text: &str, kind: &str) {
    let valid = match kind {
        "xs:string" | "xs:base64Binary" => true,
        "xs:boolean" => matches!(text, "true" | "false"),
        "xs:int" => text.parse::<i32>().is_ok(),
        "xs:short" => text.parse::<i16>().is_ok(),
        "xs:unsignedByte" => text.parse::<u8>().is_ok(),
        "xs:dateTime" => text.parse::<DateTime>().is_ok() && text.contains('T'),
        "types:guid" => text.len() == 36 && Uuid::parse_str(text).is_ok(),
        other => schema.enumeration(other).is_some_and(|values| values.contains(&text)),
    };
    assert!(valid, "{name}: '{text}' is no {kind}");
}

fn flatten(body: BodyWriter) -> String {
    let bytes: Vec<u8> = body.finish().iter().flat_map(|it| it.bytes().expect("whole")).collect();
    String::from_utf8(bytes).expect("a response is UTF-8")
}

/// A response that has everything the server can write, of the operations of agents.
fn maximal_response(operation: Operation) -> Option<BodyWriter> {
    let now: DateTime = "2026-10-04T13:17:07.59Z".parse().expect("a time");
    let cookie = IssuedCookie { expiration: now, encrypted_data: &[1, 2, 3] };
    let id = RevisionId(7);
    let ids = [id, RevisionId(8)];
    let guids = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let xml = Prepared::Escaped(Bytes::from_static(b"&lt;x/&gt;"));
    let deployment = Deployment {
        id: 1,
        action: DeploymentAction::Install,
        deadline: Some(now),
        is_assigned: true,
        last_change_time: now,
        download_priority: Some("1"),
        hardware_ids: &["pci\\ven_8086", "<&>"],
        auto_select: Some(0),
        auto_download: Some(0),
        supersedence_behavior: Some(0),
        flag_bitmask: Some(0),
    };
    let update = UpdateInfo { id, deployment, is_leaf: true, xml: Some(&xml) };
    let sync_info = SyncInfo {
        new_updates: &[update, update],
        out_of_scope_revision_ids: &ids,
        changed_updates: &[UpdateInfo { xml: None, ..update }],
        truncated: false,
        new_cookie: Some(cookie),
        deployed_out_of_scope_revision_ids: &ids,
        driver_sync_not_needed: Some(true),
    };
    let property = ConfigurationProperty { name: "ProtocolVersion", value: Cow::Borrowed("3.2") };
    let config = Config {
        last_change: now,
        is_registration_required: true,
        auth_info: &[AuthPlugInInfo {
            plug_in_id: "SimpleTargeting",
            service_url: "SimpleAuthWebService/SimpleAuth.asmx",
            parameter: "",
        }],
        allowed_event_ids: Some(&[147, 156]),
        properties: &[property.clone(), property],
    };
    let location = FileLocation {
        file_digest: Sha1([1; 20]),
        url: Cow::Borrowed("http://localhost/Content/01/01.cab?a=1&b=2"),
        file_digest_algorithm: Some("SHA1"),
    };
    let locations = [location.clone(), location];
    let extended_update_info = ExtendedUpdateInfo {
        updates: &[UpdateData { id, xml: &xml }],
        file_locations: &locations,
        out_of_scope_revision_ids: &ids,
    };
    let global_id = UpdateIdentity { update_id: guids[0], revision_number: 200 };
    let rows = [RefreshCacheResult { revision_id: id, global_id, is_leaf: false, deployment }];
    let v = SoapVersion::V11;
    Some(match operation {
        Operation::GetConfig => respond(v, &GetConfigResponse(config)),
        Operation::GetConfig2 => respond(v, &GetConfig2Response(config)),
        Operation::GetCookie => respond(v, &GetCookieResponse(cookie)),
        Operation::RegisterComputer => respond(v, &RegisterComputerResponse),
        Operation::StartCategoryScan => respond(
            v,
            &StartCategoryScanResponse {
                preferred_category_ids: &guids,
                requested_category_ids_in_error: &guids,
            },
        ),
        Operation::SyncUpdates => respond(v, &SyncUpdatesResponse(sync_info)),
        Operation::SyncPrinterCatalog => respond(v, &SyncPrinterCatalogResponse(sync_info)),
        Operation::RefreshCache => respond(v, &RefreshCacheResponse(&rows)),
        Operation::GetExtendedUpdateInfo => {
            respond(v, &GetExtendedUpdateInfoResponse(extended_update_info))
        }
        Operation::GetExtendedUpdateInfo2 => {
            respond(v, &GetExtendedUpdateInfo2Response(extended_update_info))
        }
        Operation::GetFileLocations => {
            respond(v, &GetFileLocationsResponse { file_locations: &locations, new_cookie: cookie })
        }
        Operation::GetTimestamps => respond(v, &GetTimestampsResponse),
        Operation::GetAuthorizationCookie => respond(
            v,
            &GetAuthorizationCookieResponse {
                plug_in_id: "SimpleTargeting",
                cookie_data: &[1, 2, 3],
            },
        ),
        Operation::ReportEventBatch => respond(v, &ReportEventBatchResponse(true)),
        Operation::ReportEventBatch2 => respond(v, &ReportEventBatch2Response(true)),
        Operation::GetRequiredInventoryType => respond(v, &GetRequiredInventoryTypeResponse(0)),
        Operation::ReportInventory => respond(v, &ReportInventoryResponse(true)),
        // Those of servers are read too, and tested both ways.
        of_servers => {
            assert!(rewrite_response(of_servers, "").is_some(), "{of_servers:?}");
            return None;
        }
    })
}

#[test]
fn every_operation_is_bound_to_both_versions_under_its_action() {
    for &operation in Operation::ALL {
        let contract = Contract::parse(super::text(operation.service()));
        for soap in
            ["http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/"]
        {
            let bound = contract.0.descendants().any(|node| {
                node.has_tag_name((soap, "operation"))
                    && node.attribute("soapAction") == Some(&operation.action())
            });
            assert!(bound, "{operation:?} in {soap}");
        }
    }
}

#[test]
fn the_address_is_the_servers() {
    for service in Service::ALL {
        let served = wsdl(service, "https://updates.example.org:8531/a&b/");
        let document = Document::parse(&served).expect("a contract is XML");
        let locations: Vec<_> = document
            .descendants()
            .filter(|node| node.tag_name().name() == "address")
            .filter_map(|node| node.attribute("location"))
            .collect();
        assert_eq!(locations.len(), 2);
        for location in locations {
            let path = location
                .strip_prefix("https://updates.example.org:8531/a&b")
                .unwrap_or_else(|| panic!("{location}"));
            assert_eq!(Service::from_path(path), Some(service));
        }
    }
}
