//! Computers that have reported, written into a store as the server writes them.
//!
//! A million of them would take hours to register and report; their records are made here, by the
//! server's own code, and the server then starts with them.

use std::path::Path;

use uuid::Uuid;
use weir::computers::UpdateInstallationState::{
    self, Downloaded, Failed, Installed, InstalledPendingReboot, NotInstalled,
};
use weir::computers::computer::ComputerInfo;
use weir::computers::numbers::Numbers;
use weir::computers::sightings::Sightings;
use weir::computers::status::{LastScan, UpdateStatus};
use weir::computers::{Computer, Statuses};
use weir::state::records::{Counters, NumberRecord, StatusRecord};
use weir::store::sled::SledStore;
use weir::store::{Batch, Store, Tree, value};

use crate::Outcome;
use crate::catalogue::Published;

/// Updates that each computer has a state of.
pub(crate) const RELEVANT: usize = 500;
/// Updates that computers have states of, all together: so many that one in ten concerns a computer.
const REPORTED: usize = 5_000;
/// Computers in one commit.
const PART: u32 = 2_000;
/// When the first of them registered.
const BEGAN: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

/// Adds so many computers to a data directory with a catalogue.
pub(crate) fn fill(data: &Path, computers: u32, catalogue: &[Published]) -> Outcome<()> {
    let mut store = SledStore::open(data)?;
    let mut numbers = Numbers::default();
    let mut batch = Batch::default();
    let updates: Vec<Uuid> = catalogue
        .iter()
        .filter(|update| update.is_leaf)
        .map(|update| update.identity.update_id)
        .take(REPORTED)
        .collect();
    for update in &updates {
        let number = numbers.give(*update, true).ok_or("no number")?;
        let record = value::encode(&NumberRecord { update: *update })?;
        batch.put(Tree::UpdateNumbers, number.to_be_bytes().as_slice(), record);
    }
    let counters = store.read(Tree::Meta, b"counters")?.ok_or("a store without counters")?;
    let mut counters: Counters = value::decode(&counters)?;
    let first = counters.next_computer;
    counters.next_computer += computers;
    batch.put(Tree::Meta, b"counters".as_slice(), value::encode(&counters)?);
    store.commit(&batch)?;
    for part in (0..computers).step_by(PART as usize) {
        let mut batch = Batch::default();
        for number in part..computers.min(part + PART) {
            let key = (first + number).to_be_bytes();
            let computer = value::encode(&computer(first + number))?;
            batch.put(Tree::Computers, key.as_slice(), computer);
            let statuses = statuses(number, &updates, &mut numbers);
            let record = StatusRecord { statuses, unnumbered: Vec::new() };
            batch.put(Tree::Statuses, key.as_slice(), value::encode(&record)?);
        }
        store.commit(&batch)?;
    }
    Ok(())
}

fn computer(number: u32) -> Computer {
    let text = str::to_owned;
    Computer {
        number,
        client_id: Uuid::from_u128(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .to_string(),
        info: ComputerInfo {
            dns_name: format!("pc-{number:07}.branch-{:03}.example.com", number % 400),
            os_version: (10, 0, [19045, 22631, 26100, 26200][number as usize % 4]),
            os_locale: text("en-US"),
            manufacturer: text("Contoso"),
            model: format!("Desk {}", number % 30),
            bios_version: text("1.12.0"),
            bios_name: text("Contoso Firmware"),
            processor_architecture: text("AMD64"),
            old_product_type: 1,
            new_product_type: 48,
            client_version: (1507, 2601, 30012, 0),
            os_description: text("Windows 10 Pro"),
            ..ComputerInfo::default()
        },
        requested_group: String::new(),
        groups: Vec::new(),
        registered: BEGAN,
        updated: BEGAN,
        address: format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255),
        sightings: Sightings::default(),
    }
}

/// Nine of ten updates are installed, some for a year, and the last Patch Tuesday's are on their way.
fn statuses(number: u32, updates: &[Uuid], numbers: &mut Numbers) -> Statuses {
    let mut statuses = Statuses::default();
    let reported = BEGAN + 400 * DAY + i64::from(number % 80_000);
    statuses.reported = Some(reported);
    statuses.detected = Some(reported);
    statuses.received = reported;
    statuses.scan = Some(LastScan { at: reported - 60, result: 0 });
    let stride = (updates.len() / RELEVANT).max(1);
    let rows: Vec<UpdateStatus> = updates
        .iter()
        .skip(number as usize % stride)
        .step_by(stride)
        .zip(0..)
        .map(|(update, at)| {
            let state = state(number.wrapping_mul(31).wrapping_add(at));
            let since = BEGAN + i64::from(at % 12) * 30 * DAY;
            UpdateStatus { update: *update, state, since }
        })
        .collect();
    statuses.renumber(&rows, numbers);
    statuses
}

fn state(chance: u32) -> UpdateInstallationState {
    match chance % 100 {
        0..90 => Installed,
        90..95 => NotInstalled,
        95..97 => Downloaded,
        97 => Failed,
        _ => InstalledPendingReboot,
    }
}
