//! How a line stands on a machine: the model's answers to what rules ask.
//!
//! Rules are written elsewhere (`software`, `markers`) to say the same. Nothing here looks at them.

use super::line::{EXCLUDED_SKU, Kind, Line};
use super::world::PRODUCTS;
use crate::fleet::profile::{Profile, Version};

impl Line {
    /// Whether the machine has product, system, architecture and component: what prerequisites ask.
    pub(super) fn concerns(self, profile: &Profile) -> bool {
        let at_home = self.system().is_none_or(|(system, architecture)| {
            let product = &PRODUCTS[system.product];
            product.is_on(profile) && system.is_on(profile) && profile.architecture == architecture
        });
        at_home && (self.detectoids().is_empty() || self.is_present(profile))
    }

    /// Whether the component is on the machine, in whatever version: what its detectoid asks.
    pub(super) fn is_present(self, profile: &Profile) -> bool {
        match self.slot().kind {
            Kind::RegVersion => {
                profile.sz(&self.subkey(), "Publisher").is_some_and(|name| name == "Weirworks")
            }
            Kind::RegDword => profile.dword(&self.subkey(), "Build").is_some(),
            Kind::FilePrepended => profile.sz(&self.subkey(), "InstallLocation").is_some(),
            _ => self.version_on(profile).is_some(),
        }
    }

    /// The version of the component on the machine.
    fn version_on(self, profile: &Profile) -> Option<Version> {
        match self.slot().kind {
            Kind::File => {
                let path = format!(r"C:\Windows\System32\{}", self.file_name());
                profile.files.get(&path)?.version
            }
            Kind::FilePrepended => {
                let folder = profile.sz(&self.subkey(), "InstallLocation")?;
                let path = format!(r"{}\{}", folder.trim_end_matches('\\'), self.file_name());
                profile.files.get(&path)?.version
            }
            Kind::RegVersion => profile.sz(&self.subkey(), "Version")?.parse().ok(),
            Kind::RegDword => {
                let [a, b, c, _] = self.version(0).0;
                profile.dword(&self.subkey(), "Build").map(|number| Version([a, b, c, number]))
            }
            Kind::Cbs => profile.cbs_packages.get(&self.package()).copied(),
            Kind::Msi => {
                let codes = self.product_codes();
                codes.filter_map(|code| Some(profile.msi_products.get(&code)?.version)).max()
            }
            Kind::Release => profile.product_releases.get(&self.release_name()).copied(),
        }
    }

    /// Whether the release is installed on a machine that the line concerns.
    pub(super) fn is_installed(self, release: u64, profile: &Profile) -> bool {
        let version = self.version(release);
        let by_version = self.version_on(profile).is_some_and(|own| own >= version);
        let by_package = self.slot().kind == Kind::File && self.slot().bundled && {
            let (package, version) = self.hotfix_package(release);
            profile.cbs_packages.get(&package) == Some(&version)
        };
        by_version || by_package
    }

    /// Whether releases that are not installed can be, on a machine that the line concerns.
    pub(super) fn is_installable(self, profile: &Profile) -> bool {
        match self.slot().kind {
            Kind::File | Kind::Msi => self.version_on(profile).is_some(),
            Kind::FilePrepended => {
                let real = |version| version > Version::default();
                self.version_on(profile).is_some_and(real) && !self.is_held_back(profile)
            }
            Kind::RegVersion | Kind::RegDword => !self.is_held_back(profile),
            Kind::Cbs => {
                let (parent, version) = self.parent_package();
                profile.cbs_packages.get(&parent).is_some_and(|own| *own >= version)
            }
            Kind::Release => self.is_release_for(profile),
        }
    }

    fn is_held_back(self, profile: &Profile) -> bool {
        profile.dword(&self.subkey(), "HoldBack") == Some(1)
    }

    /// The device attributes must say the same as the system does, except on one edition.
    fn is_release_for(self, profile: &Profile) -> bool {
        let Some((system, _)) = self.system() else { return false };
        let attribute = |name| profile.device_attributes.get(name).map(String::as_str);
        let version = attribute("OSVersion").and_then(|text| text.parse::<Version>().ok());
        let (major, minor) = system.version;
        let bound = |build| Version([major, minor, build, 0]);
        version.is_some_and(|own| (bound(system.builds.0)..bound(system.builds.1)).contains(&own))
            && attribute("OSSkuId") != Some(EXCLUDED_SKU)
    }
}
