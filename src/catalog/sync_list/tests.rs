//! The lists of downstream servers, held against one that is made word by word.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::draft::{Draft, uuid};
use super::super::naive::Naive;
use super::super::revision::NewRevision;
use super::*;
use crate::metadata::model::{CategoryType, DriverEntry};

const UPDATES: u128 = 9;
const LANGUAGES: [&str; 3] = ["de", "en", "ja"];

/// The categories that a revision belongs to, from its own side, by those that `count`.
fn categories(
    naive: &Naive<'_>,
    revision: &NewRevision,
    count: &dyn Fn(&NewRevision) -> bool,
) -> HashSet<Uuid> {
    let mut found = HashSet::new();
    let mut open = vec![revision];
    while let Some(revision) = open.pop() {
        for named in revision.metadata.prerequisites.iter().flat_map(|it| &it.alternatives) {
            if let Some(latest) = naive.latest(*named)
                && latest.metadata.update_type == UpdateType::Category
                && count(latest)
                && found.insert(*named)
            {
                open.push(latest);
            }
        }
    }
    found
}

/// The rules of [MS-WSUSSS] 3.1.4.5.3.1 and of the recorded lists, revision by revision.
fn expected(
    revisions: &[NewRevision],
    filter: &UpdateFilter,
    since: Option<Since>,
) -> HashSet<RevisionId> {
    let naive = Naive(revisions);
    let speaks = |revision: &NewRevision, delta: Option<bool>| {
        filter.languages.iter().flatten().any(|wanted| {
            delta.is_none_or(|delta| wanted.delta == delta)
                && revision.metadata.languages.contains(&wanted.id)
        })
    };
    let spoken = |revision: &NewRevision| {
        filter.languages.is_none()
            || revision.metadata.languages.is_empty()
            || speaks(revision, None)
    };
    let is_update = |revision: &NewRevision| {
        matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver)
    };
    let none = filter.categories.is_empty() && filter.classifications.is_empty();
    let new = |revision: &NewRevision| {
        since.is_none_or(|it| revision.id > it.newest || revision.imported > it.at)
    };
    // Whether a revision matches, and whether by something that is wanted whole.
    let verdict = |revision: &NewRevision| -> (bool, bool) {
        let update = revision.metadata.identity.update_id;
        let latest = naive.latest(update).is_some_and(|latest| latest.id == revision.id);
        if !latest || !is_update(revision) || !spoken(revision) {
            return (false, false);
        }
        if none {
            return (true, false);
        }
        let own = categories(&naive, revision, &|_| true);
        let known = categories(&naive, revision, &|category| !new(category));
        let hits = |list: &[Wanted<Uuid>], own: &HashSet<Uuid>, whole: bool| {
            list.iter().any(|wanted| own.contains(&wanted.id) && (!whole || !wanted.delta))
        };
        let lists = [&filter.categories, &filter.classifications];
        let matched = lists.iter().all(|list| hits(list, &own, false));
        let whole = lists.iter().any(|list| hits(list, &own, true) || !hits(list, &known, false));
        (matched, matched && whole)
    };
    let with_members = |roots: Vec<&NewRevision>| {
        let mut reached: HashSet<RevisionId> = HashSet::new();
        let mut open: Vec<NewRevision> = roots.into_iter().cloned().collect();
        while let Some(revision) = open.pop() {
            if !reached.insert(revision.id) {
                continue;
            }
            for identity in revision.metadata.bundled.iter().flat_map(|it| &it.alternatives) {
                let member = revisions.iter().find(|it| it.metadata.identity == *identity);
                let own = identity.update_id == revision.metadata.identity.update_id;
                open.extend(member.filter(|it| !own && spoken(it)).cloned());
            }
        }
        reached
    };
    let reached = with_members(revisions.iter().filter(|it| verdict(it).0).collect());
    let wanted = revisions.iter().filter(|it| {
        let news = new(it) || speaks(it, Some(false));
        (reached.contains(&it.id) && news) || verdict(it).1
    });
    with_members(wanted.collect())
}

fn revisions() -> impl Strategy<Value = Vec<NewRevision>> {
    use UpdateType::{Category, Detectoid, Driver, Software};
    let kind = prop_oneof![
        5 => Just(Software), 4 => Just(Category), 1 => Just(Detectoid), 1 => Just(Driver)
    ];
    let clause = prop::collection::vec(0..UPDATES + 1, 0..3);
    let revision = (
        (0..UPDATES, 1..4_u32, kind),
        prop::collection::vec((clause, any::<bool>()), 0..3),
        prop::collection::vec((0..UPDATES, 1..4_u32), 0..3),
        prop::collection::vec(prop::sample::select(&LANGUAGES[..]), 0..2),
        0..4_i64,
    );
    prop::collection::vec(revision, 0..30).prop_map(|all| {
        let mut seen = HashSet::new();
        let mut revisions = Vec::new();
        for (position, ((update, number, kind), clauses, members, languages, imported)) in
            (1..).zip(all)
        {
            let mut draft = Draft::new(position * 2, update, number).update_type(kind);
            for (alternatives, is_category) in clauses {
                draft = draft.clause(&alternatives, is_category);
            }
            let mut revision = draft.bundles(&members).languages(&languages).build();
            revision.imported = imported;
            if seen.insert(revision.metadata.identity) {
                revisions.push(revision);
            }
        }
        revisions
    })
}

fn filter() -> impl Strategy<Value = UpdateFilter> {
    let ids = || {
        let wanted = (0..UPDATES + 1, any::<bool>());
        let wanted = wanted.prop_map(|(id, delta)| Wanted { id: uuid(id), delta });
        prop::collection::vec(wanted, 0..4)
    };
    let language = (prop::sample::select(&LANGUAGES[..]), any::<bool>())
        .prop_map(|(id, delta)| Wanted { id: id.to_owned(), delta });
    let languages = prop::option::of(prop::collection::vec(language, 0..3));
    (ids(), ids(), languages).prop_map(|(categories, classifications, languages)| UpdateFilter {
        categories,
        classifications,
        languages,
    })
}

fn ids(catalog: &Catalog, indices: &RoaringBitmap) -> HashSet<RevisionId> {
    indices.iter().map(|index| catalog.revision(index).expect("an index").id).collect()
}

proptest! {
    #[test]
    fn the_list_is_that_of_the_rules(
        revisions in revisions(),
        filter in filter(),
        since in prop::option::of((0..60_u32, -1..4_i64)),
    ) {
        let since = since.map(|(newest, at)| Since { newest: RevisionId(newest), at });
        let catalog = Catalog::build(revisions.clone());
        let found = catalog.sync_updates(&filter, since);
        prop_assert_eq!(ids(&catalog, &found), expected(&revisions, &filter, since));

        let configuration = ids(&catalog, &catalog.sync_configuration(since));
        let wanted = revisions.iter().filter(|it| {
            let kind = it.metadata.update_type;
            let new = since.is_none_or(|since| it.id > since.newest || it.imported > since.at);
            new && matches!(kind, UpdateType::Category | UpdateType::Detectoid)
        });
        prop_assert_eq!(configuration, wanted.map(|it| it.id).collect::<HashSet<_>>());
    }

    /// What a server is told piece by piece is what it would be told at once.
    #[test]
    fn nothing_is_lost_between_two_lists(
        revisions in revisions(),
        mut filter in filter(),
        cut in 0..30_usize,
    ) {
        let UpdateFilter { categories, classifications, .. } = &mut filter;
        categories.iter_mut().chain(classifications).for_each(|it| it.delta = true);
        filter.languages.iter_mut().flatten().for_each(|it| it.delta = true);
        let before = Catalog::build(revisions.iter().take(cut).cloned().collect());
        let after = Catalog::build(revisions);
        let newest = before.newest().unwrap_or(RevisionId(0));
        let since = Some(Since { newest, at: i64::MAX });
        let first = ids(&before, &before.sync_updates(&filter, None));
        let second = ids(&after, &after.sync_updates(&filter, since));
        for wanted in ids(&after, &after.sync_updates(&filter, None)) {
            prop_assert!(first.contains(&wanted) || second.contains(&wanted), "{wanted}");
        }
    }
}

#[test]
fn adding_a_category_refetches_only_it() {
    const OLD: u128 = 1;
    const ADDED: u128 = 2;
    const CLASS: u128 = 3;
    let catalog = Catalog::build(vec![
        Draft::new(1, OLD, 1).category(CategoryType::Product).build(),
        Draft::new(2, ADDED, 1).category(CategoryType::Product).build(),
        Draft::new(3, CLASS, 1).category(CategoryType::UpdateClassification).build(),
        Draft::new(4, 10, 1).needs(&[OLD]).needs(&[CLASS]).build(),
        Draft::new(5, 11, 1).needs(&[ADDED]).needs(&[CLASS]).bundles(&[(12, 1)]).build(),
        Draft::new(6, 12, 1).build(),
        Draft::new(7, 13, 1).needs(&[OLD]).needs(&[CLASS]).build(),
    ]);
    let wanted = |id, delta| Wanted { id: uuid(id), delta };
    let filter = UpdateFilter {
        categories: vec![wanted(OLD, true), wanted(ADDED, false)],
        classifications: vec![wanted(CLASS, true)],
        languages: None,
    };
    let since = Since { newest: RevisionId(6), at: 0 };
    let found = ids(&catalog, &catalog.sync_updates(&filter, Some(since)));
    assert_eq!(found, [5, 6, 7].map(RevisionId).into(), "what was added, and what is new");
    let nobody = UpdateFilter { classifications: Vec::new(), ..filter };
    assert!(catalog.sync_updates(&nobody, Some(since)).is_empty());
}

#[test]
fn drivers_are_found_by_device_and_category() {
    const PRODUCT: u128 = 1;
    let drives = |hardware_id: &str| DriverEntry {
        hardware_id: hardware_id.to_owned(),
        ver_date: 0,
        ver_version: 0,
        class: String::new(),
        manufacturer: String::new(),
        provider: String::new(),
        model: String::new(),
        whql_driver_id: None,
        feature_scores: Vec::new(),
        distribution_chids: Vec::new(),
        target_chids: Vec::new(),
    };
    let catalog = Catalog::build(vec![
        Draft::new(1, PRODUCT, 1).category(CategoryType::Product).build(),
        Draft::new(2, 10, 1).needs(&[PRODUCT]).drives(drives("PCI\\A")).build(),
        Draft::new(3, 11, 1).needs(&[PRODUCT]).drives(drives("pci\\b")).build(),
        Draft::new(4, 12, 1).drives(drives("pci\\a")).build(),
        Draft::new(5, 10, 2).needs(&[PRODUCT]).drives(drives("pci\\a")).build(),
        Draft::new(6, 13, 1).needs(&[PRODUCT]).build(),
    ]);
    let found = |devices: &[(&str, bool)], products: &[bool], since: Option<u32>| {
        let device = |(id, delta): &(&str, bool)| Wanted { id: (*id).to_owned(), delta: *delta };
        let product = |delta: &bool| Wanted { id: uuid(PRODUCT), delta: *delta };
        let filter = DriverFilter {
            devices: devices.iter().map(device).collect(),
            categories: products.iter().map(product).collect(),
        };
        let since = since.map(|newest| Since { newest: RevisionId(newest), at: i64::MAX });
        let mut found: Vec<u32> =
            ids(&catalog, &catalog.sync_drivers(&filter, since)).iter().map(|id| id.0).collect();
        found.sort_unstable();
        found
    };
    let (a, b) = (("pci\\a", true), ("pci\\b", true));
    assert_eq!(found(&[a], &[], None), [4, 5], "the latest revisions");
    assert_eq!(found(&[a, b], &[true], None), [3, 5], "of the category");
    assert_eq!(found(&[a, b], &[true], Some(4)), [5], "that are new");
    assert_eq!(found(&[a, ("pci\\b", false)], &[true], Some(4)), [3, 5], "or for a new device");
    assert_eq!(found(&[a, b], &[false], Some(9)), [3, 5], "or of a new category");
    assert!(found(&[], &[true], None).is_empty() && found(&[("usb", false)], &[], None).is_empty());
}
