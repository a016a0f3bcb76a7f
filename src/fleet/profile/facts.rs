//! The facts of a machine that have parts of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::any_case::AnyCase;
use super::version::Version;

/// One registry value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryValue {
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_SZ`.
    Sz(String),
    /// `REG_EXPAND_SZ`, as it is stored.
    ExpandSz(String),
    /// `REG_BINARY`, whose content no rule looks at.
    Binary,
    /// `REG_MULTI_SZ`, the same.
    MultiSz,
    /// `REG_QWORD`, the same.
    Qword,
}

/// One file; a profile may give its version alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FileSpelling")]
pub struct FileFacts {
    /// `FileVersion` of its version resource, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Seconds since 1970 of its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// Seconds since 1970 of its last change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// Language of its version resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<u16>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum FileSpelling {
    Version(Version),
    Facts {
        version: Option<Version>,
        size: Option<u64>,
        created: Option<i64>,
        modified: Option<i64>,
        language: Option<u16>,
    },
}

impl From<FileSpelling> for FileFacts {
    fn from(spelling: FileSpelling) -> Self {
        match spelling {
            FileSpelling::Version(version) => version.into(),
            FileSpelling::Facts { version, size, created, modified, language } => {
                Self { version, size, created, modified, language }
            }
        }
    }
}

impl From<Version> for FileFacts {
    fn from(version: Version) -> Self {
        Self { version: Some(version), ..Self::default() }
    }
}

/// One Windows Installer product; a profile may give its version alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ProductSpelling")]
pub struct MsiProduct {
    /// `VersionString`.
    pub version: Version,
    /// `Language`, as in 1033.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<i32>,
    /// Features that are installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<BTreeSet<String>>,
    /// Components that are installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<BTreeSet<Uuid>>,
    /// Patches that are applied, by patch code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub patches: BTreeMap<Uuid, MsiPatch>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum ProductSpelling {
    Version(Version),
    Facts {
        version: Version,
        language: Option<i32>,
        features: Option<BTreeSet<String>>,
        components: Option<BTreeSet<Uuid>>,
        #[serde(default)]
        patches: BTreeMap<Uuid, MsiPatch>,
    },
}

impl From<ProductSpelling> for MsiProduct {
    fn from(spelling: ProductSpelling) -> Self {
        match spelling {
            ProductSpelling::Version(version) => version.into(),
            ProductSpelling::Facts { version, language, features, components, patches } => {
                Self { version, language, features, components, patches }
            }
        }
    }
}

impl From<Version> for MsiProduct {
    fn from(version: Version) -> Self {
        Self { version, ..Self::default() }
    }
}

/// What an applied patch says of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MsiPatch {
    /// Patches that it made obsolete.
    #[serde(default)]
    pub obsoletes: BTreeSet<Uuid>,
    /// Its sequence in families where it supersedes all earlier patches.
    #[serde(default)]
    pub supersedes: AnyCase<Version>,
}

/// The value of a WMI property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WmiValue {
    /// `null`.
    Null(()),
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A string or a date.
    Text(String),
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
