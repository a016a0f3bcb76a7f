//! Servicing lines: the model behind everything that is installed or needed.
//!
//! A line is one component and the releases that service it. A machine has some version of the
//! component, or none, in one place that depends on the [`Kind`]; release `r` brings it to
//! [`Line::version`]`(r)`. So a release is installed where the version is at least its own and
//! installable where it is lower. That is the whole truth (`standing`); the rules in documents only
//! say it in the words of their era. What a release supersedes is [`Line::superseded`]'s to say.
//!
//! Nothing here depends on the seed, so that a profile written once fits every catalogue. To give a
//! machine release `r` of line `n`, put version `100 + 10 r` as last part where the kind keeps it
//! (for [`Kind::RegDword`] as the number itself); `testdata/profiles` shows each.

use uuid::Uuid;

use super::random::Random;
use super::rule::Place;
use super::sequence::Marker;
use super::world::{APPLICATIONS, Classification, Family, PRODUCTS, SYSTEMS, System, fixed_id};
use crate::fleet::profile::{Architecture, Version};

/// The publisher of Windows packages.
const TOKEN: &str = "31bf3856ad364e35";

/// Where a machine keeps the version of a component, and in whose terms rules ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file in the system folder.
    File,
    /// A file in a folder that the registry names; a machine can hold the component back.
    FilePrepended,
    /// A version as text in the registry; can be held back.
    RegVersion,
    /// A number in the registry; can be held back.
    RegDword,
    /// A package of component based servicing.
    Cbs,
    /// A Windows Installer product, under any of several product codes.
    Msi,
    /// A release, as UUP updates have it.
    Release,
}

/// What a line is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// One system, by its position in [`SYSTEMS`], on one architecture.
    System(usize, Architecture),
    /// An application of its own, wherever it is.
    Application,
}

/// The sort of line that stands at a position in the cycle of lines.
#[derive(Debug)]
pub(super) struct Slot {
    /// Whether a release is a bundle of leaves, or one update on its own.
    pub(super) bundled: bool,
    pub(super) home: Home,
    pub(super) kind: Kind,
    pub(super) classification: Classification,
}

const fn slot(bundled: bool, home: Home, kind: Kind, classification: Classification) -> Slot {
    Slot { bundled, home, kind, classification }
}

/// The cycle: line `n` is of the sort `SLOTS[n % 24]`. Half of them bundle, which makes 22 % of
/// all revisions bundles. The systems of the first dozen are those that most fleets have.
#[rustfmt::skip]
pub(super) const SLOTS: [Slot; 24] = {
    use Architecture::{Arm64, X64, X86};
    use Classification::{Critical, Definition, Rollups, Security, Updates};
    use Home::{Application, System};
    [
        slot(true, System(6, X64), Kind::Cbs, Security),
        slot(true, System(8, X64), Kind::Release, Security),
        slot(true, System(11, X64), Kind::Cbs, Security),
        slot(true, System(1, X64), Kind::File, Critical),
        slot(false, Application, Kind::Msi, Security),
        slot(false, System(6, X64), Kind::FilePrepended, Definition),
        slot(false, System(0, X86), Kind::File, Critical),
        slot(true, Application, Kind::RegVersion, Updates),
        slot(true, System(8, X64), Kind::Cbs, Updates),
        slot(false, System(11, X64), Kind::File, Updates),
        slot(true, Application, Kind::Msi, Rollups),
        slot(false, System(1, X64), Kind::File, Security),
        slot(true, System(7, X64), Kind::Release, Security),
        slot(true, System(8, Arm64), Kind::Release, Security),
        slot(true, System(10, X64), Kind::Cbs, Security),
        slot(false, Application, Kind::RegDword, Updates),
        slot(true, System(9, X64), Kind::Cbs, Security),
        slot(false, System(6, X86), Kind::File, Updates),
        slot(false, System(5, X64), Kind::File, Security),
        slot(false, System(4, X64), Kind::File, Security),
        slot(false, System(3, X64), Kind::File, Updates),
        slot(false, System(2, X64), Kind::File, Critical),
        slot(false, Application, Kind::RegVersion, Rollups),
        slot(true, System(12, X64), Kind::Release, Security),
    ]
};

/// What components are called, with the number of their line.
const NOUNS: [&str; 12] = [
    "Sluice",
    "Gauge",
    "Spillway",
    "Culvert",
    "Penstock",
    "Headgate",
    "Fish Ladder",
    "Trash Rack",
    "Stilling Basin",
    "Flume",
    "Towpath",
    "Mill Race",
];

/// Lines whose releases supersede the whole line so far.
const CUMULATIVE: u64 = 350;

/// One servicing line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line(pub(super) u64);

impl Line {
    /// What sort of line it is.
    pub(super) fn slot(self) -> &'static Slot {
        &SLOTS[(self.0 % SLOTS.len() as u64) as usize]
    }

    /// The system that it is made for, unless it is an application.
    pub(super) fn system(self) -> Option<(&'static System, Architecture)> {
        match self.slot().home {
            Home::System(system, architecture) => Some((&SYSTEMS[system], architecture)),
            Home::Application => None,
        }
    }

    /// How many releases the line has: 36 to 48, 42 on average.
    pub(super) fn length(self) -> u64 {
        Random::keyed(0, &[0x4c, self.0]).between(36, 48)
    }

    /// The releases that a release supersedes: all earlier ones, or in the lines that only large
    /// catalogues get to the one before.
    pub(super) fn superseded(self, release: u64) -> std::ops::Range<u64> {
        match self.0 < CUMULATIVE {
            true => 0..release,
            false => release.saturating_sub(1)..release,
        }
    }

    /// What is serviced.
    pub(super) fn component(self) -> String {
        format!("{} {}", NOUNS[(self.0 % NOUNS.len() as u64) as usize], self.0)
    }

    /// The product under which an application is filed, and its family. Well-known ones first.
    pub(super) fn application(self) -> (Uuid, String, Family) {
        let in_cycle = SLOTS[..(self.0 % SLOTS.len() as u64) as usize].iter();
        let before = in_cycle.filter(|slot| slot.home == Home::Application).count();
        let each = SLOTS.iter().filter(|slot| slot.home == Home::Application).count();
        let number = self.0 / SLOTS.len() as u64 * each as u64 + before as u64;
        match usize::try_from(number).ok().and_then(|number| APPLICATIONS.get(number)) {
            Some(&(id, name, family)) => (id, name.to_owned(), family),
            None => (
                fixed_id(0x50, self.0),
                format!("Weirworks {}", self.component()),
                Family::Riverbank,
            ),
        }
    }

    /// The product as titles name it.
    pub(super) fn product_name(self) -> String {
        match self.system() {
            Some((system, architecture)) => {
                let product = PRODUCTS[system.product].name;
                format!("{product} ({})", architecture.label())
            }
            None => self.application().1,
        }
    }

    /// Whether a detectoid of its own tells that the component is there. Windows Installer
    /// products have one for each product code.
    fn has_detectoid(self) -> bool {
        matches!(self.slot().kind, Kind::FilePrepended | Kind::RegVersion | Kind::RegDword)
    }

    /// The detectoids of which one has to be installed, if there are any.
    pub(super) fn detectoids(self) -> Vec<Marker> {
        match self.slot().kind {
            Kind::Msi => {
                let editions = (0..).zip(self.product_codes());
                editions.map(|(code, _)| Marker::Edition(self.0, code)).collect()
            }
            _ if self.has_detectoid() => vec![Marker::Component(self.0)],
            _ => Vec::new(),
        }
    }

    /// The version that release `release` brings.
    pub(super) fn version(self, release: u64) -> Version {
        let number = u32::try_from(100 + 10 * release).unwrap_or(u32::MAX);
        let part = (self.0 % 1000) as u32;
        match (self.slot().kind, self.system()) {
            (Kind::Cbs, Some((system, _))) => Version([system.builds.0, number, 1, 0]),
            (Kind::Msi, _) => Version([16, part, number, 0]),
            (_, Some((system, _))) => {
                Version([system.version.0, system.version.1, system.builds.0, number])
            }
            (_, None) => Version([4, part, 0, number]),
        }
    }

    /// The registry key of the component.
    pub(super) fn subkey(self) -> String {
        format!(r"SOFTWARE\Weirworks\Components\{}", self.0)
    }

    /// A value under that key.
    pub(super) fn place(self, value: &'static str) -> Place {
        Place { subkey: self.subkey(), value }
    }

    /// The file whose version counts, without folder.
    pub(super) fn file_name(self) -> String {
        format!("component{}.dll", self.0)
    }

    /// The architecture in which packages are named.
    fn package_architecture(self) -> &'static str {
        self.system().map_or("x86", |(_, architecture)| architecture.in_identities())
    }

    /// Identity of the package without its version.
    pub(super) fn package(self) -> String {
        format!("{}~{TOKEN}~{}~~", self.package_name(), self.package_architecture())
    }

    /// Name of the package.
    pub(super) fn package_name(self) -> String {
        format!("Package_for_Component{}", self.0)
    }

    /// Identity of the package that one release of an older system installs beside its files.
    pub(super) fn hotfix_package(self, release: u64) -> (String, Version) {
        let architecture = self.package_architecture();
        let name = format!("Package_for_KB{}~{TOKEN}~{architecture}~~", self.kb(release));
        (name, Version([6, 1, 1, 0]))
    }

    /// The package that must be there for packages of the line to be installed.
    pub(super) fn parent_package(self) -> (String, Version) {
        let architecture = self.package_architecture();
        let version = self.system().map_or(Version::default(), |(system, _)| {
            Version([system.version.0, system.version.1, system.builds.0, 1])
        });
        (format!("Microsoft-Windows-Foundation-Package~{TOKEN}~{architecture}~~"), version)
    }

    /// The product codes that the component may have, one for each edition. The many of later lines
    /// keep the share of detectoids in large catalogues.
    pub(super) fn product_codes(self) -> impl Iterator<Item = Uuid> {
        let editions = if self.0 < CUMULATIVE { 14 + self.0 % 9 } else { 32 + self.0 % 17 };
        (0..editions).map(move |code| fixed_id(0x4d53_4900 + code, self.0))
    }

    /// The name of its releases.
    pub(super) fn release_name(self) -> String {
        format!("Component{}.{}", self.0, self.package_architecture())
    }

    /// Number of the article about a release.
    pub(super) fn kb(self, release: u64) -> u64 {
        9_000_000 + self.0 * 50 + release
    }
}

/// The edition (`OSSkuId`) that gets no UUP updates: Windows 10 Team.
pub(super) const EXCLUDED_SKU: &str = "119";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_lines_bundle_and_lengths_average_42() {
        assert_eq!(SLOTS.iter().filter(|slot| slot.bundled).count(), 12);
        let lengths: u64 = (0..1000).map(|line| Line(line).length()).sum();
        assert!((41_500..42_500).contains(&lengths), "{lengths}");
    }

    #[test]
    fn versions_grow_with_every_release_and_fit_windows() {
        for line in (0..48).map(Line) {
            for release in 0..48 {
                let (older, newer) = (line.version(release), line.version(release + 1));
                assert!(older < newer && newer.0.iter().all(|part| *part < 65_536), "{line:?}");
            }
        }
    }

    #[test]
    fn applications_have_products_of_their_own() {
        let applications = (0..480).map(Line).filter(|line| line.system().is_none());
        let ids: Vec<Uuid> = applications.map(|line| line.application().0).collect();
        let distinct: std::collections::HashSet<&Uuid> = ids.iter().collect();
        assert_eq!((ids.len(), distinct.len()), (100, 100));
        assert_eq!(Line(4).application().1, "Office 2016");
    }
}
