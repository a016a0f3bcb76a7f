//! What an installation makes of a machine.

use super::super::{CannotInstall, Truth};
use super::{core, machine};
use crate::fleet::profile::{Profile, RegistryValue, Version};

fn after(rule: &str, metadata: &str) -> Profile {
    let core = core(rule, metadata);
    let mut machine = machine();
    core.install(&mut machine).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(core.is_installed(&machine), Truth::True);
    machine
}

#[test]
fn what_is_there_is_brought_up_to_date() {
    // The second product is the one that the machine has.
    let products = r#"<Or>
        <m.MsiProductInstalled ProductCode="{00000000-0000-0000-0000-000000000001}" VersionMin="17.0" />
        <m.MsiProductInstalled ProductCode="{AB3D54BA-8821-4203-906B-E4757B4AE207}" VersionMin="17.0" />
        </Or>"#;
    let machine = after(products, "");
    let versions: Vec<Version> = machine.msi_products.values().map(|own| own.version).collect();
    assert_eq!(versions, [Version([17, 0, 0, 0])]);
    // Of what is nowhere the first is put there.
    let keys = r#"<Or><b.RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="One" />
        <b.RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="Two" /></Or>"#;
    let machine = after(keys, "");
    assert!(machine.registry.get("one").is_some() && machine.registry.get("two").is_none());
}

#[test]
fn facts_of_all_kinds_are_made_true() {
    let place = r#"Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\New" Value="V""#;
    let machine = after(
        &format!(
            r#"<And><b.RegSzToVersion {place} Comparison="GreaterThan" Data="1.2.3.4" />
            <b.FileVersion Csidl="37" Path="a.dll" Comparison="GreaterThanOrEqualTo" Version="7.0.0.0" />
            <ProductReleaseInstalled Name="Client.OS" Version="10.0.22621.9" />
            <CbsPackageInstalledByIdentity PackageIdentity="New~1~amd64~~1.2.0.0" />
            <Not><b.RegValueExists Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\A" Value="Number" /></Not>
            <Not><Or><b.RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\Uninstall" />
            <b.FileExists Csidl="36" Path="plain.txt" /></Or></Not></And>"#
        ),
        "",
    );
    let version = RegistryValue::Sz("1.2.3.5".to_owned());
    assert_eq!(machine.registry_value(r"software\new", "v"), Some(&version));
    assert_eq!(machine.dword(r"software\a", "number"), None);
    assert_eq!(machine.registry.below(r"software\uninstall").count(), 0);
    assert_eq!(machine.product_releases.get("client.os"), Some(&Version([10, 0, 22621, 9])));
    assert!(machine.files.get(r"c:\windows\plain.txt").is_none());
}

#[test]
fn what_no_installation_changes_is_named() {
    let rule = r#"<And><b.RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="New" />
        <b.Processor Architecture="12" /></And>"#;
    let mut changed = machine();
    let error = core(rule, "").install(&mut changed).unwrap_err();
    assert!(matches!(&error, CannotInstall::Rule { rule, .. } if rule.contains("Processor")));
    assert_eq!(changed, machine());
}

const DRIVER: &str = r#"{"name": "d", "os": {"major": 10, "minor": 0, "build": 19045, "revision": 1,
    "product_type": 1, "suite": 256}, "architecture": "x64", "language": "en", "devices": [
    {"hardware_ids": ["PCI\\A&B", "PCI\\A"], "driver": {"matching_id": "PCI\\A", "date":
    "2020-01-01", "version": "1.0.0.0", "class": "Net", "manufacturer": "M", "provider": "P",
    "feature_score": 255}}, {"hardware_ids": ["PCI\\C"]}]}"#;

/// A driver for `id`; a lower `score` is better.
fn driver(id: &str, date: &str, score: u8) -> super::Core {
    let metadata = format!(
        r#"<d.WindowsDriverMetaData HardwareID="{id}" DriverVerDate="{date}"
        DriverVerVersion="2.0.0.1" Class="Net" Provider="P" Manufacturer="M" Model="X">
        <d.FeatureScore OperatingSystem="amd64.10.0" FeatureScore="{score}" /></d.WindowsDriverMetaData>"#
    );
    let core = format!(
        r#"<UpdateIdentity UpdateID="266f6222-c89d-43f2-9f8a-69340271e677" RevisionNumber="1" />
        <Properties UpdateType="Driver" /><ApplicabilityRules>
        <IsInstalled><d.WindowsDriverInstalled /></IsInstalled>
        <IsSuperseded><d.WindowsDriverSuperseded /></IsSuperseded>
        <IsInstallable><d.WindowsDriverInstallable /></IsInstallable>
        <Metadata>{metadata}</Metadata></ApplicabilityRules>"#
    );
    super::Core::read(&core).unwrap()
}

#[test]
fn a_better_driver_goes_to_its_device() {
    let states = |core: &super::Core, machine: &Profile| {
        [core.is_installed(machine), core.is_superseded(machine), core.is_installable(machine)]
    };
    let no = Truth::False;
    let mut machine = Profile::read(DRIVER).unwrap();
    assert_eq!(states(&driver(r"PCI\Z", "2025-01-01", 255), &machine), [no; 3]);
    assert_eq!(states(&driver(r"pci\a", "2019-01-01", 255), &machine), [no, Truth::True, no]);
    let better = driver(r"pci\a&amp;b", "2019-01-01", 255);
    assert_eq!(states(&better, &machine), [no, no, Truth::True]);
    better.install(&mut machine).unwrap();
    assert_eq!(states(&better, &machine), [Truth::True, no, no]);
    let installed = machine.devices[0].driver.as_ref().unwrap();
    assert_eq!(installed.version, Version([2, 0, 0, 1]));
    assert_eq!(installed.date, "2019-01-01");
    assert!(machine.devices[1].driver.is_none());
    // One that is worse cannot take its place.
    assert!(driver(r"PCI\A", "2025-01-01", 255).install(&mut machine).is_err());
    let scored = driver(r"PCI\A", "2001-01-01", 0x80);
    assert_eq!(states(&scored, &machine), [no, no, Truth::True]);
    scored.install(&mut machine).unwrap();
    assert_eq!(states(&scored, &machine), [Truth::True, no, no]);
    let first = driver(r"PCI\C", "2001-01-01", 255);
    assert_eq!(states(&first, &machine), [no, no, Truth::True]);
}
