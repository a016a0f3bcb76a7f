//! A machine's devices as a driver pass lists them.

use super::requests::{Device, InstalledDriver, Printer, system_spec};
use crate::fleet::profile::{self, Profile};

/// The `SystemSpec` of the machine.
pub(super) fn of(profile: &Profile) -> String {
    let dates = profile.devices.iter().map(|device| {
        let date = device.driver.as_ref().map_or("0001-01-01", |driver| driver.date.as_str());
        format!("{date}T00:00:00Z")
    });
    let dates: Vec<String> = dates.collect();
    let devices = profile.devices.iter().zip(&dates).map(|(device, date)| Device {
        hardware_ids: device.hardware_ids.iter().map(String::as_str).collect(),
        compatible_ids: device.compatible_ids.iter().map(String::as_str).collect(),
        driver: device
            .driver
            .as_ref()
            .map_or_else(InstalledDriver::default, |driver| installed(driver, device, date)),
        extensions: Vec::new(),
    });
    system_spec(&devices.collect::<Vec<_>>())
}

fn installed<'a>(
    driver: &'a profile::InstalledDriver,
    device: &profile::Device,
    date: &'a str,
) -> InstalledDriver<'a> {
    let [a, b, c, d] = driver.version.0.map(u64::from);
    let is_printer = driver.class == "Printer";
    InstalledDriver {
        matching_id: Some(&driver.matching_id),
        date,
        version: a << 48 | b << 32 | c << 16 | d,
        class: Some(&driver.class),
        printer: is_printer.then_some(Printer {
            manufacturer: &driver.manufacturer,
            provider: &driver.provider,
            model: "",
        }),
        matching_computer_hwid: driver.matching_computer_hardware_id,
        rank: if is_printer { -1 } else { rank(driver, device) },
        is_generic: false,
    }
}

/// The rank that plug and play computes: feature score, kind of id, position of the id.
fn rank(driver: &profile::InstalledDriver, device: &profile::Device) -> i32 {
    let position = |ids: &[String]| {
        let found = ids.iter().position(|id| id.eq_ignore_ascii_case(&driver.matching_id));
        found.and_then(|position| i32::try_from(position.min(0xfff)).ok())
    };
    let score = i32::from(driver.feature_score) << 16;
    match (position(&device.hardware_ids), position(&device.compatible_ids)) {
        (Some(position), _) => score | position,
        (None, Some(position)) => score | 0x2000 | position,
        (None, None) => score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded driver passes have 46,134 bytes for 70 devices and 51,373 for 75.
    #[test]
    fn a_laptop_lists_as_much_as_real_computers_do() {
        let json = include_str!("../../../testdata/profiles/windows-11-24h2-x64-laptop.json");
        let profile = Profile::read(json).unwrap();
        assert!((70..=75).contains(&profile.devices.len()), "{}", profile.devices.len());
        let bytes = of(&profile).len();
        assert!((42_000..52_000).contains(&bytes), "{bytes}");
    }

    /// As the recording has it: 16711682 is a driver without a feature score, found by the third
    /// hardware id; 8192 one with the best score, found by the first compatible id.
    #[test]
    fn ranks_are_those_of_plug_and_play() {
        let driver = |matching_id: &str, feature_score| profile::InstalledDriver {
            matching_id: matching_id.to_owned(),
            date: "2006-06-21".to_owned(),
            version: "10.0.26100.8036".parse().unwrap(),
            class: "{4D36E96F-E325-11CE-BFC1-08002BE10318}".to_owned(),
            manufacturer: String::new(),
            provider: String::new(),
            matching_computer_hardware_id: None,
            feature_score,
        };
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let mouse = profile::Device {
            hardware_ids: ids(&[r"ACPI\VEN_PNP&DEV_0F13", r"ACPI\PNP0F13", "*PNP0F13"]),
            compatible_ids: ids(&[r"COMPUTER\Generic"]),
            driver: None,
        };
        assert_eq!(rank(&driver("*PNP0F13", 255), &mouse), 16_711_682);
        assert_eq!(rank(&driver(r"COMPUTER\Generic", 0), &mouse), 8_192);
        let packed = installed(&driver("*PNP0F13", 255), &mouse, "2006-06-21T00:00:00Z").version;
        assert_eq!(packed, 2_814_751_477_604_196);
    }
}
