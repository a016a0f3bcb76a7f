use std::fs;

use super::*;

fn open() -> (tempfile::TempDir, Packs) {
    let scratch = tempfile::tempdir().unwrap();
    let packs = Packs::open(&scratch.path().join("packs")).unwrap();
    (scratch, packs)
}

fn reopen(scratch: &tempfile::TempDir) -> Packs {
    Packs::open(&scratch.path().join("packs")).unwrap()
}

fn file(scratch: &tempfile::TempDir, number: u32) -> PathBuf {
    pack::path(&scratch.path().join("packs"), number)
}

#[test]
fn the_bytes_are_fixed() {
    let (scratch, packs) = open();
    let places = packs.put_many(&["abc", ""]).unwrap();
    assert_eq!(places[0], Place { pack: 0, offset: 8, length: 3 });
    assert_eq!(places[1], Place { pack: 0, offset: 19, length: 0 });
    let name = scratch.path().join("packs/00000000.pack");
    let expected = b"weirpak1\x03\0\0\x003]\xe1fabc\0\0\0\0\x1c\xdf\x44\x21";
    assert_eq!(
        fs::read(name).unwrap().escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn entries_survive_reopening_and_go_on_behind() {
    let (scratch, packs) = open();
    let first = packs.put_many(&[vec![1; 3 * WRITE], vec![2]]).unwrap();
    drop(packs);
    let packs = reopen(&scratch);
    let second = packs.put_many(&[vec![3; 10]]).unwrap();
    assert_eq!(packs.read(first[0]).unwrap(), vec![1; 3 * WRITE]);
    assert_eq!(packs.read(first[1]).unwrap(), vec![2]);
    assert_eq!(packs.read(second[0]).unwrap(), vec![3; 10]);
    assert_eq!(u64::from(second[0].offset), first[1].end());
}

#[test]
fn several_threads_put_at_once() {
    let (_scratch, packs) = open();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let packs = &packs;
            scope.spawn(move || {
                for length in 0..50 {
                    let entries = [vec![thread; length], vec![thread; 2 * length]];
                    for (place, entry) in packs.put_many(&entries).unwrap().iter().zip(&entries) {
                        assert_eq!(packs.read(*place).unwrap(), entry);
                    }
                }
            });
        }
    });
}

#[test]
fn damage_and_wrong_places_are_noticed() {
    let (scratch, packs) = open();
    let place = packs.put_many(&["some", "bytes"]).unwrap()[1];
    for wrong in [
        Place { length: 4, ..place },
        Place { offset: place.offset - 1, ..place },
        Place { offset: u32::MAX, ..place },
        Place { length: u32::MAX, ..place },
    ] {
        let error = packs.read(wrong).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
    let elsewhere = packs.read(Place { pack: 7, ..place }).unwrap_err();
    assert!(matches!(elsewhere, StoreError::MissingPack(path) if path == file(&scratch, 7)));

    let mut bytes = fs::read(file(&scratch, 0)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file(&scratch, 0), bytes).unwrap();
    assert!(matches!(packs.read(place), Err(StoreError::Corrupt { .. })));
}

#[test]
fn what_nothing_refers_to_is_cut_off() {
    let (scratch, packs) = open();
    let kept = packs.put_many(&["kept", "kept as well"]).unwrap();
    packs.put_many(&["not referred to"]).unwrap();
    let settled = packs.settle(kept.iter().copied()).unwrap();
    assert_eq!(settled, Settled { freed: 8 + 15, missing: 0 });
    assert_eq!(fs::metadata(file(&scratch, 0)).unwrap().len(), kept[1].end());

    // The room is taken again, by this process and by the next.
    let next = packs.put_many(&["next"]).unwrap();
    assert_eq!(u64::from(next[0].offset), kept[1].end());
    drop(packs);
    let packs = reopen(&scratch);
    for (place, text) in kept.iter().chain(&next).zip(["kept", "kept as well", "next"]) {
        assert_eq!(packs.read(*place).unwrap(), text);
    }
}

#[test]
fn packs_in_which_nothing_lives_are_removed() {
    let (scratch, packs) = open();
    let old = packs.put_many(&["old"]).unwrap();
    assert_eq!(packs.settle(std::iter::empty()).unwrap().freed, 8 + 8 + 3);
    assert!(!file(&scratch, 0).exists());
    assert!(matches!(packs.read(old[0]), Err(StoreError::MissingPack(_))));
    let new = packs.put_many(&["new"]).unwrap();
    assert_eq!(packs.read(new[0]).unwrap(), "new");
}

#[test]
fn what_is_missing_is_told_and_nothing_is_put_in_its_place() {
    let (scratch, packs) = open();
    let places = packs.put_many(&["here", "lost"]).unwrap();
    drop(packs);
    let length = places[0].end();
    fs::OpenOptions::new().write(true).open(file(&scratch, 0)).unwrap().set_len(length).unwrap();
    let packs = reopen(&scratch);
    let settled = packs.settle(places.iter().copied()).unwrap();
    assert_eq!(settled, Settled { freed: 0, missing: 8 + 4 });
    packs.put_many(&["more"]).unwrap();
    assert_eq!(packs.read(places[0]).unwrap(), "here");
    assert!(matches!(packs.read(places[1]), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_full_pack_is_followed_by_another() {
    let (scratch, packs) = open();
    packs.put_many(&["first"]).unwrap();
    packs.tail.lock().unwrap().end = Some(PACK_FULL - 1);
    let places = packs.put_many(&["over the edge", "beyond it"]).unwrap();
    assert_eq!(places.iter().map(|place| place.pack).collect::<Vec<_>>(), [0, 1]);
    drop(packs);
    let packs = reopen(&scratch);
    assert_eq!(packs.read(places[0]).unwrap(), "over the edge");
    assert_eq!(packs.read(places[1]).unwrap(), "beyond it");
}

#[test]
fn a_kill_while_a_pack_is_made_leaves_one_that_can_be_used() {
    let (scratch, packs) = open();
    packs.put_many(&["first"]).unwrap();
    drop(packs);
    fs::write(file(&scratch, 1), b"wei").unwrap();
    fs::write(scratch.path().join("packs/notes.txt"), b"not ours").unwrap();
    let packs = reopen(&scratch);
    let place = packs.put_many(&["second"]).unwrap()[0];
    assert_eq!(packs.read(place).unwrap(), "second");
    assert!(scratch.path().join("packs/notes.txt").exists());
}

#[test]
fn another_format_is_refused() {
    let (scratch, packs) = open();
    drop(packs);
    fs::write(file(&scratch, 0), b"weirpak2and more").unwrap();
    let error = Packs::open(&scratch.path().join("packs")).unwrap_err();
    assert!(matches!(error, StoreError::NewerFormat { .. }), "{error}");
}

#[test]
fn a_pack_in_which_little_lives_is_found_and_removed() {
    let (scratch, packs) = open();
    let first = packs.put_many(&[vec![1; 1000], vec![2; 100]]).unwrap();
    let living = || std::iter::once(first[1]);
    assert_eq!(packs.sparse(first.iter().copied(), 1).unwrap(), []);
    assert_eq!(packs.sparse(living(), 1008 + BEGIN_BYTES).unwrap(), [(0, 108)]);
    assert_eq!(packs.sparse(living(), 1009 + BEGIN_BYTES).unwrap(), [], "not worth it");
    packs.seal(0);
    let moved = packs.put_many(&[packs.read(first[1]).unwrap()]).unwrap();
    assert_eq!(moved[0].pack, 1, "nothing more comes into a sealed one");
    assert_eq!(packs.read(first[0]).unwrap(), vec![1; 1000], "until it is removed");
    packs.remove([0, 1].into_iter()).unwrap();
    assert!(!file(&scratch, 0).exists() && packs.read(first[1]).is_err());
    assert_eq!(packs.read(moved[0]).unwrap(), vec![2; 100], "the last one stays");
    assert_eq!(reopen(&scratch).read(moved[0]).unwrap(), vec![2; 100]);
}

/// What a pack has before its first entry.
const BEGIN_BYTES: u64 = 8;
