//! Drivers: two competing lines for every device.
//!
//! The maker of the hardware serves the generic ids of a device, the maker of the computer its
//! subsystem, and sometimes only computers of one kind. Which driver a machine gets is decided by
//! the ranking of [MS-WUSP] 3.1.5.7, which `oracle` applies to the [`Row`]s made here.

use uuid::Uuid;

use super::document::day;
use super::random::Random;
use super::release::{MOST_REVISIONS, Topic};
use super::world::fixed_id;
use crate::fleet::profile::{Architecture, Version};

/// 2009-07-14, when the first drivers are dated.
const FIRST_DAY: i64 = 1_247_529_600;

const SECONDS_A_DAY: i64 = 86_400;

const VENDORS: [(&str, &str); 6] = [
    ("8086", "Millstream"),
    ("10EC", "Towpath Semiconductor"),
    ("10DE", "Headgate Graphics"),
    ("1002", "Culvert Devices"),
    ("14E4", "Floodmark"),
    ("8087", "Stillwater"),
];

const CLASSES: [&str; 6] = ["Networking", "Display", "Sound", "System", "Printer", "USB"];

/// A line of drivers by one provider for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DriverLine(pub(super) u64);

/// One driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DriverRelease {
    pub(super) seed: u64,
    pub(super) line: DriverLine,
    pub(super) number: u64,
}

/// One `WindowsDriverMetaData`: what the ranking sees of a driver.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) hardware_id: String,
    pub(super) feature_score: Option<(String, u8)>,
    pub(super) computer_hardware_id: Option<Uuid>,
}

impl DriverLine {
    /// How many drivers the line has: 6 to 18.
    pub(super) fn length(self) -> u64 {
        Random::keyed(0, &[0x44, self.0]).between(6, 18)
    }

    /// The device.
    pub(super) fn device(self) -> u64 {
        self.0 / 2
    }

    /// Whether the maker of the computer provides it, not that of the hardware.
    pub(super) fn is_from_computer_maker(self) -> bool {
        self.0 % 2 == 1
    }

    /// Most drivers are for x64.
    pub(super) fn architecture(self) -> Architecture {
        match self.device() % 10 {
            7 => Architecture::X86,
            8 => Architecture::Arm64,
            _ => Architecture::X64,
        }
    }

    pub(super) fn provider(self) -> &'static str {
        match self.is_from_computer_maker() {
            true => "Weirworks Computers",
            false => self.manufacturer(),
        }
    }

    pub(super) fn manufacturer(self) -> &'static str {
        VENDORS[(self.device() % VENDORS.len() as u64) as usize].1
    }

    pub(super) fn class(self) -> &'static str {
        CLASSES[(self.device() / 2 % CLASSES.len() as u64) as usize]
    }

    pub(super) fn model(self) -> String {
        format!("{} {}", self.manufacturer(), 1000 + self.device())
    }

    /// `PCI\VEN_8086&DEV_1003`: what all devices of the model have.
    pub(super) fn generic_id(self) -> String {
        let vendor = VENDORS[(self.device() % VENDORS.len() as u64) as usize].0;
        format!(r"PCI\VEN_{vendor}&DEV_{:04X}", 0x1000 + self.device() % 0xe000)
    }

    /// The same with the subsystem that the maker of the computer chose.
    fn specific_id(self) -> String {
        format!("{}&SUBSYS_{:08X}", self.generic_id(), 0x0777_0000 + self.device())
    }

    /// The kind of computer that some drivers of computer makers are limited to.
    pub(super) fn computer_hardware_id(self) -> Uuid {
        fixed_id(0x43, self.device() % 4)
    }

    /// Whether it is limited to that kind.
    fn is_limited(self) -> bool {
        self.is_from_computer_maker() && self.device() % 3 == 1
    }
}

impl DriverRelease {
    fn random(self, part: u64) -> Random {
        let topic = Topic::Driver as u64;
        Random::keyed(self.seed, &[topic, self.line.0, self.number, part])
    }

    pub(super) fn id(self) -> Uuid {
        self.random(0).uuid()
    }

    /// Seconds since 1970 of the driver's date, a midnight. Competitors never share one.
    pub(super) fn date(self) -> i64 {
        let days = self.number * 90 + self.line.device() % 30 * 2 + self.line.0 % 2;
        FIRST_DAY + SECONDS_A_DAY * i64::try_from(days).unwrap_or(0)
    }

    /// The date as documents write it.
    pub(super) fn day(self) -> String {
        day(self.date())
    }

    pub(super) fn version(self) -> Version {
        let major = (1 + self.line.device() % 30) as u32;
        Version([major, self.number as u32, (self.line.0 % 2) as u32, 100])
    }

    /// Revisions of the update, 1 to 8.
    pub(super) fn revisions(self) -> u32 {
        let mut random = self.random(1);
        let drawn = match random.between(0, 999) {
            0..940 => 1,
            940..990 => 2,
            _ => random.between(3, MOST_REVISIONS.into()) as u32,
        };
        if self.expires() { drawn.max(2) } else { drawn }
    }

    fn expires(self) -> bool {
        self.random(2).chance(40)
    }

    /// Whether the revision (from 0) is the one that withdraws the driver.
    pub(super) fn is_expired(self, revision: u32) -> bool {
        self.expires() && revision + 1 == self.revisions()
    }

    /// Its rows, one for each hardware id: 1 to 8, and in one of 64 some 200.
    pub(super) fn rows(self) -> Vec<Row> {
        let mut random = self.random(3);
        let more = match random.between(0, 63) {
            0 => random.between(150, 250),
            _ => random.between(0, 7),
        };
        let line = self.line;
        let own =
            if line.is_from_computer_maker() { line.specific_id() } else { line.generic_id() };
        let score = match (line.is_from_computer_maker(), line.device() % 5) {
            (_, 0) => None,
            (true, _) => Some(0x80),
            (false, _) => Some(0xfe),
        };
        let system = match line.architecture() {
            Architecture::X86 => "x86.10.0",
            Architecture::X64 => "amd64.10.0",
            Architecture::Arm64 => "arm64.10.0",
        };
        let row = |hardware_id| Row {
            hardware_id,
            feature_score: score.map(|score| (system.to_owned(), score)),
            computer_hardware_id: line.is_limited().then(|| line.computer_hardware_id()),
        };
        let others = (0..more).map(|other| row(format!("{own}&REV_{other:02X}")));
        std::iter::once(row(own.clone())).chain(others).collect()
    }

    /// Size of the driver's cabinet; that of every other device is made on demand.
    pub(super) fn size(self) -> u64 {
        let mut random = self.random(4);
        match self.has_content() {
            true => random.between(2_000, 60_000),
            false => random.between(200_000, 700_000_000),
        }
    }

    /// Whether its file is made on demand.
    pub(super) fn has_content(self) -> bool {
        self.line.device().is_multiple_of(2)
    }

    /// The stream that its file is drawn from.
    pub(super) fn content(self) -> Random {
        self.random(5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn competitors_serve_one_device_and_never_tie() {
        for device in 0..40 {
            let [maker, other] = [DriverLine(device * 2), DriverLine(device * 2 + 1)];
            assert_eq!(maker.device(), other.device());
            assert!(other.specific_id().starts_with(&maker.generic_id()));
            for number in 0..6 {
                let at = |line| DriverRelease { seed: 1, line, number };
                assert_ne!(at(maker).date(), at(other).date());
                assert_ne!(at(maker).version(), at(other).version());
            }
        }
    }

    #[test]
    fn some_drivers_name_hundreds_of_ids_and_some_kinds_of_computers() {
        let drivers = (0..200).flat_map(|line| {
            (0..6).map(move |number| DriverRelease { seed: 1, line: DriverLine(line), number })
        });
        let rows: Vec<Vec<Row>> = drivers.map(DriverRelease::rows).collect();
        assert!(rows.iter().any(|rows| rows.len() > 150));
        assert!(rows.iter().filter(|rows| rows.len() <= 8).count() > 1000);
        let limited = rows.iter().filter(|rows| rows[0].computer_hardware_id.is_some()).count();
        assert!((150..300).contains(&limited), "{limited}");
    }
}
