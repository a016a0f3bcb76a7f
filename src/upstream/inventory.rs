//! What hardware the computers here have, as they say when they look for drivers.
//!
//! Anybody can register a computer and name hardware, so what is kept is bounded, and what was not
//! named for longest goes first: real hardware is named again with every scan for drivers. It is
//! remembered as of the last synchronization; what came since then comes again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::Upstream;
use super::records::{Hardware, InventoryRecord};

/// Most devices' ids that are kept.
const DEVICES: usize = 50_000;
/// Most computer hardware ids that are kept.
const COMPUTERS: usize = 5_000;
/// Longest id of a device, in bytes: Windows has none that is longer.
const DEVICE_ID: usize = 200;
/// Days after which hardware that no computer names is forgotten.
const DAYS: i64 = 180;

const DAY: i64 = 24 * 60 * 60;

/// What was named since the start, with the day on which it last was.
#[derive(Default)]
pub(super) struct Inventory {
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    devices: HashMap<String, i64>,
    computers: HashMap<Uuid, i64>,
}

impl Upstream {
    /// Takes note of a computer's hardware, where drivers are wanted by it: ids of its devices and of
    /// itself.
    pub fn note_hardware<'a>(&self, devices: impl Iterator<Item = &'a str>, computer: &[Uuid]) {
        if !self.settings.drivers_by_inventory {
            return;
        }
        let today = self.state.now().div_euclid(DAY);
        let mut noted = self.inventory.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for id in devices.filter(|id| (1..=DEVICE_ID).contains(&id.len())) {
            note(&mut noted.devices, id.to_lowercase(), today, DEVICES);
        }
        for id in computer {
            note(&mut noted.computers, *id, today, COMPUTERS);
        }
    }
}

fn note<T: Eq + Hash>(noted: &mut HashMap<T, i64>, id: T, today: i64, most: usize) {
    if noted.len() < most || noted.contains_key(&id) {
        noted.insert(id, today);
    }
}

impl Inventory {
    /// Adds what was named to what is remembered, at `now` in Unix seconds.
    pub(super) fn merge_into(&self, record: &mut InventoryRecord, now: i64) {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let today = now.div_euclid(DAY);
        merge(&mut record.devices, &noted.devices, today, DEVICES);
        merge(&mut record.computers, &noted.computers, today, COMPUTERS);
    }
}

fn merge<T: Clone + Ord + Hash>(
    known: &mut Vec<Hardware<T>>,
    noted: &HashMap<T, i64>,
    today: i64,
    most: usize,
) {
    let mut new = noted.clone();
    for hardware in known.iter_mut() {
        let day = new.remove(&hardware.id);
        hardware.day = day.map_or(hardware.day, |day| day.max(hardware.day));
    }
    known.extend(new.into_iter().map(|(id, day)| Hardware { id, day, asked: false }));
    known.retain(|hardware| hardware.day > today - DAYS);
    // The latest first, and otherwise in an order that is the same each time.
    known
        .sort_unstable_by(|one, other| other.day.cmp(&one.day).then_with(|| one.id.cmp(&other.id)));
    known.truncate(most);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(list: &[(&str, i64, bool)]) -> Vec<Hardware<String>> {
        let each = list.iter().map(|(id, day, asked)| Hardware {
            id: (*id).to_owned(),
            day: *day,
            asked: *asked,
        });
        each.collect()
    }

    #[test]
    fn what_is_named_again_stays_and_the_rest_goes_in_time() {
        let mut devices =
            known(&[("pci\\a", 10, true), ("pci\\b", 10, true), ("pci\\c", 300, true)]);
        let noted = HashMap::from([("pci\\a".to_owned(), 301), ("pci\\d".to_owned(), 301)]);
        merge(&mut devices, &noted, 301, 10);
        let expected = [("pci\\a", 301, true), ("pci\\d", 301, false), ("pci\\c", 300, true)];
        assert_eq!(devices, known(&expected));
        merge(&mut devices, &HashMap::new(), 301, 2);
        assert_eq!(devices, known(&expected[..2]), "what was not named for longest goes first");
    }

    #[test]
    fn a_flood_takes_no_more_than_its_bound() {
        let mut noted = HashMap::new();
        for id in 0..10 {
            note(&mut noted, id, 5, 4);
        }
        note(&mut noted, 0, 6, 4);
        assert_eq!((noted.len(), noted[&0]), (4, 6));
    }
}
