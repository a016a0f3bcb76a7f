//! Software: bundles, leaves and updates on their own, in the dress of their era.
//!
//! The patterns of prerequisites and the sections of each era follow documents of that era: a
//! hotfix names its detectoids bare, a package asks after itself by manifest, a UUP update compares
//! device attributes, a patch lists every product code it may meet.

use super::document::{Clause, Document, Text, month};
use super::language::{LANGUAGES, Words};
use super::line::{EXCLUDED_SKU, Home, Kind, Line};
use super::release::{FIRST_REVISION, Release, Topic};
use super::rule::{Comparison, Rule};
use super::sequence::{ARCHITECTURES, Marker};
use super::world::{Classification, SYSTEMS};
use super::{handler, payload};
use crate::fleet::profile::Version;
use crate::metadata::model::UpdateType;

/// The document of a bundle or of an update on its own.
pub(super) fn update(release: Release, revision: u32, published: i64) -> Document {
    let line = release.line;
    let bundled = line.slot().bundled;
    let mut document = Document::new(release.id(), FIRST_REVISION + revision, UpdateType::Software);
    document.created = published;
    document.explicitly_deployable = true;
    document.expired = release.is_expired(revision);
    document.kb = Some(line.kb(release.number));
    (document.severity, document.bulletin) = severity(release);
    document.texts = texts(release, published);
    let superseded = line.superseded(release.number).rev();
    document.superseded = superseded.map(|older| release.at(older).id()).collect();
    document.prerequisites = prerequisites(line, bundled, true);
    if bundled {
        let leaf_revision = release.leaf_revision(revision);
        let member = |leaf| {
            let revision = if leaf == 0 { leaf_revision } else { 0 };
            (release.leaf_id(leaf), FIRST_REVISION + revision)
        };
        let clauses = release.clauses().into_iter();
        document.bundled = clauses.map(|leaves| leaves.map(member).collect()).collect();
        if line.slot().kind == Kind::Release {
            document.release = Some((line.release_name(), line.version(release.number)));
        }
    } else {
        install(&mut document, release, 0, false);
        if release.has_eula() {
            document.eula_id = Some(release.random(Topic::Eula, 1).uuid());
            document.eulas = payload::eulas(release);
        }
    }
    document
}

/// The document of a leaf. With `huge`, one leaf of the catalogue has a Core fragment of 47 MB.
pub(super) fn leaf(
    release: Release,
    leaf: u32,
    revision: u32,
    published: i64,
    huge: bool,
) -> Document {
    let line = release.line;
    let id = release.leaf_id(leaf);
    let mut document = Document::new(id, FIRST_REVISION + revision, UpdateType::Software);
    document.created = published;
    let language = release.leaf_language(leaf);
    let tag = language.map_or("all", |position| LANGUAGES[position].tag);
    let version = line.version(release.number);
    let title = format!("{} {version} {tag}", line.component());
    document.texts = vec![Text { language: "en", title, description: None }];
    document.prerequisites = prerequisites(line, true, false);
    if let Some(position) = language {
        document.prerequisites.push(Clause::Any(vec![Marker::Language(position).id()]));
    }
    if leaf == 0 && matches!(line.slot().kind, Kind::Cbs | Kind::Release) {
        let older = line.superseded(release.number).rev();
        document.superseded = older.map(|older| release.at(older).leaf_id(0)).collect();
    }
    if line.slot().kind == Kind::Release {
        document.release = Some((line.release_name(), version));
    }
    install(&mut document, release, leaf, huge);
    document
}

/// What a document has that installs something: rules, files, handler.
fn install(document: &mut Document, release: Release, leaf: u32, huge: bool) {
    let (installed, installable) = rules(release);
    document.installed = Some(installed);
    document.installable = Some(installable);
    document.files = payload::files(release, leaf);
    document.handler = Some(handler::of(release, &document.files));
    match release.line.slot().kind {
        Kind::Cbs => document.metadata = handler::manifest(release, leaf, huge),
        Kind::Msi => document.metadata = handler::patch_metadata(release),
        _ => {}
    }
    if matches!(release.line.slot().kind, Kind::Cbs | Kind::Release | Kind::File) {
        document.reboot = Some("CanRequestReboot");
    }
}

fn prerequisites(line: Line, bundled: bool, top: bool) -> Vec<Clause> {
    let classification = Marker::Classification(line.slot().classification).id();
    match line.slot().home {
        Home::System(system, architecture) => {
            let product = Marker::Product(SYSTEMS[system].product).id();
            let architecture = Marker::Architecture(architecture).id();
            let system = Marker::System(system).id();
            let mut clauses = if line.slot().kind == Kind::Release {
                let filed = [Clause::Category(product), Clause::Category(classification)];
                let detected = match top {
                    true => [Clause::Any(vec![architecture]), Clause::Any(vec![system])],
                    false => [Clause::Bare(system), Clause::Bare(architecture)],
                };
                [filed, detected].concat()
            } else {
                let detected = vec![Clause::Bare(architecture), Clause::Bare(system)];
                let filed = match top {
                    true => vec![Clause::Category(classification), Clause::Category(product)],
                    false => vec![Clause::Any(vec![product])],
                };
                [detected, filed].concat()
            };
            clauses.extend(component(line));
            clauses
        }
        Home::Application => {
            let product = Marker::Application(line.0).id();
            let any = ARCHITECTURES.map(|architecture| Marker::Architecture(architecture).id());
            let filed = match top || !bundled {
                true => vec![Clause::Category(classification), Clause::Category(product)],
                false => vec![Clause::Any(vec![product])],
            };
            let mut clauses = filed;
            clauses.extend(component(line));
            clauses.push(Clause::Any(any.to_vec()));
            clauses
        }
    }
}

/// The clause of the component's own detectoids, if it has any.
fn component(line: Line) -> Option<Clause> {
    let mut ids: Vec<_> = line.detectoids().into_iter().map(Marker::id).collect();
    match ids.len() {
        0 => None,
        1 => Some(Clause::Bare(ids.remove(0))),
        _ => Some(Clause::Any(ids)),
    }
}

/// `IsInstalled` and `IsInstallable`: what [`Line::is_installed`] and [`Line::is_installable`] say.
fn rules(release: Release) -> (Rule, Rule) {
    let line = release.line;
    let version = line.version(release.number);
    let at_least = Comparison::GreaterThanOrEqualTo;
    let not_held_back = || {
        let (place, comparison) = (line.place("HoldBack"), Comparison::EqualTo);
        Rule::not(Rule::RegDword { place, comparison, data: 1 })
    };
    match line.slot().kind {
        Kind::File => {
            let path = format!(r"\{}", line.file_name());
            let by_file = Rule::FileVersion { csidl: 37, path: path.clone(), version };
            let installed = if line.slot().bundled {
                let (package, version) = line.hotfix_package(release.number);
                let identity = format!("{package}{version}");
                Rule::Or(vec![by_file, Rule::CbsPackageInstalledByIdentity(identity)])
            } else {
                by_file
            };
            (installed, Rule::FileExists { csidl: 37, path })
        }
        Kind::FilePrepended => {
            let compared = |comparison, version| Rule::FileVersionPrependRegSz {
                path: line.file_name(),
                comparison,
                version,
                place: line.place("InstallLocation"),
            };
            let there = compared(Comparison::GreaterThan, Version::default());
            let broken = broken_builds(release).map(|build| compared(Comparison::EqualTo, build));
            let sound = Rule::not(Rule::Or(broken.collect()));
            (compared(at_least, version), Rule::And(vec![not_held_back(), there, sound]))
        }
        Kind::RegVersion => {
            let place = line.place("Version");
            let installed = Rule::RegSzToVersion { place, comparison: at_least, data: version };
            (installed, not_held_back())
        }
        Kind::RegDword => {
            let place = line.place("Build");
            let data = version.0[3];
            let there = Rule::RegValueExists { place: place.clone(), kind: "REG_DWORD" };
            let installed = Rule::RegDword { place, comparison: at_least, data };
            (installed, Rule::And(vec![not_held_back(), there]))
        }
        Kind::Cbs => (Rule::CbsPackageInstalled, Rule::CbsPackageInstallable),
        Kind::Msi => {
            let of_each = |min, max| {
                let codes = line.product_codes();
                let rules = codes.map(|product| Rule::MsiProductInstalled { product, min, max });
                Rule::Or(rules.collect())
            };
            let any = Some(Version::default());
            (of_each(Some(version), None), of_each(any, Some(version)))
        }
        Kind::Release => release_rules(line, version),
    }
}

fn release_rules(line: Line, version: Version) -> (Rule, Rule) {
    let attribute =
        |name, kind, comparison, value| Rule::DeviceAttribute { name, kind, comparison, value };
    let sku = attribute("OSSkuId", "String", Comparison::EqualTo, EXCLUDED_SKU.to_owned());
    let mut rules = vec![Rule::not(sku)];
    if let Some((system, _)) = line.system() {
        let (major, minor) = system.version;
        let bound = |build| Version([major, minor, build, 0]).to_string();
        let bounds = [
            (Comparison::GreaterThanOrEqualTo, system.builds.0),
            (Comparison::LessThan, system.builds.1),
        ];
        rules.extend(bounds.map(|(comparison, build)| {
            attribute("OSVersion", "Version", comparison, bound(build))
        }));
    }
    let installed = Rule::ProductReleaseInstalled { name: line.release_name(), version };
    (installed, Rule::And(rules))
}

/// Builds that never were, which rules of this kind have always listed by the dozen.
fn broken_builds(release: Release) -> impl Iterator<Item = Version> {
    let [major, minor, build, _] = release.line.version(release.number).0;
    let count = release.random(Topic::Core, 0).between(5, 30) as u32;
    (0..count).map(move |number| Version([major, minor, build, 60_000 + number]))
}

fn severity(release: Release) -> (Option<&'static str>, Option<String>) {
    match release.line.slot().classification {
        Classification::Security => {
            let severities = ["Critical", "Important", "Moderate", "Low"];
            let severity = severities[(release.number % 4) as usize];
            let bulletin = format!("WW{}-{:03}", 10 + release.number / 12, release.line.0 % 1000);
            (Some(severity), Some(bulletin))
        }
        Classification::Critical => (Some("Critical"), None),
        _ => (None, None),
    }
}

fn texts(release: Release, published: i64) -> Vec<Text> {
    let line = release.line;
    let (month, component, product) = (month(published), line.component(), line.product_name());
    let words = Words {
        month: &month,
        component: &component,
        product: &product,
        kb: line.kb(release.number),
    };
    let languages = LANGUAGES.iter().take(release.languages());
    let text = languages.map(|language| Text {
        language: language.tag,
        title: language.title(&words),
        description: Some(language.description(&words)),
    });
    text.collect()
}
