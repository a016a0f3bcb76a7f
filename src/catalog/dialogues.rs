//! Scans as they were recorded, and catalogues at the limits of size and shape.

use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::draft::{Draft, uuid};
use super::{Catalog, NewRevision, PageLimits, RevisionSet, Scan, Scope};
use crate::metadata::model::CategoryType;
use crate::wire::types::RevisionId;

fn ids<const N: usize>(numbers: [u32; N]) -> [RevisionId; N] {
    numbers.map(RevisionId)
}

/// An agent that reports `true` for the updates its machine has.
struct Agent<'a> {
    catalog: &'a Catalog,
    scope: Scope,
    filter: Option<RoaringBitmap>,
    has: fn(u128) -> bool,
    installed: Vec<RevisionId>,
    other: Vec<RevisionId>,
}

/// What one trip looked like: the ids sent as installed and as otherwise cached, those received,
/// and whether the page was truncated.
type Trip = (usize, usize, usize, bool);

impl<'a> Agent<'a> {
    fn new(catalog: &'a Catalog, has: fn(u128) -> bool) -> Self {
        let scope = catalog.scope(&RoaringBitmap::new());
        Self { catalog, scope, filter: None, has, installed: Vec::new(), other: Vec::new() }
    }

    /// Scans until an answer is neither truncated nor unlocks anything.
    fn scan(&mut self, limits: PageLimits) -> Vec<Trip> {
        let mut trips = Vec::new();
        loop {
            let installed = self.catalog.installed(self.installed.iter().copied());
            let needed = self.catalog.needed(&self.scope, &installed, self.filter.as_ref());
            let scan = Scan { cached: &[&self.installed, &self.other], two_groups: true };
            let delta = self.catalog.delta(&self.scope, &RevisionSet::from(&needed), &scan);
            assert_eq!(delta.out_of_scope, [] as [RevisionId; 0]);
            let page = limits.page(trips.len() as u32, &vec![1; delta.new.len()]);
            trips.push((self.installed.len(), self.other.len(), page.len, page.truncated));
            let mut unlocks = false;
            for &index in &delta.new[..page.len] {
                let revision = self.catalog.revision(index).expect("delivered");
                let update = revision.metadata.identity.update_id.as_u128();
                let non_leaf = !self.catalog.is_leaf(index);
                unlocks |= non_leaf;
                let list = if non_leaf && (self.has)(update) {
                    &mut self.installed
                } else {
                    &mut self.other
                };
                list.push(revision.id);
            }
            if !page.truncated && !unlocks {
                return trips;
            }
        }
    }
}

/// The recorded first scan of categories: the chain up from Windows 11, one level a trip, though
/// nothing but the prerequisites of category filings leads from one to the next.
#[test]
fn a_category_chain_arrives_one_level_a_trip() {
    const MICROSOFT: u128 = 1;
    const WINDOWS: u128 = 2;
    const PRODUCT: u128 = 3;
    const OTHER: u128 = 4;
    let catalog = Catalog::build(vec![
        Draft::new(108_226, MICROSOFT, 101).category(CategoryType::Company).build(),
        Draft::new(108_231, WINDOWS, 100)
            .category(CategoryType::ProductFamily)
            .filed_under(&[MICROSOFT])
            .build(),
        Draft::new(108_236, PRODUCT, 202)
            .category(CategoryType::Product)
            .filed_under(&[WINDOWS])
            .build(),
        Draft::new(108_240, OTHER, 1)
            .category(CategoryType::Product)
            .filed_under(&[WINDOWS])
            .build(),
    ]);
    let mut agent = Agent::new(&catalog, |_| true);
    let preferred = catalog.category_scan(&[(0, uuid(PRODUCT))]).preferred;
    agent.filter = Some(catalog.related(&agent.scope, &preferred));
    let trips = agent.scan(PageLimits::default());
    assert_eq!(trips, [(0, 0, 1, false), (1, 0, 1, false), (2, 0, 1, false)]);
    assert_eq!(
        (agent.installed, agent.other),
        (ids([108_226, 108_231]).to_vec(), ids([108_236]).to_vec())
    );
}

/// The recorded staged scan of a catalogue with one product: 170 revisions in ten trips.
#[test]
fn a_staged_catalogue_arrives_as_recorded() {
    const ARCHITECTURE: u128 = 1;
    let of_stage = |stage: &[u128], update: u128| {
        let draft = Draft::new(update as u32, update, 1);
        stage.iter().fold(draft, |draft, &needed| draft.needs(&[needed])).build()
    };
    // Six without prerequisites, three of them true; then one after the other unlocks the next.
    let mut revisions: Vec<NewRevision> = (1..=6).map(|update| of_stage(&[], update)).collect();
    revisions.push(of_stage(&[ARCHITECTURE, 2, 3], 7));
    revisions.push(of_stage(&[7], 8));
    revisions.extend((9..=38).map(|update| of_stage(&[8], update)));
    revisions.push(of_stage(&[9, 10], 39));
    revisions.extend((40..=170).map(|update| of_stage(&[39], update)));
    let catalog = Catalog::build(revisions);
    let trips = Agent::new(&catalog, |_| true).scan(PageLimits { updates: 30, bytes: 1 << 20 });
    let recorded = [
        (0, 0, 6, false),
        (3, 3, 1, false),
        (4, 3, 1, false),
        (5, 3, 30, false),
        (7, 31, 1, false),
        (8, 31, 30, true),
        (8, 61, 30, true),
        (8, 91, 30, true),
        (8, 121, 30, true),
        (8, 151, 11, false),
    ];
    assert_eq!(trips, recorded);
}

#[test]
fn an_agent_with_full_lists_is_told_only_what_changed() {
    const DETECTOID: u128 = 1;
    const UPDATE: u128 = 2;
    const LATER: u128 = 3;
    let mut revisions = vec![
        Draft::new(1, DETECTOID, 1).detectoid().build(),
        Draft::new(2, UPDATE, 1).needs(&[DETECTOID]).build(),
    ];
    let before = Catalog::build(revisions.clone());
    let mut agent = Agent::new(&before, |_| true);
    agent.scan(PageLimits::default());
    assert_eq!(agent.scan(PageLimits::default()), [(1, 1, 0, false)]);

    revisions.push(Draft::new(3, UPDATE, 2).needs(&[DETECTOID]).build());
    revisions.push(Draft::new(4, LATER, 1).needs(&[LATER]).build());
    let after = Catalog::build(revisions);
    let scope = after.scope(&RoaringBitmap::new());
    let needed = after.needed(&scope, &after.installed(ids([1])), None);
    let delta = after.delta(
        &scope,
        &RevisionSet::from(&needed),
        &Scan { cached: &[&ids([1]), &ids([2, 77])], two_groups: false },
    );
    assert_eq!(
        (delta.new, delta.out_of_scope),
        (vec![2], ids([2, 77]).to_vec()),
        "revised, and foreign"
    );
    assert_eq!(delta.kept.iter().collect::<Vec<_>>(), [0]);

    let needed = after.needed(&scope, &after.installed([]), None);
    let delta = after.delta(
        &scope,
        &RevisionSet::from(&needed),
        &Scan { cached: &[&ids([3]), &ids([1])], two_groups: false },
    );
    assert_eq!(delta.out_of_scope, ids([3]), "in scope, but its prerequisite is no longer listed");
}

#[test]
fn a_category_scan_does_not_purge_what_lies_outside_of_it() {
    const PRODUCT: u128 = 1;
    const OTHER: u128 = 2;
    const UPDATE: u128 = 3;
    const ELSEWHERE: u128 = 4;
    let catalog = Catalog::build(vec![
        Draft::new(1, PRODUCT, 1).category(CategoryType::Product).build(),
        Draft::new(2, OTHER, 1).category(CategoryType::Product).build(),
        Draft::new(3, UPDATE, 1).filed_under(&[PRODUCT]).build(),
        Draft::new(4, ELSEWHERE, 1).filed_under(&[OTHER]).build(),
        Draft::new(5, ELSEWHERE, 2).filed_under(&[OTHER]).build(),
    ]);
    let scope = catalog.scope(&RoaringBitmap::new());
    let related = catalog.related(&scope, &[uuid(PRODUCT)]);
    let needed = catalog.needed(&scope, &catalog.installed(ids([1, 2])), Some(&related));
    let cached: [&[RevisionId]; 2] = [&ids([1, 2]), &ids([3, 4, 5, 99])];
    let delta = catalog.delta(
        &scope,
        &RevisionSet::from(&needed),
        &Scan { cached: &cached, two_groups: true },
    );
    assert_eq!(delta.deployed_out_of_scope, ids([2, 5]));
    assert_eq!(delta.out_of_scope, ids([4, 99]));
    let delta = catalog.delta(
        &scope,
        &RevisionSet::from(&needed),
        &Scan { cached: &cached, two_groups: false },
    );
    assert_eq!(delta.out_of_scope, ids([2, 4, 5, 99]));
}

/// A hundred thousand revisions in one chain of prerequisites, one of bundles and one circle: any
/// recursion overflows the stack, any quadratic walk takes minutes.
#[test]
fn chains_as_long_as_the_catalogue_are_walked() {
    const LENGTH: u32 = 100_000;
    let revisions = (0..LENGTH).map(|position| {
        let next = u128::from((position + 1) % LENGTH);
        Draft::new(position + 1, u128::from(position), 1)
            .category(CategoryType::Product)
            .filed_under(&[next])
            .bundles(&[(next, 1)])
            .build()
    });
    let revisions: Vec<NewRevision> = revisions.collect();
    let start = Instant::now();
    let catalog = Catalog::build(revisions);
    let scope = catalog.scope(&RoaringBitmap::new());
    assert_eq!(scope.in_scope.len(), u64::from(LENGTH));
    assert_eq!(catalog.related(&scope, &[uuid(5)]).len(), u64::from(LENGTH));
    assert_eq!(catalog.categories(0).len(), u64::from(LENGTH));
    let installed = catalog.installed(ids([1]));
    assert_eq!(catalog.needed(&scope, &installed, None), RoaringBitmap::from([LENGTH - 1]));
    assert!(start.elapsed() < Duration::from_secs(60), "took {:?}", start.elapsed());
}
