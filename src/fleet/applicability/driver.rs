//! Drivers: how one compares with what the machine's devices have.
//!
//! An agent is sent a driver because the server ranks it higher than the installed one, and ranks
//! it once more by itself, in the same way ([MS-WUSP] 3.1.5.7).

use super::Truth;
use super::reach::Reach;
use crate::catalog::{Computer, Device, Fit, InstalledDriver};
use crate::fleet::profile::{self, Profile, Version};
use crate::metadata::model::DriverEntry;
use crate::metadata::values::unix_time;

/// What a rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DriverRule {
    /// It is as good as the one in use: it is that one.
    Installed,
    /// It is worse.
    Superseded,
    /// It is better, or there is none in use.
    Installable,
}

impl DriverRule {
    /// The rule called `name` without its schema's prefix; none if it is no rule of this kind.
    pub(super) fn read(name: &str) -> Option<Self> {
        Some(match name {
            "WindowsDriverInstalled" => Self::Installed,
            "WindowsDriverSuperseded" => Self::Superseded,
            "WindowsDriverInstallable" => Self::Installable,
            _ => return None,
        })
    }

    /// Whether it holds for any device.
    pub(super) fn holds(self, rows: &[DriverEntry], machine: &Profile) -> Truth {
        let comparisons =
            machine.devices.iter().filter_map(|device| compare(rows, device, machine));
        let holds = |(_, state): (_, Self)| state == self;
        comparisons.into_iter().any(holds).into()
    }
}

/// How near the machine is to what [`establish`] makes of it.
pub(super) fn reach(rows: &[DriverEntry], machine: &Profile) -> Reach {
    let is_wanted = DriverRule::Installable.holds(rows, machine).is_true();
    Reach::of(is_wanted, is_wanted)
}

/// Gives the driver to the devices that it is better for.
pub(super) fn establish(rows: &[DriverEntry], machine: &mut Profile) {
    let installed = |device| match compare(rows, device, machine) {
        Some((row, DriverRule::Installable)) => Some(in_use(row, machine)),
        _ => None,
    };
    let drivers: Vec<_> = machine.devices.iter().map(installed).collect();
    for (device, driver) in machine.devices.iter_mut().zip(drivers) {
        device.driver = driver.or(device.driver.take());
    }
}

/// The row that fits the device best, and how it compares with the driver in use.
fn compare<'r>(
    rows: &'r [DriverEntry],
    device: &profile::Device,
    machine: &Profile,
) -> Option<(&'r DriverEntry, DriverRule)> {
    let key = machine.feature_score_key();
    let computer =
        Computer { hardware_ids: &machine.computer_hardware_ids, feature_score_key: Some(&key) };
    let device = as_scanned(device);
    let fits = rows.iter().filter_map(|row| Some((Fit::of_row(row, &computer, &device)?, row)));
    let (fit, row) = fits.min_by_key(|(fit, _)| *fit)?;
    let Some(installed) = &device.installed else { return Some((row, DriverRule::Installable)) };
    let state = match fit.cmp(&Fit::of_installed(installed, &computer, &device)) {
        std::cmp::Ordering::Equal => DriverRule::Installed,
        std::cmp::Ordering::Greater => DriverRule::Superseded,
        // A printer keeps a driver of other people, however good the new one is.
        std::cmp::Ordering::Less if !installed.gives_way_to(rows) => DriverRule::Superseded,
        std::cmp::Ordering::Less => DriverRule::Installable,
    };
    Some((row, state))
}

/// The device as a driver scan lists it.
pub fn as_scanned(device: &profile::Device) -> Device<'_> {
    Device {
        hardware_ids: device.hardware_ids.iter().map(String::as_str).collect(),
        compatible_ids: device.compatible_ids.iter().map(String::as_str).collect(),
        installed: device.driver.as_ref().map(|driver| InstalledDriver {
            matching_id: Some(&driver.matching_id),
            ver_date: unix_time(&driver.date).unwrap_or(0),
            ver_version: driver.version.packed(),
            class: &driver.class,
            manufacturer: &driver.manufacturer,
            provider: &driver.provider,
            matching_computer_hardware_id: driver.matching_computer_hardware_id,
            rank: i32::from(driver.feature_score) << 16,
        }),
    }
}

/// The driver of a row once it is in use.
fn in_use(row: &DriverEntry, machine: &Profile) -> profile::InstalledDriver {
    let own = &machine.computer_hardware_ids;
    let targets = || row.distribution_chids.iter().chain(&row.target_chids);
    let kind = own.iter().find(|id| targets().any(|target| target == *id));
    let key = machine.feature_score_key();
    let scores = row.feature_scores.iter();
    let scores = scores.filter(|(system, _)| system.eq_ignore_ascii_case(&key));
    profile::InstalledDriver {
        matching_id: row.hardware_id.clone(),
        date: day(row.ver_date),
        version: Version::unpacked(row.ver_version),
        class: row.class.clone(),
        manufacturer: row.manufacturer.clone(),
        provider: row.provider.clone(),
        matching_computer_hardware_id: kind.copied(),
        feature_score: scores.map(|&(_, score)| score).min().unwrap_or(u8::MAX),
    }
}

fn day(seconds: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(seconds);
    let date = moment.unwrap_or(time::OffsetDateTime::UNIX_EPOCH).date();
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}
