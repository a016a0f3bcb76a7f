//! Every request that an agent was recorded to send is written again from its values.

use roxmltree::{Document, Node};
use uuid::Uuid;

use super::*;
use crate::conformance::head::RequestHead;
use crate::corpus;
use crate::fleet::agent::requests;
use crate::wire::operation::Service;
use crate::wire::types::UpdateIdentity;

/// The only child called `name`.
fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    child(node, name).and_then(|node| node.text()).unwrap_or_default()
}

fn value<T: std::str::FromStr>(node: Node<'_, '_>, name: &str) -> T {
    let text = text(node, name);
    text.parse().unwrap_or_else(|_| panic!("{name}: '{text}'"))
}

/// The texts of a list's entries.
fn list<'a>(node: Node<'a, '_>, name: &str) -> Vec<&'a str> {
    let entries = child(node, name).into_iter().flat_map(|list| list.children());
    entries.map(|entry| entry.text().unwrap_or_default()).collect()
}

fn numbers(node: Node<'_, '_>, name: &str) -> Vec<u32> {
    list(node, name).into_iter().map(|id| id.parse().expect("a number")).collect()
}

fn guids(node: Node<'_, '_>, name: &str) -> Vec<Uuid> {
    list(node, name).into_iter().map(|id| id.parse().expect("a GUID")).collect()
}

fn cookie_of(node: Node<'_, '_>, name: &str) -> Cookie {
    let cookie = child(node, name).expect("a cookie");
    Cookie {
        expiration: text(cookie, "Expiration").to_owned(),
        encrypted_data: text(cookie, "EncryptedData").to_owned(),
    }
}

/// Writes the recorded request again.
fn again(request: Node<'_, '_>) -> Vec<u8> {
    match request.tag_name().name() {
        "GetConfig" => config(),
        "GetAuthorizationCookie" => {
            let group = child(request, "targetGroupName").and_then(|node| node.text());
            authorization_cookie(text(request, "clientId"), group, text(request, "dnsName"))
        }
        "GetCookie" => {
            let authorization = child(request, "authCookies").expect("cookies").first_child();
            let authorization = authorization.expect("a cookie");
            requests::cookie(
                text(authorization, "PlugInId"),
                text(authorization, "CookieData"),
                &cookie_of(request, "oldCookie"),
                text(request, "lastChange"),
                text(request, "currentTime"),
            )
        }
        "RegisterComputer" => {
            let info = child(request, "computerInfo").expect("a computer");
            register(&cookie_of(request, "cookie"), text(info, "DnsName"), &registration(info))
        }
        "StartCategoryScan" => {
            let categories = child(request, "requestedCategories").expect("categories");
            let category = |node| Category {
                group: value(node, "IndexOfAndGroup"),
                id: value(node, "CategoryId"),
            };
            start_category_scan(&categories.children().map(category).collect::<Vec<_>>())
        }
        "SyncUpdates" => sync_updates(request),
        "GetExtendedUpdateInfo" => {
            let locales = list(request, "locales").into_iter().map(str::to_owned);
            Question {
                cookie: &cookie_of(request, "cookie"),
                revision_ids: &numbers(request, "revisionIDs"),
                locales: &locales.collect::<Vec<_>>(),
                device_attributes: text(request, "deviceAttributes"),
                geo_id: text(request, "GeoId"),
                caller_attributes: text(request, "callerAttributes"),
            }
            .write()
        }
        "ReportEventBatch" => report(request),
        other => panic!("{other}"),
    }
}

fn registration(info: Node<'_, '_>) -> Registration {
    let version = |part: &str| value(info, &format!("ClientVersion{part}Number"));
    Registration {
        os_version: (
            value(info, "OSMajorVersion"),
            value(info, "OSMinorVersion"),
            value(info, "OSBuildNumber"),
        ),
        service_pack: (
            value(info, "OSServicePackMajorNumber"),
            value(info, "OSServicePackMinorNumber"),
        ),
        os_locale: text(info, "OSLocale").to_owned(),
        manufacturer: text(info, "ComputerManufacturer").to_owned(),
        model: text(info, "ComputerModel").to_owned(),
        bios_version: text(info, "BiosVersion").to_owned(),
        bios_name: text(info, "BiosName").to_owned(),
        bios_release_date: text(info, "BiosReleaseDate").to_owned(),
        processor_architecture: text(info, "ProcessorArchitecture").to_owned(),
        suite_mask: value(info, "SuiteMask"),
        old_product_type: value(info, "OldProductType"),
        new_product_type: value(info, "NewProductType"),
        client_version: ["Major", "Minor", "Build", "Qfe"].map(version),
        os_description: text(info, "OSDescription").to_owned(),
    }
}

fn sync_updates(request: Node<'_, '_>) -> Vec<u8> {
    let parameters = child(request, "parameters").expect("parameters");
    let products = child(parameters, "ProductsParameters").expect("products");
    let filter = child(parameters, "FilterCategoryIds").into_iter().flat_map(|it| it.children());
    let filter: Vec<Uuid> = filter.map(|identifier| value(identifier, "Id")).collect();
    let other = numbers(parameters, "OtherCachedUpdateIDs");
    let cached_drivers = numbers(parameters, "CachedDriverIDs");
    let computer = child(parameters, "ComputerSpec").expect("a computer");
    let computer_hardware_ids = guids(computer, "HardwareIDs");
    let devices = child(parameters, "SystemSpec").into_iter().flat_map(|spec| spec.children());
    let devices: Vec<Device<'_>> = devices.map(device).collect();
    let system_spec = system_spec(&devices);
    let pass = match value(parameters, "SkipSoftwareSync") {
        false => Pass::Software(SoftwarePass { other: &other, filter: &filter }),
        true => Pass::Drivers(DriverPass {
            system_spec: &system_spec,
            cached_drivers: &cached_drivers,
            filter: &filter,
            computer_hardware_ids: &computer_hardware_ids,
            feature_score_matching_key: text(parameters, "FeatureScoreMatchingKey"),
        }),
    };
    let installed_non_leaf = &numbers(parameters, "InstalledNonLeafUpdateIDs");
    SyncUpdates {
        cookie: &cookie_of(request, "cookie"),
        cached: Cached { installed_non_leaf, pass },
        also_perform_regular_sync: value(parameters, "AlsoPerformRegularSync"),
        device_attributes: text(products, "DeviceAttributes"),
        caller_attributes: text(products, "CallerAttributes"),
        products: text(products, "Products"),
    }
    .write()
}

fn device<'a>(node: Node<'a, '_>) -> Device<'a> {
    let driver = child(node, "installedDriver").expect("a driver");
    let optional = |name| child(driver, name).and_then(|node| node.text());
    let printer = optional("Manufacturer").map(|manufacturer| Printer {
        manufacturer,
        provider: text(driver, "Provider"),
        model: text(driver, "Model"),
    });
    let extensions = child(node, "extensionDrivers").into_iter().flat_map(|it| it.children());
    Device {
        hardware_ids: list(node, "HardwareIDs"),
        compatible_ids: list(node, "CompatibleIDs"),
        driver: InstalledDriver {
            matching_id: optional("MatchingID"),
            date: text(driver, "DriverVerDate"),
            version: value(driver, "DriverVerVersion"),
            class: optional("Class"),
            printer,
            matching_computer_hwid: optional("MatchingComputerHWID").map(|id| id.parse().unwrap()),
            rank: value(driver, "DriverRank"),
            is_generic: optional("IsGeneric") == Some("true"),
        },
        extensions: extensions
            .map(|node| ExtensionDriver {
                extension_id: text(node, "ExtensionId"),
                date: text(node, "DriverVerDate"),
                version: value(node, "DriverVerVersion"),
                class: text(node, "Class"),
                rank: value(node, "DriverRank"),
            })
            .collect(),
    }
}

fn report(request: Node<'_, '_>) -> Vec<u8> {
    let batch = child(request, "eventBatch").expect("events");
    let first = batch.first_element_child().expect("an event");
    let (basic, extended) = (child(first, "BasicData"), child(first, "ExtendedData"));
    let (basic, extended) = (basic.expect("data"), extended.expect("data"));
    let version = child(extended, "OSVersion").expect("a version");
    let reporter = Reporter {
        client_id: text(child(basic, "TargetID").expect("a computer"), "Sid"),
        brand: text(extended, "ComputerBrand"),
        model: text(extended, "ComputerModel"),
        bios_revision: text(extended, "BiosRevision"),
        processor_architecture: text(extended, "ProcessorArchitecture"),
        os_version: ["Major", "Minor", "Build", "Revision", "ServicePackMajor", "ServicePackMinor"]
            .map(|name| value(version, name)),
        os_locale_id: value(extended, "OSLocaleID"),
    };
    let events: Vec<Event> = batch.children().map(event).collect();
    let cookie = cookie_of(request, "cookie");
    report_event_batch(&cookie, text(request, "clientTime"), &reporter, &events)
}

fn event(node: Node<'_, '_>) -> Event {
    let basic = child(node, "BasicData").expect("data");
    let extended = child(node, "ExtendedData").expect("data");
    let update = child(basic, "UpdateID").expect("an update");
    let update = UpdateIdentity {
        update_id: value(update, "UpdateID"),
        revision_number: value(update, "RevisionNumber"),
    };
    let texts = |name| list(extended, name).into_iter().map(str::to_owned).collect();
    Event {
        time_at_target: text(basic, "TimeAtTarget").to_owned(),
        instance: value(basic, "EventInstanceID"),
        id: value(basic, "EventID"),
        update: (!update.update_id.is_nil()).then_some(update),
        result: value(basic, "Win32HResult"),
        app_name: child(basic, "AppName").and_then(|node| node.text()).map(str::to_owned),
        replacement_strings: texts("ReplacementStrings"),
        misc_data: texts("MiscData"),
    }
}

#[test]
fn every_recorded_request_is_written_again_byte_for_byte() {
    let Some(corpus) = corpus::path() else { return };
    let mut written = 0;
    for folder in ["agent-scan", "agent-flow", "agent-requests"] {
        for entry in corpus.join(folder).read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            let recorded = std::fs::read_to_string(path.join("request.body")).expect("a body");
            let document = Document::parse(&recorded).expect("XML");
            let body = document.root_element().first_element_child().expect("a body");
            let again = again(body.first_element_child().expect("a request"));
            let again = String::from_utf8(again).expect("UTF-8");
            let differs = again.bytes().zip(recorded.bytes()).position(|(a, b)| a != b);
            let at = differs.unwrap_or(again.len().min(recorded.len())).saturating_sub(80);
            let around = |text: &str| text.chars().skip(at).take(200).collect::<String>();
            assert!(
                again == recorded,
                "{}:\n{}\n{}",
                path.display(),
                around(&again),
                around(&recorded)
            );
            check_head(&path.join("request.headers"), again.len());
            written += 1;
        }
    }
    assert_eq!(written, 24);
}

/// Compares a head with the recorded one, apart from what names a session and a host.
fn check_head(path: &std::path::Path, length: usize) {
    let recorded = std::fs::read_to_string(path).expect("a head");
    let recorded = RequestHead::parse(&recorded).expect("a head");
    let service = Service::from_path(&recorded.target).expect("a service");
    let name = recorded.operation();
    let operation = Operation::from_name(service, &name).expect("an operation");
    let agency = Agency {
        version: "1507.2601.30012.0".to_owned(),
        correlation: Some("me4WAo5lqUCG/53V".to_owned()),
    };
    let mut own = soap(&agency, operation, 1).headers;
    let mut recorded = recorded.headers;
    own.set("Content-Length", length.to_string());
    for headers in [&mut own, &mut recorded] {
        headers.set("Host", "weir.example".to_owned());
        if headers.value("MS-CV").is_some() {
            headers.set("MS-CV", "a.1".to_owned());
        }
    }
    assert_eq!(own, recorded, "{}", path.display());
}

#[test]
fn a_range_is_asked_for_as_recorded() {
    let Some(folder) = corpus::folder("content-ranges") else { return };
    let recorded = std::fs::read_to_string(folder.join("middle-range/request.headers"));
    let recorded = RequestHead::parse(&recorded.expect("a head")).expect("a head");
    let agency = Agency { version: String::new(), correlation: Some("a".to_owned()) };
    let target = &recorded.target;
    let mut own = content(&agency, target, 102_760_448, 103_809_023, 115);
    own.headers.set("Host", "192.0.2.1:8530".to_owned());
    let correlation = recorded.headers.value("MS-CV").expect("a header").to_owned();
    own.headers.set("MS-CV", correlation);
    assert_eq!(own, recorded);
}
