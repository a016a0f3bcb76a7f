//! What an agent says of its computer besides its registration.
//!
//! With its scans and when it asks for the details of updates, a current agent sends some sixty
//! `Name=Value;` pairs (`DeviceAttributes`) that no specification names. What an administrator may
//! want to know of them is kept: hardware, firmware, the exact build.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::computer::bounded;

/// Most pairs looked at.
const PAIRS: usize = 256;

/// The attributes that are kept, as agents name them.
const KEPT: [&str; 24] = [
    "BranchReadinessLevel",
    "CurrentBranch",
    "DeviceFamily",
    "FirmwareVersion",
    "InstallDate",
    "InstallLanguage",
    "InstallationType",
    "IsMDMEnrolled",
    "IsVirtualDevice",
    "LCUVer",
    "OEMModel",
    "OEMName_Uncleaned",
    "OSArchitecture",
    "OSSkuId",
    "OSUILocale",
    "OSVersion",
    "PrimaryDiskTotalCapacity",
    "ProcessorCores",
    "ProcessorModel",
    "SecureBootCapable",
    "TPMVersion",
    "TotalPhysicalRAM",
    "VBSState",
    "WuClientVer",
];

/// What a computer said last. In `inventories`, by its number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Unix seconds since when it says this.
    pub since: i64,
    /// Attributes by name, in the order of the names.
    pub attributes: Vec<(String, String)>,
}

impl Inventory {
    /// Of the text of `DeviceAttributes`; none when it says nothing that is kept.
    pub fn read(text: &str, now: i64) -> Option<Self> {
        let pairs = text.split(';').take(PAIRS).filter_map(|pair| pair.split_once('='));
        let kept = pairs.filter(|(name, value)| KEPT.contains(name) && !value.is_empty());
        let mut attributes: Vec<(String, String)> =
            kept.map(|(name, value)| (name.to_owned(), bounded(value))).collect();
        attributes.sort();
        attributes.dedup_by(|later, earlier| later.0 == earlier.0);
        (!attributes.is_empty()).then_some(Self { since: now, attributes })
    }

    /// Tells it from any other, whenever it was said; never 0, and the same only until a restart.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.attributes.hash(&mut hasher);
        hasher.finish().max(1)
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_kept_once_and_the_rest_is_not() {
        let text = "TPMVersion=2;App=WU_OS;=;x;SecureBootCapable=1;TPMVersion=1;LCUVer=;";
        let inventory = Inventory::read(text, 7).expect("attributes");
        assert_eq!(inventory.attributes.len(), 2, "{inventory:?}");
        assert_eq!(inventory.attribute("SecureBootCapable"), Some("1"));
        assert_eq!(inventory.attribute("App"), None);
        assert_eq!(Inventory::read("App=WU_OS;", 7), None);
        assert!(KEPT.is_sorted());
    }
}
