//! Handler data and rule metadata of software: manifests of packages, targets of patches.

use std::fmt::Write as _;

use super::content::StoredFile;
use super::document::Handler;
use super::line::Kind;
use super::release::{Release, Topic};
use super::rule::braced;
use super::xml::Writer;

const COMMAND_LINE: &str =
    "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/CommandLineInstallation";
const CBS: &str = "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Cbs";
const WINDOWS_INSTALLER: &str =
    "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsInstaller";
const OS_INSTALLER: &str = "http://schemas.microsoft.com/msus/2016/01/UpdateHandlers/OSInstaller";
const CBS_RULES: &str = "http://schemas.microsoft.com/msus/2002/12/CbsApplicabilityRules";
const MSI_RULES: &str = "http://schemas.microsoft.com/msus/2002/12/MsiApplicabilityRules";

/// What the update's `files` are installed with.
pub(super) fn of(release: Release, files: &[StoredFile]) -> Handler {
    let mut out = Writer::default();
    let (namespace, data_type) = match release.line.slot().kind {
        Kind::Cbs => (CBS, "cbs:Cbs"),
        Kind::File if release.line.slot().bundled => (CBS, "cbs:Cbs"),
        Kind::Msi => (WINDOWS_INSTALLER, "msp:WindowsInstallerApp"),
        Kind::Release => (OS_INSTALLER, "OSInstallerMetadata"),
        _ => (COMMAND_LINE, "cmd:CommandLineInstallation"),
    };
    match namespace {
        CBS => out.tag("cbs:CbsData").with("PackageIdentity", "").end(),
        WINDOWS_INSTALLER => {
            let code = braced(release.random(Topic::Core, 9).uuid());
            let tag = out.tag("msp:MspData").with("PatchCode", &code);
            tag.with("CommandLine", "REBOOT=ReallySuppress").end();
        }
        OS_INSTALLER => {
            let tag = out.tag("osi:OSInstallData").with("InitialModule", "UpdateAgent.dll");
            tag.declare("osi", OS_INSTALLER).end();
        }
        _ => {
            let program = files.first().map_or("", |file| &file.name);
            let tag = out.tag("cmd:InstallCommand").with("Program", program);
            let tag = tag.with("Arguments", "/quiet /norestart").with("RebootByDefault", "false");
            tag.with("DefaultResult", "Failed").children();
            let done = out.tag("cmd:ReturnCode").with("Code", "0").with("Result", "Succeeded");
            done.end();
            let restart = out.tag("cmd:ReturnCode").with("Code", "3010");
            restart.with("Result", "Succeeded").with("Reboot", "true").end();
            out.close("cmd:InstallCommand");
        }
    }
    Handler { namespace, data_type, data: out.into_text() }
}

/// The manifest in whose terms a package is looked for, with as many components as it takes to
/// reach the size that the release is to have.
pub(super) fn manifest(release: Release, leaf: u32, huge: bool) -> String {
    let line = release.line;
    let version = line.version(release.number);
    let kb = line.kb(release.number);
    let mut out = Writer::default();
    let metadata = out.tag("cbsar:CbsPackageApplicabilityMetadata");
    metadata.declare("cbsar", CBS_RULES).children();
    let assembly = out.tag("assembly").with("xmlns", "urn:schemas-microsoft-com:asm.v3");
    let assembly = assembly.with("manifestVersion", "1.0");
    assembly
        .with("description", &format!("Fix for KB{kb}"))
        .with("displayName", "default")
        .with("company", "Weirworks")
        .with("supportInformation", &format!("https://support.weirworks.example/kb/{kb}"))
        .children();
    identity(&mut out, &line.package(), version);
    let package = out.tag("package").with("identifier", &format!("KB{kb}"));
    package
        .with("applicabilityEvaluation", "deep")
        .with("releaseType", "Update")
        .with("restart", "possible")
        .children();
    let (parent, parent_version) = line.parent_package();
    let tag = out.tag("parent").with("buildCompare", "GE").with("integrate", "separate");
    tag.with("disposition", "detect").children();
    identity(&mut out, &parent, parent_version);
    out.close("parent");
    let mut random = release.random(Topic::Core, u64::from(leaf) + 0x100);
    let wanted = release.manifest_bytes(leaf, huge);
    let mut number = 0;
    while out.length() < wanted {
        let name = format!("{kb}-{number}_neutral_PACKAGE");
        out.tag("update").with("name", &name).children();
        out.tag("component").children();
        let mut component = format!("amd64_component{}-part{number}", line.0);
        // Writing to a String cannot fail.
        let _ = write!(component, "_{:016x}~{:016x}~amd64~~", random.next(), random.next());
        identity(&mut out, &component, version);
        out.close("component");
        out.close("update");
        number += 1;
    }
    out.close("package");
    out.close("assembly");
    out.close("cbsar:CbsPackageApplicabilityMetadata");
    out.into_text()
}

/// `assemblyIdentity` of `Name~Token~Architecture~Language~`, language neutral.
fn identity(out: &mut Writer, package: &str, version: impl std::fmt::Display) {
    let mut parts = package.split('~');
    let mut part = || parts.next().unwrap_or_default();
    let (name, token, architecture) = (part(), part(), part());
    let tag = out.tag("assemblyIdentity").with("name", name).shown("version", version);
    tag.with("language", "neutral")
        .with("processorArchitecture", architecture)
        .with("publicKeyToken", token)
        .end();
}

/// The targets of a patch, in the schema that Windows Installer has for them.
pub(super) fn patch_metadata(release: Release) -> String {
    let line = release.line;
    let mut out = Writer::default();
    out.tag("mar:MsiPatchMetadata").declare("mar", MSI_RULES).children();
    let code = braced(release.random(Topic::Core, 9).uuid());
    let patch = out.tag("MsiPatch").with("SchemaVersion", "1.0.0.0").with("PatchGUID", &code);
    patch
        .with("MinMsiVersion", "3")
        .with("TargetsRTM", "true")
        .with("xmlns", "http://www.microsoft.com/msi/patch_applicability.xsd")
        .children();
    for product in line.product_codes() {
        out.tag("TargetProduct").with("MinMsiVersion", "3").children();
        out.tag("TargetProductCode").with("Validate", "true").children();
        out.raw(&braced(product));
        out.close("TargetProductCode");
        out.text("UpdatedVersion", &line.version(release.number).to_string());
        out.close("TargetProduct");
    }
    out.close("MsiPatch");
    out.close("mar:MsiPatchMetadata");
    out.into_text()
}
