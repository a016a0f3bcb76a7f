//! Every operator, on both sides of what it asks.

use super::super::Truth::{self, False, True, Unknown};
use super::{core, holds, machine};

/// Checks rules that are a `name` with attributes.
fn check(name: &str, cases: &[(&str, Truth)]) {
    for (attributes, expected) in cases {
        let rule = format!("<{name} {attributes} />");
        assert_eq!(holds(&rule), *expected, "{rule}");
    }
}

/// The same below `SOFTWARE\A`.
fn check_value(name: &str, cases: &[(&str, Truth)]) {
    let name = format!(r#"{name} Key="HKEY_LOCAL_MACHINE" Subkey="software\a""#);
    check(&name, cases);
}

#[test]
fn the_registry() {
    check(
        r#"b.RegKeyExists Key="HKEY_LOCAL_MACHINE""#,
        &[
            (r#"Subkey="software\A\""#, True),
            (r#"Subkey="SOFTWARE""#, True),
            (r#"Subkey="SOFT""#, False),
            (r#"Subkey="SOFTWARE\B""#, False),
            (r#"Subkey="SOFTWARE\B" RegType32="true""#, True),
        ],
    );
    check_value(
        "b.RegValueExists",
        &[
            (r#"Value="number""#, True),
            (r#"Value="Number" Type="REG_DWORD""#, True),
            (r#"Value="Number" Type="REG_SZ""#, False),
            (r#"Value="Blob" Type="REG_BINARY""#, True),
            (r#"Value="Path" Type="REG_EXPAND_SZ""#, True),
            ("", True),
            (r#"Value="None""#, False),
        ],
    );
    check_value(
        "b.RegDword",
        &[
            (r#"Value="Number" Comparison="EqualTo" Data="7""#, True),
            (r#"Value="Number" Comparison="LessThan" Data="7""#, False),
            (r#"Value="Number" Comparison="LessThanOrEqualTo" Data="7""#, True),
            (r#"Value="Number" Comparison="GreaterThan" Data="6""#, True),
            (r#"Value="Text" Comparison="GreaterThanOrEqualTo" Data="0""#, False),
            (r#"Value="None" Comparison="GreaterThanOrEqualTo" Data="0""#, False),
        ],
    );
    check_value(
        "b.RegSz",
        &[
            (r#"Value="Text" Comparison="EqualTo" Data="SLUICE GATE""#, True),
            (r#"Value="Text" Comparison="EqualTo" Data="Sluice""#, False),
            (r#"Value="Text" Comparison="BeginsWith" Data="Sluice""#, True),
            (r#"Value="Text" Comparison="EndsWith" Data="Gate""#, True),
            (r#"Value="Text" Comparison="Contains" Data="ice g""#, True),
            (r#"Value="Number" Comparison="EqualTo" Data="7""#, False),
        ],
    );
    check_value("b.RegExpandSz", &[(r#"Value="Path" Comparison="EndsWith" Data="\a""#, True)]);
    check_value(
        "b.RegSzToVersion",
        &[
            // The agent reads 6.3 as 6.3.0.0.
            (r#"Value="V" Comparison="GreaterThanOrEqualTo" Data="6.3.0.0""#, True),
            (r#"Value="V" Comparison="LessThan" Data="7.00.0.0""#, True),
            (r#"Value="Text" Comparison="LessThan" Data="7.0.0.0""#, False),
        ],
    );
    check_value(
        "b.WUv4RegKeyValue",
        &[
            (r#"Value="Number" Data="7""#, True),
            (r#"Value="Text" Data="Sluice Gate""#, True),
            (r#"Value="Text" Data="Gate""#, False),
        ],
    );
}

#[test]
fn every_subkey_of_a_key() {
    let named = |true_if, name| {
        let rule = format!(
            r#"<b.RegKeyLoop Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\Uninstall" TrueIf="{true_if}">
            <b.RegSz Key="HKEY_LOOP_TARGET" Value="Name" Comparison="Contains" Data="{name}" />
            </b.RegKeyLoop>"#
        );
        holds(&rule)
    };
    assert_eq!(["Gauge", "Weir"].map(|name| named("Any", name)), [True, False]);
    assert_eq!(["u", "Gauge"].map(|name| named("All", name)), [True, False]);
    assert_eq!(["Weir", "Gauge"].map(|name| named("None", name)), [True, False]);
}

#[test]
fn files() {
    check(
        "b.FileExists",
        &[
            (r#"Path="\A.dll" Csidl="37""#, True),
            (r#"Path="system32\\a.dll" Csidl="36""#, True),
            (r#"Path="C:\Windows\plain.txt""#, True),
            (r#"Path="a.dll" Csidl="38""#, False),
            (r#"Path="a.dll" Csidl="37" Version="6.1.7601.100""#, True),
            (r#"Path="a.dll" Csidl="37" Version="6.1.7601.101""#, False),
            (r#"Path="a.dll" Csidl="37" Size="10""#, Unknown),
        ],
    );
    check(
        r#"b.FileVersion Csidl="37" Path="a.dll""#,
        &[
            (r#"Comparison="GreaterThanOrEqualTo" Version="6.1.7601.100""#, True),
            (r#"Comparison="GreaterThan" Version="6.1.7601.100""#, False),
        ],
    );
    check(
        r#"b.FileVersion Csidl="36" Path="plain.txt""#,
        &[(r#"Comparison="GreaterThanOrEqualTo" Version="0.0.0.0""#, False)],
    );
    let folder = r#"Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\A" Value="Folder" Path="b.exe""#;
    check(&format!("b.FileExistsPrependRegSz {folder}"), &[("", True), (r#"Size="4096""#, True)]);
    check(
        &format!("b.FileVersionPrependRegSz {folder}"),
        &[(r#"Comparison="EqualTo" Version="2.0.0.0""#, True)],
    );
    check(
        &format!("b.FileSizePrependRegSz {folder}"),
        &[
            (r#"Comparison="LessThan" Size="4097""#, True),
            (r#"Comparison="GreaterThan" Size="4096""#, False),
        ],
    );
    check(
        &format!("b.FileModifiedPrependRegSz {folder}"),
        &[
            (r#"Comparison="EqualTo" Modified="2001-09-09T01:46:40Z""#, True),
            (r#"Comparison="LessThan" Modified="2001-09-09T01:46:40Z""#, False),
        ],
    );
    check(
        &format!("b.FileCreatedPrependRegSz {folder}"),
        &[(r#"Comparison="LessThan" Created="2001-09-09T01:46:40Z""#, Unknown)],
    );
}

#[test]
fn windows_versions() {
    check(
        "b.WindowsVersion",
        &[
            (r#"MajorVersion="6" MinorVersion="3""#, True),
            (r#"Comparison="GreaterThanOrEqualTo" MajorVersion="6" MinorVersion="3""#, True),
            (r#"Comparison="GreaterThan" MajorVersion="6" MinorVersion="1""#, True),
            // A greater minor number does not make up for a lesser major one.
            (r#"Comparison="LessThan" MajorVersion="10" MinorVersion="0""#, True),
            // The build is compared by itself.
            (
                r#"Comparison="LessThan" MajorVersion="6" MinorVersion="3" BuildNumber="9601""#,
                False,
            ),
            (
                r#"Comparison="LessThan" MajorVersion="10" MinorVersion="0" BuildNumber="9601""#,
                True,
            ),
            (
                r#"Comparison="LessThan" MajorVersion="10" MinorVersion="0" BuildNumber="9600""#,
                False,
            ),
            // The agent compares the type for equality, whatever the comparison.
            (r#"Comparison="GreaterThanOrEqualTo" MajorVersion="6" ProductType="3""#, True),
            (r#"Comparison="GreaterThanOrEqualTo" MajorVersion="6" ProductType="1""#, False),
            (r#"Comparison="GreaterThan" MajorVersion="5" ProductType="3""#, True),
            (r#"MajorVersion="6" MinorVersion="3" ServicePackMajor="1""#, True),
            (
                r#"Comparison="LessThan" MajorVersion="6" MinorVersion="3" ServicePackMajor="2""#,
                True,
            ),
            (r#"SuiteMask="16""#, True),
            (r#"SuiteMask="18""#, True),
            (r#"AllSuitesMustBePresent="true" SuiteMask="18""#, False),
            (r#"AllSuitesMustBePresent="true" SuiteMask="272""#, True),
        ],
    );
}

#[test]
fn the_system() {
    check("b.WindowsLanguage", &[(r#"Language="DE""#, True), (r#"Language="en""#, False)]);
    check("b.MuiInstalled", &[("", False)]);
    check("b.MuiLanguageInstalled", &[(r#"Language="de""#, False)]);
    check(
        "b.Processor",
        &[
            (r#"Architecture="9""#, True),
            (r#"Architecture="0""#, False),
            (r#"Architecture="9" Level="6""#, True),
            (r#"Architecture="9" Level="5""#, False),
            (r#"Architecture="9" Revision="1""#, Unknown),
            (r#"Architecture="0" Revision="1""#, False),
        ],
    );
    check("b.NumberOfProcessors", &[(r#"Comparison="GreaterThan" Number="3""#, True)]);
    check(
        "b.SystemMetric",
        &[
            (r#"Comparison="EqualTo" Index="86" Value="1""#, True),
            (r#"Comparison="EqualTo" Index="87" Value="1""#, Unknown),
        ],
    );
    check(
        "b.LicenseDword",
        &[
            (r#"Value="POLICY" Comparison="EqualTo" Data="3""#, True),
            (r#"Value="Other" Comparison="EqualTo" Data="3""#, False),
        ],
    );
    check("b.ClusteredOS", &[("", False)]);
    // A multilingual system is in no language.
    let mut multilingual = machine();
    multilingual.mui_languages = Some(vec!["de".to_owned(), "fr".to_owned()]);
    let verdict = |rule| core(rule, "").is_installed(&multilingual);
    assert_eq!(verdict(r#"<b.WindowsLanguage Language="de" />"#), False);
    assert_eq!(verdict(r#"<b.MuiInstalled />"#), True);
    assert_eq!(verdict(r#"<b.MuiLanguageInstalled Language="fr" />"#), True);
}

#[test]
fn queries() {
    let query = |condition: &str| {
        let condition = condition.replace('<', "&lt;");
        holds(&format!(
            r#"<b.WmiQuery Namespace="ROOT\CIMV2" WqlQuery="Select * From Win32_ComputerSystem {condition}" />"#
        ))
    };
    for (condition, expected) in [
        ("", True),
        ("where model = 'SLUICE 500'", True),
        ("where Model like '%500'", True),
        ("where Model like 's_uice [4-6]%'", True),
        ("where Model like 'sluice [^5]%'", False),
        ("where Cores >= 4 and not (Cores > 4 or Model = 'x')", True),
        ("where Cores <> 4", False),
        ("where Cores < 5 and PartOfDomain = true", True),
        ("where Domain is null", True),
        ("where Domain is not null", False),
        ("where Domain = 'weirworks.example'", False),
        ("where Serial = '1'", Unknown),
    ] {
        assert_eq!(query(condition), expected, "{condition}");
    }
    let rule = |class| format!(r#"<b.WmiQuery WqlQuery="select * from {class}" />"#);
    assert_eq!(holds(&rule("Win32_Battery")), False);
    assert_eq!(holds(&rule("Win32_Tide")), Unknown);
    for broken in ["select", "select * from", "delete a", "select * from A where", "select 'a"] {
        let core = core(&format!(r#"<b.WmiQuery WqlQuery="{broken}" />"#), "");
        assert_eq!(core.unknown_rules(), ["b.WmiQuery/@WqlQuery"], "{broken}");
    }
}

#[test]
fn products() {
    check(
        r#"m.MsiProductInstalled ProductCode="{AB3D54BA-8821-4203-906B-E4757B4AE207}""#,
        &[
            ("", True),
            // Bounds are part of the range unless they are excluded.
            (r#"VersionMin="16.4.120.0" VersionMax="16.4.120.0""#, True),
            (r#"VersionMax="16.4.120.0" ExcludeVersionMax="true""#, False),
            (r#"VersionMin="16.4.120.0" ExcludeVersionMin="1""#, False),
            (r#"VersionMin="17""#, False),
            (r#"Language="1033""#, True),
            (r#"Language="1031""#, False),
        ],
    );
    let product = "<Product>{AB3D54BA-8821-4203-906B-E4757B4AE207}</Product>";
    let other = "<m.Product>{00000000-0000-0000-0000-000000000001}</m.Product>";
    for (flags, parts, expected) in [
        ("", format!("<m.Feature>core</m.Feature><m.Feature>None</m.Feature>{product}"), True),
        (
            r#"AllFeaturesRequired="true""#,
            format!("<Feature>Core</Feature><Feature>None</Feature>{product}"),
            False,
        ),
        ("", format!("<Feature>Help</Feature>{other}{product}"), True),
        (
            r#"AllProductsRequired="true""#,
            format!("<Feature>Help</Feature>{other}{product}"),
            False,
        ),
    ] {
        let name = "m.MsiFeatureInstalledForProduct";
        assert_eq!(holds(&format!("<{name} {flags}>{parts}</{name}>")), expected, "{parts}");
    }
    let component = format!(
        "<m.MsiComponentInstalledForProduct><Component>{{{}}}</Component>{product}\
         </m.MsiComponentInstalledForProduct>",
        uuid::Uuid::nil()
    );
    assert_eq!(holds(&component), Unknown);
    check(
        r#"m.MsiPatchInstalledForProduct ProductCode="{AB3D54BA-8821-4203-906B-E4757B4AE207}""#,
        &[
            (r#"PatchCode="{11111111-8821-4203-906B-E4757B4AE207}""#, True),
            (r#"PatchCode="{21111111-8821-4203-906B-E4757B4AE207}""#, False),
        ],
    );
}

#[test]
fn releases_and_attributes() {
    check(
        r#"ProductReleaseInstalled Name="client.os""#,
        &[(r#"Version="10.0.22621.5""#, True), (r#"Version="10.0.22621.6""#, False)],
    );
    check(
        r#"ProductReleaseVersion Name="Client.OS" Version="10.0.22621.6""#,
        &[(r#"Comparison="LessThan""#, True), (r#"Comparison="EqualTo""#, False)],
    );
    check(
        "DeviceAttribute",
        &[
            (r#"Name="OSSkuId" Type="String" Comparison="EqualTo" Value="7""#, True),
            (r#"Name="sku" Type="String" Comparison="EqualTo" Value="7""#, False),
            (r#"Name="OSVersion" Type="Version" Comparison="LessThan" Value="6.10""#, True),
            (r#"Name="Ram" Type="Integer" Comparison="GreaterThan" Value="700""#, True),
            (r#"Name="Ram" Type="String" Comparison="LessThan" Value="700""#, True),
        ],
    );
}

#[test]
fn packages() {
    let manifest = |version, compare, parent| {
        format!(
            r#"<CbsPackageApplicabilityMetadata><assembly xmlns="urn:schemas-microsoft-com:asm.v3">
            <assemblyIdentity name="Fix" version="{version}" language="neutral"
             processorArchitecture="amd64" publicKeyToken="31bf" />
            <package><parent buildCompare="{compare}"><assemblyIdentity name="Base"
             version="{parent}" language="neutral" processorArchitecture="amd64"
             publicKeyToken="31bf" /></parent></package></assembly></CbsPackageApplicabilityMetadata>"#
        )
    };
    let verdict = |rule: &str, metadata: &str| {
        core(&format!("<{rule} />"), metadata).is_installed(&machine())
    };
    let (installed, installable) = ("CbsPackageInstalled", "CbsPackageInstallable");
    assert_eq!(verdict(installed, &manifest("9600.20.1.0", "GE", "6.3.9600.1")), True);
    assert_eq!(verdict(installed, &manifest("9600.21.1.0", "GE", "6.3.9600.1")), False);
    assert_eq!(verdict(installable, &manifest("1.0.0.0", "GE", "6.3.9600.0")), True);
    assert_eq!(verdict(installable, &manifest("1.0.0.0", "EQ", "6.3.9600.0")), False);
    assert_eq!(verdict(installable, &manifest("1.0.0.0", "EQ", "6.3.9600.1")), True);
    assert_eq!(verdict(installable, ""), Unknown);
    check(
        "CbsPackageInstalledByIdentity",
        &[
            (r#"PackageIdentity="fix~31bf~AMD64~~9600.20.1.0""#, True),
            (r#"PackageIdentity="Fix~31bf~amd64~~9600.19.1.0""#, False),
            (r#"PackageIdentity="Fix~31bf~amd64~de-DE~9600.20.1.0""#, False),
        ],
    );
}

#[test]
fn applications_and_patches() {
    let product = "{AB3D54BA-8821-4203-906B-E4757B4AE207}";
    let application = |code| {
        format!(
            "<m.MsiApplicationMetadata><m.ProductCode>{code}</m.ProductCode></m.MsiApplicationMetadata>"
        )
    };
    let verdict = |rule: &str, metadata: &str| {
        core(&format!("<m.{rule} />"), metadata).is_installed(&machine())
    };
    let nil = "{00000000-0000-0000-0000-000000000000}";
    assert_eq!(verdict("MsiApplicationInstalled", &application(product)), True);
    assert_eq!(verdict("MsiApplicationInstallable", &application(product)), False);
    assert_eq!(verdict("MsiApplicationInstallable", &application(nil)), True);
    assert_eq!(verdict("MsiApplicationSuperseded", &application(product)), False);
    assert_eq!(verdict("MsiApplicationInstalled", ""), Unknown);

    let patch = |code: &str, version: &str, sequence: &str| {
        format!(
            r#"<m.MsiPatchMetadata><MsiPatch xmlns="http://www.microsoft.com/msi/patch_applicability.xsd"
            PatchGUID="{code}"><TargetProduct><TargetProductCode Validate="true">{product}</TargetProductCode>
            <TargetVersion Validate="true" ComparisonType="Equal" ComparisonFilter="MajorMinor">{version}</TargetVersion>
            <TargetLanguage Validate="false">0</TargetLanguage></TargetProduct>
            <SequenceData><PatchFamily>family</PatchFamily><Sequence>{sequence}</Sequence></SequenceData>
            </MsiPatch></m.MsiPatchMetadata>"#
        )
    };
    let states = |metadata: String| {
        ["MsiPatchInstalled", "MsiPatchSuperseded", "MsiPatchInstallable"]
            .map(|rule| verdict(rule, &metadata))
    };
    let (own, new) =
        ("{11111111-8821-4203-906B-E4757B4AE207}", "{21111111-8821-4203-906B-E4757B4AE207}");
    assert_eq!(states(patch(own, "16.4.1", "3.0")), [True, False, False]);
    assert_eq!(states(patch(new, "16.4.1", "3.1")), [False, False, True]);
    assert_eq!(states(patch(new, "16.4.1", "2.9")), [False, True, False]);
    assert_eq!(states(patch(new, "16.5.1", "3.1")), [False, False, False]);
}
