//! An agent without a network: what it finds must be what the oracle expects.
//!
//! It takes the graph from the server's own catalogue and the truth from the Core fragments that a
//! server derives, and knows nothing of lines and releases.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::{expected, profiles, settings};
use crate::catalog::{Catalog, Computer, Device, NewRevision, RevisionIndex, Scope};
use crate::fleet::applicability::{Core, Truth, as_scanned};
use crate::fleet::catalogue::sequence::Entry;
use crate::fleet::catalogue::{Expected, Preset, Settings};
use crate::fleet::profile::Profile;
use crate::metadata::fragments::derive;
use crate::metadata::model::{UpdateMetadata, UpdateType};
use crate::metadata::parse::parse;
use crate::wire::types::RevisionId;

/// How an update stands on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    NotApplicable,
    Installable,
    Installed,
}

/// A catalogue as a server has it, with the Core fragments beside it.
struct Served {
    catalog: Catalog,
    scope: Scope,
    documents: Vec<Arc<UpdateMetadata>>,
    cores: Vec<Core>,
}

impl Served {
    fn new(settings: &Settings) -> Self {
        let texts: Vec<String> = settings.entries().map(|entry| text(settings, &entry)).collect();
        let document = |text: &String| Arc::new(parse(text).expect("a document"));
        let documents: Vec<_> = texts.iter().map(document).collect();
        let revision = |(id, document): (u32, &Arc<UpdateMetadata>)| NewRevision {
            id: RevisionId(id),
            deployment_id: id,
            imported: 0,
            changed: 0,
            metadata: Arc::clone(document),
            core_bytes: 1_000,
        };
        let catalog = Catalog::build((0..).zip(&documents).map(revision).collect());
        assert_eq!(catalog.len(), documents.len(), "each has the index of its document");
        let scope = catalog.scope(&RoaringBitmap::new());
        let core = |text: &String| {
            let core = Core::read(&derive(text).expect("fragments").core).expect("a fragment");
            assert_eq!(core.unknown_rules(), Vec::<&str>::new());
            core
        };
        let cores = texts.iter().map(core).collect();
        Self { catalog, scope, documents, cores }
    }
}

/// A document without what decides nothing: other languages, and the components of packages. They
/// are most of a catalogue, and reading takes its time in a test.
fn text(settings: &Settings, entry: &Entry) -> String {
    let mut document = settings.document(entry);
    document.texts.truncate(1);
    let (first, last) = (document.metadata.find("<update "), document.metadata.rfind("</update>"));
    if let (Some(first), Some(last)) = (first, last) {
        document.metadata.replace_range(first..last + "</update>".len(), "");
    }
    document.to_xml()
}

struct Agent<'a> {
    served: &'a Served,
    profile: &'a Profile,
    standings: HashMap<RevisionIndex, Standing>,
}

impl Agent<'_> {
    fn document(&self, index: RevisionIndex) -> Arc<UpdateMetadata> {
        Arc::clone(&self.served.documents[index as usize])
    }

    fn standing(&mut self, index: RevisionIndex) -> Standing {
        if let Some(standing) = self.standings.get(&index) {
            return *standing;
        }
        let standing = self.find_standing(index);
        self.standings.insert(index, standing);
        standing
    }

    fn find_standing(&mut self, index: RevisionIndex) -> Standing {
        let metadata = self.document(index);
        for clause in &metadata.prerequisites {
            let alternatives = clause.alternatives.iter();
            let latest: Vec<RevisionIndex> = alternatives
                .filter_map(|id| {
                    let update = self.served.catalog.update(id)?;
                    self.served.catalog.latest(update)
                })
                .collect();
            if !latest.into_iter().any(|other| self.standing(other) == Standing::Installed) {
                return Standing::NotApplicable;
            }
        }
        if metadata.bundled.is_empty() {
            return self.standing_by_rules(index);
        }
        let mut all_installed = true;
        for clause in &metadata.bundled {
            let members = clause.alternatives.iter();
            let members: Vec<RevisionIndex> =
                members.filter_map(|member| self.served.catalog.by_identity(member)).collect();
            let standings: Vec<Standing> =
                members.into_iter().map(|member| self.standing(member)).collect();
            if standings.contains(&Standing::Installed) {
                continue;
            }
            all_installed = false;
            if !standings.contains(&Standing::Installable) {
                return Standing::NotApplicable;
            }
        }
        if all_installed { Standing::Installed } else { Standing::Installable }
    }

    fn standing_by_rules(&self, index: RevisionIndex) -> Standing {
        let core = &self.served.cores[index as usize];
        match (core.is_installed(self.profile), core.is_installable(self.profile)) {
            (Truth::True, _) => Standing::Installed,
            (Truth::False, Truth::True) => Standing::Installable,
            (Truth::False, Truth::False) => Standing::NotApplicable,
            unknown => panic!("{}: {unknown:?}", core.identity),
        }
    }

    fn find(&mut self) -> Expected {
        let mut found = Expected { profile: self.profile.name.clone(), ..Expected::default() };
        let mut replaced: HashSet<Uuid> = HashSet::new();
        for index in &self.served.scope.software {
            let metadata = self.document(index);
            let is_member = self.served.scope.members.contains(index);
            let id = metadata.identity.update_id;
            match (metadata.update_type, self.standing(index)) {
                (UpdateType::Category | UpdateType::Detectoid, Standing::Installed) => {
                    found.detected.push(id);
                }
                (UpdateType::Software, Standing::Installed) if !is_member => {
                    found.installed.push(id);
                }
                (UpdateType::Software, Standing::Installable) if !is_member => {
                    found.needed.push(id);
                    replaced.extend(&metadata.superseded);
                }
                _ => {}
            }
        }
        let offered = found.needed.iter().filter(|id| !replaced.contains(id));
        found.offered = offered.copied().collect();
        found.drivers = self.drivers();
        for list in [
            &mut found.detected,
            &mut found.installed,
            &mut found.needed,
            &mut found.offered,
            &mut found.drivers,
        ] {
            list.sort_unstable();
        }
        found
    }

    fn drivers(&self) -> Vec<Uuid> {
        let installed = self.standings.iter();
        let installed = installed.filter(|(_, standing)| **standing == Standing::Installed);
        let updates = installed.filter_map(|(index, _)| self.served.catalog.update_of(*index));
        let installed: Vec<_> = updates.collect();
        let eligible = self.served.catalog.eligible_drivers(&self.served.scope, &installed, None);
        let key = self.profile.feature_score_key();
        let computer = Computer {
            hardware_ids: &self.profile.computer_hardware_ids,
            feature_score_key: Some(&key),
        };
        let devices: Vec<Device<'_>> = self.profile.devices.iter().map(as_scanned).collect();
        let matches =
            self.served.catalog.best_drivers(&eligible, &RoaringBitmap::new(), &computer, &devices);
        let id = |index| self.document(index).identity.update_id;
        matches.into_iter().map(|found| id(found.revision)).collect()
    }
}

/// Enough for every profile to have something to do.
static SMALL: LazyLock<Served> = LazyLock::new(|| Served::new(&Settings::new(Preset::Small)));

/// Compares all lists for all shipped profiles.
fn compare(settings: &Settings, served: &Served) {
    for profile in &profiles() {
        let oracle = expected(settings, profile);
        let mut agent = Agent { served, profile, standings: HashMap::new() };
        let found = Expected { with_content: oracle.with_content.clone(), ..agent.find() };
        assert_eq!(found, oracle, "{}", profile.name);
    }
}

#[test]
fn an_agent_finds_what_the_oracle_expects() {
    compare(&Settings::new(Preset::Small), &SMALL);
    let other = settings(Preset::Std, 2, 300);
    compare(&other, &Served::new(&other));
}

/// A catalogue can end within a bundle; the leaves that are there then stand for themselves.
#[test]
fn an_agent_finds_the_same_wherever_the_catalogue_ends() {
    for count in [181, 190, 195, 201, 217] {
        let settings = settings(Preset::Std, 5, count);
        compare(&settings, &Served::new(&settings));
    }
}

#[test]
fn what_is_installable_can_be_installed() {
    for profile in &profiles() {
        let mut agent = Agent { served: &SMALL, profile, standings: HashMap::new() };
        let drivers = agent.find().drivers.into_iter().filter_map(|id| {
            let update = SMALL.catalog.update(&id)?;
            SMALL.catalog.latest(update)
        });
        let standings = agent.standings.iter();
        let software = standings.filter(|(_, standing)| **standing == Standing::Installable);
        let (mut installed, drivers) = (0, drivers.collect::<Vec<_>>());
        for index in software.map(|(index, _)| *index).chain(drivers) {
            let core = &SMALL.cores[index as usize];
            if core.bundled.is_empty() {
                let mut machine = profile.clone();
                core.install(&mut machine).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(core.is_installed(&machine), Truth::True);
                installed += 1;
            }
        }
        assert!(installed > 20, "{}: {installed}", profile.name);
    }
}

#[test]
fn the_shipped_profiles_have_something_to_do() {
    for profile in profiles() {
        let expected = expected(&Settings::new(Preset::Small), &profile);
        let name = &profile.name;
        assert!(expected.detected.len() > 10, "{name}: {}", expected.detected.len());
        assert!(expected.installed.len() > 20, "{name}: {}", expected.installed.len());
        assert!(expected.needed.len() > 20, "{name}: {}", expected.needed.len());
        assert!(expected.offered.len() > 2, "{name}: {}", expected.offered.len());
        assert!(expected.offered.len() < expected.needed.len(), "{name}");
        assert!(!expected.with_content.is_empty(), "{name}");
        // Windows 7 gets no drivers from this catalogue, and some servers have no devices.
        let takes_drivers = (profile.os.major, profile.os.minor) >= (6, 3);
        let has_devices = !profile.devices.is_empty();
        assert_eq!(!expected.drivers.is_empty(), takes_drivers && has_devices, "{name}");
        // A scan that lists more than 400 is refused.
        assert!(expected.detected.len() < 400, "{name}");
    }
}
