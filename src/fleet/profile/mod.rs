//! A machine as an agent on it finds it: the facts that applicability rules ask for.
//!
//! A profile is a JSON file that a person can write. Names that Windows compares without regard to
//! case (paths, keys, packages) are found in any case; they are kept in lower case.
//!
//! What a list of things does not mention is not there. A single fact that is left out, or a whole
//! list that can be (an `Option`, or a WMI class), is not known, and so is every rule about it.

mod any_case;
mod facts;
mod version;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use any_case::AnyCase;
pub use facts::{
    Device, FileFacts, InstalledDriver, MsiPatch, MsiProduct, RegistryValue, WmiValue,
};
pub use version::Version;

/// The facts of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How the machine is called in file names: `a-z`, `0-9` and `-`.
    pub name: String,
    /// The operating system.
    pub os: OperatingSystem,
    /// The processor's architecture.
    pub architecture: Architecture,
    /// Language of Windows as `WindowsLanguage` names it: `en`, `de`, `zh-cn`.
    pub language: String,
    /// `ComputerSpec/HardwareIDs`, the most specific first.
    #[serde(default)]
    pub computer_hardware_ids: Vec<Uuid>,
    /// Values by name by subkey of HKEY_LOCAL_MACHINE, without a backslash at either end. A key
    /// exists if it is listed, even without values.
    #[serde(default)]
    pub registry: AnyCase<AnyCase<RegistryValue>>,
    /// Files by absolute path. Windows is in `C:\Windows`, programs are in `C:\Program Files`.
    #[serde(default)]
    pub files: AnyCase<FileFacts>,
    /// Windows Installer products by product code.
    #[serde(default)]
    pub msi_products: BTreeMap<Uuid, MsiProduct>,
    /// Versions of installed packages by identity without version: `Name~Token~amd64~~`. The
    /// language of neutral packages is left out, as Windows does.
    #[serde(default)]
    pub cbs_packages: AnyCase<Version>,
    /// Versions of installed releases by the name that `ProductReleaseInstalled` uses.
    #[serde(default)]
    pub product_releases: AnyCase<Version>,
    /// What `DeviceAttribute` asks for: `OSVersion`, `OSSkuId` and so on.
    #[serde(default)]
    pub device_attributes: AnyCase<String>,
    /// The devices that a driver scan lists.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Languages of the multilingual user interface, if it is installed: none of them means that
    /// it is not.
    #[serde(default)]
    pub mui_languages: Option<Vec<String>>,
    /// Licence policies by name: what `LicenseDword` compares.
    #[serde(default)]
    pub licences: Option<AnyCase<u32>>,
    /// Number of processors.
    #[serde(default)]
    pub processors: Option<u32>,
    /// `SYSTEM_INFO.wProcessorLevel`.
    #[serde(default)]
    pub processor_level: Option<u16>,
    /// `SYSTEM_INFO.wProcessorRevision`.
    #[serde(default)]
    pub processor_revision: Option<u16>,
    /// What `GetSystemMetrics` answers, by index.
    #[serde(default)]
    pub system_metrics: BTreeMap<i32, i32>,
    /// Whether the machine is a node of a cluster.
    #[serde(default)]
    pub clustered: Option<bool>,
    /// Objects by class by namespace (`root\cimv2`), each with its properties.
    #[serde(default)]
    pub wmi: AnyCase<AnyCase<Vec<AnyCase<WmiValue>>>>,
}

/// What `WindowsVersion` compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingSystem {
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build number.
    pub build: u32,
    /// Update build revision, the fourth part of the version.
    pub revision: u32,
    /// Major number of the service pack.
    #[serde(default)]
    pub service_pack: u16,
    /// Minor number of the service pack.
    #[serde(default)]
    pub service_pack_minor: u16,
    /// 1 workstation, 2 domain controller, 3 server.
    pub product_type: u8,
    /// Suites, as in `OSVERSIONINFOEX.wSuiteMask`.
    pub suite: u16,
}

/// A processor's architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// 32-bit Intel.
    X86,
    /// 64-bit Intel and AMD.
    X64,
    /// 64-bit ARM.
    Arm64,
}

/// A profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is not JSON of this form.
    #[error("not a machine profile: {0}")]
    Form(#[from] serde_json::Error),
    /// Its name cannot be part of a file name.
    #[error("the profile's name '{0}' may hold only a-z, 0-9 and -, and at most 64 of them")]
    Name(String),
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`]: a field that is missing, unknown or of another type, or an unusable name.
    pub fn read(json: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(json)?;
        let usable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let length = profile.name.len();
        if length == 0 || length > 64 || !profile.name.bytes().all(usable) {
            return Err(ProfileError::Name(profile.name.chars().take(64).collect()));
        }
        Ok(profile)
    }

    /// A value in the registry.
    pub fn registry_value(&self, subkey: &str, value: &str) -> Option<&RegistryValue> {
        self.registry.get(subkey)?.get(value)
    }

    /// A `REG_DWORD`; a value of another type is none.
    pub fn dword(&self, subkey: &str, value: &str) -> Option<u32> {
        match self.registry_value(subkey, value)? {
            RegistryValue::Dword(data) => Some(*data),
            _ => None,
        }
    }

    /// A `REG_SZ`; a value of another type is none.
    pub fn sz(&self, subkey: &str, value: &str) -> Option<&str> {
        match self.registry_value(subkey, value)? {
            RegistryValue::Sz(data) => Some(data),
            _ => None,
        }
    }

    /// `FeatureScoreMatchingKey`: architecture, major and minor version, as in `AMD64.10.0`.
    pub fn feature_score_key(&self) -> String {
        let architecture = self.architecture.in_identities().to_ascii_uppercase();
        format!("{architecture}.{}.{}", self.os.major, self.os.minor)
    }
}

impl Architecture {
    /// `Processor/@Architecture`: the `PROCESSOR_ARCHITECTURE` constants of Windows.
    pub fn processor(self) -> u16 {
        match self {
            Self::X86 => 0,
            Self::X64 => 9,
            Self::Arm64 => 12,
        }
    }

    /// As people and file names call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X64 => "x64",
            Self::Arm64 => "arm64",
        }
    }

    /// As package identities and feature scores call it.
    pub fn in_identities(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#"{"name": "a-1", "os": {"major": 10, "minor": 0, "build": 19045,
        "revision": 1, "product_type": 1, "suite": 256}, "architecture": "x64", "language": "en",
        "registry": {"SOFTWARE\\A": {"V": {"dword": 7}, "W": {"sz": "x"}, "B": "binary"}},
        "files": {"C:\\Windows\\a.dll": "6.3"}}"#;

    #[test]
    fn names_are_found_in_any_case_and_survive_writing() {
        let profile = Profile::read(PROFILE).unwrap();
        assert_eq!(profile.dword(r"software\a", "v"), Some(7));
        assert_eq!(profile.sz(r"Software\A", "w"), Some("x"));
        assert_eq!(profile.dword(r"Software\A", "w"), None);
        assert_eq!(profile.files.get(r"c:\windows\A.DLL"), Some(&Version([6, 3, 0, 0]).into()));
        assert_eq!(profile.feature_score_key(), "AMD64.10.0");
        let written = serde_json::to_string(&profile).unwrap();
        assert_eq!(Profile::read(&written).unwrap(), profile);
    }

    #[test]
    fn mistakes_are_refused() {
        let refused = |from: &str, to: &str| Profile::read(&PROFILE.replace(from, to)).unwrap_err();
        assert!(matches!(refused("a-1", "../a"), ProfileError::Name(_)));
        assert!(matches!(refused("a-1", ""), ProfileError::Name(_)));
        for (from, to) in [("6.3", "6.3.1.2.3"), ("6.3", "6.x"), ("suite", "sweet"), ("W", "v")] {
            assert!(matches!(refused(from, to), ProfileError::Form(_)), "{to}");
        }
    }
}
