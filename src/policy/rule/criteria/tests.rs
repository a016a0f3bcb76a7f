//! Each condition alone, on an update that fulfils it and on one that does not.

use std::convert::Infallible;

use super::*;
use crate::catalog::NewRevision;
use crate::catalog::draft::{Draft, uuid};
use crate::metadata::model::{LocalizedText, UpdateFile};
use crate::wire::types::Sha1;

const NOW: i64 = 1_800_000_000;

fn titled(draft: Draft, title: &str) -> NewRevision {
    let mut revision = draft.build();
    let mut metadata = UpdateMetadata::clone(&revision.metadata);
    metadata.titles = vec![LocalizedText { language: "en".into(), title: title.into() }];
    revision.metadata = metadata.into();
    revision
}

/// A company 1 with a family 2 with a product 3, a classification 4, the update 5 in all of them,
/// which bundles 6, and 7 which replaces 5.
fn revisions() -> Vec<NewRevision> {
    let mut first = titled(Draft::new(5, 5, 1).filed_under(&[3]), "");
    let mut update = titled(
        Draft::new(6, 5, 2)
            .languages(&["de", "zh-cn"])
            .filed_under(&[3])
            .filed_under(&[4])
            .bundles(&[(6, 1)]),
        "2026-10 Cumulative Update for x64-based Systems (KB5000001)",
    );
    let file = |size| UpdateFile { sha1: Sha1([0; 20]), sha256: None, name: "a".into(), size };
    let mut member = Draft::new(7, 6, 1).build();
    for (revision, age, size) in
        [(&mut first, 40, 0), (&mut update, 10, 700), (&mut member, 0, 300)]
    {
        let mut metadata = UpdateMetadata::clone(&revision.metadata);
        metadata.creation_date = NOW - age * DAY;
        metadata.files = vec![file(size)];
        metadata.kb_article_ids = vec!["5000001".into()];
        metadata.security_bulletin_ids = vec!["MS26-001".into()];
        metadata.msrc_severity = Some("Critical".into());
        revision.metadata = metadata.into();
    }
    vec![
        titled(Draft::new(1, 1, 1).category(CategoryType::Company), "Maker"),
        titled(
            Draft::new(2, 2, 1).category(CategoryType::ProductFamily).filed_under(&[1]),
            "Windows",
        ),
        titled(Draft::new(3, 3, 1).category(CategoryType::Product).filed_under(&[2]), "Windows 11"),
        titled(
            Draft::new(4, 4, 1).category(CategoryType::UpdateClassification),
            "Security Updates",
        ),
        first,
        update,
        member,
        titled(Draft::new(8, 7, 1).supersedes(&[5]), "Another"),
    ]
}

fn fits(criteria: &Criteria) -> bool {
    let revisions = revisions();
    let catalog = Catalog::build(revisions.clone());
    let read = |index: RevisionIndex| {
        let id = catalog.revision(index).expect("a revision").id;
        let revision = revisions.iter().find(|revision| revision.id == id).expect("the same");
        Ok::<_, Infallible>(Arc::clone(&revision.metadata))
    };
    let Ok(search) = Search::new(criteria, &catalog, &read, NOW);
    let tags = BTreeSet::from(["tested".to_owned()]);
    let index = catalog.latest(catalog.update(&uuid(5)).expect("an update")).expect("a revision");
    let Ok(fits) = search.finds(&Candidate { index, tags: &tags, required: 3, released: None });
    fits
}

#[test]
fn every_text_is_a_pattern_of_which_one_has_to_fit() {
    type Field = fn(&mut Criteria) -> &mut Vec<String>;
    let product_id = uuid(3).to_string();
    let cases: [(Field, &str, &str); 11] = [
        (|it| &mut it.products, "windows 11", "Windows 10"),
        (|it| &mut it.products, "Windows", "Windows ?"),
        (|it| &mut it.products, &product_id, "Security*"),
        (|it| &mut it.classifications, "security*", "Windows*"),
        (|it| &mut it.vendors, "MAKER", "Windows"),
        (|it| &mut it.titles, "*cumulative*", "cumulative"),
        (|it| &mut it.kb_articles, "KB5000001", "KB5000002"),
        (|it| &mut it.bulletins, "MS26-*", "MS25-*"),
        (|it| &mut it.severities, "critical", "important"),
        (|it| &mut it.architectures, "x64", "arm64"),
        (|it| &mut it.tags, "test*", "untested"),
    ];
    for (field, good, bad) in cases {
        let with = |patterns: &[&str]| {
            let mut criteria = Criteria::default();
            *field(&mut criteria) = patterns.iter().map(|it| (*it).to_owned()).collect();
            criteria
        };
        assert!(fits(&with(&[good])), "{good}");
        assert!(!fits(&with(&[bad])), "{bad}");
        assert!(fits(&with(&[bad, good])), "{bad} or {good}");
    }
    assert!(fits(&Criteria { languages: vec!["DE".into()], ..Criteria::default() }));
    assert!(fits(&Criteria { languages: vec!["zh-*".into()], ..Criteria::default() }));
    assert!(!fits(&Criteria { languages: vec!["en".into()], ..Criteria::default() }));
}

#[test]
fn numbers_and_dates_are_bounds() {
    let none = Criteria::default;
    for (criteria, expected) in [
        (none(), true),
        (Criteria { released_within: Some(41), ..none() }, true),
        (Criteria { released_within: Some(40), ..none() }, false),
        (Criteria { revised_within: Some(11), ..none() }, true),
        (Criteria { revised_within: Some(10), ..none() }, false),
        (Criteria { superseded: Some(true), ..none() }, true),
        (Criteria { superseded: Some(false), ..none() }, false),
        (Criteria { required: Some(3), ..none() }, true),
        (Criteria { required: Some(4), ..none() }, false),
        (Criteria { min_size: Some(1000), max_size: Some(1000), ..none() }, true),
        (Criteria { min_size: Some(1001), ..none() }, false),
        (Criteria { max_size: Some(999), ..none() }, false),
        (Criteria { superseded: Some(true), required: Some(4), ..none() }, false),
    ] {
        assert_eq!(fits(&criteria), expected, "{criteria:?}");
    }
}
