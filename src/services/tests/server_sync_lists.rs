//! Which revisions a downstream server is told of.

use uuid::Uuid;

use super::documents::Document;
use super::server::{HOUR, MINUTE, Server, clock};
use super::server_sync::{DSS, Downstream, wanted};
use crate::metadata::model::CategoryType;
use crate::policy::by::By;
use crate::wire::operation::Operation;

const PRODUCT: u128 = 1;
const OTHER: u128 = 2;
const CLASS: u128 = 3;

pub(super) async fn with_categories() -> Server {
    let server = Server::start(clock!()).await;
    server
        .import([
            Document::category(PRODUCT, CategoryType::Product),
            Document::category(OTHER, CategoryType::Product),
            Document::category(CLASS, CategoryType::UpdateClassification),
            Document::software(10).filed_under(PRODUCT).filed_under(CLASS),
            Document::software(11).filed_under(OTHER).filed_under(CLASS),
        ])
        .await;
    server
}

#[tokio::test]
async fn only_the_difference_is_listed_and_adding_a_category_refetches_only_it() {
    let server = with_categories().await;
    let dss = Downstream::connect(&server).await;
    let (_, config) = dss.list("<GetConfig>true</GetConfig>").await;
    assert_eq!(config, ["1/1", "2/1", "3/1"]);
    let filter = |anchor: &str, categories: &[(u128, bool)], class: bool| {
        format!(
            "<Anchor>{anchor}</Anchor><GetConfig>false</GetConfig>{}{}",
            wanted("Categories", categories),
            wanted("Classifications", &[(CLASS, class)])
        )
    };
    let (anchor, first) = dss.list(&filter("", &[(PRODUCT, false)], false)).await;
    assert_eq!(first, ["10/1"]);
    let (anchor, second) = dss.list(&filter(&anchor, &[(PRODUCT, true)], true)).await;
    assert!(second.is_empty(), "in the same second");
    server
        .import([
            Document::software(10).revision(2).filed_under(PRODUCT).filed_under(CLASS),
            Document::software(12).filed_under(PRODUCT).filed_under(CLASS),
        ])
        .await;
    let (anchor, third) = dss.list(&filter(&anchor, &[(PRODUCT, true)], true)).await;
    assert_eq!(third, ["10/2", "12/1"]);
    let (_, fourth) = dss.list(&filter(&anchor, &[(PRODUCT, true), (OTHER, false)], true)).await;
    assert_eq!(fourth, ["11/1"]);
}

/// As when a whole hierarchy begins at once.
#[tokio::test]
async fn what_comes_in_the_second_in_which_there_was_nothing_is_listed() {
    let server = Server::start(clock!()).await;
    let dss = Downstream::connect(&server).await;
    let (anchor, nothing) = dss.list("<GetConfig>true</GetConfig>").await;
    assert!(nothing.is_empty());
    server.import([Document::category(PRODUCT, CategoryType::Product)]).await;
    let filter = format!("<Anchor>{anchor}</Anchor><GetConfig>true</GetConfig>");
    assert_eq!(dss.list(&filter).await.1, ["1/1"]);
}

/// An anchor of another server says nothing of what a server has of ours.
#[tokio::test]
async fn a_server_that_was_told_nothing_here_is_told_everything() {
    let server = with_categories().await;
    server.pass(HOUR);
    let dss = Downstream::connect(&server).await;
    let later = "<Anchor>9438,2026-10-04 12:30:00.000</Anchor><GetConfig>false</GetConfig>";
    assert_eq!(dss.list(later).await.1, ["10/1", "11/1"]);
    assert!(dss.list(later).await.1.is_empty(), "now it was told");
    server.state.forget_downstream(DSS.into(), By::administrator()).await.expect("forgotten");
    assert_eq!(dss.list(later).await.1, ["10/1", "11/1"]);
}

/// After a restore the same numbers are given again; the time tells them apart.
#[tokio::test]
async fn after_a_restore_from_a_backup_nothing_is_missed() {
    let mut server = with_categories().await;
    let dss_id = Uuid::parse_str(DSS).expect("a GUID");
    Downstream::connect(&server).await.list("<GetConfig>false</GetConfig>").await;
    let backup = server.store_as_it_is();
    server.import([Document::software(20)]).await;
    let dss = Downstream::connect(&server).await;
    let (anchor, _) = dss.list("<GetConfig>false</GetConfig>").await;
    server.restore(&backup).await;
    server.pass(MINUTE);
    server.import([Document::software(21)]).await;
    let dss = Downstream::connect(&server).await;
    let filter = format!("<Anchor>{anchor}</Anchor><GetConfig>false</GetConfig>");
    assert_eq!(dss.list(&filter).await.1, ["21/1"]);
    assert!(server.state.downstream_server(dss_id).is_some());
}

#[tokio::test]
async fn servers_below_are_told_whether_express_files_are_here() {
    let mut server = Server::start(clock!()).await;
    for hosted in ["false", "true"] {
        let dss = Downstream::connect(&server).await;
        let answer = dss.call(Operation::GetConfigData, "").await.ok();
        assert_eq!(answer.text_of("ServerHostsPsfFiles"), hosted);
        server.restart(|_, content| content.express_files = true).await;
    }
}

#[tokio::test]
async fn languages_are_told_when_they_changed() {
    let mut server = Server::start(clock!()).await;
    let dss = Downstream::connect(&server).await;
    let config = |anchor: &str| format!("<configAnchor>{anchor}</configAnchor>");
    let answer = dss.call(Operation::GetConfigData, "").await.ok();
    let enabled = answer.texts("Enabled");
    assert!(enabled.len() == 39 && enabled.iter().all(|it| it == "true"));
    let anchor = answer.text_of("NewConfigAnchor");
    let answer = dss.call(Operation::GetConfigData, &config(&anchor)).await.ok();
    assert!(answer.texts("Enabled").is_empty());
    server.pass(MINUTE);
    server.restart(|settings, _| settings.downstream_languages = vec!["de".into()]).await;
    let dss = Downstream::connect(&server).await;
    let answer = dss.call(Operation::GetConfigData, &config(&anchor)).await.ok();
    assert_eq!(answer.texts("Enabled").iter().filter(|it| *it == "true").count(), 1);
}
