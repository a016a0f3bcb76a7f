//! Who a computer is: what it says of itself in registration, scans and reports.
//!
//! All of it follows from the profile, the seed and the computer's number, so that a run can be
//! continued by another process and the server meets the same computers again.

use super::requests::{Agency, Registration, Reporter};
use crate::fleet::catalogue::random::Random;
use crate::fleet::profile::{Architecture, Profile};

/// What a stream of chance decides about a computer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Topic {
    /// What it is besides its profile.
    Traits = 1,
    /// When it comes.
    Arrival,
    /// How long it waits between scans.
    Schedule,
    /// In which order it downloads.
    Download,
    /// What its user does.
    User,
}

/// A computer.
#[derive(Debug)]
pub(super) struct Computer {
    /// `SusClientId`.
    pub(super) client_id: String,
    /// Its name.
    pub(super) dns_name: String,
    /// Its agent.
    pub(super) agency: Agency,
    /// `MiscData` `J`: 0 to 999.
    pub(super) sampling: u64,
    /// `MiscData` `c`: what `GetProductInfo` says.
    pub(super) sku: u32,
    /// What it registers with.
    pub(super) registration: Registration,
    /// Languages in which it asks for titles.
    pub(super) locales: Vec<String>,
    /// The country, as in `USA`.
    pub(super) geo_id: &'static str,
    /// `Name=Value;` pairs.
    pub(super) device_attributes: String,
    /// What is installed, for services that know products.
    pub(super) products: String,
    locale_id: u32,
    architecture: &'static str,
    product_and_suite: u32,
}

impl Computer {
    /// Computer `number` of the fleet of `seed`.
    pub(super) fn new(seed: u64, number: u64, profile: &Profile, server: &str) -> Self {
        let client_id = client_id(seed, number);
        let mut random = stream(seed, number, Topic::Traits);
        let locale = Locale::of(&profile.language);
        let version = agent_version(profile);
        let [a, b, c, d] = version;
        let text = format!("{a}.{b}.{c}.{d}");
        let architecture = profile.architecture.in_identities().to_uppercase();
        let sku = sku(profile);
        let os = &profile.os;
        let registration = Registration {
            os_version: (os.major, os.minor, os.build),
            service_pack: (os.service_pack, 0),
            os_locale: locale.name.to_owned(),
            manufacturer: "Weirworks".to_owned(),
            model: format!("Simulated {}", profile.name),
            bios_version: "1.0".to_owned(),
            bios_name: "Weirworks Firmware".to_owned(),
            bios_release_date: "2022-02-02T00:00:00Z".to_owned(),
            processor_architecture: architecture.clone(),
            suite_mask: os.suite,
            old_product_type: os.product_type,
            new_product_type: sku,
            client_version: version,
            os_description: description(profile),
        };
        let os_version = format!("{}.{}.{}.{}", os.major, os.minor, os.build, os.revision);
        let mut device_attributes = format!("App=WU_OS;AppVer={text};");
        for (name, value) in profile.device_attributes.iter() {
            device_attributes.push_str(&format!("{name}={value};"));
        }
        device_attributes.push_str(&format!(
            "OSArchitecture={architecture};OSUILocale={};DL_OSVersion={os_version};\
             UpdateServiceUrl={server};WuClientVer={text};",
            locale.name
        ));
        let mut locales = vec![locale.name.to_owned(), profile.language.clone(), "en".to_owned()];
        locales.dedup();
        Self {
            dns_name: format!("{}-{number:06}.fleet.example", profile.name),
            agency: Agency { version: text, correlation: Some(correlation(&mut random)) },
            sampling: random.between(0, 999),
            sku,
            locales,
            geo_id: locale.geo_id,
            device_attributes,
            products: format!(
                "PN=Client.OS.rs2.{}&Branch=&PrimaryOSProduct=1&V={os_version};",
                profile.architecture.in_identities()
            ),
            locale_id: locale.id,
            architecture: match profile.architecture {
                Architecture::X86 => "X86Compatible",
                Architecture::X64 => "Amd64Compatible",
                Architecture::Arm64 => "Arm64Compatible",
            },
            product_and_suite: u32::from(os.product_type) << 16 | u32::from(os.suite),
            registration,
            client_id,
        }
    }

    /// What every event says of the computer.
    pub(super) fn reporter(&self) -> Reporter<'_> {
        let Registration { os_version: (major, minor, build), service_pack, .. } =
            self.registration;
        Reporter {
            client_id: &self.client_id,
            brand: &self.registration.manufacturer,
            model: &self.registration.model,
            bios_revision: &self.registration.bios_version,
            processor_architecture: self.architecture,
            os_version: [
                major,
                minor,
                build,
                self.product_and_suite,
                service_pack.0.into(),
                service_pack.1.into(),
            ],
            os_locale_id: self.locale_id,
        }
    }
}

/// The id of computer `number` of the fleet of `seed`.
pub fn client_id(seed: u64, number: u64) -> String {
    Random::keyed(seed, &[0, number]).uuid().to_string()
}

/// The stream that decides `topic` for computer `number` of the fleet of `seed`.
pub(super) fn stream(seed: u64, number: u64, topic: Topic) -> Random {
    Random::keyed(seed, &[topic as u64, number])
}

/// What `MS-CV` begins with: 16 characters of Base64.
fn correlation(random: &mut Random) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(random.bytes::<12>())
}

/// The version of the agent that comes with the system.
fn agent_version(profile: &Profile) -> [u32; 4] {
    match (profile.os.major, profile.os.minor, profile.os.build) {
        (10, _, 22_000..) => [1507, 2601, 30012, 0],
        (10, _, build) => [10, 0, build, profile.os.revision],
        (6, 3, _) => [7, 9, 9600, 20_000],
        _ => [7, 6, 7601, 24_436],
    }
}

/// What `GetProductInfo` says; the profile can give it as a device attribute.
fn sku(profile: &Profile) -> u32 {
    let given = profile.device_attributes.get("OSSkuId").and_then(|text| text.parse().ok());
    given.unwrap_or(if profile.os.product_type == 1 { 48 } else { 7 })
}

/// The name that Windows gives itself; Windows 11 calls itself 10.
fn description(profile: &Profile) -> String {
    let os = &profile.os;
    let name = match (os.product_type, os.major, os.minor, os.build) {
        (1, 6, 1, _) => "Windows 7 Professional",
        (1, 6, 3, _) => "Windows 8.1 Pro",
        (1, ..) => "Windows 10 Pro",
        (_, 6, 1, _) => "Windows Server 2008 R2 Standard",
        (_, 6, 3, _) => "Windows Server 2012 R2 Standard",
        (_, _, _, ..=14_393) => "Windows Server 2016 Standard",
        (_, _, _, ..=17_763) => "Windows Server 2019 Standard",
        (_, _, _, ..=20_348) => "Windows Server 2022 Standard",
        _ => "Windows Server 2025 Standard",
    };
    name.to_owned()
}

/// A language of Windows as the services name it.
#[derive(Debug, Clone, Copy)]
struct Locale {
    tag: &'static str,
    name: &'static str,
    id: u32,
    geo_id: &'static str,
}

const fn locale(tag: &'static str, name: &'static str, id: u32, geo_id: &'static str) -> Locale {
    Locale { tag, name, id, geo_id }
}

impl Locale {
    fn of(language: &str) -> Self {
        let found = LOCALES.iter().find(|locale| locale.tag == language);
        found.copied().unwrap_or(LOCALES[0])
    }
}

/// English first: it stands in for languages that are not here.
const LOCALES: [Locale; 37] = [
    locale("en", "en-US", 1033, "USA"),
    locale("ar", "ar-SA", 1025, "SAU"),
    locale("bg", "bg-BG", 1026, "BGR"),
    locale("cs", "cs-CZ", 1029, "CZE"),
    locale("da", "da-DK", 1030, "DNK"),
    locale("de", "de-DE", 1031, "DEU"),
    locale("el", "el-GR", 1032, "GRC"),
    locale("es", "es-ES", 3082, "ESP"),
    locale("et", "et-EE", 1061, "EST"),
    locale("fi", "fi-FI", 1035, "FIN"),
    locale("fr", "fr-FR", 1036, "FRA"),
    locale("he", "he-IL", 1037, "ISR"),
    locale("hi", "hi-IN", 1081, "IND"),
    locale("hr", "hr-HR", 1050, "HRV"),
    locale("hu", "hu-HU", 1038, "HUN"),
    locale("it", "it-IT", 1040, "ITA"),
    locale("ja", "ja-JP", 1041, "JPN"),
    locale("ko", "ko-KR", 1042, "KOR"),
    locale("lt", "lt-LT", 1063, "LTU"),
    locale("lv", "lv-LV", 1062, "LVA"),
    locale("nl", "nl-NL", 1043, "NLD"),
    locale("no", "nb-NO", 1044, "NOR"),
    locale("pl", "pl-PL", 1045, "POL"),
    locale("pt", "pt-PT", 2070, "PRT"),
    locale("pt-br", "pt-BR", 1046, "BRA"),
    locale("ro", "ro-RO", 1048, "ROU"),
    locale("ru", "ru-RU", 1049, "RUS"),
    locale("sk", "sk-SK", 1051, "SVK"),
    locale("sl", "sl-SI", 1060, "SVN"),
    locale("sr", "sr-Latn-RS", 9242, "SRB"),
    locale("sv", "sv-SE", 1053, "SWE"),
    locale("th", "th-TH", 1054, "THA"),
    locale("tr", "tr-TR", 1055, "TUR"),
    locale("uk", "uk-UA", 1058, "UKR"),
    locale("zh-cn", "zh-CN", 2052, "CHN"),
    locale("zh-hk", "zh-HK", 3076, "HKG"),
    locale("zh-tw", "zh-TW", 1028, "TWN"),
];
