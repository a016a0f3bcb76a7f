//! One computer ([MS-WUSP] 3.1.1 Client Table, 2.2.2.2.3 ComputerInfo).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sightings::Sightings;
use crate::policy::Policy;

/// What a computer said when it registered. Texts are kept as sent, cut to [`TEXT_LIMIT`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ComputerInfo {
    /// Host name.
    pub dns_name: String,
    /// `OSMajorVersion.OSMinorVersion.OSBuildNumber`.
    pub os_version: (i32, i32, i32),
    /// Service pack, major and minor.
    pub os_service_pack: (i32, i32),
    /// For example `en-US`.
    pub os_locale: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Firmware version.
    pub bios_version: String,
    /// Firmware name.
    pub bios_name: String,
    /// Unix seconds of the firmware's date.
    pub bios_release_date: i64,
    /// Free text, for example `AMD64`.
    pub processor_architecture: String,
    /// `SuiteMask`.
    pub suite_mask: i32,
    /// `OldProductType`: 1 workstation, 2 domain controller, 3 server.
    pub old_product_type: i32,
    /// `NewProductType`: the edition, for example 48 for Pro.
    pub new_product_type: i32,
    /// `SystemMetrics`.
    pub system_metrics: i32,
    /// Version of the Windows Update Agent, four parts.
    pub client_version: (i32, i32, i32, i32),
    /// `OSDescription`. Windows 11 says "Windows 10" here.
    pub os_description: String,
    /// `OEM`.
    pub oem: String,
    /// `DeviceType`.
    pub device_type: String,
    /// `FirmwareVersion`.
    pub firmware_version: String,
    /// `MobileOperator`.
    pub mobile_operator: String,
}

/// Most computers that may register. Registration is anonymous: beyond this it is a flood.
pub const COMPUTERS_KEPT: usize = 1_000_000;

/// Most bytes kept of one text of a computer.
pub const TEXT_LIMIT: usize = 512;

impl ComputerInfo {
    /// The operating system's name as administrators know it.
    ///
    /// Windows 11 registers as "Windows 10 …": only the build tells them apart (22000 and up).
    pub fn os_name(&self) -> String {
        let (major, minor, build) = self.os_version;
        let server = self.old_product_type > 1;
        if !self.os_description.is_empty() {
            if !server && major == 10 && build >= 22000 {
                return self.os_description.replacen("Windows 10", "Windows 11", 1);
            }
            return self.os_description.clone();
        }
        let name = match (major, minor, server) {
            (10, _, false) if build >= 22000 => "Windows 11",
            (10, _, false) => "Windows 10",
            (10, _, true) if build >= 26100 => "Windows Server 2025",
            (10, _, true) if build >= 20348 => "Windows Server 2022",
            (10, _, true) if build >= 17763 => "Windows Server 2019",
            (10, _, true) => "Windows Server 2016",
            (6, 3, false) => "Windows 8.1",
            (6, 3, true) => "Windows Server 2012 R2",
            (6, 2, false) => "Windows 8",
            (6, 2, true) => "Windows Server 2012",
            (6, 1, false) => "Windows 7",
            (6, 1, true) => "Windows Server 2008 R2",
            (6, 0, false) => "Windows Vista",
            (6, 0, true) => "Windows Server 2008",
            (5, 2, _) => "Windows Server 2003",
            (5, 1, _) => "Windows XP",
            _ => "Windows",
        };
        name.to_owned()
    }
}

/// A registered computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computer {
    /// Our number for it: the key of its records. Never reused.
    pub number: u32,
    /// `SusClientId`, in lower case: a `ClientIdString`.
    pub client_id: String,
    /// What it said of itself.
    pub info: ComputerInfo,
    /// The groups its own policy asks for (client-side targeting), as sent.
    pub requested_group: String,
    /// The groups it was put into. None means Unassigned Computers.
    pub groups: Vec<Uuid>,
    /// Unix seconds of the first registration.
    pub registered: i64,
    /// Unix seconds of the latest registration.
    pub updated: i64,
    /// Address of the latest registration.
    pub address: String,
    /// Others that registered under its id.
    pub sightings: Sightings,
}

impl Computer {
    /// The groups it belongs in when its own policy asks for `requested` (client-side targeting):
    /// those that exist. While it asks for none, it stays where an administrator put it; when it
    /// asks no longer, it goes back to Unassigned Computers.
    pub fn groups_for(&self, policy: &Policy, requested: &str) -> Vec<Uuid> {
        let asks = |groups: &str| !groups.trim().is_empty();
        match (asks(&self.requested_group), asks(requested)) {
            (_, true) => policy.groups_named(requested),
            (true, false) => Vec::new(),
            (false, false) => self.groups.clone(),
        }
    }
}

/// Lower-cases a `ClientIdString` ([MS-WUSP] 1.1 glossary: 1 to 255 of `a-z 0-9 -`), or refuses it.
///
/// Upper case is accepted because agents of every age send GUIDs in either case.
pub fn client_id(text: &str) -> Option<String> {
    let fits = (1..=255).contains(&text.len());
    let legal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (fits && legal).then(|| text.to_ascii_lowercase())
}

/// Cuts `text` to [`TEXT_LIMIT`] bytes at a character boundary.
pub fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_LIMIT)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::target_group::TargetGroup;

    #[test]
    fn client_ids_follow_the_grammar() {
        assert_eq!(client_id("E1DA06A3-5601"), Some("e1da06a3-5601".into()));
        assert_eq!(client_id(""), None);
        assert_eq!(client_id("a b"), None);
        assert_eq!(client_id("../x"), None);
        assert_eq!(client_id(&"a".repeat(256)), None);
    }

    #[test]
    fn its_own_policy_places_a_computer_while_it_names_a_group() {
        let mut policy = Policy::undecided();
        let [pilot, office, lab] = [1, 2, 3].map(Uuid::from_u128);
        for (id, name) in [(pilot, "Pilot"), (office, "Office")] {
            policy.groups.insert(id, TargetGroup::new(id, name, None));
        }
        let computer = |requested: &str, groups: &[Uuid]| Computer {
            number: 1,
            client_id: "c".into(),
            info: ComputerInfo::default(),
            requested_group: requested.into(),
            groups: groups.to_vec(),
            registered: 0,
            updated: 0,
            address: String::new(),
            sightings: Sightings::default(),
        };
        let assigned = computer("", &[lab]);
        assert_eq!(assigned.groups_for(&policy, " "), [lab], "nobody asked for anything else");
        assert_eq!(assigned.groups_for(&policy, "office; PILOT;office"), [pilot, office]);
        assert!(assigned.groups_for(&policy, "Nowhere").is_empty(), "a name creates no group");
        assert!(assigned.groups_for(&policy, "All Computers").is_empty());
        let targeted = computer("Pilot", &[pilot]);
        assert_eq!(targeted.groups_for(&policy, "Pilot"), [pilot]);
        assert!(targeted.groups_for(&policy, "").is_empty(), "its policy asks no longer");
    }

    #[test]
    fn windows_11_is_named_by_its_build() {
        let info = ComputerInfo {
            os_version: (10, 0, 26200),
            old_product_type: 1,
            os_description: "Windows 10 Pro".into(),
            ..ComputerInfo::default()
        };
        assert_eq!(info.os_name(), "Windows 11 Pro");
        let server = ComputerInfo { old_product_type: 3, os_description: String::new(), ..info };
        assert_eq!(server.os_name(), "Windows Server 2025");
    }
}
