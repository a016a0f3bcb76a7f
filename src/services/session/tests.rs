//! A cookie runs out while a computer sleeps, and is renewed as [MS-WUSP] 2.2.2.4 orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;

use super::*;
use crate::metadata::sample;
use crate::metadata::text::decode_document;
use crate::policy::by::By;
use crate::services::Settings;
use crate::services::call::SoapCall;
use crate::state::{self, Importable, State};
use crate::wire::body::Piece;
use crate::wire::operation::Service;

/// Unix seconds, as the services under test see them.
static NOW: AtomicI64 = AtomicI64::new(1_800_000_000);

fn clock() -> i64 {
    NOW.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_cookie_is_renewed_and_keeps_what_it_knows() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = State::open(dir.path(), &state::Settings::default(), clock).expect("opened");
    let documents = sample::documents().iter().map(|(_, bytes)| {
        Importable::new(decode_document(bytes, 1 << 16).expect("text")).expect("a document")
    });
    state.import(By::administrator(), documents.collect(), false).await.expect("imported");
    let services = Services::start(Arc::new(state), Settings::default()).await.expect("started");

    let config = ask(&services, "GetConfig", "<protocolVersion>2.90</protocolVersion>").await;
    let last_change = content(&config, "LastChange").to_owned();
    let mut cookie = renew(&services, &last_change, "").await;
    let register = format!("{}<computerInfo><DnsName>pc</DnsName></computerInfo>", old(&cookie));
    assert!(ask(&services, "RegisterComputer", &register).await.contains("Response"));
    let first = scan(&services, &cookie, "").await;
    let number = content(content(&first, "NewUpdates"), "ID").to_owned();
    cookie = content(&first, "EncryptedData").to_owned();

    NOW.fetch_add(SESSION_LIFETIME - 1, Ordering::SeqCst);
    let cached = format!("<OtherCachedUpdateIDs><int>{number}</int></OtherCachedUpdateIDs>");
    assert!(scan(&services, &cookie, &cached).await.contains("SyncUpdatesResult"));
    NOW.fetch_add(1, Ordering::SeqCst);
    for (operation, rest) in [
        ("SyncUpdates", "<parameters/>"),
        ("RegisterComputer", "<computerInfo/>"),
        ("RefreshCache", "<globalIDs/>"),
        ("GetExtendedUpdateInfo", "<revisionIDs/><infoTypes/>"),
        ("GetFileLocations", "<fileDigests/>"),
        ("ReportEventBatch", "<clientTime>2027-01-15T09:00:00Z</clientTime><eventBatch/>"),
    ] {
        let fault = ask(&services, operation, &format!("{}{rest}", old(&cookie))).await;
        assert_eq!(content(&fault, "ErrorCode"), "CookieExpired", "{operation}");
    }

    // Without GetConfig, without registering, and without being told everything again.
    cookie = renew(&services, &last_change, &cookie).await;
    let again = scan(&services, &cookie, &cached).await;
    assert!(again.contains("<NewUpdates>") && !again.contains("<ChangedUpdates>"), "{again}");
    // Who starts without the old cookie is told of what it has cached.
    let fresh = renew(&services, &last_change, "").await;
    assert!(scan(&services, &fresh, &cached).await.contains("<ChangedUpdates>"));
}

/// GetAuthorizationCookie and GetCookie.
async fn renew(services: &Services, last_change: &str, cookie: &str) -> String {
    let identity = "<clientId>a-client</clientId><dnsName>pc</dnsName>";
    let authorization = ask(services, "GetAuthorizationCookie", identity).await;
    let old = old(cookie).replace("cookie>", "oldCookie>");
    let children = format!(
        "<authCookies><AuthorizationCookie><PlugInId>SimpleTargeting</PlugInId>\
         <CookieData>{}</CookieData></AuthorizationCookie></authCookies>{old}\
         <lastChange>{last_change}</lastChange><currentTime>2027-01-15T08:00:00Z</currentTime>\
         <protocolVersion>2.90</protocolVersion>",
        content(&authorization, "CookieData")
    );
    content(&ask(services, "GetCookie", &children).await, "EncryptedData").to_owned()
}

async fn scan(services: &Services, cookie: &str, cached: &str) -> String {
    let parameters = format!(
        "{}<parameters><ExpressQuery>false</ExpressQuery>{cached}\
         <SkipSoftwareSync>false</SkipSoftwareSync></parameters>",
        old(cookie)
    );
    ask(services, "SyncUpdates", &parameters).await
}

fn old(cookie: &str) -> String {
    format!(
        "<cookie><Expiration>2027-01-15T09:00:00Z</Expiration>\
         <EncryptedData>{cookie}</EncryptedData></cookie>"
    )
}

async fn ask(services: &Services, operation: &str, children: &str) -> String {
    let service = match operation {
        "GetAuthorizationCookie" => Service::SimpleAuth,
        "ReportEventBatch" => Service::Reporting,
        _ => Service::Client,
    };
    let namespace = service.namespace();
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
         <{operation} xmlns=\"{namespace}\">{children}</{operation}></s:Body></s:Envelope>"
    );
    let answer = services
        .soap(SoapCall {
            service,
            operation: None,
            soap_action: None,
            content_type: Some("text/xml; charset=utf-8".to_owned()),
            body: Bytes::from(body),
            peer: ([127, 0, 0, 1], 1).into(),
            host: None,
            https: false,
        })
        .await;
    let text = answer.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => String::from_utf8(text.to_vec()).expect("UTF-8"),
        Piece::Prepared(_) => String::new(),
    });
    text.collect()
}

/// What stands in the first element called `name`.
fn content<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{text}"));
    rest.split_once(&format!("</{name}>")).expect("an end").0
}
