//! What a downstream server is refused, and who it has to be.

use super::server::{HOUR, START, Server, clock};
use super::server_sync::{DSS, Downstream, cookie, cookie_element, identity};
use super::server_sync_lists::with_categories;
use crate::policy::by::By;
use crate::services::Settings;
use crate::wire::operation::Operation;

#[tokio::test]
async fn what_cannot_be_answered_is_a_fault_with_the_parameters_name() {
    let server = with_categories().await;
    let dss = Downstream::connect(&server).await;
    let asked = |count: usize| identity(10, 1).repeat(count);
    dss.data(&asked(100)).await.ok();
    dss.data(&asked(101)).await.is_fault("InvalidParameters", "updateIds");
    dss.call(Operation::GetUpdateData, "").await.is_fault("InvalidParameters", "updateIds");
    for unknown in [identity(99, 1), identity(10, 9)] {
        dss.data(&[unknown, asked(1)].concat()).await.is_fault("InternalServerError", "");
    }
    dss.call(Operation::GetRevisionIdList, "").await.is_fault("InvalidParameters", "filter");
    let lists = [
        "<Anchor>0,2026-10-04 12:00:00.000</Anchor><GetConfig>true</GetConfig>",
        "<Get63LanguageOnly>true</Get63LanguageOnly>",
        "<GetConfig>false</GetConfig><Categories><IdAndDelta/></Categories>",
    ];
    for filter in lists {
        let answer =
            dss.call(Operation::GetRevisionIdList, &format!("<filter>{filter}</filter>")).await;
        answer.is_fault("InvalidParameters", "filter");
    }
    let anchor = "<configAnchor>x</configAnchor>";
    let answer = dss.call(Operation::GetConfigData, anchor).await;
    answer.is_fault("InvalidParameters", "configAnchor");
    let drivers = "<filter><PnpHardwareIds><HardwareIdAndDelta><Id>pci</Id><Delta>false</Delta>\
                   </HardwareIdAndDelta></PnpHardwareIds></filter>";
    let answer = dss.call(Operation::GetDriverIdList, drivers).await;
    answer.is_fault("InvalidParameters", "filter");
    dss.call(Operation::GetDriverIdList, "<filter><PnpHardwareIds/></filter>").await.ok();
    let computer = "<filter><ComputerIds><IdAndDelta><Id>7509bbfa-124b-407a-85ab-96c47f862775</Id>\
                    <Delta>false</Delta></IdAndDelta></ComputerIds></filter>";
    dss.call(Operation::GetDriverIdList, computer).await.is_fault("InvalidParameters", "filter");
    let sets = format!("<driverSets><guid>{DSS}</guid></driverSets>");
    for (sets, works) in [("<driverSets/>", true), ("", false), (&sets, false)] {
        let answer = dss.call(Operation::GetDriverSetData, sets).await;
        assert_eq!(answer.status == 200, works, "{}", answer.text);
    }
}

#[tokio::test]
async fn authorization_is_checked_and_ends() {
    let server = Server::start(clock!()).await;
    for (name, guid, parameter) in
        [("", DSS, "accountName"), ("a b", DSS, "accountName"), ("dss.example", "x", "accountGuid")]
    {
        let children =
            format!("<accountName>{name}</accountName><accountGuid>{guid}</accountGuid>");
        let answer = server.call(Operation::DssAuthGetAuthorizationCookie, &children).await;
        answer.is_fault("InvalidParameters", parameter);
    }
    let proof = |data: &str, version: &str| {
        format!(
            "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId><CookieData>{data}\
             </CookieData></AuthorizationCookie></authCookies><protocolVersion>{version}\
             </protocolVersion>"
        )
    };
    let identity = format!("<accountName>dss</accountName><accountGuid>{DSS}</accountGuid>");
    let answer = server.call(Operation::DssAuthGetAuthorizationCookie, &identity).await.ok();
    assert_eq!(answer.text_of("PlugInId"), "DssTargeting");
    let data = answer.text_of("CookieData");
    for (children, code, message) in [
        (String::new(), "InvalidParameters", "authCookies"),
        (proof("AAAA", "1.20"), "InvalidAuthorizationCookie", ""),
        (proof(&data, "x"), "InvalidParameters", "protocolVersion"),
        (proof(&data, "2.0"), "IncompatibleProtocolVersion", ""),
    ] {
        server.call(Operation::ServerSyncGetCookie, &children).await.is_fault(code, message);
    }
    let answer = server.call(Operation::ServerSyncGetCookie, &proof(&data, "1.8")).await.ok();
    assert_eq!(answer.text_of("Expiration"), "2026-10-04T16:00:00Z");
    let dss = Downstream { server: &server, cookie: answer.text_of("EncryptedData") };
    server.pass(4 * HOUR - 1);
    dss.call(Operation::GetConfigData, "").await.ok();
    server.pass(1);
    dss.call(Operation::GetConfigData, "").await.is_fault("InvalidCookie", "");
    assert_eq!(server.now(), START + 4 * HOUR);
    // Neither protocol takes the other's.
    for (operation, children) in [
        (Operation::GetConfigData, cookie_element("")),
        (Operation::GetRevisionIdList, "<filter/>".to_owned()),
    ] {
        server.call(operation, &children).await.is_fault("InvalidCookie", "");
    }
}

#[tokio::test]
async fn agents_and_servers_cannot_use_each_others_cookies() {
    let server = Server::start(clock!()).await;
    let dss = Downstream::connect(&server).await;
    let scan = format!("{}<parameters/>", cookie_element(&dss.cookie));
    server.call(Operation::SyncUpdates, &scan).await.is_fault("InvalidCookie", "");
    let identity = "<clientId>a-client</clientId><dnsName>pc</dnsName>";
    let agent = server.call(Operation::GetAuthorizationCookie, identity).await.ok();
    let children = format!(
        "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId><CookieData>{}\
         </CookieData></AuthorizationCookie></authCookies><protocolVersion>1.20</protocolVersion>",
        agent.text_of("CookieData")
    );
    let answer = server.call(Operation::ServerSyncGetCookie, &children).await;
    answer.is_fault("InvalidAuthorizationCookie", "");
}

#[tokio::test]
async fn where_approval_is_needed_a_server_waits_for_it() {
    let settings = Settings { approve_downstream: true, ..Settings::default() };
    let server = Server::with(clock!(), settings).await;
    let refused = cookie(&server, DSS).await;
    assert_eq!(refused.fault, Some("InvalidParameters"));
    assert!(refused.text_of("Message").starts_with("accountGuid"), "{}", refused.text);
    server
        .state
        .approve_downstream("dss.example".into(), By::administrator())
        .await
        .expect("approved");
    let dss = Downstream::connect(&server).await;
    dss.call(Operation::GetConfigData, "").await.ok();
    server.state.forget_downstream(DSS.into(), By::administrator()).await.expect("forgotten");
    dss.call(Operation::GetConfigData, "").await.is_fault("InvalidCookie", "");
}
