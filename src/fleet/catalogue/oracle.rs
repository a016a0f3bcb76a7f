//! What a machine should find, worked out from the model and not from the rules.
//!
//! The oracle listens to the sequence while it is written and keeps only what concerns the
//! machine. An agent that evaluates the documents by itself must come to the same lists; if it
//! does not, one of evaluator, rule or server is wrong.
//!
//! The lists hold updates that are in scope for their own sake: bundles and updates on their own,
//! in their latest revision unless that is withdrawn. Members of bundles never appear.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::driver::DriverRelease;
use super::language::Language;
use super::ranking::{self, Candidate};
use super::release::Release;
use super::sequence::{DRIVER_LANGUAGES, Entry, Plan};
use crate::fleet::profile::Profile;

/// What one machine should find. All lists are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The profile.
    pub profile: String,
    /// Categories and detectoids that are installed: those that are a prerequisite of anything
    /// make up `InstalledNonLeafUpdateIDs`.
    pub detected: Vec<Uuid>,
    /// Installed software: list `V` of event 156.
    pub installed: Vec<Uuid>,
    /// Software that is installable and not installed, superseded or not: list `U` of event 156.
    pub needed: Vec<Uuid>,
    /// Needed software that no other needed update supersedes: what is offered to a user if
    /// everything is approved.
    pub offered: Vec<Uuid>,
    /// Drivers that fit a device better than the one it has: what a driver scan is sent.
    pub drivers: Vec<Uuid>,
    /// Those of `offered` and `drivers` whose files are all among the content made on demand.
    pub with_content: Vec<Uuid>,
}

/// Collects what concerns one machine.
#[derive(Debug)]
pub(super) struct Oracle<'p> {
    profile: &'p Profile,
    language: Option<usize>,
    detected: Vec<Uuid>,
    /// Releases of lines that concern the machine, and whether the latest revision is withdrawn.
    releases: BTreeMap<(u64, u64), (Release, bool)>,
    /// Leaves since the last bundle: a catalogue can end before the bundle that holds them, and
    /// then they stand for themselves.
    leaves: Vec<(Release, u32)>,
    /// Drivers that fit a device of the machine, and whether the latest revision is withdrawn.
    drivers: BTreeMap<(u64, u64), (DriverRelease, bool)>,
}

impl<'p> Oracle<'p> {
    pub(super) fn new(profile: &'p Profile) -> Self {
        Self {
            profile,
            language: Language::position(&profile.language),
            detected: Vec::new(),
            releases: BTreeMap::new(),
            leaves: Vec::new(),
            drivers: BTreeMap::new(),
        }
    }

    /// Takes note of a document.
    pub(super) fn observe(&mut self, entry: &Entry) {
        match entry.plan {
            Plan::Marker(marker) => {
                if marker.is_on(self.profile) {
                    self.detected.push(marker.id());
                }
            }
            Plan::Leaf { release, leaf, revision } => {
                if revision == 0 && release.line.concerns(self.profile) {
                    self.leaves.push((release, leaf));
                }
            }
            Plan::Update { release, revision } => {
                if release.line.concerns(self.profile) {
                    let key = (release.line.0, release.number);
                    self.releases.insert(key, (release, release.is_expired(revision)));
                    self.leaves.retain(|(orphan, _)| *orphan != release);
                }
            }
            Plan::Driver { driver, revision } => {
                if self.takes(driver) {
                    let key = (driver.line.0, driver.number);
                    self.drivers.insert(key, (driver, driver.is_expired(revision)));
                }
            }
            Plan::Hostile { .. } => {}
        }
    }

    /// Whether the driver's prerequisites hold and it serves a device of the machine.
    fn takes(&self, driver: DriverRelease) -> bool {
        self.language.is_some_and(|position| position < DRIVER_LANGUAGES)
            && self.profile.architecture == driver.line.architecture()
            && super::world::takes_drivers(self.profile)
            && ranking::serves(driver, self.profile)
    }

    /// The lists.
    pub(super) fn finish(self) -> Expected {
        let mut expected = Expected {
            profile: self.profile.name.clone(),
            detected: self.detected,
            ..Expected::default()
        };
        let mut with_content = Vec::new();
        let mut needed = Vec::new();
        let current = self.releases.values().filter(|(_, withdrawn)| !withdrawn);
        for (release, _) in current.filter(|(release, _)| release.speaks(self.language)) {
            if release.line.is_installed(release.number, self.profile) {
                expected.installed.push(release.id());
            } else if release.line.is_installable(self.profile) {
                expected.needed.push(release.id());
                needed.push(*release);
            }
        }
        for (at, release) in needed.iter().enumerate() {
            // They are in order, so what supersedes a release comes soon after it.
            let later = needed.get(at + 1..).unwrap_or_default().iter();
            let mut later = later.take_while(|later| later.line == release.line);
            let is_superseded =
                later.any(|later| later.line.superseded(later.number).contains(&release.number));
            if !is_superseded {
                expected.offered.push(release.id());
                with_content.extend(release.has_content().then(|| release.id()));
            }
        }
        for (release, leaf) in self.leaves {
            let language = release.leaf_language(leaf);
            if language.is_some() && language != self.language {
                continue;
            }
            let id = release.leaf_id(leaf);
            if release.line.is_installed(release.number, self.profile) {
                expected.installed.push(id);
            } else if release.line.is_installable(self.profile) {
                expected.needed.push(id);
                expected.offered.push(id);
                with_content.extend(release.has_content().then_some(id));
            }
        }
        let current = self.drivers.values().filter(|(_, withdrawn)| !withdrawn);
        let candidates: Vec<Candidate> =
            current.map(|(driver, _)| Candidate::new(*driver)).collect();
        for driver in ranking::best(&candidates, self.profile) {
            expected.drivers.push(driver.id());
            with_content.extend(driver.has_content().then(|| driver.id()));
        }
        expected.with_content = with_content;
        for list in [
            &mut expected.detected,
            &mut expected.installed,
            &mut expected.needed,
            &mut expected.offered,
            &mut expected.drivers,
            &mut expected.with_content,
        ] {
            list.sort_unstable();
            list.dedup();
        }
        expected
    }
}
