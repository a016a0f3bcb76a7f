//! Rules over machines: what each means, what an installation makes of it, what hostile ones do.

mod installing;
mod operators;
mod recorded;

use proptest::prelude::*;

use super::{Core, Truth};
use crate::fleet::profile::Profile;

const MACHINE: &str = r#"{"name": "m", "os": {"major": 6, "minor": 3, "build": 9600,
    "revision": 1, "service_pack": 1, "product_type": 3, "suite": 272}, "architecture": "x64",
    "language": "de", "processors": 4, "processor_level": 6, "mui_languages": [], "clustered": false,
    "registry": {
        "SOFTWARE\\A": {"Number": {"dword": 7}, "Text": {"sz": "Sluice Gate"}, "V": {"sz": "6.3"},
            "Path": {"expand_sz": "%windir%\\a"}, "Blob": "binary", "": {"sz": "default"},
            "Folder": {"sz": "C:\\Sluice\\"}},
        "SOFTWARE\\Wow6432Node\\B": {"Number": {"dword": 1}},
        "SOFTWARE\\Uninstall\\One": {"Name": {"sz": "Gauge"}},
        "SOFTWARE\\Uninstall\\Two": {"Name": {"sz": "Flume"}}},
    "files": {"C:\\Windows\\System32\\a.dll": "6.1.7601.100", "C:\\Sluice\\b.exe":
        {"version": "2.0", "size": 4096, "modified": 1000000000}, "C:\\Windows\\plain.txt": {}},
    "msi_products": {"ab3d54ba-8821-4203-906b-e4757b4ae207": {"version": "16.4.120.0",
        "language": 1033, "features": ["Core", "Help"],
        "patches": {"11111111-8821-4203-906b-e4757b4ae207": {"supersedes": {"Family": "3.0"}}}}},
    "cbs_packages": {"Base~31bf~amd64~~": "6.3.9600.1", "Fix~31bf~amd64~~": "9600.20.1.0"},
    "product_releases": {"Client.OS": "10.0.22621.5"}, "system_metrics": {"86": 1},
    "device_attributes": {"OSVersion": "6.3.9600.1", "OSSkuId": "7", "Ram": "6144"},
    "licences": {"Policy": 3},
    "wmi": {"root\\cimv2": {"Win32_ComputerSystem": [{"Model": "Sluice 500", "Domain": null,
        "Cores": 4, "PartOfDomain": true}], "Win32_Battery": []}}}"#;

fn machine() -> Profile {
    Profile::read(MACHINE).unwrap()
}

/// A fragment of an update that is installed if `rule` holds.
fn fragment(rule: &str, metadata: &str) -> String {
    format!(
        r#"<UpdateIdentity UpdateID="266f6222-c89d-43f2-9f8a-69340271e677" RevisionNumber="1" />
           <Properties UpdateType="Software" /><ApplicabilityRules>
           <IsInstalled>{rule}</IsInstalled><IsInstallable><True /></IsInstallable>
           <Metadata>{metadata}</Metadata></ApplicabilityRules>"#
    )
}

fn core(rule: &str, metadata: &str) -> Core {
    Core::read(&fragment(rule, metadata)).unwrap()
}

/// What a rule comes to on the machine; it has to be of a kind that is known.
fn holds(rule: &str) -> Truth {
    let core = core(rule, "");
    assert_eq!(core.unknown_rules(), Vec::<&str>::new(), "{rule}");
    core.is_installed(&machine())
}

#[test]
fn a_fragment_says_what_its_document_does() {
    let core = Core::read(
        r#"<UpdateIdentity UpdateID="266F6222-c89d-43f2-9f8a-69340271e677" RevisionNumber="200" />
        <Properties UpdateType="Software" ExplicitlyDeployable="true" EulaID="7d8d2a8e-71a4-4f7b-9aca-3b9a503104a0" />
        <Relationships><SupersededUpdates>
        <UpdateIdentity UpdateID="a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe" /></SupersededUpdates>
        <Prerequisites><UpdateIdentity UpdateID="ff36f0b5-dded-4780-8664-cd78af8b62c1" />
        <AtLeastOne IsCategory="true"><UpdateIdentity UpdateID="dd78b8a1-0b20-45c1-add6-4da72e9364cf" />
        </AtLeastOne></Prerequisites><BundledUpdates><AtLeastOne>
        <UpdateIdentity UpdateID="6964aab4-c5b5-43bd-a17d-ffb4346a8e1d" RevisionNumber="3" />
        </AtLeastOne></BundledUpdates></Relationships>"#,
    );
    let core = core.unwrap();
    assert_eq!(core.identity.revision_number, 200);
    assert!(core.explicitly_deployable);
    assert_eq!(core.prerequisites.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(core.bundled[0][0].revision_number, 3);
    assert_eq!(core.superseded.len(), 1);
    assert_eq!(core.eula.as_deref(), Some("7d8d2a8e-71a4-4f7b-9aca-3b9a503104a0"));
    // A bundle without rules is left to its members.
    assert_eq!(core.is_installed(&machine()), Truth::False);
    assert_eq!(core.is_installable(&machine()), Truth::True);
    assert_eq!(core.is_superseded(&machine()), Truth::False);
}

#[test]
fn what_is_no_fragment_is_refused() {
    let good = fragment("<True />", "");
    for bad in [
        "",
        "<Properties UpdateType=\"Software\" />",
        &good.replace("Software", "Sofware"),
        &good.replace("</IsInstalled>", ""),
        &good.replace("<True />", "</IsInstalled></ApplicabilityRules></Core><Core>"),
        &format!("{good}{good}"),
        &format!("<!DOCTYPE a>{good}"),
    ] {
        assert!(Core::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested =
        |depth: usize| format!("{}<True />{}", "<Not>".repeat(depth), "</Not>".repeat(depth));
    let rule = core(&nested(100), "");
    assert_eq!(rule.is_installed(&machine()), Truth::True);
    assert!(rule.clone().install(&mut machine()).is_ok());
    assert!(Core::read(&fragment(&nested(1_000_000), "")).is_err());
    let query = format!("select * from A where {}x=1{}", "(".repeat(9_999), ")".repeat(9_999));
    let deep = core(&format!(r#"<b.WmiQuery WqlQuery="{query}" />"#), "");
    assert_eq!(deep.unknown_rules(), ["b.WmiQuery/@WqlQuery"]);
}

#[test]
fn what_is_not_known_is_named_and_decides_nothing() {
    let rule = r#"<Or><b.Tide Height="3" /><b.RegDword Key="HKEY_LOCAL_MACHINE" Subkey="A"
        Value="B" Comparison="Near" Data="1" /><And><b.Tide /><False /></And></Or>"#;
    let core = core(rule, "");
    assert_eq!(core.unknown_rules(), ["b.Tide", "b.RegDword/@Comparison", "b.Tide"]);
    assert_eq!(core.is_installed(&machine()), Truth::Unknown);
    let decided = format!("<And><False />{rule}</And>");
    assert_eq!(super::tests::core(&decided, "").is_installed(&machine()), Truth::False);
}

/// Pieces that fit together often enough to get past the reader.
fn rules() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "b.RegDword",
        "b.RegSz",
        "b.RegSzToVersion",
        "b.RegValueExists",
        "b.RegKeyExists",
        "b.FileVersion",
        "b.FileExists",
        "b.FileVersionPrependRegSz",
        "b.WindowsVersion",
        "b.Processor",
        "b.WmiQuery",
        "b.LicenseDword",
        "m.MsiProductInstalled",
        "m.MsiPatchInstalled",
        "m.MsiApplicationInstalled",
        "CbsPackageInstalled",
        "CbsPackageInstalledByIdentity",
        "ProductReleaseInstalled",
        "DeviceAttribute",
        "d.WindowsDriverInstalled",
        "True",
        "False",
        "Tide",
    ]);
    let texts = prop::sample::select(vec![
        "HKEY_LOCAL_MACHINE",
        r"SOFTWARE\A",
        "Number",
        "V",
        "7",
        "0",
        "4294967295",
        "6.3",
        "65535.65535.65535.65535",
        "EqualTo",
        "LessThan",
        "GreaterThan",
        "Contains",
        "Version",
        "String",
        "37",
        "",
        r"\\",
        "~",
        "a~b~c~d~1",
        "{ab3d54ba-8821-4203-906b-e4757b4ae207}",
        "select Model from Win32_ComputerSystem where Model like '%5_0'",
        "true",
        "-1",
        "\u{130}",
    ]);
    let keys = prop::sample::select(vec![
        "Key",
        "Subkey",
        "Value",
        "Data",
        "Comparison",
        "Version",
        "Path",
        "Csidl",
        "Name",
        "Type",
        "MajorVersion",
        "BuildNumber",
        "ProductType",
        "ProductCode",
        "VersionMin",
        "VersionMax",
        "PackageIdentity",
        "WqlQuery",
        "Architecture",
        "RegType32",
        "ExcludeVersionMax",
    ]);
    let attributes = prop::collection::btree_map(keys, texts, 0..12);
    let leaf = (names, attributes).prop_map(|(name, attributes)| {
        let attributes: String =
            attributes.iter().map(|(key, text)| format!(r#" {key}="{text}""#)).collect();
        format!("<{name}{attributes} />")
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let kinds = prop::sample::select(vec!["And", "Or", "Not", "b.RegKeyLoop", "m.Strange"]);
        (kinds, prop::collection::vec(inner, 0..4))
            .prop_map(|(kind, rules)| format!("<{kind}>{}</{kind}>", rules.concat()))
    })
}

proptest! {
    #[test]
    fn no_fragment_makes_it_panic(text in ".{0,300}") {
        let _ = Core::read(&text);
        let _ = Core::read(&fragment(&text, &text));
    }

    /// What can be installed is installed afterwards; what cannot leaves the machine as it was.
    #[test]
    fn an_installation_succeeds_or_changes_nothing(rule in rules()) {
        let core = core(&rule, "");
        let negated = super::tests::core(&format!("<Not>{rule}</Not>"), "");
        prop_assert_eq!(negated.is_installed(&machine()), !core.is_installed(&machine()));
        let mut changed = machine();
        match core.install(&mut changed) {
            Ok(()) => prop_assert_eq!(core.is_installed(&changed), Truth::True),
            Err(_) => prop_assert_eq!(changed, machine()),
        }
    }
}
