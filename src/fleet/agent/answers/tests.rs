//! Recorded answers of a real server pass; what breaks a rule is told by that rule's name.

use super::*;
use crate::corpus;
use crate::fleet::library::Library;

const CLIENT: &str = "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService";

const CATEGORY: &str = "&lt;UpdateIdentity UpdateID=\"56309036-4c77-4dd9-951a-99ee9c246a94\" \
    RevisionNumber=\"101\" /&gt;&lt;Properties UpdateType=\"Category\" /&gt;\
    &lt;ApplicabilityRules&gt;&lt;IsInstalled&gt;&lt;True /&gt;&lt;/IsInstalled&gt;\
    &lt;/ApplicabilityRules&gt;";

/// A response of the client service.
fn response(operation: &str, content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
         <{operation}Response xmlns=\"{CLIENT}\">{content}</{operation}Response>\
         </s:Body></s:Envelope>"
    )
}

/// A good page.
fn page() -> String {
    let content = format!(
        "<SyncUpdatesResult><NewUpdates><UpdateInfo><ID>7</ID><Deployment><ID>3</ID>\
         <Action>Evaluate</Action><IsAssigned>true</IsAssigned>\
         <LastChangeTime>2026-10-04</LastChangeTime><AutoSelect>0</AutoSelect>\
         <AutoDownload>0</AutoDownload><SupersedenceBehavior>0</SupersedenceBehavior>\
         </Deployment><IsLeaf>false</IsLeaf><Xml>{CATEGORY}</Xml></UpdateInfo></NewUpdates>\
         <Truncated>false</Truncated><NewCookie><Expiration>2026-10-04T16:03:35.9967236Z\
         </Expiration><EncryptedData>AAAA</EncryptedData></NewCookie>\
         <DriverSyncNotNeeded>true</DriverSyncNotNeeded></SyncUpdatesResult>"
    );
    response("SyncUpdates", &content)
}

fn read_page(text: &str) -> Result<SyncInfo, Complaint> {
    match open(text, Operation::SyncUpdates) {
        Ok(cursor) => sync_updates(cursor, &Library::default()),
        Err(Unexpected::Complaint(complaint)) => Err(complaint),
        Err(Unexpected::Fault(fault)) => panic!("{fault}"),
    }
}

/// The rule that a page breaks after a change.
fn broken(from: &str, to: &str) -> Rule {
    let page = page();
    assert!(page.contains(from), "{from}");
    read_page(&page.replacen(from, to, 1)).expect_err(from).rule
}

#[test]
fn a_good_page_is_read() {
    let page = read_page(&page()).unwrap();
    let info = &page.new[0];
    assert_eq!((info.id, info.is_leaf), (7, false));
    assert_eq!(info.deployment, Deployment { id: 3, action: Action::Evaluate });
    assert!(!page.truncated && page.changed.is_empty() && page.out_of_scope.is_empty());
    assert_eq!(page.cookie.expiration, "2026-10-04T16:03:35.9967236Z");
}

#[test]
fn a_deployment_has_its_seven_elements_in_order() {
    for element in [
        "<ID>3</ID>",
        "<Action>Evaluate</Action>",
        "<IsAssigned>true</IsAssigned>",
        "<LastChangeTime>2026-10-04</LastChangeTime>",
        "<AutoSelect>0</AutoSelect>",
        "<AutoDownload>0</AutoDownload>",
        "<SupersedenceBehavior>0</SupersedenceBehavior>",
    ] {
        assert_eq!(broken(element, ""), Rule::Deployment, "without {element}");
        assert_eq!(broken(element, &element.repeat(2)), Rule::Deployment, "{element} twice");
    }
    let swapped = broken(
        "<AutoSelect>0</AutoSelect><AutoDownload>0</AutoDownload>",
        "<AutoDownload>0</AutoDownload><AutoSelect>0</AutoSelect>",
    );
    assert_eq!(swapped, Rule::Deployment);
    assert_eq!(broken("<Deployment>", "<Deployment><Extra/>"), Rule::Deployment);
    assert_eq!(broken("<IsLeaf>false</IsLeaf>", ""), Rule::Deployment);
}

#[test]
fn last_change_time_is_a_date_and_nothing_else() {
    for time in ["2026-10-04T00:00:00", "2026-10-04Z", "4.10.2026", "", "2026-13-04"] {
        let to = format!("<LastChangeTime>{time}<");
        assert_eq!(broken("<LastChangeTime>2026-10-04<", &to), Rule::LastChangeTime, "{time}");
    }
}

#[test]
fn values_and_elements_are_those_of_the_contract() {
    assert_eq!(broken("<ID>7</ID>", "<ID>seven</ID>"), Rule::Value);
    assert_eq!(broken("Evaluate", "Reinstall"), Rule::Value);
    assert_eq!(broken("<Truncated>false", "<Truncated>no"), Rule::Value);
    assert_eq!(broken("<Truncated>false</Truncated>", ""), Rule::Contract);
    let (cookie, end) = ("<NewCookie>", "</NewCookie>");
    let page = page();
    let start = page.find(cookie).unwrap();
    let whole = &page[start..page.find(end).unwrap() + end.len()];
    assert_eq!(broken(whole, ""), Rule::Contract);
    assert_eq!(broken("<DriverSyncNotNeeded>", "<Surprise/><DriverSyncNotNeeded>"), Rule::Contract);
    assert_eq!(broken("</SyncUpdatesResult>", "</SyncUpdates>"), Rule::Envelope);
}

#[test]
fn cookies_are_there_and_pages_that_promise_more_hold_something() {
    assert_eq!(broken("<EncryptedData>AAAA<", "<EncryptedData><"), Rule::Cookie);
    assert_eq!(broken("2026-10-04T16:03:35.9967236Z", "tomorrow"), Rule::Cookie);
    let page = page();
    let start = page.find("<NewUpdates>").unwrap();
    let end = page.find("<Truncated>").unwrap();
    let empty = format!("{}{}", &page[..start], &page[end..]);
    assert!(read_page(&empty).is_ok());
    let promising = empty.replace("<Truncated>false", "<Truncated>true");
    assert_eq!(read_page(&promising).unwrap_err().rule, Rule::EmptyPage);
}

#[test]
fn fragments_can_be_read() {
    assert_eq!(broken("UpdateType=\"Category\"", ""), Rule::CoreFragment);
    assert_eq!(broken("&lt;Properties", "&lt;Properties Properties"), Rule::CoreFragment);
}

#[test]
fn an_answer_is_the_response_or_a_fault() {
    let rule = |text: &str| match open(text, Operation::GetConfig) {
        Err(Unexpected::Complaint(complaint)) => complaint.rule,
        _ => panic!("{text}"),
    };
    assert_eq!(rule("<html><body>Bad gateway</body></html>"), Rule::Envelope);
    assert_eq!(rule(&page()), Rule::Envelope, "of another operation");
    assert_eq!(rule(""), Rule::Envelope);
    let fault = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
        <s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring><detail>\
        <ErrorCode>CookieExpired</ErrorCode></detail></s:Fault></s:Body></s:Envelope>";
    match open(fault, Operation::GetConfig) {
        Err(Unexpected::Fault(fault)) => {
            assert_eq!(fault.code, Some(crate::wire::fault::ErrorCode::CookieExpired));
        }
        _ => panic!("no fault"),
    }
}

#[test]
fn a_configuration_names_plug_in_limit_and_version() {
    let property = |name: &str, value: &str| {
        format!(
            "<ConfigurationProperty><Name>{name}</Name><Value>{value}</Value>\
             </ConfigurationProperty>"
        )
    };
    let text = |plug_in: &str, most: &str, version: &str| {
        let properties =
            property("MaxExtendedUpdatesPerRequest", most) + &property("ProtocolVersion", version);
        response(
            "GetConfig",
            &format!(
                "<GetConfigResult><LastChange>2026-10-04T13:17:07.59Z</LastChange>\
                 <IsRegistrationRequired>true</IsRegistrationRequired><AuthInfo>\
                 <AuthPlugInInfo><PlugInID>{plug_in}</PlugInID><ServiceUrl>a.asmx</ServiceUrl>\
                 <Parameter/></AuthPlugInInfo></AuthInfo><Properties>{properties}</Properties>\
                 </GetConfigResult>"
            ),
        )
    };
    let read = |text: &str| config(open(text, Operation::GetConfig).ok().expect("a response"));
    let good = read(&text("SimpleTargeting", "50", "3.2")).unwrap();
    assert_eq!(good.last_change, "2026-10-04T13:17:07.59Z");
    assert_eq!((good.max_extended_updates, good.service_url.as_str()), (50, "a.asmx"));
    assert!(good.is_registration_required && good.has_category_scans());
    assert!(!read(&text("SimpleTargeting", "50", "3.1")).unwrap().has_category_scans());
    let rule = |text: &str| read(text).unwrap_err().rule;
    assert_eq!(rule(&text("Other", "50", "3.2")), Rule::Configuration);
    assert_eq!(rule(&text("SimpleTargeting", "50", "")), Rule::Configuration);
    assert_eq!(rule(&text("SimpleTargeting", "0", "3.2")), Rule::Value);
}

#[test]
fn what_a_real_server_answered_breaks_no_rule() {
    let Some(corpus) = corpus::path() else { return };
    let library = Library::default();
    let mut read = 0;
    for folder in ["agent-scan", "agent-flow"] {
        for entry in corpus.join(folder).read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            let head = std::fs::read_to_string(path.join("request.headers")).expect("a head");
            let head = crate::conformance::head::RequestHead::parse(&head).expect("a head");
            let service = crate::wire::operation::Service::from_path(&head.target);
            let service = service.expect("a service");
            let operation = Operation::from_name(service, &head.operation()).expect("one");
            let text = std::fs::read_to_string(path.join("response.body")).expect("a body");
            let cursor = open(&text, operation).unwrap_or_else(|it| panic!("{it:?}"));
            let outcome = match operation {
                Operation::GetConfig => config(cursor).map(drop),
                Operation::GetAuthorizationCookie => authorization_cookie(cursor).map(drop),
                Operation::GetCookie => cookie(cursor).map(drop),
                Operation::RegisterComputer => nothing(cursor),
                Operation::StartCategoryScan => preferred_categories(cursor).map(drop),
                Operation::SyncUpdates => sync_updates(cursor, &library).map(drop),
                Operation::GetExtendedUpdateInfo => {
                    extended_update_info(cursor, &library).map(drop)
                }
                Operation::ReportEventBatch => report_event_batch(cursor).map(drop),
                other => panic!("{other:?}"),
            };
            outcome.unwrap_or_else(|complaint| panic!("{}: {complaint}", path.display()));
            read += 1;
        }
    }
    assert_eq!(read, 17);
    assert_eq!(library.cores(), 39);
}
