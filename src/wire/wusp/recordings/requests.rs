//! What agents sent means what was recorded.

use uuid::Uuid;

use crate::corpus;
use crate::wire::operation::{Operation, Service};
use crate::wire::recorded::Recorded;
use crate::wire::request::{AgentRequest, Request};
use crate::wire::soap::{Envelope, SoapVersion, open};
use crate::wire::types::RevisionId;
use crate::wire::wusp::client::{Device, SyncUpdateParameters};
use crate::wire::wusp::types::XmlUpdateFragmentType;

use super::file;

fn read(envelope: Envelope<'_>) -> AgentRequest<'_> {
    match Request::read(envelope) {
        Ok(Request::Agent(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// The recorded request, given to `check`; nothing without recordings.
fn with(name: &str, service: Service, check: impl FnOnce(AgentRequest<'_>)) {
    let Some(body) = file(&format!("{name}/request.body")) else { return };
    let envelope = open(&body, service, None).expect("an envelope");
    check(read(envelope));
}

fn with_scan(name: &str, check: impl FnOnce(SyncUpdateParameters<'_>)) {
    with(name, Service::Client, |request| {
        let AgentRequest::SyncUpdates(request) = request else { panic!("{request:?}") };
        assert!(request.cookie.is_some_and(|it| it.encrypted_data.is_some()));
        check(request.parameters.expect("parameters"));
    });
}

fn count<T>(list: &Option<Vec<T>>) -> Option<usize> {
    list.as_ref().map(Vec::len)
}

#[test]
fn an_agents_registration() {
    with("agent-scan/000003", Service::Client, |request| {
        let AgentRequest::GetCookie(request) = request else { panic!("{request:?}") };
        assert_eq!(
            request.last_change.map(|it| it.to_string()).as_deref(),
            Some("2026-10-04T13:17:07.59Z")
        );
        let cookies = request.auth_cookies.expect("cookies");
        assert_eq!(cookies[0].plug_in_id.as_deref(), Some("SimpleTargeting"));
        assert_eq!(cookies[0].cookie_data.as_ref().map(Vec::len), Some(496));
        let old = request.old_cookie.expect("an old cookie");
        assert!(old.expiration.is_some() && old.encrypted_data.is_none());
        assert_eq!(request.protocol_version.as_deref(), Some("2.90"));
    });
    with("agent-scan/000004", Service::Client, |request| {
        let AgentRequest::RegisterComputer(request) = request else { panic!("{request:?}") };
        let computer = request.computer_info.expect("a computer");
        assert_eq!(computer.os_build_number, Some(26200));
        assert_eq!(computer.processor_architecture.as_deref(), Some("AMD64"));
        assert_eq!(computer.client_version_build_number, Some(30012));
        assert_eq!(computer.mobile_operator.as_deref(), Some("Not Present"));
    });
    with("agent-scan/000005", Service::Client, |request| {
        let AgentRequest::StartCategoryScan(request) = request else { panic!("{request:?}") };
        let categories = request.requested_categories.expect("categories");
        assert_eq!(categories[0].index_of_and_group, 0);
        assert_eq!(categories[0].category_id, oobe());
    });
}

/// The category that a new computer scans for first.
fn oobe() -> Uuid {
    Uuid::from_u128(0xdd78b8a1_0b20_45c1_add6_4da72e9364cf)
}

#[test]
fn an_agents_software_scans() {
    with_scan("agent-scan/000006", |scan| {
        assert_eq!(scan.installed_non_leaf_update_ids, None);
        assert_eq!(scan.other_cached_update_ids, None);
        assert_eq!(scan.filter_category_ids, Some(vec![oobe()]));
        assert_eq!(scan.also_perform_regular_sync, Some(false));
        assert_eq!(scan.skip_software_sync, Some(false));
        let products = scan.products_parameters.expect("products parameters");
        assert!(products.device_attributes.is_some_and(|it| it.contains("TPMVersion=2")));
        assert_eq!(scan.computer_spec.map(|it| it.hardware_ids), Some(None));
    });
    with_scan("agent-scan/000008", |scan| {
        let installed = Some(vec![RevisionId(108_226), RevisionId(108_231)]);
        assert_eq!(scan.installed_non_leaf_update_ids, installed);
    });
    with_scan("agent-flow/000001", |scan| {
        assert_eq!(count(&scan.installed_non_leaf_update_ids), Some(87));
        assert_eq!(count(&scan.other_cached_update_ids), Some(1029));
    });
    with_scan("client-basic/000141", |scan| {
        assert_eq!(count(&scan.installed_non_leaf_update_ids), Some(401));
        assert_eq!(count(&scan.other_cached_update_ids), Some(3679));
    });
}

#[test]
fn an_agents_driver_scans() {
    for (name, devices) in [("agent-scan/000009", 70), ("agent-flow/000014", 75)] {
        with_scan(name, |scan| {
            assert_eq!(scan.skip_software_sync, Some(true));
            assert_eq!(scan.other_cached_update_ids, None);
            assert_eq!(scan.feature_score_matching_key.as_deref(), Some("AMD64.10.0"));
            assert_eq!(count(&scan.computer_spec.and_then(|it| it.hardware_ids)), Some(6));
            let spec = scan.system_spec.expect("devices");
            assert_eq!(spec.len(), devices);
            check_devices(&spec);
        });
    }
}

fn check_devices(devices: &[Device<'_>]) {
    let printer = devices[0].installed_driver.as_ref().expect("a driver");
    assert_eq!(devices[0].device_flags, Some(1));
    assert_eq!(printer.class.as_deref(), Some("Printer"));
    assert_eq!(printer.driver_ver_version, Some((10 << 48) | (26_100 << 16) | 8036));
    assert_eq!(printer.matching_computer_hwid, None, "it is nil");
    assert_eq!(printer.driver_rank, Some(-1));
    let extensions: Vec<_> =
        devices.iter().filter_map(|it| it.extension_drivers.as_ref()).flatten().collect();
    assert_eq!(extensions.len(), 1);
    assert_eq!(
        extensions[0].extension_id.as_deref(),
        Some("{96BEDF2C-18CB-4A15-B821-5E95ED0FEA61}")
    );
    let with_ampersand = |device: &Device<'_>| {
        let ids = device.hardware_ids.iter().flatten();
        ids.into_iter().any(|id| id == r"ACPI\VEN_PNP&DEV_0400")
    };
    assert!(devices.iter().any(with_ampersand));
}

#[test]
fn an_agent_asks_for_more() {
    with("agent-scan/000010", Service::Client, |request| {
        let AgentRequest::GetExtendedUpdateInfo(request) = request else { panic!("{request:?}") };
        assert_eq!(
            request.revision_ids,
            Some(vec![RevisionId(72_571), RevisionId(108_226), RevisionId(108_231)])
        );
        assert_eq!(
            request.info_types,
            Some(vec![XmlUpdateFragmentType::Extended, XmlUpdateFragmentType::LocalizedProperties])
        );
        assert_eq!(request.locales, Some(vec!["en-US".into(), "en".into()]));
        assert_eq!(request.geo_id.as_deref(), Some("USA"));
        assert!(request.device_attributes.is_some());
    });
}

#[test]
fn an_agents_reports() {
    let recorded: [(&str, &[i32]); 4] = [
        ("agent-flow/000016", &[147, 148, 148, 148]),
        ("agent-flow/000017", &[148, 148, 147, 156, 147, 156, 161, 161, 181]),
        ("agent-flow/000018", &[182, 182]),
        ("agent-requests/000232", &[147, 156, 167, 162, 181]),
    ];
    for (name, ids) in recorded {
        with(name, Service::Reporting, |request| {
            let AgentRequest::ReportEventBatch(request) = request else { panic!("{request:?}") };
            let events = request.event_batch.expect("events");
            let found: Vec<_> =
                events.iter().filter_map(|event| event.basic_data.as_ref()?.event_id).collect();
            assert_eq!(found, ids, "{name}");
            for event in events {
                let (basic, extended) = (event.basic_data.expect("basic"), event.extended_data);
                assert!(basic.target_id.is_some_and(|it| it.sid.is_some()));
                assert!(basic.event_instance_id.is_some() && basic.update_id.is_some());
                let extended = extended.expect("extended");
                assert_eq!(extended.os_version.and_then(|it| it.build), Some(26_200));
                assert!(extended.misc_data.is_some_and(|it| it.len() > 20));
            }
        });
    }
    with("agent-flow/000018", Service::Reporting, |request| {
        let AgentRequest::ReportEventBatch(request) = request else { panic!("{request:?}") };
        let events = request.event_batch.expect("events");
        let failed = events[1].basic_data.as_ref().expect("basic");
        assert_eq!(failed.win32_hresult, Some(-2_145_099_769));
        assert_eq!(failed.update_id.map(|it| it.revision_number), Some(200));
        let texts = events[1].extended_data.as_ref().and_then(|it| it.replacement_strings.as_ref());
        assert_eq!(texts.map(|it| &*it[0]), Some("0x80246007"));
        let process = "AppName=<<PROCESS>>: powershell.exe";
        let misc = events[0].extended_data.as_ref().and_then(|it| it.misc_data.as_ref());
        assert!(misc.is_some_and(|it| it.iter().any(|it| it == process)));
    });
}

#[test]
fn a_store_clients_requests_are_named_by_their_body() {
    for (name, operation) in [
        ("GetCookie", Operation::GetCookie),
        ("WUIDRequest", Operation::SyncUpdates),
        ("FE3FileUrl", Operation::GetExtendedUpdateInfo2),
    ] {
        let Some(template) = file(&format!("store-client-requests/{name}.xml")) else { return };
        let guid = oobe().to_string();
        let (zero, one) = match operation {
            Operation::GetExtendedUpdateInfo2 => (&*guid, "1"),
            _ => ("AAAA", &*guid),
        };
        let body = template.replace("{0}", zero).replace("{1}", one).replace("{2}", "");
        let envelope = open(&body, Service::Client, None).expect("an envelope");
        assert_eq!((envelope.version, envelope.operation), (SoapVersion::V12, operation));
        match read(envelope) {
            AgentRequest::GetCookie(request) => {
                assert_eq!(request.old_cookie, Some(Default::default()), "it is empty");
            }
            AgentRequest::SyncUpdates(request) => {
                let scan = request.parameters.expect("parameters");
                let installed = count(&scan.installed_non_leaf_update_ids);
                let cached = count(&scan.other_cached_update_ids);
                assert_eq!(installed.zip(cached), Some((56, 556)));
            }
            AgentRequest::GetExtendedUpdateInfo2(request) => {
                let types = request.info_types.expect("types");
                assert_eq!(types[0], XmlUpdateFragmentType::FileUrl);
                assert_eq!(request.update_ids.map(|it| it[0].update_id), Some(oobe()));
                assert_eq!(request.cookie, None);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_cookie_in_another_services_namespace_is_read() {
    let Some(corpus) = corpus::path() else { return };
    let recorded = Recorded::load(&corpus.join("other-stacks/zeep/011_ReportEventBatch.http"));
    let envelope = open(&recorded.body, Service::Reporting, None).expect("an envelope");
    let AgentRequest::ReportEventBatch(request) = read(envelope) else { panic!() };
    let cookie = request.cookie.expect("a cookie");
    assert_eq!(cookie.encrypted_data.as_deref(), Some(&[8, 9, 10, 11][..]));
    let time = request.client_time.map(|it| it.to_string());
    assert_eq!(time.as_deref(), Some("2026-11-22T14:25:21.682802Z"));
}
