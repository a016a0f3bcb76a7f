//! A machine as an agent on it finds it: the facts that applicability rules ask for.
//!
//! A profile is a JSON file that a person can write. Names that Windows compares without regard to
//! case (paths, keys, packages) are found in any case; they are kept in lower case. What a profile
//! does not mention is not there.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

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
    /// Versions of files by absolute path. Csidl 36 is `C:\Windows`, 37 `C:\Windows\System32` and
    /// 38 `C:\Program Files`.
    #[serde(default)]
    pub files: AnyCase<Version>,
    /// Versions of Windows Installer products by product code, without braces.
    #[serde(default)]
    pub msi_products: AnyCase<Version>,
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

/// One registry value; other types do not occur in rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistryValue {
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_SZ`.
    Sz(String),
    /// `REG_BINARY`, whose content no rule looks at.
    Binary,
}

/// One device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// `HardwareIDs`, the most specific first.
    pub hardware_ids: Vec<String>,
    /// `CompatibleIDs`, the most specific first.
    #[serde(default)]
    pub compatible_ids: Vec<String>,
    /// The driver in use.
    #[serde(default)]
    pub driver: Option<InstalledDriver>,
}

/// The driver in use by a device ([MS-WUSP] 2.2.2.2.4, `installedDriver`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledDriver {
    /// The device's id that it was chosen by.
    pub matching_id: String,
    /// `DriverVerDate`: year, month and day, as in `2026-04-14`.
    pub date: String,
    /// `DriverVerVersion`.
    pub version: Version,
    /// Device class.
    pub class: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Provider.
    pub provider: String,
    /// The computer hardware id that it was chosen by.
    #[serde(default)]
    pub matching_computer_hardware_id: Option<Uuid>,
    /// Feature score, 255 for a driver without one.
    pub feature_score: u8,
}

/// A version of up to four parts; those left out are 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u32; 4]);

/// A map whose keys are compared without regard to case, and kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AnyCase<T>(BTreeMap<String, T>);

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

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = [0; 4];
        let mut given = text.trim().split('.');
        for (part, text) in parts.iter_mut().zip(&mut given) {
            *part = text.parse().map_err(|_| format!("'{text}' is no part of a version"))?;
        }
        match given.next() {
            None => Ok(Self(parts)),
            Some(_) => Err(format!("'{text}' has more than four parts")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl<T> AnyCase<T> {
    /// The value under `key`, in whatever case it is spelled.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.get(key.to_lowercase().as_str())
    }

    /// Puts `value` under `key` and returns what was there.
    pub fn insert(&mut self, key: &str, value: T) -> Option<T> {
        self.0.insert(key.to_lowercase(), value)
    }

    /// All entries, keys in lower case and in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl<T> Default for AnyCase<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AnyCase<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, T>::deserialize(deserializer)?;
        let mut map = Self::default();
        for (key, value) in entries {
            if map.insert(&key, value).is_some() {
                return Err(de::Error::custom(format!("'{key}' is there twice")));
            }
        }
        Ok(map)
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
        assert_eq!(profile.files.get(r"c:\windows\A.DLL"), Some(&Version([6, 3, 0, 0])));
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
