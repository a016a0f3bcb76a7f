//! Applicability rules as documents spell them.
//!
//! Only operators that occur in real catalogues, with the attributes they have there. Rules are
//! written, never evaluated here: what they amount to on a machine follows from the model
//! (`line`), and an evaluator that comes to another result is wrong, or the rule is.
//!
//! `IsInstalled` of software uses neither `Not` nor an upper bound, so that a simulated
//! installation can make it true fact by fact; of `Or` the first branch is the natural one.

use uuid::Uuid;

use super::xml::Writer;
use crate::fleet::profile::Version;

/// Rules about registry, files and Windows.
const BASE: &str = "http://schemas.microsoft.com/msus/2002/12/BaseApplicabilityRules";
/// And, Or, Not, True.
const LOGIC: &str = "http://schemas.microsoft.com/msus/2002/12/LogicalApplicabilityRules";
/// Rules about Windows Installer.
const MSI: &str = "http://schemas.microsoft.com/msus/2002/12/MsiApplicabilityRules";
/// Rules about packages of component based servicing.
const CBS: &str = "http://schemas.microsoft.com/msus/2002/12/CbsApplicabilityRules";
/// Rules about releases and attributes of the device.
const RELEASE: &str = "http://schemas.microsoft.com/msus/2016/01/ReleaseApplicabilityRules";
/// Rules about drivers.
const DRIVER: &str = "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver";

const HIVE: &str = "HKEY_LOCAL_MACHINE";

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    LessThan,
    EqualTo,
    GreaterThanOrEqualTo,
    GreaterThan,
}

/// A value in the registry.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) subkey: String,
    pub(super) value: &'static str,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    True,
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    RegKeyExists {
        subkey: String,
    },
    RegValueExists {
        place: Place,
        kind: &'static str,
    },
    RegDword {
        place: Place,
        comparison: Comparison,
        data: u32,
    },
    RegSz {
        place: Place,
        comparison: Comparison,
        data: &'static str,
    },
    RegSzToVersion {
        place: Place,
        comparison: Comparison,
        data: Version,
    },
    FileExists {
        csidl: u8,
        path: String,
    },
    FileVersion {
        csidl: u8,
        path: String,
        version: Version,
    },
    FileVersionPrependRegSz {
        path: String,
        comparison: Comparison,
        version: Version,
        place: Place,
    },
    WindowsVersion {
        comparison: Comparison,
        version: (u32, u32),
        build: Option<u32>,
        product_type: Option<u8>,
    },
    WindowsLanguage(&'static str),
    Processor(u16),
    /// The product is there, from `min` on and below `max`.
    MsiProductInstalled {
        product: Uuid,
        min: Option<Version>,
        max: Option<Version>,
    },
    /// The package of the document's manifest is there, in its version or a later one.
    CbsPackageInstalled,
    /// A parent of the package of the document's manifest is there.
    CbsPackageInstallable,
    CbsPackageInstalledByIdentity(String),
    ProductReleaseInstalled {
        name: String,
        version: Version,
    },
    DeviceAttribute {
        name: &'static str,
        kind: &'static str,
        comparison: Comparison,
        value: String,
    },
    WindowsDriver(&'static str),
}

impl Comparison {
    fn name(self) -> &'static str {
        match self {
            Self::LessThan => "LessThan",
            Self::EqualTo => "EqualTo",
            Self::GreaterThanOrEqualTo => "GreaterThanOrEqualTo",
            Self::GreaterThan => "GreaterThan",
        }
    }
}

impl Rule {
    /// The negation.
    pub(super) fn not(rule: Rule) -> Self {
        Self::Not(Box::new(rule))
    }

    /// Writes the rule. Prefixes are declared where they are used, as publishers' tools do it.
    pub(super) fn write(&self, out: &mut Writer) {
        match self {
            Self::True => out.tag("lar:True").declare("lar", LOGIC).end(),
            Self::And(rules) => write_all(out, "lar:And", rules),
            Self::Or(rules) => write_all(out, "lar:Or", rules),
            Self::Not(rule) => write_all(out, "lar:Not", std::slice::from_ref(&**rule)),
            Self::RegKeyExists { subkey } => {
                let out = out.tag("bar:RegKeyExists").with("Key", HIVE).with("Subkey", subkey);
                out.declare("bar", BASE).end();
            }
            Self::RegValueExists { place, kind } => {
                let out = out.tag("bar:RegValueExists").place(place).with("Type", kind);
                out.declare("bar", BASE).end();
            }
            Self::RegDword { place, comparison, data } => {
                let out = out.tag("bar:RegDword").place(place);
                out.with("Comparison", comparison.name())
                    .shown("Data", data)
                    .declare("bar", BASE)
                    .end();
            }
            Self::RegSz { place, comparison, data } => {
                let out = out.tag("bar:RegSz").place(place);
                out.with("Comparison", comparison.name())
                    .with("Data", data)
                    .declare("bar", BASE)
                    .end();
            }
            Self::RegSzToVersion { place, comparison, data } => {
                let out = out.tag("bar:RegSzToVersion").place(place);
                out.with("Comparison", comparison.name())
                    .shown("Data", data)
                    .declare("bar", BASE)
                    .end();
            }
            Self::FileExists { csidl, path } => {
                let out = out.tag("bar:FileExists").with("Path", path).shown("Csidl", csidl);
                out.declare("bar", BASE).end();
            }
            Self::FileVersion { csidl, path, version } => {
                let out = out.tag("bar:FileVersion").shown("Csidl", csidl).with("Path", path);
                out.with("Comparison", Comparison::GreaterThanOrEqualTo.name())
                    .shown("Version", version)
                    .declare("bar", BASE)
                    .end();
            }
            Self::FileVersionPrependRegSz { path, comparison, version, place } => {
                let out = out.tag("bar:FileVersionPrependRegSz").with("Path", path);
                let out = out.with("Comparison", comparison.name()).shown("Version", version);
                out.place(place).declare("bar", BASE).end();
            }
            Self::WindowsVersion { comparison, version, build, product_type } => {
                let out = out.tag("bar:WindowsVersion").with("Comparison", comparison.name());
                let out = out.shown("MajorVersion", version.0).shown("MinorVersion", version.1);
                let out = out.perhaps("BuildNumber", *build).perhaps("ProductType", *product_type);
                out.declare("bar", BASE).end();
            }
            Self::WindowsLanguage(tag) => {
                let out = out.tag("bar:WindowsLanguage").with("Language", tag);
                out.declare("bar", BASE).end();
            }
            Self::Processor(architecture) => {
                let out = out.tag("bar:Processor").shown("Architecture", architecture);
                out.declare("bar", BASE).end();
            }
            Self::MsiProductInstalled { product, min, max } => {
                let code = braced(*product);
                let out = out.tag("mar:MsiProductInstalled").with("ProductCode", &code);
                let out = out.perhaps("VersionMin", *min).perhaps("VersionMax", *max);
                out.perhaps("ExcludeVersionMax", max.map(|_| true)).declare("mar", MSI).end();
            }
            Self::CbsPackageInstalled => {
                out.tag("cbsar:CbsPackageInstalled").declare("cbsar", CBS).end();
            }
            Self::CbsPackageInstallable => {
                out.tag("cbsar:CbsPackageInstallable").declare("cbsar", CBS).end();
            }
            Self::CbsPackageInstalledByIdentity(identity) => {
                let out = out.tag("cbsar:CbsPackageInstalledByIdentity");
                out.with("PackageIdentity", identity).declare("cbsar", CBS).end();
            }
            Self::ProductReleaseInstalled { name, version } => {
                let out = out.tag("rel:ProductReleaseInstalled").with("Name", name);
                out.shown("Version", version).declare("rel", RELEASE).end();
            }
            Self::DeviceAttribute { name, kind, comparison, value } => {
                let out = out.tag("rel:DeviceAttribute").with("Name", name).with("Type", kind);
                let out = out.with("Comparison", comparison.name()).with("Value", value);
                out.declare("rel", RELEASE).end();
            }
            Self::WindowsDriver(question) => {
                out.tag(question).declare("drv", DRIVER).end();
            }
        }
    }
}

/// A GUID as Windows Installer writes it.
pub(super) fn braced(id: Uuid) -> String {
    format!("{{{}}}", id.hyphenated().to_string().to_uppercase())
}

fn write_all(out: &mut Writer, name: &str, rules: &[Rule]) {
    out.tag(name).declare("lar", LOGIC).children();
    for rule in rules {
        rule.write(out);
    }
    out.close(name);
}
