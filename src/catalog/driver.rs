//! Which drivers a computer is offered: the driver pass of [MS-WUSP] 3.1.5.7, and 3.1.5.12.
//!
//! A catalogue may hold a hundred thousand drivers of which a computer needs three, so candidates
//! are found through its devices' ids and only these are ranked.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::chunks::Chunks;
use super::revision::{RevisionIndex, UpdateIndex};
use super::scope::Scope;
use super::sharded::Sharded;
use super::snapshot::Catalog;
use crate::metadata::model::DriverEntry;

/// The feature score of a driver that has none.
const NO_FEATURE_SCORE: u8 = 255;

/// What of a computer, not of its devices, ranks a driver.
#[derive(Debug, Clone, Copy, Default)]
pub struct Computer<'a> {
    /// `ComputerSpec/HardwareIDs`, the most specific first.
    pub hardware_ids: &'a [Uuid],
    /// `FeatureScoreMatchingKey`, for example `AMD64.10.0`.
    pub feature_score_key: Option<&'a str>,
}

/// One `Device` of the system specification.
#[derive(Debug, Clone, Default)]
pub struct Device<'a> {
    /// `HardwareIDs`, the most specific first.
    pub hardware_ids: Vec<&'a str>,
    /// `CompatibleIDs`, the most specific first.
    pub compatible_ids: Vec<&'a str>,
    /// The driver that it has.
    pub installed: Option<InstalledDriver<'a>>,
}

/// The `installedDriver` of a device.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstalledDriver<'a> {
    /// `MatchingID`: the device's id that it was chosen by.
    pub matching_id: Option<&'a str>,
    /// `DriverVerDate`, in seconds since 1970.
    pub ver_date: i64,
    /// `DriverVerVersion`: four 16-bit parts in one number.
    pub ver_version: u64,
    /// `Class`.
    pub class: &'a str,
    /// `Manufacturer`.
    pub manufacturer: &'a str,
    /// `Provider`.
    pub provider: &'a str,
    /// `MatchingComputerHWID`, unless nil.
    pub matching_computer_hardware_id: Option<Uuid>,
    /// `DriverRank` as Windows computes it, `0xSSGGTHHH` with the feature score in `GG`; -1 if it
    /// has none.
    pub rank: i32,
}

/// A driver to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverMatch {
    /// The revision.
    pub revision: RevisionIndex,
    /// The hardware ids by which it is the best, each once, as the driver spells them:
    /// `Deployment/HardwareIds`.
    pub hardware_ids: Vec<String>,
}

/// The Driver Table.
#[derive(Debug, Clone, Default)]
pub(super) struct DriverTable {
    /// Rows by hardware id in lower case.
    rows: Sharded<Arc<str>, Vec<Row>>,
    /// The entries of each revision, up to the last driver.
    entries: Chunks<Option<Arc<[DriverEntry]>>>,
}

/// The place of a [`DriverEntry`]: the revision and the position among its entries.
#[derive(Debug, Clone, Copy)]
struct Row {
    revision: RevisionIndex,
    entry: usize,
}

impl DriverTable {
    /// Adds the entries of a driver with an index above all others.
    pub(super) fn add(&mut self, revision: RevisionIndex, entries: &[DriverEntry]) {
        for (entry, driver) in entries.iter().enumerate() {
            let id = driver.hardware_id.to_lowercase().into();
            self.rows.get_mut_or_insert(id, Vec::new).push(Row { revision, entry });
        }
        while self.entries.len() < revision as usize {
            self.entries.push(None);
        }
        self.entries.push(Some(entries.into()));
    }

    /// Takes the entries of a revision away.
    pub(super) fn remove(&mut self, revision: RevisionIndex) {
        let entries = self.entries.get_mut(revision as usize).and_then(Option::take);
        for entry in entries.iter().flat_map(|entries| entries.iter()) {
            let id = entry.hardware_id.to_lowercase();
            if let Some(rows) = self.rows.get_mut(id.as_str()) {
                rows.retain(|row| row.revision != revision);
            }
        }
    }

    fn rows(&self, hardware_id: &str) -> &[Row] {
        self.rows.get(hardware_id.to_lowercase().as_str()).map_or(&[], Vec::as_slice)
    }

    fn entries(&self, revision: RevisionIndex) -> &[DriverEntry] {
        self.entries.get(revision as usize).and_then(Option::as_deref).unwrap_or_default()
    }
}

/// How well a driver fits a device: the rules of [MS-WUSP] 3.1.5.7 in their order, the better fit
/// being the lesser value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    /// Position among the computer's hardware ids; the end for a driver that targets none.
    computer: usize,
    feature_score: u8,
    /// Position among the device's hardware and then compatible ids.
    device: usize,
    date: Reverse<i64>,
    version: Reverse<u64>,
}

impl Catalog {
    /// The drivers in scope whose prerequisites the `installed` updates satisfy, within `related`
    /// if the scan is limited to categories.
    pub fn eligible_drivers(
        &self,
        scope: &Scope,
        installed: &[UpdateIndex],
        related: Option<&RoaringBitmap>,
    ) -> RoaringBitmap {
        if scope.drivers.is_empty() {
            return RoaringBitmap::new();
        }
        let mut eligible = self.satisfied(installed) & &scope.drivers;
        if let Some(related) = related {
            eligible &= related;
        }
        eligible
    }

    /// The printer drivers among the `eligible` ones: what SyncPrinterCatalog needs.
    pub fn printer_drivers(&self, eligible: &RoaringBitmap) -> RoaringBitmap {
        let is_printer = |entry: &DriverEntry| is_printer(&entry.class);
        let drivers = eligible.iter();
        drivers.filter(|&revision| self.entries(revision).iter().any(is_printer)).collect()
    }

    /// The best of the `eligible` drivers for each device that has none as good, ascending by
    /// revision.
    ///
    /// Those that are `approved` come first: only a device that none of them betters gets another, so
    /// that it is reported. A driver that nobody decided on would otherwise take the place of the one
    /// that somebody did, for the day that it came.
    ///
    /// A driver that names computer hardware ids fits only a computer that has one of them. Of
    /// drivers that fit equally well the one the server got last is taken. Whatever else fits, a
    /// printer keeps its driver unless the best one is of the same provider and manufacturer.
    pub fn best_drivers(
        &self,
        eligible: &RoaringBitmap,
        approved: &RoaringBitmap,
        computer: &Computer<'_>,
        devices: &[Device<'_>],
    ) -> Vec<DriverMatch> {
        let approved = approved & eligible;
        let mut matches: BTreeMap<RevisionIndex, Vec<String>> = BTreeMap::new();
        for device in devices {
            let best = |drivers| self.best_driver(drivers, computer, device);
            let found = if approved.is_empty() { None } else { best(&approved) };
            let Some((revision, entry)) = found.or_else(|| best(eligible)) else { continue };
            let hardware_ids = matches.entry(revision).or_default();
            if !hardware_ids.contains(&entry.hardware_id) {
                hardware_ids.push(entry.hardware_id.clone());
            }
        }
        let matches = matches.into_iter();
        matches.map(|(revision, hardware_ids)| DriverMatch { revision, hardware_ids }).collect()
    }

    /// The revisions of drivers for the device with this id.
    pub(super) fn drivers_for(&self, hardware_id: &str) -> impl Iterator<Item = RevisionIndex> {
        self.driver_table.rows(hardware_id).iter().map(|row| row.revision)
    }

    fn best_driver(
        &self,
        eligible: &RoaringBitmap,
        computer: &Computer<'_>,
        device: &Device<'_>,
    ) -> Option<(RevisionIndex, &DriverEntry)> {
        let rows = device.ids().enumerate().flat_map(|(position, id)| {
            self.driver_table.rows(id).iter().map(move |row| (position, row))
        });
        let fitting = rows.filter(|(_, row)| eligible.contains(row.revision)).filter_map(
            |(position, row)| {
                let entry = self.entries(row.revision).get(row.entry)?;
                Some((Fit::of(entry, computer, position)?, row.revision, entry))
            },
        );
        let (fit, revision, entry) =
            fitting.min_by_key(|&(fit, revision, _)| (fit, Reverse(revision)))?;
        let replaces = device.installed.as_ref().is_none_or(|installed| {
            fit < Fit::of_installed(installed, computer, device)
                && installed.gives_way_to(self.entries(revision))
        });
        replaces.then_some((revision, entry))
    }

    fn entries(&self, revision: RevisionIndex) -> &[DriverEntry] {
        self.driver_table.entries(revision)
    }
}

impl Fit {
    /// How well `entry` fits by the device's id at `position`, if it is for this computer at all.
    fn of(entry: &DriverEntry, computer: &Computer<'_>, position: usize) -> Option<Self> {
        let own = computer.hardware_ids;
        let targets = || entry.distribution_chids.iter().chain(&entry.target_chids);
        let computer_position = match targets().next() {
            None => own.len(),
            Some(_) => own.iter().position(|id| targets().any(|target| target == id))?,
        };
        let scores = entry.feature_scores.iter();
        let score = computer.feature_score_key.and_then(|key| {
            let of_key = scores.filter(|(system, _)| system.eq_ignore_ascii_case(key));
            of_key.map(|&(_, score)| score).min()
        });
        Some(Self {
            computer: computer_position,
            feature_score: score.unwrap_or(NO_FEATURE_SCORE),
            device: position,
            date: Reverse(entry.ver_date),
            version: Reverse(entry.ver_version),
        })
    }

    /// How well `entry` fits a device, if it does at all.
    pub fn of_row(
        entry: &DriverEntry,
        computer: &Computer<'_>,
        device: &Device<'_>,
    ) -> Option<Self> {
        let id = entry.hardware_id.to_lowercase();
        let position = device.ids().position(|own| own.to_lowercase() == id)?;
        Self::of(entry, computer, position)
    }

    /// How well the driver in use fits.
    pub fn of_installed(
        installed: &InstalledDriver<'_>,
        computer: &Computer<'_>,
        device: &Device<'_>,
    ) -> Self {
        let own = computer.hardware_ids;
        let computer_position = installed
            .matching_computer_hardware_id
            .and_then(|matching| own.iter().position(|&id| id == matching));
        let device_position = installed.matching_id.and_then(|matching| {
            let matching = matching.to_lowercase();
            device.ids().position(|id| id.to_lowercase() == matching)
        });
        let [_, feature_score, _, _] = installed.rank.to_be_bytes();
        Self {
            computer: computer_position.unwrap_or(own.len()),
            feature_score,
            device: device_position.unwrap_or(usize::MAX),
            date: Reverse(installed.ver_date),
            version: Reverse(installed.ver_version),
        }
    }
}

impl Device<'_> {
    fn ids(&self) -> impl Iterator<Item = &str> {
        self.hardware_ids.iter().chain(&self.compatible_ids).copied()
    }
}

impl InstalledDriver<'_> {
    /// Whether a better driver may replace it: a printer's only if it is of the same people.
    pub fn gives_way_to(&self, better: &[DriverEntry]) -> bool {
        !is_printer(self.class) || better.iter().any(|entry| self.is_akin(entry))
    }

    fn is_akin(&self, entry: &DriverEntry) -> bool {
        let equal = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        equal(self.provider, &entry.provider) && equal(self.manufacturer, &entry.manufacturer)
    }
}

fn is_printer(class: &str) -> bool {
    class.eq_ignore_ascii_case("Printer")
}

#[cfg(test)]
mod tests;
