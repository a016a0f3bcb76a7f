//! Software passes: what is delivered when, within which limits ([MS-WUSP] 3.1.5.7).

use super::agent::{Agent, Parameters};
use super::documents::Document;
use super::server::{Server, clock};
use crate::catalog::PageLimits;
use crate::metadata::model::CategoryType::{Company, Product, ProductFamily};
use crate::policy::approval::ApprovalAction;
use crate::services::Settings;
use crate::wire::operation::Operation;

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_comes_once_its_prerequisites_are_installed() {
    let server = Server::start(clock!()).await;
    let [detectoid, either, update] = server
        .import([
            Document::detectoid(1),
            Document::detectoid(2),
            Document::software(3).needs(&[1, 2]).needs(&[1]),
        ])
        .await;
    let mut agent = Agent::new(&server).await;
    let first = agent.scan(&[], &[]).await;
    assert_eq!(first.new_ids(), [detectoid, either]);
    assert!(first.new.iter().all(|told| !told.is_leaf && told.action == "Evaluate"));
    assert!(agent.scan(&[either], &[detectoid]).await.new.is_empty());
    let unlocked = agent.scan(&[detectoid], &[either]).await;
    assert_eq!(unlocked.new_ids(), [update]);
    assert_eq!(unlocked.action(update), "PreDeploymentCheck");
    assert!(unlocked.new[0].is_leaf);

    // What lost its prerequisite is dropped, and what this server never gave out.
    let lost = agent.scan(&[], &[update, 4711, either, update]).await;
    assert_eq!(lost.out_of_scope, [update, 4711]);
    assert_eq!(lost.new_ids(), [detectoid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_the_recorded_form() {
    let server = Server::start(clock!()).await;
    let [cached, _] = server.import([Document::software(1), Document::software(2)]).await;
    let mut agent = Agent::new(&server).await;
    let children = |pass: &super::agent::Pass, parent: &str| -> Vec<String> {
        let document = pass.answer.document();
        let parent = document.descendants().find(|node| node.tag_name().name() == parent);
        let children = parent.into_iter().flat_map(|parent| parent.children());
        children.map(|child| child.tag_name().name().to_owned()).collect()
    };
    let full = agent.scan(&[], &[cached, 4711]).await;
    assert_eq!(
        children(&full, "SyncUpdatesResult"),
        [
            "NewUpdates",
            "OutOfScopeRevisionIDs",
            "ChangedUpdates",
            "Truncated",
            "NewCookie",
            "DriverSyncNotNeeded"
        ]
    );
    assert_eq!(children(&full, "UpdateInfo"), ["ID", "Deployment", "IsLeaf", "Xml"]);
    assert_eq!(
        children(&full, "Deployment"),
        [
            "ID",
            "Action",
            "IsAssigned",
            "LastChangeTime",
            "AutoSelect",
            "AutoDownload",
            "SupersedenceBehavior"
        ]
    );
    assert_eq!(full.answer.texts("LastChangeTime"), ["2026-10-04", "2026-10-04"]);
    let empty = agent.scan(&[], &[cached, full.new[0].id]).await;
    assert_eq!(
        children(&empty, "SyncUpdatesResult"),
        ["Truncated", "NewCookie", "DriverSyncNotNeeded"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_installed_ids_are_accepted_and_one_more_is_not() {
    let server = Server::start(clock!()).await;
    let mut agent = Agent::new(&server).await;
    agent.scan(&[7; 400], &[9; 2000]).await;
    let too_many = Parameters { installed: &[7; 401], ..Parameters::default() };
    let answer = agent.call(Operation::SyncUpdates, &too_many.write()).await;
    answer.is_fault("InvalidParameters", "parameters.InstalledNonLeafUpdateIDs");
    let ids = "<int>7</int>".repeat(401);
    let request = format!("<installedNonLeafUpdateIDs>{ids}</installedNonLeafUpdateIDs>");
    let answer = agent.call(Operation::SyncPrinterCatalog, &request).await;
    answer.is_fault("InvalidParameters", "installedNonLeafUpdateIDs");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_for_driver_passes() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    for skip in ["<SkipSoftwareSync>false</SkipSoftwareSync>", ""] {
        let request = format!("<parameters><SystemSpec><Device/></SystemSpec>{skip}</parameters>");
        let answer = agent.call(Operation::SyncUpdates, &request).await;
        answer.is_fault("InvalidParameters", "parameters.SystemSpec");
    }
    for refused in ["<int>-1</int>", "<int>x</int>", "<int>99999999999</int>"] {
        let request = format!(
            "<parameters><OtherCachedUpdateIDs>{refused}</OtherCachedUpdateIDs></parameters>"
        );
        let answer = agent.call(Operation::SyncUpdates, &request).await;
        answer.is_fault("InvalidParameters", "parameters.OtherCachedUpdateIDs");
    }
    // The specification has it ignored.
    let express = "<parameters><ExpressQuery>true</ExpressQuery></parameters>";
    agent.call(Operation::SyncUpdates, express).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_cut_and_grow_with_the_trips_that_the_cookie_counts() {
    let page = PageLimits { updates: 1, bytes: 1 << 20 };
    let server = Server::with(clock!(), Settings { page, ..Settings::default() }).await;
    let ids =
        server.import(std::array::from_fn::<_, 20, _>(|n| Document::software(n as u128 + 1))).await;
    let mut agent = Agent::new(&server).await;
    let mut cached = Vec::new();
    let mut pages = Vec::new();
    loop {
        let pass = agent.scan(&[], &cached).await;
        assert!(pass.out_of_scope.is_empty());
        assert_eq!(pass.changed, [], "what a page brought is no change to the next");
        cached.extend(pass.new_ids());
        pages.push(pass.new.len());
        if !pass.truncated {
            break;
        }
    }
    assert_eq!(cached, ids);
    assert_eq!(pages, [&[1; 16][..], &[2, 2]].concat());
    assert_eq!(agent.scan(&[], &[]).await.new.len(), 1, "the next scan begins small again");
}

/// A pass that is limited to update 3.
fn scan<'p>(installed: &'p [u32], other: &'p [u32], two_groups: bool) -> Parameters<'p> {
    Parameters { installed, other, two_groups, filter: &[3], ..Parameters::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_scan_is_about_its_category_and_what_that_needs() {
    let server = Server::start(clock!()).await;
    let [company, family, product, _other, update, elsewhere] = server
        .import([
            Document::category(1, Company),
            Document::category(2, ProductFamily).filed_under(1),
            Document::category(3, Product).filed_under(2),
            Document::category(4, Product).filed_under(2),
            Document::software(5).filed_under(3),
            Document::software(6).filed_under(4),
        ])
        .await;
    let mut agent = Agent::new(&server).await;
    assert_eq!(agent.sync(&scan(&[], &[], true)).await.new_ids(), [company]);
    assert_eq!(agent.sync(&scan(&[company], &[], true)).await.new_ids(), [family]);
    let unlocked = agent.sync(&scan(&[company, family], &[], true)).await;
    assert_eq!(unlocked.new_ids(), [product]);
    assert_eq!(unlocked.driver_sync_not_needed.as_deref(), Some("true"));

    server.decline(5).await;
    let installed = [company, family, product];
    let told_apart = agent.sync(&scan(&installed, &[update, elsewhere, 4711], true)).await;
    assert_eq!(told_apart.out_of_scope, [update, 4711], "no longer deployed");
    assert_eq!(told_apart.deployed_out_of_scope, [elsewhere]);
    let one_group = agent.sync(&scan(&installed, &[update, elsewhere, 4711], false)).await;
    assert_eq!(one_group.out_of_scope, [update, elsewhere, 4711]);
    assert!(one_group.deployed_out_of_scope.is_empty());
    // Without a filter there is one group, whatever the client asks for.
    let parameters = Parameters {
        installed: &[company],
        other: &[product],
        two_groups: true,
        ..Parameters::default()
    };
    let unfiltered = agent.sync(&parameters).await;
    assert_eq!(
        (unfiltered.out_of_scope, unfiltered.deployed_out_of_scope),
        (vec![product], vec![])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_sees_a_part_hides_no_change_of_the_rest() {
    let server = Server::start(clock!()).await;
    let [category, inside, outside] = server
        .import([
            Document::category(1, Product),
            Document::software(2).filed_under(1),
            Document::software(3),
        ])
        .await;
    let mut agent = Agent::new(&server).await;
    let other = &[inside, outside][..];
    agent.scan(&[category], other).await;
    server.approve(2, "All Computers", ApprovalAction::Install).await;
    server.approve(3, "All Computers", ApprovalAction::Install).await;

    agent
        .sync(&Parameters {
            system_spec: Some(""),
            installed: &[category],
            ..Parameters::default()
        })
        .await;
    let filtered = Parameters {
        installed: &[category],
        other,
        filter: &[1],
        two_groups: true,
        ..Parameters::default()
    };
    let filtered = agent.sync(&filtered).await;
    assert_eq!(filtered.changes(), [(inside, "Install", true)]);
    let whole = agent.scan(&[category], other).await;
    assert_eq!(whole.changes(), [(inside, "Install", true), (outside, "Install", true)]);
    assert_eq!(agent.scan(&[category], other).await.changed, []);
}
