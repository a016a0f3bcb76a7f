//! Random catalogues: the evaluation equals the oracle, and an agent that scans comes to an end.
//!
//! The graphs are small and dense, so that cycles, self-references, dangling references, several
//! bundles of one update and clauses that nothing satisfies come up all the time.

use std::collections::HashSet;

use proptest::prelude::*;
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::draft::{Draft, uuid};
use super::naive::Naive;
use super::{Catalog, CatalogBuilder, NewRevision, PageLimits, Removal, RevisionSet, Scan, Scope};
use crate::metadata::model::UpdateType;
use crate::wire::types::RevisionId;

/// Updates that exist; references reach a little further.
const UPDATES: u128 = 10;

fn update() -> impl Strategy<Value = u128> {
    0..UPDATES + 2
}

/// A revision without its id.
fn draft() -> impl Strategy<Value = Draft> {
    use UpdateType::{Category, Detectoid, Driver, Software};
    let update_type = prop_oneof![
        4 => Just(Software), 2 => Just(Category), 2 => Just(Detectoid), 1 => Just(Driver)
    ];
    let clause = (prop::collection::vec(update(), 0..4), any::<bool>());
    let bundle = prop::collection::vec((update(), 1..4u32), 0..3);
    (
        (0..UPDATES, 1..4u32, update_type),
        (any::<bool>(), prop::bool::weighted(0.2)),
        prop::collection::vec(clause, 0..3),
        prop::collection::vec(bundle, 0..3),
        prop::collection::vec(update(), 0..2),
    )
        .prop_map(
            |((id, number, update_type), (deployable, expired), clauses, bundles, replaced)| {
                let mut draft = Draft::new(0, id, number)
                    .update_type(update_type)
                    .explicitly_deployable(deployable)
                    .expired(expired)
                    .supersedes(&replaced);
                for (alternatives, is_category) in clauses {
                    draft = draft.clause(&alternatives, is_category);
                }
                for alternatives in bundles {
                    draft = draft.bundles(&alternatives);
                }
                draft
            },
        )
}

/// Revisions with unique identities; ids with gaps, in no relation to anything.
fn revisions() -> impl Strategy<Value = Vec<NewRevision>> {
    prop::collection::vec(draft(), 0..30).prop_map(|drafts| {
        let mut seen = HashSet::new();
        let numbered =
            (1..).zip(drafts).map(|(position, draft)| draft.with_id(position * 3).build());
        numbered.filter(|revision| seen.insert(revision.metadata.identity)).collect()
    })
}

/// Ids as clients send them: known, unknown, repeated and zero.
fn sent() -> impl Strategy<Value = Vec<RevisionId>> {
    let id = prop_oneof![20 => 0..95u32, 1 => Just(u32::MAX)];
    prop::collection::vec(id.prop_map(RevisionId), 0..40)
}

fn updates() -> impl Strategy<Value = HashSet<Uuid>> {
    prop::collection::hash_set(update().prop_map(uuid), 0..5)
}

fn ids(catalog: &Catalog, indices: impl IntoIterator<Item = u32>) -> HashSet<RevisionId> {
    indices.into_iter().map(|index| catalog.revision(index).expect("an index").id).collect()
}

fn scope(catalog: &Catalog, declined: &HashSet<Uuid>) -> Scope {
    let known: RoaringBitmap = declined.iter().filter_map(|id| catalog.update(id)).collect();
    catalog.scope(&known)
}

/// Whether a catalogue says of leaves, bundles and what is offered what the oracle says of `revisions`.
fn same_as_naive(
    catalog: &Catalog,
    revisions: &[NewRevision],
    declined: &HashSet<Uuid>,
    sent: &[RevisionId],
) -> Result<(), TestCaseError> {
    let naive = Naive(revisions);
    let scope = scope(catalog, declined);
    let expected = naive.scope(declined);
    prop_assert_eq!(ids(catalog, &scope.in_scope), expected.in_scope);
    prop_assert_eq!(ids(catalog, &scope.drivers), expected.drivers);
    prop_assert_eq!(ids(catalog, &scope.members), expected.members);
    prop_assert_eq!(ids(catalog, &scope.tops), expected.tops);
    prop_assert_eq!(catalog.revisions().count(), revisions.len());
    let updates = catalog.installed(sent.iter().copied());
    let needed = catalog.needed(&scope, &updates, None);
    let delta = catalog.delta(
        &scope,
        &RevisionSet::from(&needed),
        &Scan { cached: &[sent], two_groups: false },
    );
    let expected = naive.scope(declined);
    let naive_needed = naive.needed(&expected, sent, None);
    let expected = naive.delta(&expected, &naive_needed, sent, false);
    prop_assert_eq!(ids(catalog, delta.new), expected.new);
    prop_assert_eq!(delta.out_of_scope.into_iter().collect::<HashSet<_>>(), expected.out_of_scope);
    let built = Catalog::build(revisions.to_vec());
    for revision in revisions {
        let index = catalog.by_id(revision.id).expect("it is there");
        let same = built.by_id(revision.id).expect("it is there");
        prop_assert_eq!(catalog.is_leaf(index), naive.is_leaf(revision));
        let neighbours = |catalog: &Catalog, index| {
            let replaced = catalog.update_of(index).expect("an update");
            [
                ids(catalog, catalog.members(index).to_vec()),
                ids(catalog, catalog.parents(index).to_vec()),
                ids(catalog, catalog.superseded_by(replaced)),
            ]
        };
        prop_assert_eq!(neighbours(catalog, index), neighbours(&built, same));
    }
    Ok(())
}

proptest! {
    #[test]
    fn leaves_equal_the_oracle(revisions in revisions()) {
        let catalog = Catalog::build(revisions.clone());
        for revision in &revisions {
            let index = catalog.by_id(revision.id).expect("built from it");
            prop_assert_eq!(catalog.is_leaf(index), Naive(&revisions).is_leaf(revision));
        }
    }

    #[test]
    fn a_snapshot_stays_as_it_is_while_the_catalogue_grows(revisions in revisions()) {
        let mut builder = CatalogBuilder::default();
        let mut snapshots = Vec::new();
        for revision in &revisions {
            prop_assert!(builder.add(revision).is_some());
            prop_assert!(builder.add(revision).is_none(), "it is there");
            builder.touch(0, revision.id.0.into());
            snapshots.push(builder.snapshot());
        }
        for (snapshot, last) in snapshots.iter().zip(&revisions) {
            let until: Vec<_> = revisions.iter().filter(|it| it.id <= last.id).cloned().collect();
            prop_assert_eq!(snapshot.len(), until.len());
            let first = snapshot.revision(0).map(|revision| revision.changed);
            prop_assert_eq!(first, Some(last.id.0.into()));
            let expected = Naive(&until).scope(&HashSet::new());
            let scope = scope(snapshot, &HashSet::new());
            prop_assert_eq!(ids(snapshot, &scope.in_scope), expected.in_scope);
            prop_assert_eq!(ids(snapshot, &scope.members), expected.members);
            prop_assert_eq!(ids(snapshot, &scope.tops), expected.tops);
            for revision in &until {
                let index = snapshot.by_identity(&revision.metadata.identity);
                prop_assert_eq!(index, snapshot.by_id(revision.id));
                let index = index.expect("added before");
                prop_assert_eq!(snapshot.is_leaf(index), Naive(&until).is_leaf(revision));
            }
        }
    }

    #[test]
    fn a_catalogue_that_lost_revisions_is_one_that_never_had_them(
        revisions in revisions(),
        lost in prop::collection::vec((0..30u32, any::<bool>()), 0..20),
        declined in updates(),
        sent in sent(),
    ) {
        let mut builder = CatalogBuilder::default();
        let mut left: Vec<NewRevision> = Vec::new();
        for revision in &revisions {
            builder.add(revision);
            left.push(revision.clone());
        }
        let before = builder.snapshot();
        let mut next = 1000;
        for (index, comes_again) in lost {
            let Some(revision) = builder.catalog().revision(index) else { continue };
            let id = revision.id;
            builder.remove(&RoaringBitmap::from([index]));
            let place = left.iter().position(|it| it.id == id).expect("it was there");
            let removed = left.remove(place);
            prop_assert!(builder.catalog().by_id(id).is_none());
            if comes_again {
                next += 1;
                let again = NewRevision { id: RevisionId(next), ..removed };
                prop_assert!(builder.add(&again).is_some());
                left.push(again);
            }
        }
        let catalog = builder.catalog();
        prop_assert_eq!(catalog.len(), left.len());
        same_as_naive(catalog, &left, &declined, &sent)?;
        same_as_naive(&before, &revisions, &declined, &sent)?;
    }

    #[test]
    fn nobody_is_offered_anything_else_without_what_is_removable(
        revisions in revisions(),
        declined in updates(),
        candidates in prop::collection::btree_set(0..30u32, 0..30),
        installed in sent(),
    ) {
        let catalog = Catalog::build(revisions.clone());
        let known: RoaringBitmap = declined.iter().filter_map(|id| catalog.update(id)).collect();
        let removal = Removal::new(&catalog, &known);
        let candidates = catalog.indices().filter(|index| candidates.contains(index)).collect();
        let gone = removal.removable(&candidates);
        prop_assert!(gone.is_subset(&candidates));
        let units = removal.units(&gone);
        prop_assert_eq!(units.iter().map(RoaringBitmap::len).sum::<u64>(), gone.len());
        let before = Naive(&revisions);
        let (scope, tops) = (before.scope(&declined), before.scope(&HashSet::new()).tops);
        let mut left = revisions.clone();
        for unit in units {
            let ids = ids(&catalog, &unit);
            left.retain(|revision| !ids.contains(&revision.id));
            // Each alone, as each may be the last.
            let after = Naive(&left);
            prop_assert_eq!(&after.scope(&declined), &scope);
            let tops: HashSet<_> =
                tops.iter().filter(|id| left.iter().any(|it| it.id == **id)).copied().collect();
            prop_assert_eq!(after.scope(&HashSet::new()).tops, tops, "if it is taken back");
            prop_assert_eq!(
                after.needed(&scope, &installed, None),
                before.needed(&scope, &installed, None)
            );
        }
        let smaller = Catalog::build(left.clone());
        for revision in left.iter().filter(|it| !declined.contains(&it.metadata.identity.update_id)) {
            let is_replaced = |catalog: &Catalog| {
                let update = catalog.update(&revision.metadata.identity.update_id);
                catalog.superseded_by(update.expect("it is there")).next().is_some()
            };
            prop_assert_eq!(is_replaced(&catalog), is_replaced(&smaller));
        }
    }

    #[test]
    fn the_scope_equals_the_oracle(revisions in revisions(), declined in updates()) {
        let catalog = Catalog::build(revisions.clone());
        let scope = scope(&catalog, &declined);
        let expected = Naive(&revisions).scope(&declined);
        prop_assert_eq!(ids(&catalog, &scope.in_scope), expected.in_scope);
        prop_assert_eq!(ids(&catalog, &scope.software), expected.software);
        prop_assert_eq!(ids(&catalog, &scope.drivers), expected.drivers);
        prop_assert_eq!(ids(&catalog, &scope.members), expected.members);
        prop_assert_eq!(ids(&catalog, &scope.tops), expected.tops);
        let updates: HashSet<_> = scope.in_scope.iter().map(|r| catalog.update_of(r)).collect();
        prop_assert_eq!(updates.len() as u64, scope.in_scope.len(), "one revision of an update");
    }

    #[test]
    fn a_scan_equals_the_oracle(
        revisions in revisions(),
        declined in updates(),
        installed in sent(),
        other in sent(),
        filter in prop::option::of(prop::collection::vec(update().prop_map(uuid), 0..4)),
        two_groups in any::<bool>(),
    ) {
        let catalog = Catalog::build(revisions.clone());
        let scope = scope(&catalog, &declined);
        let related = filter.as_ref().map(|filter| catalog.related(&scope, filter));
        let updates = catalog.installed(installed.iter().copied());
        let needed = catalog.needed(&scope, &updates, related.as_ref());
        let delta = catalog.delta(&scope, &RevisionSet::from(&needed), &Scan { cached: &[&installed, &other], two_groups });

        let naive = Naive(&revisions);
        let naive_scope = naive.scope(&declined);
        let naive_related = filter.map(|filter| naive.related(&naive_scope, &filter));
        prop_assert_eq!(related.map(|related| ids(&catalog, related)), naive_related.clone());
        let naive_needed = naive.needed(&naive_scope, &installed, naive_related.as_ref());
        prop_assert_eq!(ids(&catalog, &needed), naive_needed.clone());

        let cached = [installed, other].concat();
        let expected = naive.delta(&naive_scope, &naive_needed, &cached, two_groups);
        prop_assert!(delta.new.is_sorted());
        prop_assert_eq!(ids(&catalog, delta.new), expected.new);
        prop_assert_eq!(ids(&catalog, delta.kept.iter()), expected.kept);
        for (sent, expected) in [
            (delta.out_of_scope, expected.out_of_scope),
            (delta.deployed_out_of_scope, expected.deployed_out_of_scope),
        ] {
            prop_assert!(sent.is_sorted());
            prop_assert_eq!(sent.len(), expected.len(), "each once");
            prop_assert_eq!(sent.into_iter().collect::<HashSet<_>>(), expected);
        }
    }

    #[test]
    fn an_agent_comes_to_the_end_with_each_update_once_and_in_order(
        revisions in revisions(),
        declined in updates(),
        installed_on_machine in updates(),
        updates in 1..4u32,
    ) {
        let catalog = Catalog::build(revisions.clone());
        let scope = scope(&catalog, &declined);
        let limits = PageLimits { updates, bytes: 3_500 };
        let mut installed: Vec<RevisionId> = Vec::new();
        let mut other: Vec<RevisionId> = Vec::new();
        let mut delivered = HashSet::new();
        let mut trips = 0;
        loop {
            let satisfied = catalog.installed(installed.iter().copied());
            let needed = catalog.needed(&scope, &satisfied, None);
            let scan = Scan { cached: &[&installed, &other], two_groups: false };
            let delta = catalog.delta(&scope, &RevisionSet::from(&needed), &scan);
            prop_assert!(delta.out_of_scope.is_empty(), "the agent sent only what it was given");
            let new = delta.new.iter().filter_map(|&index| catalog.revision(index));
            let fragments: Vec<u32> = new.map(|revision| revision.core_bytes).collect();
            let page = limits.page(trips, &fragments);
            let mut unlocks = false;
            for &index in &delta.new[..page.len] {
                let id = catalog.revision(index).expect("delivered").id;
                let revision = Naive(&revisions).with_id(id);
                prop_assert!(delivered.insert(revision.metadata.identity.update_id));
                for clause in &revision.metadata.prerequisites {
                    let mut known = clause.alternatives.iter().filter_map(|id| catalog.update(id));
                    prop_assert!(known.any(|update| satisfied.contains(&update)));
                }
                let non_leaf = !catalog.is_leaf(index);
                unlocks |= non_leaf;
                if non_leaf && installed_on_machine.contains(&revision.metadata.identity.update_id) {
                    installed.push(id);
                } else {
                    other.push(id);
                }
            }
            trips += 1;
            prop_assert!(trips < 200);
            if !page.truncated && !unlocks {
                break;
            }
        }
        let naive = Naive(&revisions);
        let expected = naive.needed(&naive.scope(&declined), &installed, None);
        prop_assert_eq!(delivered.len(), expected.len(), "nothing is left behind");
    }
}
