//! What an agent is told by its protocol version and by its version of Windows
//! ([MS-WUSP] 2.2.2.2.4).

use super::agent::{Agent, Hello, Parameters};
use super::documents::Document;
use super::server::{DAY, Server, clock};
use crate::metadata::model::CategoryType::Product;
use crate::policy::approval::ApprovalAction::{Install, Optional, Uninstall};
use crate::policy::terms::{Clock, Deadline, DownloadPriority, Terms};

#[tokio::test(flavor = "multi_thread")]
async fn older_protocols_are_told_less() {
    let server = Server::start(clock!()).await;
    let [_, outside, _] = server
        .import([
            Document::category(1, Product),
            Document::software(2),
            Document::driver(3).drives("pci\\x", "1.0", "Net"),
        ])
        .await;
    let device = "<Device><HardwareIDs><string>PCI\\X</string></HardwareIDs></Device>";
    for (protocol, hardware_ids, categories, numbers) in [
        ("1.5", false, false, false),
        ("1.6", true, false, false),
        ("1.7", true, true, false),
        ("1.8", true, true, true),
        ("1.20", true, true, true),
        ("2.90", true, true, true),
    ] {
        let mut agent = Agent::with(&server, Hello { protocol, ..Hello::default() }).await;
        let scan = Parameters {
            other: &[outside],
            filter: &[1],
            two_groups: true,
            ..Parameters::default()
        };
        let scan = agent.sync(&scan).await;
        assert_eq!(scan.deployed_out_of_scope == [outside], categories, "{protocol}");
        assert_eq!(scan.out_of_scope == [outside], !categories, "{protocol}");
        let driver = Parameters { system_spec: Some(device), ..Parameters::default() };
        let driver = agent.sync(&driver).await;
        assert_eq!(driver.new.len(), 1, "{protocol}");
        let tells = |name: &str| !driver.answer.texts(name).is_empty();
        assert_eq!(tells("HardwareIds"), hardware_ids, "{protocol}");
        assert_eq!(tells("DriverSyncNotNeeded"), categories, "{protocol}");
        for name in ["AutoSelect", "AutoDownload", "SupersedenceBehavior"] {
            assert_eq!(tells(name), numbers, "{protocol}");
        }
        assert!(!tells("FlagBitmask") && !tells("ClientBehaviors"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optional_install_is_never_assigned_and_has_two_names() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    server.approve(1, "All Computers", Optional).await;
    for (client_id, build, action) in
        [("a", 26200, "OptionalInstall"), ("b", 18362, "OptionalInstall"), ("c", 17763, "Install")]
    {
        let mut agent = Agent::with(&server, Hello { client_id, build, ..Hello::default() }).await;
        let pass = agent.scan(&[], &[]).await;
        assert_eq!(pass.action(update), action, "{build}");
        assert_eq!(pass.answer.text_of("IsAssigned"), "false", "{build}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_told_as_an_instant() {
    let server = Server::start(clock!()).await;
    let [_, removal] = server.import([Document::software(1), Document::software(2)]).await;
    let download_priority = DownloadPriority::High;
    let deadline = Some(Deadline::utc(server.now() + DAY));
    let terms = Terms { deadline, download_priority, ..Install.into() };
    server.approve(1, "All Computers", terms).await;
    server.approve(2, "All Computers", Uninstall).await;
    let mut agent = Agent::new(&server).await;
    let pass = agent.scan(&[], &[]).await;
    assert_eq!(pass.answer.texts("Deadline"), ["2026-10-05T12:00:00Z"]);
    assert_eq!(pass.answer.texts("DownloadPriority"), ["High"]);
    assert_eq!(pass.answer.texts("IsAssigned"), ["true", "true"]);
    assert_eq!(pass.action(removal), "Uninstall");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spread_deadline_differs_between_computers_and_not_between_scans() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(1)]).await;
    let at = server.now() + DAY;
    let deadline = Some(Deadline { at, clock: Clock::Utc, spread: 7200 });
    server.approve(1, "All Computers", Terms { deadline, ..Install.into() }).await;
    let mut deadlines = Vec::new();
    for client_id in ["a", "b", "c", "d"] {
        let hello = Hello { client_id, ..Hello::default() };
        let mut agent = Agent::with(&server, hello).await;
        let mut told = async || agent.scan(&[], &[]).await.answer.text_of("Deadline");
        let deadline = told().await;
        assert_eq!(told().await, deadline);
        assert!(("2026-10-05T12:00:00Z"..="2026-10-05T14:00:00Z").contains(&&*deadline));
        deadlines.push(deadline);
    }
    deadlines.sort_unstable();
    deadlines.dedup();
    assert!(deadlines.len() > 2, "{deadlines:?}");
}
