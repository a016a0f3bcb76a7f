//! The rules one by one, and a tournament that knows them only as comparisons of two drivers.

use crate::wire::types::RevisionId;
use std::collections::HashSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::draft::{Draft, uuid};
use super::*;
use crate::metadata::model::CategoryType;

const SYSTEM: &str = "AMD64.10.0";

/// A driver of 2020, version 5, for the device `PCI\A`.
fn entry() -> DriverEntry {
    DriverEntry {
        hardware_id: r"PCI\A".to_owned(),
        ver_date: 2020,
        ver_version: 5,
        class: "Net".to_owned(),
        manufacturer: "Maker".to_owned(),
        provider: "Seller".to_owned(),
        model: String::new(),
        whql_driver_id: None,
        feature_scores: Vec::new(),
        distribution_chids: Vec::new(),
        target_chids: Vec::new(),
    }
}

/// What a computer with the hardware ids 1 and 2 is offered for `device`, by revision id, of the
/// drivers `entries`, which have the revision ids 1, 2, 3 and so on.
fn offered(entries: &[DriverEntry], device: &Device<'_>) -> Vec<(u32, Vec<String>)> {
    let drivers = (1..).zip(entries);
    let drivers = drivers.map(|(id, entry)| Draft::new(id, id.into(), 1).drives(entry.clone()));
    let catalog = Catalog::build(drivers.map(Draft::build).collect());
    let scope = catalog.scope(&RoaringBitmap::new());
    let eligible = catalog.eligible_drivers(&scope, &[], None);
    let hardware_ids = [uuid(1), uuid(2)];
    let computer = Computer { hardware_ids: &hardware_ids, feature_score_key: Some(SYSTEM) };
    let devices = std::slice::from_ref(device);
    let matches = catalog.best_drivers(&eligible, &RoaringBitmap::new(), &computer, devices);
    matches.into_iter().map(|found| (found.revision + 1, found.hardware_ids)).collect()
}

fn device() -> Device<'static> {
    Device {
        hardware_ids: vec![r"pci\a&rev", r"pci\a"],
        compatible_ids: vec![r"pci\class"],
        installed: None,
    }
}

/// The same driver as [`entry`], installed.
fn installed() -> InstalledDriver<'static> {
    InstalledDriver {
        matching_id: Some(r"PCI\a"),
        ver_date: 2020,
        ver_version: 5,
        class: "Net",
        manufacturer: "Maker",
        provider: "Seller",
        matching_computer_hardware_id: None,
        rank: 0x00FF_2000,
    }
}

/// Checks that `better` is chosen before `worse`, whichever comes first, and replaces it where it
/// is installed, but not the other way round.
#[track_caller]
fn check_better(better: &DriverEntry, worse: &DriverEntry) {
    let one = |id: u32, entry: &DriverEntry| vec![(id, vec![entry.hardware_id.clone()])];
    assert_eq!(offered(&[better.clone(), worse.clone()], &device()), one(1, better));
    assert_eq!(offered(&[worse.clone(), better.clone()], &device()), one(2, better));
    let has = |entry: &DriverEntry| {
        let score = entry.feature_scores.first().map_or(NO_FEATURE_SCORE, |&(_, score)| score);
        let rank = i32::from_be_bytes([0, score, 0x20, 0]);
        let matching_computer_hardware_id =
            entry.target_chids.iter().chain(&entry.distribution_chids).next().copied();
        let hardware_id: &'static str = entry.hardware_id.clone().leak();
        let (ver_date, ver_version) = (entry.ver_date, entry.ver_version);
        let installed = InstalledDriver {
            matching_id: Some(hardware_id),
            matching_computer_hardware_id,
            rank,
            ver_date,
            ver_version,
            ..installed()
        };
        Device { installed: Some(installed), ..device() }
    };
    assert_eq!(offered(std::slice::from_ref(better), &has(worse)), one(1, better));
    assert_eq!(offered(std::slice::from_ref(worse), &has(better)), []);
    assert_eq!(offered(std::slice::from_ref(better), &has(better)), [], "as good is not better");
}

#[test]
fn each_rule_outweighs_all_that_follow() {
    let version = DriverEntry { ver_version: 6, ..entry() };
    check_better(&version, &entry());
    let date = DriverEntry { ver_date: 2021, ver_version: 1, ..entry() };
    check_better(&date, &version);
    let id = DriverEntry { hardware_id: r"PCI\A&REV".to_owned(), ver_date: -1, ..date.clone() };
    check_better(&id, &date);
    let score = DriverEntry { feature_scores: vec![("amd64.10.0".to_owned(), 128)], ..entry() };
    check_better(&score, &id);
    let lower = DriverEntry { feature_scores: vec![(SYSTEM.to_owned(), 127)], ..entry() };
    check_better(&lower, &score);
    let computer = DriverEntry { target_chids: vec![uuid(2)], ..entry() };
    check_better(&computer, &lower);
    let nearer = DriverEntry { distribution_chids: vec![uuid(1)], ..entry() };
    check_better(&nearer, &computer);
}

#[test]
fn what_does_not_fit_is_not_offered() {
    let offered_one = |entry: DriverEntry| !offered(&[entry], &device()).is_empty();
    assert!(offered_one(entry()));
    assert!(offered_one(DriverEntry { hardware_id: r"Pci\CLASS".to_owned(), ..entry() }));
    assert!(!offered_one(DriverEntry { hardware_id: r"PCI\B".to_owned(), ..entry() }));
    assert!(!offered_one(DriverEntry { target_chids: vec![uuid(3)], ..entry() }));
    assert!(!offered_one(DriverEntry { distribution_chids: vec![uuid(3)], ..entry() }));
    let other_system = DriverEntry { feature_scores: vec![("ARM64.10.0".into(), 0)], ..entry() };
    let newer = DriverEntry { ver_version: 6, ..entry() };
    assert_eq!(offered(&[other_system, newer], &device()), [(2, vec![r"PCI\A".to_owned()])]);
}

#[test]
fn a_printer_keeps_the_driver_of_its_maker() {
    let newer = DriverEntry { ver_date: 2021, class: "Printer".to_owned(), ..entry() };
    let printer = |installed| {
        !offered(std::slice::from_ref(&newer), &Device { installed, ..device() }).is_empty()
    };
    let own = InstalledDriver { class: "Printer", ..installed() };
    assert!(printer(Some(own)));
    assert!(printer(Some(InstalledDriver { provider: "SELLER", ..own })));
    assert!(!printer(Some(InstalledDriver { provider: "Other", ..own })));
    assert!(!printer(Some(InstalledDriver { manufacturer: "Other", ..own })));
    assert!(printer(Some(InstalledDriver { manufacturer: "Other", ..installed() })), "no printer");
    assert!(printer(None));
}

#[test]
fn only_drivers_in_scope_with_their_prerequisites_are_eligible() {
    let driver = |id: u32| Draft::new(id, id.into(), 1).drives(entry());
    let printer = DriverEntry { class: "printer".to_owned(), ..entry() };
    let catalog = Catalog::build(vec![
        Draft::new(1, 1, 1).category(CategoryType::Product).build(),
        driver(2).filed_under(&[1]).build(),
        driver(3).build(),
        driver(4).expired(true).build(),
        Draft::new(5, 5, 1).build(),
        driver(6).drives(printer).build(),
    ]);
    let scope = catalog.scope(&RoaringBitmap::new());
    let eligible = catalog.eligible_drivers(&scope, &[], None);
    assert_eq!(eligible, RoaringBitmap::from([2, 5]));
    assert_eq!(catalog.printer_drivers(&eligible), RoaringBitmap::from([5]));
    let installed = catalog.installed([RevisionId(1)]);
    assert_eq!(catalog.eligible_drivers(&scope, &installed, None), RoaringBitmap::from([1, 2, 5]));
    let related = catalog.related(&scope, &[uuid(1)]);
    let filtered = catalog.eligible_drivers(&scope, &installed, Some(&related));
    assert_eq!(filtered, RoaringBitmap::from([1]));
}

/// "Given any two drivers [...] one of the two is a better match [...] if one of the following
/// rules applies".
fn is_better(one: &Candidate<'_>, other: &Candidate<'_>) -> bool {
    if one.computer != other.computer {
        return one.computer < other.computer;
    }
    if one.score != other.score {
        return one.score < other.score;
    }
    if one.device != other.device {
        return one.device < other.device;
    }
    if one.entry.ver_date != other.entry.ver_date {
        return one.entry.ver_date > other.entry.ver_date;
    }
    one.entry.ver_version > other.entry.ver_version
}

struct Candidate<'a> {
    revision: RevisionIndex,
    entry: &'a DriverEntry,
    /// Positions; what is not found is at 100.
    computer: usize,
    device: usize,
    score: u8,
}

/// The winner of all pairwise comparisons; of equals, the highest revision and its first entry.
fn tournament<'a>(
    drivers: &'a [Vec<DriverEntry>],
    own: &[Uuid],
    ids: &[&str],
) -> Option<Candidate<'a>> {
    let mut best: Option<Candidate<'a>> = None;
    for (revision, entries) in (0..).zip(drivers) {
        for entry in entries {
            let mut targets = entry.distribution_chids.clone();
            targets.extend(&entry.target_chids);
            let computer = own.iter().position(|id| targets.contains(id));
            let device = ids.iter().position(|id| id.eq_ignore_ascii_case(&entry.hardware_id));
            let (true, Some(device)) = (targets.is_empty() || computer.is_some(), device) else {
                continue;
            };
            let scores = entry.feature_scores.iter();
            let scores = scores.filter(|score| score.0 == SYSTEM).map(|score| score.1);
            let score = scores.min().unwrap_or(255);
            let computer = computer.unwrap_or(100);
            let next = Candidate { revision, entry, computer, device, score };
            let wins = best.as_ref().is_none_or(|best| {
                is_better(&next, best) || (!is_better(best, &next) && revision > best.revision)
            });
            if wins {
                best = Some(next);
            }
        }
    }
    best
}

fn any_entry() -> impl Strategy<Value = DriverEntry> {
    let id = prop::sample::select(vec![r"PCI\A", r"pci\a", r"PCI\A&REV", r"pci\Class", "USB"]);
    let chids = || prop::collection::vec((1..5u128).prop_map(uuid), 0..2);
    let scores =
        prop::collection::vec((prop::sample::select(vec![SYSTEM, "X86.6.1"]), 0..3u8), 0..3);
    (id, 0..3i64, 0..3u64, chids(), chids(), scores).prop_map(
        |(id, ver_date, ver_version, distribution_chids, target_chids, scores)| DriverEntry {
            hardware_id: id.to_owned(),
            ver_date,
            ver_version,
            distribution_chids,
            target_chids,
            feature_scores: scores
                .into_iter()
                .map(|(key, score)| (key.to_owned(), score))
                .collect(),
            ..entry()
        },
    )
}

/// What a device has: the date of its driver if it has one, its rank, and the computer hardware id that
/// it was chosen by.
type Present = (Option<i64>, i32, Option<Uuid>);

fn present() -> impl Strategy<Value = Present> {
    let rank = prop::sample::select(vec![-1, 0x2000, 0x01_2000, 0xFF_2000]);
    (prop::option::of(0..3i64), rank, prop::option::of((1..5u128).prop_map(uuid)))
}

fn drivers(most: usize) -> impl Strategy<Value = Vec<Vec<DriverEntry>>> {
    prop::collection::vec(prop::collection::vec(any_entry(), 1..4), 0..most)
}

/// Catalogues with drivers, and what is eligible of them.
fn catalogue(drivers: &[Vec<DriverEntry>]) -> (Catalog, RoaringBitmap) {
    let drafts = (1..).zip(drivers).map(|(id, entries)| {
        let draft = Draft::new(id, id.into(), 1);
        entries.iter().fold(draft, |draft, entry| draft.drives(entry.clone())).build()
    });
    let catalog = Catalog::build(drafts.collect());
    let scope = catalog.scope(&RoaringBitmap::new());
    let eligible = catalog.eligible_drivers(&scope, &[], None);
    (catalog, eligible)
}

type Offered = HashSet<(RevisionIndex, Vec<String>)>;

/// What a device is offered, and what it ought to be by the tournament.
fn found_and_expected(
    catalog: &(Catalog, RoaringBitmap),
    drivers: &[Vec<DriverEntry>],
    (hardware_ids, compatible_ids): (&[&str], &[&str]),
    (date, rank, chid): Present,
) -> (Offered, Offered) {
    let own = [uuid(1), uuid(2)];
    let computer = Computer { hardware_ids: &own, feature_score_key: Some(SYSTEM) };
    let ids = [hardware_ids, compatible_ids].concat();
    let matching_id = ids[ids.len() / 2];
    let installed = date.map(|ver_date| InstalledDriver {
        matching_id: Some(matching_id),
        ver_date,
        ver_version: 1,
        rank,
        matching_computer_hardware_id: chid,
        ..installed()
    });
    let (hardware_ids, compatible_ids) = (hardware_ids.to_vec(), compatible_ids.to_vec());
    let device = Device { hardware_ids, compatible_ids, installed };
    let none = RoaringBitmap::new();
    let found = catalog.0.best_drivers(&catalog.1, &none, &computer, std::slice::from_ref(&device));

    let best = tournament(drivers, &own, &ids);
    let present = DriverEntry { ver_date: date.unwrap_or(0), ver_version: 1, ..entry() };
    let present = Candidate {
        revision: 0,
        entry: &present,
        computer: own.iter().position(|&id| Some(id) == chid).unwrap_or(100),
        device: ids.len() / 2,
        score: if rank == -1 { 255 } else { u8::try_from(rank >> 16).expect("two digits") },
    };
    let best = best.filter(|best| date.is_none() || is_better(best, &present));
    let expected =
        best.iter().map(|best| (best.revision, vec![best.entry.hardware_id.clone()])).collect();
    (found.into_iter().map(|found| (found.revision, found.hardware_ids)).collect(), expected)
}

/// The ids that devices of the tests have, in any order.
const IDS: [&str; 4] = [r"pci\a&rev", r"pci\a", r"pci\class", "usb"];

proptest! {
    #[test]
    fn the_best_driver_wins_the_tournament(drivers in drivers(6), present in present()) {
        let catalog = catalogue(&drivers);
        let device = (&IDS[..2], &IDS[2..3]);
        let (found, expected) = found_and_expected(&catalog, &drivers, device, present);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn ten_thousand_devices_get_what_the_tournament_says() {
    let mut runner = TestRunner::deterministic();
    let ids = (Just(IDS.to_vec()).prop_shuffle(), 1..3usize, 3..5usize);
    let (mut devices, mut offered) = (0, 0);
    for _ in 0..50 {
        let drivers = drivers(40).new_tree(&mut runner).expect("drivers").current();
        let catalog = catalogue(&drivers);
        for _ in 0..200 {
            let (ids, hardware, all) = ids.new_tree(&mut runner).expect("a device").current();
            let device = (&ids[..hardware], &ids[hardware..all]);
            let present = present().new_tree(&mut runner).expect("a driver").current();
            let (found, expected) = found_and_expected(&catalog, &drivers, device, present);
            assert_eq!(found, expected, "{device:?} with {present:?} of {drivers:?}");
            devices += 1;
            offered += expected.len();
        }
    }
    assert_eq!(devices, 10_000);
    assert!((1_000..9_900).contains(&offered), "{offered} devices are offered one");
}
