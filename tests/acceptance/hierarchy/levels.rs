//! The levels of a hierarchy, and what has to be the same on each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;
use weir::metadata::prepared::FragmentType;
use weir::policy::approval::ApprovalAction;
use weir::policy::terms::Terms;
use weir::state::{Settings, State};

use crate::harness::directory::{Directory, Server};
use crate::harness::relay::Relay;

/// One server with its data.
pub(crate) struct Level {
    pub(crate) directory: Directory,
    pub(crate) server: Option<Server>,
    /// What is between it and the server above.
    pub(crate) relay: Option<Relay>,
}

/// Bodies of fragments, with their languages.
type Fragments = Vec<(String, Vec<u8>)>;

/// What has to be the same on each level.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    /// By identity the document and its fragments, of the latest revisions and of what these bundle:
    /// earlier ones are not passed on.
    pub(crate) revisions: BTreeMap<String, (String, Fragments)>,
    groups: BTreeSet<(Uuid, String, Option<Uuid>)>,
    approvals: BTreeSet<(Uuid, Uuid, Uuid, String)>,
    declined: BTreeSet<Uuid>,
    pub(crate) eulas: BTreeSet<Uuid>,
}

impl Picture {
    /// What is in only one of them, or not the same in both; each begins with which one has it.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (side, here, there) in [("first", self, other), ("second", other, self)] {
            let mut differ =
                |what: &str, entry: String| found.push(format!("{side} {what} {entry}"));
            for (identity, bodies) in &here.revisions {
                if there.revisions.get(identity) != Some(bodies) {
                    differ("revision", identity.clone());
                }
            }
            let groups = here.groups.difference(&there.groups);
            groups.for_each(|group| differ("group", format!("{group:?}")));
            let approvals = here.approvals.difference(&there.approvals);
            approvals.for_each(|approval| differ("approval", format!("{approval:?}")));
            here.declined
                .difference(&there.declined)
                .for_each(|it| differ("declined", it.to_string()));
            here.eulas.difference(&there.eulas).for_each(|it| differ("licence", it.to_string()));
        }
        found
    }
}

impl Level {
    /// The topmost one.
    pub(crate) fn root() -> Self {
        let level = Self { directory: Directory::new(), server: None, relay: None };
        level.directory.configure("hold_installs = false\n");
        level
    }

    /// One below another that runs.
    pub(crate) fn below(above: &Self, replica: bool) -> Self {
        Self::configured(above, replica, "")
    }

    /// One below another that runs, which looks for itself what is new there.
    pub(crate) fn following(above: &Self, replica: bool) -> Self {
        Self::configured(above, replica, "follow_seconds = 1\n")
    }

    /// One below another that runs, with these lines for synchronising.
    pub(crate) fn configured(above: &Self, replica: bool, more: &str) -> Self {
        let relay = Relay::to(above.http());
        let directory = Directory::new();
        directory.configure(&format!(
            "hold_installs = false\n[sync]\nretry_seconds = 0\nattempts = 3\nconnections = 2\n{more}"
        ));
        let url = relay.url();
        let mut source = vec!["sync", "source", &url, "--content", "none"];
        if replica {
            source.push("--replica");
        }
        directory.json(&source);
        directory.json(&["sync", "select", "--everything", "true"]);
        Self { directory, server: None, relay: Some(relay) }
    }

    pub(crate) fn start(&mut self) {
        self.server = Some(self.directory.serve(&[]));
    }

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    pub(crate) fn http(&self) -> &str {
        &self.server.as_ref().expect("it runs").http
    }

    pub(crate) fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("it is below another")
    }

    /// Synchronises to the end, whatever that is.
    pub(crate) fn sync(&self) -> Value {
        let ended = self.directory.run(&["sync", "now", "--wait", "--json"]);
        serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"))
    }

    /// Synchronises well.
    pub(crate) fn sync_well(&self) -> Value {
        let run = self.sync();
        assert_eq!(run["status"], 6702, "{run}");
        assert_eq!(run["failures"], 0, "{run}");
        run
    }

    /// What is in it, while it does not run.
    pub(crate) fn picture(&self) -> Picture {
        let state = State::open(&self.directory.data(), &Settings::default(), || 0);
        let state = state.expect("a whole store");
        let published = state.published();
        let mut revisions = BTreeMap::new();
        let catalog = &published.catalog;
        let is_latest = |index: &u32| {
            let update = catalog.update_of(*index);
            update.and_then(|update| catalog.latest(update)) == Some(*index)
        };
        let latest: BTreeSet<u32> = catalog.indices().filter(is_latest).collect();
        let members = latest.iter().flat_map(|index| catalog.members(*index)).copied();
        let listed: BTreeSet<u32> = latest.iter().copied().chain(members).collect();
        for index in listed {
            let revision = catalog.revision(index).expect("a revision");
            let places = published.places(index).expect("its places");
            let document = state.document(places).expect("its document");
            let mut bodies = Vec::new();
            for place in [places.core, places.others] {
                let fragments = state.fragments(place).expect("its fragments");
                for kind in [
                    FragmentType::Core,
                    FragmentType::Extended,
                    FragmentType::LocalizedProperties,
                    FragmentType::Eula,
                ] {
                    let of = fragments.of(kind);
                    bodies.extend(of.map(|it| {
                        (it.language.clone(), it.body.escaped().expect("whole").to_vec())
                    }));
                }
            }
            let identity = revision.metadata.identity.to_string();
            let before = revisions.insert(identity, (document, bodies));
            assert!(before.is_none(), "{} is there twice", revision.metadata.identity);
        }
        let policy = &published.policy;
        let groups = policy.groups.values().map(|group| {
            // The two built-in groups stand where each server has them.
            let parent = group.parent.filter(|_| !group.is_built_in());
            (group.id, group.name.clone(), parent)
        });
        let decided = |terms: &Terms| terms.action != ApprovalAction::None;
        let approvals = policy.approvals.values().flatten().filter(|it| decided(&it.terms));
        let approvals = approvals.map(|it| {
            let terms = Terms { go_live: None, ..it.terms };
            (it.update, it.group, it.guid, format!("{terms:?} by {}", it.by))
        });
        Picture {
            revisions,
            groups: groups.collect(),
            approvals: approvals.collect(),
            declined: policy.declined.keys().copied().collect(),
            eulas: policy.eulas.keys().copied().collect(),
        }
    }
}

/// Writes a catalogue of so many documents.
pub(crate) fn generate(directory: &Directory, count: usize) -> PathBuf {
    let out = directory.beside(&format!("catalogue-{count}"));
    let (path, count) = (out.to_str().expect("UTF-8").to_owned(), count.to_string());
    let preset = if count.len() > 4 { "std" } else { "tiny" };
    let command = ["catalogue", "generate", "--preset", preset, "--count", &count, "--out", &path];
    directory.json(&command);
    out
}

/// Imports a catalogue, of which some may be there.
pub(crate) fn import(directory: &Directory, catalogue: &Path) -> u64 {
    let path = catalogue.to_str().expect("UTF-8");
    let report = directory.json(&["import", path]);
    report["new"].as_u64().expect("a number")
}

/// The updates that can be decided on.
pub(crate) fn decidable(directory: &Directory) -> Vec<String> {
    let updates = directory.json(&["update", "list"]);
    let updates = updates.as_array().expect("a list").iter();
    updates.map(|update| update["update_id"].as_str().expect("an id").to_owned()).collect()
}
