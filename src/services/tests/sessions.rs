//! The cookie of a session: what every operation answers to one that it cannot accept, and the
//! state that travels in it ([MS-WUSP] 2.2.2.4, 3.1.5.4).

use super::agent::{Agent, Hello, Parameters};
use super::documents::Document;
use super::server::{Answer, HOUR, MINUTE, Server, clock};
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::wire::operation::Operation;

/// Every operation that takes a session's cookie, with what else it needs.
const WITH_A_COOKIE: &[(Operation, &str)] = &[
    (Operation::RegisterComputer, "<computerInfo/>"),
    (Operation::SyncUpdates, "<parameters/>"),
    (Operation::SyncPrinterCatalog, ""),
    (Operation::RefreshCache, "<globalIDs/>"),
    (Operation::GetExtendedUpdateInfo, "<revisionIDs/><infoTypes/>"),
    (Operation::GetExtendedUpdateInfo2, "<updateIDs/><infoTypes/>"),
    (Operation::GetFileLocations, "<fileDigests/>"),
    (Operation::GetTimestamps, ""),
    (Operation::ReportEventBatch, "<clientTime>2026-10-04T12:00:00Z</clientTime><eventBatch/>"),
    (Operation::GetRequiredInventoryType, ""),
    (Operation::ReportInventory, ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_says_the_same_of_a_bad_cookie() {
    let server = Server::start(clock!()).await;
    let foreign_server = Server::start(clock!()).await;
    let foreign = Agent::new(&foreign_server).await.cookie;
    let agent = Agent::new(&server).await;
    let mut broken = Agent::new(&server).await;
    for (operation, children) in WITH_A_COOKIE {
        agent.call(*operation, children).await.ok();
        server.call(*operation, children).await.is_fault("InvalidCookie", "");
        let cookie = "<cookie><Expiration>2026-10-04T12:00:00Z</Expiration></cookie>";
        let answer = server.call(*operation, &format!("{cookie}{children}")).await;
        answer.is_fault("InvalidCookie", "");
        for (data, code) in [
            ("", "InvalidCookie"),
            ("=", "InvalidCookie"),
            ("AAAA", "InvalidCookie"),
            (&foreign.1, "ServerChanged"),
        ] {
            broken.cookie.1 = data.to_owned();
            broken.call(*operation, children).await.is_fault(code, "");
        }
    }
    // What the client says of its cookie's age does not count.
    server.pass(HOUR - 1);
    agent.call(Operation::GetTimestamps, "").await.ok();
    server.pass(1);
    for (operation, children) in WITH_A_COOKIE {
        agent.call(*operation, children).await.is_fault("CookieExpired", "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_keeps_its_expiry_through_a_scan() {
    let server = Server::start(clock!()).await;
    let mut agent = Agent::new(&server).await;
    let (expiration, data) = agent.cookie.clone();
    assert_eq!(expiration, "2026-10-04T13:00:00.0000000Z");
    server.pass(10 * MINUTE);
    agent.scan(&[], &[]).await;
    assert_eq!(agent.cookie.0, expiration);
    assert_ne!(agent.cookie.1, data);
    let located = agent.call(Operation::GetFileLocations, "<fileDigests/>").await.ok();
    assert_eq!(located.text_of("Expiration"), expiration);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_configuration_is_told_in_a_scan_and_in_get_cookie() {
    let mut server = Server::start(clock!()).await;
    let before = super::agent::last_change(&server).await;
    let agent = Agent::new(&server).await;
    let cookie = agent.cookie.clone();
    // No second has passed, and yet it is a later change.
    server.restart(|settings, _| settings.max_extended_updates = 20).await;
    let after = super::agent::last_change(&server).await;
    assert_eq!((before.as_str(), after.as_str()), ("2026-10-04T12:00:00Z", "2026-10-04T12:00:01Z"));

    let mut agent = Agent { server: &server, client_id: String::new(), cookie };
    let scan = Parameters::default().write();
    agent.call(Operation::SyncUpdates, &scan).await.is_fault("ConfigChanged", "");
    agent.call(Operation::SyncPrinterCatalog, "").await.is_fault("ConfigChanged", "");
    let old_cookie = agent.cookie_as("oldCookie");
    agent.renew(&Hello::default(), &old_cookie).await;
    agent.scan(&[], &[]).await;

    let settled = super::agent::last_change(&server).await;
    server.restart(|_, _| ()).await;
    assert_eq!(super::agent::last_change(&server).await, settled, "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_needs_a_registered_computer() {
    let server = Server::start(clock!()).await;
    let mut agent = Agent::unregistered(&server, &Hello::default()).await;
    let scan = Parameters::default().write();
    for (operation, request) in
        [(Operation::SyncUpdates, &*scan), (Operation::SyncPrinterCatalog, "")]
    {
        agent.call(operation, request).await.is_fault("RegistrationRequired", "");
    }
    // The table of parameters comes before the check of the registration.
    let answer = agent.call(Operation::SyncUpdates, "").await;
    answer.is_fault("InvalidParameters", "parameters");
    agent.register(26200).await.ok();
    agent.scan(&[], &[]).await;
    server
        .state
        .delete_computer(By::administrator(), agent.client_id.clone())
        .await
        .expect("deleted");
    agent.call(Operation::SyncUpdates, &scan).await.is_fault("RegistrationRequired", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_cookie_remembers_what_the_client_was_told() {
    let server = Server::start(clock!()).await;
    let [one, two] = server.import([Document::software(1), Document::software(2)]).await;
    let hello = Hello::default();
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    server.pass(2 * HOUR);
    let old_cookie = agent.cookie_as("oldCookie");
    agent.renew(&hello, &old_cookie).await;
    assert_eq!(agent.scan(&[], &[one, two]).await.changed, []);

    server.approve(2, "All Computers", ApprovalAction::Install).await;
    let old_cookie = agent.cookie_as("oldCookie");
    agent.renew(&hello, &old_cookie).await;
    assert_eq!(agent.scan(&[], &[one, two]).await.changes(), [(two, "Install", true)]);

    agent.renew(&hello, "").await;
    let changed = agent.scan(&[], &[one, two]).await;
    assert_eq!(changed.changes(), [(one, "PreDeploymentCheck", true), (two, "Install", true)]);

    // Another computer's cookie says nothing of this one.
    let mut other = Agent::with(&server, Hello { client_id: "another", ..Hello::default() }).await;
    let old_cookie = agent.cookie_as("oldCookie");
    other.renew(&Hello { client_id: "another", ..Hello::default() }, &old_cookie).await;
    assert_eq!(other.scan(&[], &[one, two]).await.changed.len(), 2);
}

/// What an agent's GetCookie with its old cookie is answered with.
async fn renewal(agent: &Agent<'_>, hello: &Hello<'_>) -> Answer {
    let server = agent.server;
    let data =
        server.call(Operation::GetAuthorizationCookie, &super::agent::authorize(hello)).await;
    let request = super::agent::get_cookie(
        &super::agent::authorization(&data.text_of("CookieData")),
        &agent.cookie_as("oldCookie"),
        &super::agent::last_change(server).await,
        "2.90",
    );
    server.call(Operation::GetCookie, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgot_commits_is_another_server() {
    let mut server = Server::start(clock!()).await;
    let before = server.store_as_it_is();
    server.import([Document::software(1)]).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    let Agent { client_id, cookie, .. } = agent;

    server.restore(&before).await;
    let mut agent = Agent { server: &server, client_id, cookie };
    let scan = Parameters::default().write();
    agent.call(Operation::SyncUpdates, &scan).await.is_fault("ServerChanged", "");
    let hello = Hello::default();
    renewal(&agent, &hello).await.is_fault("ServerChanged", "");
    // The client starts over, without its cookie.
    agent.renew(&hello, "").await;
    agent.register(26200).await.ok();
    agent.scan(&[], &[]).await;
}

/// The numbers of what was lost are given once more, so they are not what tells.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_what_a_restored_server_lost_starts_over_however_much_was_decided_since() {
    let mut server = Server::start(clock!()).await;
    let [old] = server.import([Document::software(1)]).await;
    let mut early = Agent::new(&server).await;
    early.scan(&[], &[]).await;
    let (early_id, early) = (early.client_id, early.cookie);
    let backup = server.store_as_it_is();
    let [lost] = server.import([Document::software(2)]).await;
    let hello = Hello { client_id: "late", ..Hello::default() };
    let mut late = Agent::with(&server, Hello { client_id: "late", ..Hello::default() }).await;
    late.scan(&[], &[]).await;
    let mut late = late.cookie;

    // The second time it is the first restored server whose commits are lost.
    for again in [false, true] {
        server.restore(&backup).await;
        let [new] = server.import([Document::software(3)]).await;
        assert_eq!(new, lost);
        for action in [ApprovalAction::Install, ApprovalAction::Uninstall, ApprovalAction::Install]
        {
            server.approve(1, "All Computers", action).await;
        }
        let client_id = "late".to_owned();
        let mut agent = Agent { server: &server, client_id, cookie: late.clone() };
        let scan = Parameters::default().write();
        agent.call(Operation::SyncUpdates, &scan).await.is_fault("ServerChanged", "");
        let ids = format!("<revisionIDs><int>{lost}</int></revisionIDs><infoTypes/>");
        let details = agent.call(Operation::GetExtendedUpdateInfo, &ids).await;
        details.is_fault("ServerChanged", "");
        renewal(&agent, &hello).await.is_fault("ServerChanged", "");
        agent.renew(&hello, "").await;
        agent.register(26200).await.ok();
        let scan = agent.scan(&[], &[old]).await;
        assert_eq!((scan.new_ids(), scan.changes()), (vec![new], vec![(old, "Install", true)]));
        late = agent.cookie;

        // Who was told nothing of it goes on.
        if !again {
            let mut agent =
                Agent { server: &server, client_id: early_id.clone(), cookie: early.clone() };
            let scan = agent.scan(&[], &[old]).await;
            assert_eq!((scan.new_ids(), scan.changes()), (vec![new], vec![(old, "Install", true)]));
            assert_eq!(agent.scan(&[], &[old, new]).await.changes(), []);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_target_group_is_noticed_through_registration() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    server.group("Pilot").await;
    server.approve(1, "Pilot", ApprovalAction::Install).await;
    let mut agent = Agent::new(&server).await;
    assert_eq!(agent.scan(&[], &[]).await.action(update), "PreDeploymentCheck");

    // Its policy names a group from now on; agents register again only when they are told to.
    let pilot = Hello { target_group: "Pilot", ..Hello::default() };
    let old_cookie = agent.cookie_as("oldCookie");
    agent.renew(&pilot, &old_cookie).await;
    let scan = Parameters::default().write();
    agent.call(Operation::SyncUpdates, &scan).await.is_fault("RegistrationRequired", "");
    agent.register(26200).await.ok();
    assert_eq!(agent.scan(&[], &[update]).await.changes(), [(update, "Install", true)]);

    // A group that does not exist is no group, until it does.
    let lab = Hello { target_group: "Lab", ..Hello::default() };
    agent.renew(&lab, "").await;
    agent.register(26200).await.ok();
    assert_eq!(agent.scan(&[], &[]).await.action(update), "PreDeploymentCheck");
    server.group("Lab").await;
    agent.call(Operation::SyncUpdates, &scan).await.is_fault("RegistrationRequired", "");
    agent.register(26200).await.ok();
    agent.scan(&[], &[]).await;
}
