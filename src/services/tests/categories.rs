//! StartCategoryScan ([MS-WUSP] 3.1.5.6).

use super::documents::{Document, id};
use super::server::{Answer, Server, clock};
use crate::metadata::model::CategoryType::{Product, UpdateClassification};
use crate::wire::operation::Operation;

async fn ask(server: &Server, requested: &[(i32, u128)]) -> Answer {
    let requested = requested.iter().map(|(group, category)| {
        let category = id(*category);
        format!(
            "<CategoryRelationship><IndexOfAndGroup>{group}</IndexOfAndGroup><CategoryId>{category}</CategoryId></CategoryRelationship>"
        )
    });
    let requested: String = requested.collect();
    let request = format!("<requestedCategories>{requested}</requestedCategories>");
    server.call(Operation::StartCategoryScan, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_preferred_and_unknown_categories_named() {
    let server = Server::start(clock!()).await;
    server
        .import([
            Document::category(1, Product),
            Document::category(2, Product),
            Document::category(3, UpdateClassification),
        ])
        .await;
    let lists = |answer: Answer| {
        let list = |name: &str| -> Vec<String> {
            let document = answer.document();
            let list = document.descendants().find(|node| node.tag_name().name() == name);
            let ids = list.into_iter().flat_map(|list| list.children());
            ids.map(|id| id.text().unwrap_or_default().to_owned()).collect()
        };
        (list("preferredCategoryIds"), list("requestedCategoryIdsInError"))
    };
    let ids = |ids: &[u128]| -> Vec<String> { ids.iter().map(|it| id(*it).to_string()).collect() };
    let answer = ask(&server, &[(0, 1), (0, 3), (1, 2)]).await.ok();
    assert!(answer.texts("StartCategoryScanResult").is_empty(), "recorded without a wrapper");
    assert_eq!(lists(answer), (ids(&[1, 2]), ids(&[])));
    let answer = ask(&server, &[(0, 1), (1, 9), (1, 2)]).await.ok();
    assert_eq!(lists(answer), (ids(&[1]), ids(&[9])));
    let answer = ask(&server, &[(0, 1), (1, 3)]).await.ok();
    assert_eq!(lists(answer), (ids(&[]), ids(&[])));
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_have_to_be_there_and_fewer_than_two_hundred() {
    let server = Server::start(clock!()).await;
    let answer = server.call(Operation::StartCategoryScan, "").await;
    answer.is_fault("InvalidParameters", "requestedCategories");
    ask(&server, &[]).await.ok();
    let categories: Vec<_> = (0..200).map(|group| (group, 7)).collect();
    ask(&server, &categories[..199]).await.ok();
    ask(&server, &categories).await.is_fault("InvalidParameters", "requestedCategories");
}
