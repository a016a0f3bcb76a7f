//! GetConfig, GetAuthorizationCookie, GetCookie and RegisterComputer: every row of the
//! validation tables in [MS-WUSP] 3.1.5.2 to 3.1.5.5.

use super::agent::{Agent, Hello, authorization, authorize, cookie, get_cookie, last_change};
use super::server::{DAY, HOUR, Server, clock};
use crate::wire::operation::Operation;

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_the_recorded_one_but_for_what_is_ours() {
    let Some(folder) = crate::corpus::folder("agent-scan/000001") else { return };
    let recorded = std::fs::read_to_string(folder.join("response.body")).expect("a recording");
    let server = Server::start(clock!()).await;
    let request = "<protocolVersion>2.90</protocolVersion>";
    let answer = server.call(Operation::GetConfig, request).await.ok();
    let share = "<ConfigurationProperty><Name>PackageServerShare</Name><Value>\\\\REDACTED2\\UpdateServicesPackages</Value></ConfigurationProperty>";
    assert!(recorded.contains(share));
    let expected =
        recorded.replace("2026-10-04T13:17:07.59Z", "2026-10-04T12:00:00Z").replace(share, "");
    assert_eq!(answer.text, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn get_config_wants_a_two_part_version() {
    let server = Server::start(clock!()).await;
    for version in ["1.0", "1.8", "2.90", "1.20"] {
        let request = format!("<protocolVersion>{version}</protocolVersion>");
        server.call(Operation::GetConfig, &request).await.ok();
    }
    let faulty = ["", "<protocolVersion/>", "<protocolVersion>2</protocolVersion>"];
    for request in faulty.into_iter().chain(["<protocolVersion>2.x</protocolVersion>"]) {
        let answer = server.call(Operation::GetConfig, request).await;
        answer.is_fault("InvalidParameters", "protocolVersion");
    }
    server.call(Operation::GetConfig2, "").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_needs_a_client_id_and_a_host_name() {
    let server = Server::start(clock!()).await;
    let ask = |request: String| {
        let server = &server;
        async move { server.call(Operation::GetAuthorizationCookie, &request).await }
    };
    let name = "<dnsName>pc.example</dnsName>";
    for id in ["", "<clientId/>", "<clientId>a b</clientId>", "<clientId>../x</clientId>"] {
        ask(format!("{id}{name}")).await.is_fault("InvalidParameters", "clientId");
    }
    let longest = "a".repeat(255);
    ask(format!("<clientId>{longest}</clientId>{name}")).await.ok();
    let answer = ask(format!("<clientId>{longest}a</clientId>{name}")).await;
    answer.is_fault("InvalidParameters", "clientId");
    let id = "<clientId>pc</clientId>";
    for name in ["", "<dnsName/>", "<dnsName>a/b</dnsName>", "<dnsName>a b</dnsName>"] {
        ask(format!("{id}{name}")).await.is_fault("InvalidParameters", "dnsName");
    }
    let group = format!("<targetGroupName>{}</targetGroupName>", "g".repeat(513));
    let answer = ask(format!("{id}{group}{name}")).await;
    answer.is_fault("InvalidParameters", "targetGroupName");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_cookie_wants_exactly_one_authorization_of_ours_in_force() {
    let server = Server::start(clock!()).await;
    let hello = Hello::default();
    let answer = server.call(Operation::GetAuthorizationCookie, &authorize(&hello)).await.ok();
    assert_eq!(answer.text_of("PlugInId"), "SimpleTargeting");
    let data = answer.text_of("CookieData");
    let good = authorization(&data);
    let last_change = last_change(&server).await;
    let ask = |authorizations: String| {
        let request = get_cookie(&authorizations, "", &last_change, "2.90");
        let server = &server;
        async move { server.call(Operation::GetCookie, &request).await }
    };
    ask(good.clone()).await.ok();
    let session = Agent::new(&server).await.cookie.1;
    let (head, tail) = data.split_at(data.len() - 4);
    for bad in [
        String::new(),
        format!("{good}{good}"),
        good.replace("SimpleTargeting", "DssTargeting"),
        good.replace("<PlugInId>SimpleTargeting</PlugInId>", ""),
        authorization(""),
        authorization("not base64!"),
        authorization(&format!("{head}AAA=")),
        authorization(&data[..tail.len()]),
        authorization(&session),
    ] {
        ask(bad).await.is_fault("InvalidAuthorizationCookie", "");
    }
    let request = format!("<lastChange>{last_change}</lastChange>");
    let answer = server.call(Operation::GetCookie, &request).await;
    answer.is_fault("InvalidAuthorizationCookie", "");
    server.pass(DAY);
    ask(good).await.is_fault("InvalidAuthorizationCookie", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_cookie_takes_no_old_cookie_one_without_data_or_one_of_ours() {
    let server = Server::start(clock!()).await;
    let foreign_server = Server::start(clock!()).await;
    let foreign = Agent::new(&foreign_server).await.cookie.1;
    let hello = Hello::default();
    let mut agent = Agent::new(&server).await;
    let (expiration, ours) = agent.cookie.clone();
    // Native agents send this at their first call.
    agent
        .renew(&hello, "<oldCookie><Expiration>2026-10-04T12:00:00Z</Expiration></oldCookie>")
        .await;
    agent
        .renew(
            &hello,
            r#"<oldCookie xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="1"/>"#,
        )
        .await;
    agent.renew(&hello, &cookie("oldCookie", &expiration, "")).await;
    server.pass(2 * HOUR);
    agent.renew(&hello, &cookie("oldCookie", &expiration, &ours)).await;
    assert_eq!(agent.cookie.0, "2026-10-04T15:00:00.0000000Z", "an hour from now");

    let data = server.call(Operation::GetAuthorizationCookie, &authorize(&hello)).await;
    let authorization = authorization(&data.text_of("CookieData"));
    let last_change = last_change(&server).await;
    for (old, code) in [
        (foreign.as_str(), "ServerChanged"),
        (&ours[..ours.len() - 8], "InvalidCookie"),
        ("AAAA", "InvalidCookie"),
        ("%%%%", "InvalidCookie"),
    ] {
        let old = cookie("oldCookie", &expiration, old);
        let request = get_cookie(&authorization, &old, &last_change, "2.90");
        server.call(Operation::GetCookie, &request).await.is_fault(code, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn get_cookie_wants_the_last_change_as_it_was_told_and_a_version() {
    let server = Server::start(clock!()).await;
    let data = server.call(Operation::GetAuthorizationCookie, &authorize(&Hello::default())).await;
    let authorization = authorization(&data.text_of("CookieData"));
    let told = last_change(&server).await;
    let ask = |last_change: &str, protocol: &str| {
        let request = get_cookie(&authorization, "", last_change, protocol);
        let server = &server;
        async move { server.call(Operation::GetCookie, &request).await }
    };
    ask(&told, "1.8").await.ok();
    ask("2026-10-04T12:00:00.01Z", "1.8").await.is_fault("ConfigChanged", "");
    ask("0001-01-01T00:00:00Z", "1.8").await.is_fault("ConfigChanged", "");
    ask("yesterday", "1.8").await.is_fault("InvalidParameters", "lastChange");
    for protocol in ["", "2", "two.one"] {
        ask(&told, protocol).await.is_fault("InvalidParameters", "protocolVersion");
    }
    let request = format!("<authCookies>{authorization}</authCookies>");
    let answer = server.call(Operation::GetCookie, &request).await;
    answer.is_fault("ConfigChanged", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_needs_information_and_keeps_what_it_is_told() {
    let server = Server::start(clock!()).await;
    let mut agent = Agent::unregistered(&server, &Hello::default()).await;
    let answer = agent.call(Operation::RegisterComputer, "").await;
    answer.is_fault("InvalidParameters", "computerInfo");
    let answer = agent
        .call(
            Operation::RegisterComputer,
            "<computerInfo><OSBuildNumber>x</OSBuildNumber></computerInfo>",
        )
        .await;
    answer.is_fault("InvalidParameters", "computerInfo.OSBuildNumber");
    assert!(server.state.computers().find(&agent.client_id).is_none());
    agent.register(26200).await.ok();
    let tracked = server.state.computers().find(&agent.client_id).expect("registered");
    let computer = &tracked.computer;
    assert_eq!(computer.info.os_version, (10, 0, 26200));
    assert_eq!(computer.info.dns_name, "pc.example");
    assert_eq!((computer.registered, computer.address.as_str()), (server.now(), "127.0.0.1"));
}
