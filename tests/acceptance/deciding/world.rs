//! The catalogue of the test, and what of it changes are about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::catalogue::{Catalogue, Id};
use super::groups::ALL;
use crate::harness::directory::Directory;
use crate::harness::sample::{
    self, GAUGE_21, GAUGE_207, GAUGE_GERMAN, GAUGE_VIEWER, NETWORK_DRIVER, PRODUCT_SLUICE,
    SLUICE_41, SLUICE_42, SLUICE_42_X64, X64,
};

/// Documents of the generated catalogue.
const DOCUMENTS: &str = "200";
/// Updates of it that are decided on: of those with licences, of bundles, of others.
const OF_EACH: usize = 3;
/// An update that requires another one, and one that bundles another one.
const REQUIRES: &str = "0d9d1f0a-9d43-4c0e-8a5c-3f7b1c0e5a01";
const BUNDLES: &str = "0d9d1f0a-9d43-4c0e-8a5c-3f7b1c0e5a02";

/// The groups in the beginning, and what is above them.
pub(super) const GROUPS: [(&str, &str); 7] = [
    ("Servers", ALL),
    ("Web", "Servers"),
    ("Front", "Web"),
    ("Office", ALL),
    ("Floor 1", "Office"),
    ("Floor 2", "Office"),
    ("Kiosks", ALL),
];

/// The update groups in the beginning.
pub(super) const UPDATE_GROUPS: [&str; 2] = ["October", "November"];

/// What changes are about.
pub(super) struct World {
    /// Updates that are decided on again and again.
    pub(super) decidable: Vec<Id>,
    /// Updates that get new revisions.
    pub(super) revised: Vec<Id>,
    /// What may be installed on a computer and is required by other updates.
    pub(super) required: Vec<Id>,
    /// Classifications.
    pub(super) categories: Vec<Id>,
    /// Files that are here from the beginning, and files that can come.
    pub(super) here: Vec<String>,
    pub(super) files: Vec<(String, PathBuf)>,
}

/// Imports a generated catalogue, the sample, and two documents that neither has.
pub(super) fn make(directory: &Directory) -> (Catalogue, World) {
    let generated = directory.beside("generated");
    let out = generated.to_str().expect("UTF-8");
    let tiny = ["--preset", "tiny", "--count", DOCUMENTS, "--content"];
    directory.json(&[&["catalogue", "generate", "--out", out], &tiny[..]].concat());
    let own = directory.beside("own");
    fs::create_dir(&own).expect("a directory");
    let requires = format!("<upd:Prerequisites><upd:UpdateIdentity UpdateID=\"{GAUGE_207}\"/>");
    let bundles = format!("{GAUGE_VIEWER}\" RevisionNumber=\"100\"");
    for (name, id, old_id, old, new) in [
        ("gauge-viewer-1.3.1.xml", REQUIRES, GAUGE_VIEWER, "<upd:Prerequisites>", &requires),
        ("sluice-4.2-bundle.xml", BUNDLES, SLUICE_42, MEMBER, &bundles),
    ] {
        let text = fs::read_to_string(sample::folder("documents").join(name)).expect("readable");
        let text = text.replace(old_id, id).replace(old, new);
        fs::write(own.join(name), text).expect("written");
    }
    let mut catalogue = Catalogue::default();
    for folder in [generated.join("documents"), sample::folder("documents"), own] {
        directory.import(&[&folder]);
        catalogue.read(&folder);
    }
    let files = files(&[generated.join("content"), sample::folder("content")]);
    let world = World::of(&catalogue, files);
    for (_, path) in world.files.iter().filter(|(sha1, _)| world.here.contains(sha1)) {
        directory.json(&["content", "add", path.to_str().expect("UTF-8")]);
    }
    (catalogue, world)
}

/// As the sample's bundle names a member.
const MEMBER: &str = "54F97FF2-48EA-4622-850A-10231EA40AED\" RevisionNumber=\"200\"";

impl World {
    fn of(catalogue: &Catalogue, files: BTreeMap<String, PathBuf>) -> Self {
        let of_sample = [
            SLUICE_41,
            SLUICE_42,
            GAUGE_207,
            GAUGE_21,
            GAUGE_GERMAN,
            GAUGE_VIEWER,
            NETWORK_DRIVER,
            REQUIRES,
            BUNDLES,
        ];
        let mut decidable: Vec<Id> = of_sample.map(str::to_owned).to_vec();
        let mut taken = BTreeMap::new();
        for revision in catalogue.tops(&BTreeSet::new()) {
            let is_new = !decidable.contains(&revision.update) && revision.kind == "Software";
            if !is_new {
                continue;
            }
            let sort = (!catalogue.licences(&revision).is_empty(), revision.is_bundle());
            let taken: &mut usize = taken.entry(sort).or_default();
            if *taken < OF_EACH {
                *taken += 1;
                decidable.push(revision.update.clone());
            }
        }
        let needed: BTreeSet<String> = decidable
            .iter()
            .filter_map(|update| catalogue.latest(update))
            .flat_map(|revision| catalogue.files(revision))
            .collect();
        let files = files.into_iter().filter(|(sha1, _)| needed.contains(sha1));
        let files: Vec<(String, PathBuf)> = files.collect();
        let here = files.iter().step_by(2).map(|(sha1, _)| sha1.clone()).collect();
        let revised =
            [decidable.clone(), [SLUICE_42_X64, X64, PRODUCT_SLUICE].map(str::to_owned).to_vec()];
        let named = |is_category: bool| {
            let named = catalogue.required().into_iter();
            let latest = named.filter_map(|update| catalogue.latest(&update));
            let found = latest.filter(|it| match is_category {
                true => it.text.contains("CategoryType=\"UpdateClassification\""),
                false => it.kind != "Category",
            });
            found.map(|it| it.update.clone()).collect()
        };
        Self {
            decidable,
            revised: revised.concat(),
            required: named(false),
            categories: named(true),
            here,
            files,
        }
    }
}

/// The files of some folders, by SHA-1.
fn files(folders: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    let all = folders.iter().flat_map(|folder| super::catalogue::files_below(folder));
    all.map(|path| (sha1(&path), path)).collect()
}

fn sha1(path: &Path) -> String {
    let bytes = fs::read(path).expect("readable");
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}
