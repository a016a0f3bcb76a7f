//! What every engine must do, whatever it is made of.
//!
//! A new engine is trusted when it passes [`suite`] and [`agrees_with_the_model`]. `make` opens the
//! store at a path, a second time with what was committed the first time; the store before it is
//! always dropped first.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::{Batch, Change, Store, StoreError, Tree};

type Records = Vec<(Vec<u8>, Vec<u8>)>;
/// Opens the store of a case, again and again.
type Make<'a> = &'a dyn Fn() -> Box<dyn Store>;

/// All cases with fixed examples.
pub(super) fn suite(make: impl Fn(&Path) -> Box<dyn Store>) {
    let cases: [fn(Make<'_>); 10] = [
        an_empty_store_has_nothing,
        records_come_in_the_order_of_their_bytes,
        a_batch_reaches_all_its_trees,
        a_refused_batch_changes_nothing,
        the_last_change_of_a_key_wins,
        values_of_every_size_come_back,
        a_big_batch_is_one_batch,
        deletes_are_remembered,
        an_error_of_the_reader_ends_the_load,
        pages_end_at_their_size_and_go_on_behind_it,
    ];
    for case in cases {
        let scratch = tempfile::tempdir().unwrap();
        case(&|| make(scratch.path()));
    }
}

/// Random batches, with reopening in between, against a map.
pub(super) fn agrees_with_the_model(cases: u32, make: impl Fn(&Path) -> Box<dyn Store>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..12))| {
        let scratch = tempfile::tempdir().unwrap();
        let mut store = make(scratch.path());
        let mut model = BTreeMap::<(Tree, Vec<u8>), Vec<u8>>::new();
        for step in steps {
            match step {
                Step::Commit(batch) => {
                    store.commit(&batch).unwrap();
                    apply(&mut model, &batch);
                }
                Step::Reopen => {
                    drop(store);
                    store = make(scratch.path());
                }
            }
            for tree in Tree::ALL {
                let expected = model.iter().filter(|((of, _), _)| *of == tree);
                let expected: Records =
                    expected.map(|((_, key), value)| (key.clone(), value.clone())).collect();
                prop_assert_eq!(&records(&*store, tree), &expected);
                prop_assert_eq!(paged(&*store, tree, 1), expected);
            }
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Batch),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    // Few and short keys, so that batches meet each other's records.
    let key = || prop::collection::vec(prop::sample::select(vec![0, 1, 0x7F, 0xFF]), 0..3);
    let tree = || prop::sample::select(Tree::ALL.to_vec());
    let value = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 1000_usize..9000).prop_map(|(byte, length)| vec![byte; length]),
    ];
    let change = prop_oneof![
        3 => (tree(), key(), value).prop_map(|(tree, key, value)| Change::Put { tree, key, value }),
        1 => (tree(), key()).prop_map(|(tree, key)| Change::Delete { tree, key }),
    ];
    prop_oneof![
        5 => prop::collection::vec(change, 0..30).prop_map(|changes| Step::Commit(batch(changes))),
        1 => Just(Step::Reopen),
    ]
}

fn batch(changes: Vec<Change>) -> Batch {
    let mut batch = Batch::new();
    for change in changes {
        match change {
            Change::Put { tree, key, value } => batch.put(tree, key, value),
            Change::Delete { tree, key } => batch.delete(tree, key),
        }
    }
    batch
}

fn apply(model: &mut BTreeMap<(Tree, Vec<u8>), Vec<u8>>, batch: &Batch) {
    for change in batch.changes() {
        match change.clone() {
            Change::Put { tree, key, value } => model.insert((tree, key), value),
            Change::Delete { tree, key } => model.remove(&(tree, key)),
        };
    }
}

/// All records of `tree`, in the order in which they are loaded.
pub(super) fn records(store: &dyn Store, tree: Tree) -> Records {
    let mut records = Vec::new();
    let mut collect = |key: &[u8], value: &[u8]| {
        records.push((key.to_vec(), value.to_vec()));
        Ok(())
    };
    store.load(tree, &mut collect).unwrap();
    records
}

/// The same, page by page.
fn paged(store: &dyn Store, tree: Tree, bytes: usize) -> Records {
    let mut all = Records::new();
    loop {
        let page = store.page(tree, all.last().map(|(key, _)| key.as_slice()), bytes).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn an_empty_store_has_nothing(make: Make<'_>) {
    let mut store = make();
    store.commit(&Batch::new()).unwrap();
    for tree in Tree::ALL {
        assert!(records(&*store, tree).is_empty());
        assert_eq!(store.read(tree, b"").unwrap(), None);
    }
}

fn records_come_in_the_order_of_their_bytes(make: Make<'_>) {
    let keys: [&[u8]; 6] = [b"", &[0], &[0, 0], &[1], &[0x7F, 0xFF], &[0x80]];
    let mut store = make();
    let mut batch = Batch::new();
    for key in keys.iter().rev() {
        batch.put(Tree::Revisions, *key, *key);
    }
    store.commit(&batch).unwrap();
    let loaded = records(&*store, Tree::Revisions);
    assert_eq!(loaded.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(), keys);
}

fn a_batch_reaches_all_its_trees(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    for tree in Tree::ALL {
        batch.put(tree, b"key", tree.name());
    }
    store.commit(&batch).unwrap();
    for reopened in [false, true] {
        if reopened {
            drop(store);
            store = make();
        }
        for tree in Tree::ALL {
            assert_eq!(records(&*store, tree), [(b"key".to_vec(), tree.name().into())]);
            assert_eq!(store.read(tree, b"key").unwrap(), Some(tree.name().into()));
        }
    }
}

fn a_refused_batch_changes_nothing(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    batch.put(Tree::Meta, b"fits", b"");
    batch.put(Tree::Groups, b"does not fit", vec![0; Batch::MAX_VALUE + 1]);
    assert!(matches!(store.commit(&batch), Err(StoreError::TooLarge { .. })));
    assert_eq!(store.read(Tree::Meta, b"fits").unwrap(), None);

    let mut batch = Batch::new();
    batch.put(Tree::Meta, b"next", b"");
    store.commit(&batch).unwrap();
    assert_eq!(store.read(Tree::Meta, b"next").unwrap(), Some(vec![]));
}

fn the_last_change_of_a_key_wins(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    batch.put(Tree::Meta, b"put", b"1");
    batch.delete(Tree::Meta, b"put");
    batch.put(Tree::Meta, b"put", b"2");
    batch.put(Tree::Meta, b"deleted", b"1");
    batch.delete(Tree::Meta, b"deleted");
    store.commit(&batch).unwrap();
    assert_eq!(records(&*store, Tree::Meta), [(b"put".to_vec(), b"2".to_vec())]);
}

fn values_of_every_size_come_back(make: Make<'_>) {
    let pattern = |length: usize| (0..length).map(|at| (at % 251) as u8).collect::<Vec<_>>();
    let lengths = [0, 1, 4 << 10, 200 << 10, Batch::MAX_VALUE];
    let mut store = make();
    for length in lengths {
        let mut batch = Batch::new();
        batch.put(Tree::Contents, (length as u64).to_be_bytes(), pattern(length));
        store.commit(&batch).unwrap();
    }
    drop(store);
    let store = make();
    for length in lengths {
        let value = store.read(Tree::Contents, &(length as u64).to_be_bytes()).unwrap();
        assert!(value == Some(pattern(length)), "{length} bytes");
    }
    assert!(store.size_on_disk().unwrap() >= lengths.iter().sum::<usize>() as u64);
}

fn a_big_batch_is_one_batch(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    for number in 0..5000_u32 {
        let tree = if number % 2 == 0 { Tree::Events } else { Tree::Statuses };
        batch.put(tree, number.to_be_bytes(), [7; 60]);
    }
    store.commit(&batch).unwrap();
    drop(store);
    let store = make();
    for (tree, remainder) in [(Tree::Events, 0), (Tree::Statuses, 1)] {
        let numbers = (0..5000_u32).filter(|number| number % 2 == remainder);
        let expected: Records =
            numbers.map(|number| (number.to_be_bytes().to_vec(), vec![7; 60])).collect();
        assert!(records(&*store, tree) == expected);
    }
}

fn deletes_are_remembered(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    batch.put(Tree::Approvals, b"kept", b"1");
    batch.put(Tree::Approvals, b"removed", b"1");
    batch.put(Tree::Groups, b"removed", b"in another tree");
    store.commit(&batch).unwrap();

    let mut batch = Batch::new();
    batch.delete(Tree::Approvals, b"removed");
    batch.delete(Tree::Approvals, b"never there");
    store.commit(&batch).unwrap();
    drop(store);

    let store = make();
    assert_eq!(records(&*store, Tree::Approvals), [(b"kept".to_vec(), b"1".to_vec())]);
    assert_eq!(records(&*store, Tree::Groups).len(), 1);
}

fn an_error_of_the_reader_ends_the_load(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    batch.put(Tree::Meta, b"1", b"");
    batch.put(Tree::Meta, b"2", b"");
    store.commit(&batch).unwrap();
    let mut seen = 0;
    let result = store.load(Tree::Meta, &mut |_, _| {
        seen += 1;
        Err(StoreError::Broken("the reader"))
    });
    assert!(matches!(result, Err(StoreError::Broken("the reader"))));
    assert_eq!(seen, 1);
}

fn pages_end_at_their_size_and_go_on_behind_it(make: Make<'_>) {
    let mut store = make();
    let mut batch = Batch::new();
    for number in 0..100_u8 {
        batch.put(Tree::Computers, [number], vec![number; 99]);
    }
    batch.put(Tree::Computers, b"", b"");
    batch.put(Tree::Contents, b"other", b"");
    store.commit(&batch).unwrap();
    let page = store.page(Tree::Computers, Some(&[6]), 1000).unwrap();
    let keys: Vec<u8> = page.iter().map(|(key, _)| key[0]).collect();
    assert_eq!(keys, (7..17).collect::<Vec<_>>());
    for bytes in [1, 500, usize::MAX] {
        let all = records(&*store, Tree::Computers);
        assert_eq!(paged(&*store, Tree::Computers, bytes), all, "{bytes}");
    }
    assert_eq!(store.page(Tree::Computers, Some(&[99]), 1).unwrap(), []);
}
