//! Relations that lead in circles, nowhere, or everywhere: every scan still ends.

use std::time::{Duration, Instant};

use weir::wire::operation::Operation;

use super::support::{Agent, Document, Weir, call, id};

const ID: &str = "7d1f0c57-0000-4000-8000-000000000f01";

fn import(weir: &Weir, documents: &[Document]) {
    let directory = weir.scratch("graph");
    std::fs::create_dir(&directory).expect("a directory");
    for document in documents {
        std::fs::write(directory.join(format!("{}.xml", document.id)), document.xml())
            .expect("written");
    }
    let (code, report) = weir.json(&["import", directory.to_str().expect("text")]);
    assert_eq!((code, &report["new"]), (0, &documents.len().into()), "{report}");
}

/// Imports the documents, scans to the end, and says how many revisions more that gave than the
/// sample alone.
fn more_than_the_sample(documents: &[Document]) -> usize {
    let weir = Weir::start();
    let agent = Agent::enrol(&weir, ID);
    let before = agent.scan_to_the_end().len();
    import(&weir, documents);
    let started = Instant::now();
    let after = agent.scan_to_the_end().len();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // Administrators and category scans walk the same graph.
    let (code, listed) = weir.json(&["update", "list"]);
    assert_eq!(code, 0);
    assert!(listed.as_array().is_some_and(|updates| !updates.is_empty()));
    for document in documents.iter().take(5) {
        let (code, shown) = weir.json(&["update", "show", &document.id.to_string()]);
        assert_eq!((code, &shown["update_id"]), (0, &document.id.to_string().into()));
        let category = format!(
            "<requestedCategories><CategoryRelationship><IndexOfAndGroup>0</IndexOfAndGroup>\
             <CategoryId>{}</CategoryId></CategoryRelationship></requestedCategories>",
            document.id
        );
        let answer = call(&weir, Operation::StartCategoryScan, &category);
        assert!(matches!(answer.status, 200 | 500), "{}", answer.text);
        let filter = format!(
            "<FilterCategoryIds><CategoryIdentifier><Id>{}</Id></CategoryIdentifier></FilterCategoryIds>\
             <NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>",
            document.id
        );
        let answer = agent.scan(&filter);
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    weir.serves_an_honest_client();
    after - before
}

#[test]
fn prerequisites_in_circles_are_never_met() {
    let circle = [
        Document::software(1).needs(&[1]),
        Document::detectoid(2).needs(&[3]),
        Document::detectoid(3).needs(&[4]),
        Document::detectoid(4).needs(&[2]),
        Document::software(5).needs(&[2, 3]),
        Document::software(6).needs(&[999]),
        Document::software(7),
    ];
    // 6 names an update that is not here, which nobody can have installed.
    assert_eq!(more_than_the_sample(&circle), 1);
}

#[test]
fn categories_in_circles_are_no_categories_of_each_other_for_ever() {
    let circle = [
        Document::category(1).filed_under(&[2]),
        Document::category(2).filed_under(&[1]),
        Document::category(3).filed_under(&[3]),
        Document::software(4).filed_under(&[1, 2, 3]),
        Document::category(5),
        Document::software(6).filed_under(&[5, 5, 5, 1]),
    ];
    assert_eq!(more_than_the_sample(&circle), 2);
}

#[test]
fn bundles_and_supersedence_in_circles_end() {
    let circle = [
        Document::software(1).bundles(&[2]),
        Document::software(2).bundles(&[3]),
        Document::software(3).bundles(&[1]),
        Document::software(4).bundles(&[4]).supersedes(&[4]),
        Document::software(5).supersedes(&[6]),
        Document::software(6).supersedes(&[5, 5, 999]),
        Document::software(7).bundles(&[999, 1, 1, 1]),
    ];
    assert_eq!(more_than_the_sample(&circle), 7);
}

#[test]
fn deep_and_wide_relations_are_walked_without_recursion() {
    let mut documents: Vec<Document> =
        (1..250).map(|at| Document::software(at).bundles(&[at + 1])).collect();
    documents.push(Document::software(250));
    let all: Vec<u32> = (1..=250).collect();
    documents.push(Document::software(3000).bundles(&all).supersedes(&all));
    documents.push(Document::software(3001).needs(&all));
    assert_eq!(more_than_the_sample(&documents), 252);
}

#[test]
fn an_approved_circle_is_deployed_like_any_bundle() {
    let weir = Weir::start();
    import(
        &weir,
        &[Document::software(1).bundles(&[2]), Document::software(2).bundles(&[1]).file("x", 9)],
    );
    for number in [1, 2] {
        let (code, shown) =
            weir.json(&["update", "approve", &id(number).to_string(), "--group", "All Computers"]);
        assert_eq!((code, &shown["content"]), (0, &"missing: installs are held back".into()));
    }
    let agent = Agent::enrol(&weir, ID);
    assert!(agent.scan_to_the_end().len() > 2);
    weir.serves_an_honest_client();
}
