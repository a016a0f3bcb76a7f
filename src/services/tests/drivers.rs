//! Driver passes and SyncPrinterCatalog ([MS-WUSP] 3.1.5.7, 3.1.5.12).

use super::agent::{Agent, Parameters};
use super::documents::Document;
use super::server::{Server, call, clock, with_cookie};
use crate::policy::approval::ApprovalAction::{Block, Install};
use crate::wire::operation::Operation;

/// A device with these hardware ids, and the version of its driver.
fn device(hardware_ids: &[&str], version: Option<i64>) -> String {
    let ids: String = hardware_ids.iter().map(|id| format!("<string>{id}</string>")).collect();
    let installed = version.map_or_else(String::new, |version| {
        let matching = hardware_ids[0];
        format!(
            "<installedDriver><MatchingID>{matching}</MatchingID><DriverVerDate>2026-01-01T00:00:00Z</DriverVerDate><DriverVerVersion>{version}</DriverVerVersion><Class>Net</Class><Manufacturer>Weirworks</Manufacturer><Provider>Weirworks</Provider><DriverRank>16711681</DriverRank></installedDriver>"
        )
    });
    format!("<Device><HardwareIDs>{ids}</HardwareIDs>{installed}</Device>")
}

const TWO_POINT_ZERO: i64 = 2 << 48;

#[tokio::test(flavor = "multi_thread")]
async fn the_best_driver_is_offered_with_the_ids_it_was_chosen_by() {
    let server = Server::start(clock!()).await;
    let [_older, newer] = server
        .import([
            Document::driver(1).drives("pci\\x", "1.0", "Net"),
            Document::driver(2).drives("pci\\x", "2.0", "Net").drives("pci\\y", "2.0", "Net"),
        ])
        .await;
    let mut agent = Agent::new(&server).await;
    let software = agent.scan(&[], &[]).await;
    assert_eq!((software.new, software.driver_sync_not_needed.as_deref()), (vec![], Some("false")));

    let bare = device(&["PCI\\Z", "PCI\\X"], None);
    let cache = [newer];
    let pass = |system_spec, drivers| Parameters { system_spec, drivers, ..Parameters::default() };
    let found = agent.sync(&pass(Some(&*bare), &[])).await;
    assert_eq!((found.new_ids(), found.action(newer)), (vec![newer], "PreDeploymentCheck"));
    assert_eq!(found.answer.texts("HardwareIds").len(), 1);
    assert_eq!(found.answer.texts("string"), ["pci\\x"]);
    assert_eq!(found.driver_sync_not_needed.as_deref(), Some("false"));

    let cached = agent.sync(&pass(Some(&*bare), &cache)).await;
    assert_eq!((cached.new, cached.out_of_scope), (vec![], vec![]));
    assert_eq!(cached.driver_sync_not_needed.as_deref(), Some("false"), "it is still in scope");
    let same = device(&["PCI\\X"], Some(TWO_POINT_ZERO));
    let nothing = agent.sync(&pass(Some(&*same), &cache)).await;
    assert_eq!((nothing.new, nothing.out_of_scope), (vec![], vec![newer]));
    assert_eq!(nothing.driver_sync_not_needed.as_deref(), Some("true"));
}

/// What came since nobody has decided on; what was approved goes on being installed.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_driver_is_not_hidden_by_a_better_one_that_is_not() {
    let server = Server::start(clock!()).await;
    let [older, newer] = server
        .import([
            Document::driver(1).drives("pci\\x", "1.0", "Net"),
            Document::driver(2).drives("pci\\x", "2.0", "Net"),
        ])
        .await;
    server.approve(1, "All Computers", Install).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[], &[]).await;
    let pass = |system_spec| Parameters { system_spec: Some(system_spec), ..Parameters::default() };
    let bare = device(&["PCI\\X"], None);
    let found = agent.sync(&pass(&*bare)).await;
    assert_eq!((found.new_ids(), found.action(older)), (vec![older], "Install"));
    // It is there: now the better one is needed, and reported.
    let installed = device(&["PCI\\X"], Some(1 << 48));
    let found = agent.sync(&pass(&*installed)).await;
    assert_eq!((found.new_ids(), found.action(newer)), (vec![newer], "PreDeploymentCheck"));
    server.approve(2, "All Computers", Block).await;
    assert_eq!(agent.sync(&pass(&*bare)).await.new_ids(), [older]);
    server.approve(2, "All Computers", Install).await;
    let found = agent.sync(&pass(&*bare)).await;
    assert_eq!((found.new_ids(), found.action(newer)), (vec![newer], "Install"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_driver_keeps_its_hardware_ids_and_software_passes_do_not_hide_it() {
    let server = Server::start(clock!()).await;
    let [driver] = server.import([Document::driver(1).drives("pci\\x", "1.0", "Net")]).await;
    let mut agent = Agent::new(&server).await;
    let spec = device(&["PCI\\X"], None);
    let pass =
        Parameters { system_spec: Some(&*spec), drivers: &[driver], ..Parameters::default() };
    agent.sync(&Parameters { drivers: &[], ..pass }).await;
    server.approve(1, "All Computers", Install).await;
    assert_eq!(agent.scan(&[], &[]).await.changed, []);
    let pass =
        Parameters { system_spec: Some(&*spec), drivers: &[driver], ..Parameters::default() };
    let told = agent.sync(&pass).await;
    assert_eq!(told.changes(), [(driver, "Install", true)]);
    assert_eq!(told.answer.texts("string"), ["pci\\x"]);
    assert_eq!(agent.sync(&pass).await.changed, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_driver_passes_are_answered_as_recorded() {
    for name in ["agent-scan/000009", "agent-flow/000014"] {
        let Some(folder) = crate::corpus::folder(name) else { return };
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a recording");
        let server = Server::start(clock!()).await;
        let agent = Agent::new(&server).await;
        let mut call = call(Operation::SyncUpdates, "");
        call.body = with_cookie(&read("request.body"), &agent.cookie.1).into();
        let answer = server.soap(call).await.ok();
        let recorded = with_cookie(&read("response.body"), &answer.text_of("EncryptedData"))
            .replace("2026-10-04T16:03:35.9967236Z", "2026-10-04T13:00:00.0000000Z");
        assert_eq!(answer.text, recorded, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printer_catalogue_has_printer_drivers_only() {
    let server = Server::start(clock!()).await;
    let [detectoid, printer, _network] = server
        .import([
            Document::detectoid(1),
            Document::driver(2).needs(&[1]).drives("usb\\p", "1.0", "Printer"),
            Document::driver(3).drives("pci\\x", "1.0", "Net"),
        ])
        .await;
    let agent = Agent::new(&server).await;
    let ask = |installed: &str, cached: &str| {
        let request = format!(
            "<installedNonLeafUpdateIDs>{installed}</installedNonLeafUpdateIDs><printerUpdateIDs>{cached}</printerUpdateIDs>"
        );
        let agent = &agent;
        async move { agent.call(Operation::SyncPrinterCatalog, &request).await.ok() }
    };
    let (installed, cached) = (format!("<int>{detectoid}</int>"), format!("<int>{printer}</int>"));
    assert!(ask("", "").await.texts("UpdateInfo").is_empty());
    let found = ask(&installed, "").await;
    assert_eq!(found.texts("ID")[0], printer.to_string());
    assert_eq!(found.text_of("Truncated"), "false");
    let kept = ask(&installed, &cached).await;
    assert!(kept.texts("NewUpdates").is_empty() && kept.texts("OutOfScopeRevisionIDs").is_empty());
    let lost = ask("", &cached).await;
    assert_eq!(lost.text_of("int"), printer.to_string());
}
