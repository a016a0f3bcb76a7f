//! Which driver each device of a machine gets ([MS-WUSP] 3.1.5.7), for the oracle.
//!
//! Written from the specification a second time, over the generator's own rows, so that it can
//! disagree with the server.

use std::cmp::Reverse;

use super::driver::{DriverRelease, Row};
use crate::fleet::profile::{Device, InstalledDriver, Profile};

/// A driver with its rows at hand.
#[derive(Debug)]
pub(super) struct Candidate {
    driver: DriverRelease,
    rows: Vec<Row>,
}

/// A better fit is the lesser value: position of the computer's kind, feature score, position of
/// the device's id, date, version.
type Fit = (usize, u8, usize, Reverse<i64>, Reverse<[u32; 4]>);

impl Candidate {
    pub(super) fn new(driver: DriverRelease) -> Self {
        Self { driver, rows: driver.rows() }
    }

    /// How well it fits a device, by the best of its rows.
    fn fit(&self, device: &Device, profile: &Profile) -> Option<Fit> {
        let of_row = |row: &Row| {
            let id = position(device, &row.hardware_id)?;
            let computers = &profile.computer_hardware_ids;
            let computer = match row.computer_hardware_id {
                None => computers.len(),
                Some(kind) => computers.iter().position(|own| *own == kind)?,
            };
            let key = profile.feature_score_key();
            let score = match &row.feature_score {
                Some((system, score)) if system.eq_ignore_ascii_case(&key) => *score,
                _ => 255,
            };
            let version = self.driver.version().0;
            Some((computer, score, id, Reverse(self.driver.date()), Reverse(version)))
        };
        self.rows.iter().filter_map(of_row).min()
    }
}

/// Whether a device of the machine has an id that the driver names.
pub(super) fn serves(driver: DriverRelease, profile: &Profile) -> bool {
    // Most drivers serve no device at all, and rows are many.
    let generic = driver.line.generic_id().to_lowercase();
    let ids = profile.devices.iter().flat_map(ids);
    ids.into_iter().any(|id| id.to_lowercase().starts_with(&generic))
}

/// The drivers to offer, in the order of the devices.
pub(super) fn best(candidates: &[Candidate], profile: &Profile) -> Vec<DriverRelease> {
    let for_device = |device: &Device| {
        let fits = candidates.iter().filter_map(|candidate| {
            candidate.fit(device, profile).map(|fit| (fit, candidate.driver))
        });
        let (fit, driver) = fits.min_by_key(|(fit, _)| *fit)?;
        let replaces = device.driver.as_ref().is_none_or(|installed| {
            fit < fit_of_installed(installed, device, profile)
                && (installed.class != "Printer" || is_akin(installed, driver))
        });
        replaces.then_some(driver)
    };
    profile.devices.iter().filter_map(for_device).collect()
}

fn fit_of_installed(installed: &InstalledDriver, device: &Device, profile: &Profile) -> Fit {
    let computers = &profile.computer_hardware_ids;
    let kind = installed.matching_computer_hardware_id;
    let computer = computers.iter().position(|own| Some(*own) == kind).unwrap_or(computers.len());
    let id = position(device, &installed.matching_id).unwrap_or(usize::MAX);
    let date = midnight(&installed.date).unwrap_or(i64::MIN);
    (computer, installed.feature_score, id, Reverse(date), Reverse(installed.version.0))
}

/// A printer keeps its driver unless the better one is by the same people.
fn is_akin(installed: &InstalledDriver, driver: DriverRelease) -> bool {
    installed.provider.eq_ignore_ascii_case(driver.line.provider())
        && installed.manufacturer.eq_ignore_ascii_case(driver.line.manufacturer())
}

fn ids(device: &Device) -> impl Iterator<Item = &String> {
    device.hardware_ids.iter().chain(&device.compatible_ids)
}

fn position(device: &Device, id: &str) -> Option<usize> {
    ids(device).position(|own| own.eq_ignore_ascii_case(id))
}

/// Seconds since 1970 of a day written as `2026-04-14`.
fn midnight(day: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = time::Date::parse(day, format).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp())
}
