//! What a catalogue is about: vendors, products, systems, classifications.
//!
//! Identifiers and names that every Windows administrator knows are the real ones, so that reports
//! and rules read as they do elsewhere. Products of the invented vendor "Weirworks" fill the rest.

use uuid::{Uuid, uuid};

use super::random::Random;
use super::rule::{Comparison, Rule};
use crate::fleet::profile::Profile;

/// Who publishes all documents: invented.
pub(super) const PUBLISHER: Uuid = uuid!("44d826c3-4e89-4348-ba38-7649163a0fc1");

/// A system that updates are made for.
#[derive(Debug)]
pub(super) struct System {
    /// As the detectoid calls it.
    pub(super) name: &'static str,
    /// The product under which its updates are filed: position in [`PRODUCTS`].
    pub(super) product: usize,
    /// Major and minor version.
    pub(super) version: (u32, u32),
    /// First build and the first that is another system.
    pub(super) builds: (u32, u32),
    /// 1 workstation, 3 server.
    pub(super) product_type: u8,
}

/// A product whose presence the version of Windows decides.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) id: Uuid,
    pub(super) name: &'static str,
    /// Major and minor version.
    version: (u32, u32),
    /// First build and the first that is another product.
    builds: (u32, u32),
    product_type: u8,
}

/// A classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Classification {
    Critical,
    Definition,
    Drivers,
    Rollups,
    Security,
    Updates,
}

/// A family of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    Windows,
    Office,
    Exchange,
    DeveloperTools,
    Riverbank,
}

/// A vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Company {
    Microsoft,
    Weirworks,
}

const fn product(
    id: Uuid,
    name: &'static str,
    version: (u32, u32),
    builds: (u32, u32),
    product_type: u8,
) -> Product {
    Product { id, name, version, builds, product_type }
}

/// The Windows products.
#[rustfmt::skip]
pub(super) const PRODUCTS: [Product; 12] = [
    product(uuid!("558f4bc3-4827-49e1-accf-ea79fd72d4c9"), "Windows XP", (5, 1), (2600, 2601), 1),
    product(uuid!("bfe5b177-a086-47a0-b102-097e4fa1f807"), "Windows 7", (6, 1), (7600, 7602), 1),
    product(uuid!("fdfe8200-9d98-44ba-a12a-772282bf60ef"), "Windows Server 2008 R2", (6, 1), (7600, 7602), 3),
    product(uuid!("6407468e-edc7-4ecd-8c32-521f64cee65e"), "Windows 8.1", (6, 3), (9600, 9601), 1),
    product(uuid!("d31bd4c3-d872-41c9-a2e7-231f372588cb"), "Windows Server 2012 R2", (6, 3), (9600, 9601), 3),
    product(uuid!("b3c75dc1-155f-4be4-b015-3f1a91758e52"), "Windows 10, version 1903 and later", (10, 0), (18362, 19046), 1),
    product(uuid!("72e7624a-5b00-45d2-b92f-e561c0a6a160"), "Windows 11", (10, 0), (22000, 30000), 1),
    product(uuid!("569e8e8f-c6cd-42c8-92a3-efbb20a0f6f5"), "Windows Server 2016", (10, 0), (14393, 14394), 3),
    product(uuid!("f702a48c-919b-45d6-9aef-ca4248d50397"), "Windows Server 2019", (10, 0), (17763, 17764), 3),
    product(uuid!("71718f13-7324-4b0f-8f9e-2ca9dc978e53"), "Microsoft Server operating system-21H2", (10, 0), (20348, 20349), 3),
    product(uuid!("b256987d-4693-4c87-955d-dbb9341205eb"), "Microsoft Server Operating System-24H2", (10, 0), (26100, 26101), 3),
    product(uuid!("d2085b71-5f1f-43a9-880d-ed159016d5c6"), "Windows 10 LTSB", (10, 0), (17763, 17764), 1),
];

const fn system(
    name: &'static str,
    product: usize,
    version: (u32, u32),
    builds: (u32, u32),
    product_type: u8,
) -> System {
    System { name, product, version, builds, product_type }
}

/// The systems. [`super::line::SLOTS`] and drivers name them by position.
pub(super) const SYSTEMS: [System; 13] = [
    system("Windows XP", 0, (5, 1), (2600, 2601), 1),
    system("Windows 7 SP1", 1, (6, 1), (7601, 7602), 1),
    system("Windows Server 2008 R2 SP1", 2, (6, 1), (7601, 7602), 3),
    system("Windows 8.1", 3, (6, 3), (9600, 9601), 1),
    system("Windows Server 2012 R2", 4, (6, 3), (9600, 9601), 3),
    system("Windows 10 LTSC 2019", 11, (10, 0), (17763, 17764), 1),
    system("Windows 10 2004 to 22H2", 5, (10, 0), (19041, 19046), 1),
    system("Windows 11 22H2 to 23H2", 6, (10, 0), (22621, 22632), 1),
    system("Windows 11 24H2 to 25H2", 6, (10, 0), (26100, 26201), 1),
    system("Windows Server 2016", 7, (10, 0), (14393, 14394), 3),
    system("Windows Server 2019", 8, (10, 0), (17763, 17764), 3),
    system("Windows Server 2022", 9, (10, 0), (20348, 20349), 3),
    system("Windows Server 2025", 10, (10, 0), (26100, 26101), 3),
];

/// Applications with known identifiers, and their families; further ones are Weirworks'.
pub(super) const APPLICATIONS: [(Uuid, &str, Family); 10] = [
    (uuid!("25aed893-7c2d-4a31-ae22-28ff8ac150ed"), "Office 2016", Family::Office),
    (uuid!("49c3ddde-4df2-4534-980c-83f4e27b23b5"), "Exchange Server 2016", Family::Exchange),
    (uuid!("5f4177e2-ad09-4066-9050-b7466ad5b078"), "Visual Studio 2019", Family::DeveloperTools),
    (uuid!("64ccdfc7-8e8c-4404-a572-a3daf7dff673"), ".NET 8.0", Family::DeveloperTools),
    (uuid!("69010383-ff55-4227-bd6c-d91c26f2643b"), "Microsoft Edge", Family::Windows),
    (
        uuid!("30eb551c-6288-4716-9a78-f300ec36d72b"),
        "Microsoft 365 Apps/Office 2019/Office LTSC",
        Family::Office,
    ),
    (uuid!("83a83e29-7d55-44a0-afed-aea164bc35e6"), "Exchange 2000 Server", Family::Exchange),
    (uuid!("682005f1-54fd-440f-b3b3-b9c652351d01"), "Visual Studio 2017", Family::DeveloperTools),
    (uuid!("3a8f2a23-211a-4969-9f10-50ee09f0a2db"), ".NET 6.0", Family::DeveloperTools),
    (uuid!("26bb6be1-37d1-4ca6-baee-ec00b2f7d0f1"), "Exchange Server 2007", Family::Exchange),
];

/// The product under which drivers are filed: there on Windows 8.1 and later.
pub(super) const DRIVER_PRODUCT: (Uuid, &str) =
    (uuid!("405706ed-f1d7-47ea-91e1-eb8860039715"), "Windows 8.1 and later drivers");

/// The language position (see [`super::language::LANGUAGES`]) that has a known detectoid.
pub(super) const NORWEGIAN: (usize, Uuid) = (15, uuid!("16f8bc41-69d2-402d-95b2-9a4b0e5d1d76"));

/// An identifier of our own that no seed changes, so that profiles can rely on it.
pub(super) fn fixed_id(kind: u64, number: u64) -> Uuid {
    Random::keyed(0, &[kind, number]).uuid()
}

impl Classification {
    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Critical => uuid!("e6cf1350-c01b-414d-a61f-263d14d133b4"),
            Self::Definition => uuid!("e0789628-ce08-4437-be74-2495b842f43b"),
            Self::Drivers => uuid!("ebfc1fc5-71a4-4f7b-9aca-3b9a503104a0"),
            Self::Rollups => uuid!("28bc880e-0592-4cbf-8f95-c79b17911d5f"),
            Self::Security => uuid!("0fa1201d-4330-4fa8-8ae9-b877473b6441"),
            Self::Updates => uuid!("cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83"),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Critical => "Critical Updates",
            Self::Definition => "Definition Updates",
            Self::Drivers => "Drivers",
            Self::Rollups => "Update Rollups",
            Self::Security => "Security Updates",
            Self::Updates => "Updates",
        }
    }
}

impl Family {
    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Windows => uuid!("6964aab4-c5b5-43bd-a17d-ffb4346a8e1d"),
            Self::Office => uuid!("477b856e-65c4-4473-b621-a8b230bb70d9"),
            Self::Exchange => uuid!("352f9494-d516-4b40-a21a-cd2416098982"),
            Self::DeveloperTools => uuid!("6c2b6f5a-5d2e-4f0c-9d0f-3f2a4d1b7c11"),
            Self::Riverbank => uuid!("b7f0c6d4-7b3e-4f55-8a0b-52a9e1c3d622"),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Windows => "Windows",
            Self::Office => "Office",
            Self::Exchange => "Exchange",
            Self::DeveloperTools => "Developer Tools, Runtimes, and Redistributables",
            Self::Riverbank => "Riverbank",
        }
    }

    pub(super) fn company(self) -> Company {
        match self {
            Self::Riverbank => Company::Weirworks,
            _ => Company::Microsoft,
        }
    }
}

impl Company {
    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Microsoft => uuid!("56309036-4c77-4dd9-951a-99ee9c246a94"),
            Self::Weirworks => uuid!("0c8e4f0e-6d2a-4a6b-9c57-4f1f5a2f9d33"),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Microsoft => "Microsoft",
            Self::Weirworks => "Weirworks",
        }
    }
}

impl Product {
    /// Whether the machine's Windows is this product.
    pub(super) fn is_on(&self, profile: &Profile) -> bool {
        runs(profile, self.version, self.builds, self.product_type)
    }

    /// The rule that says the same.
    pub(super) fn rule(&self) -> Rule {
        range_rule(self.version, self.builds, self.product_type)
    }
}

impl System {
    /// Whether the machine runs this system.
    pub(super) fn is_on(&self, profile: &Profile) -> bool {
        runs(profile, self.version, self.builds, self.product_type)
    }

    /// The rule that says the same.
    pub(super) fn rule(&self) -> Rule {
        range_rule(self.version, self.builds, self.product_type)
    }
}

/// Whether the machine's Windows is 8.1 or later, of any type.
pub(super) fn takes_drivers(profile: &Profile) -> bool {
    (profile.os.major, profile.os.minor) >= (6, 3)
}

/// The rule that says the same.
pub(super) fn takes_drivers_rule() -> Rule {
    Rule::WindowsVersion {
        comparison: Comparison::GreaterThanOrEqualTo,
        version: (6, 3),
        build: None,
        product_type: None,
    }
}

fn runs(profile: &Profile, version: (u32, u32), builds: (u32, u32), product_type: u8) -> bool {
    (profile.os.major, profile.os.minor) == version
        && (builds.0..builds.1).contains(&profile.os.build)
        && profile.os.product_type == product_type
}

/// Windows compares the version as one number and the build by itself, so only "at least" can say
/// where the range ends. The product type is compared for equality.
fn range_rule(version: (u32, u32), builds: (u32, u32), product_type: u8) -> Rule {
    let from = |build, product_type| Rule::WindowsVersion {
        comparison: Comparison::GreaterThanOrEqualTo,
        version,
        build: Some(build),
        product_type,
    };
    Rule::And(vec![from(builds.0, Some(product_type)), Rule::not(from(builds.1, None))])
}
