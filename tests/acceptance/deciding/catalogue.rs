//! The documents of the test as this test reads them, and what of them is on offer. Lists and ids,
//! walked from one end to the other: nothing of it is shared with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use roxmltree::{Document, Node};

use crate::harness::xml;

/// An update's id, in lower case.
pub(super) type Id = String;

/// One revision of an update, as far as anything here goes by it.
#[derive(Debug)]
pub(super) struct Revision {
    pub(super) update: Id,
    pub(super) number: u32,
    /// `UpdateType`.
    pub(super) kind: String,
    pub(super) expired: bool,
    /// `ExplicitlyDeployable`.
    deployable: bool,
    /// For each clause of the prerequisites the alternatives.
    pub(super) clauses: Vec<Vec<Id>>,
    bundled: Vec<(Id, u32)>,
    superseded: Vec<Id>,
    licence: Option<Id>,
    /// SHA-1 of its own files, in hexadecimal.
    files: Vec<String>,
    pub(super) titles: Vec<String>,
    pub(super) severity: Option<String>,
    pub(super) text: String,
}

/// What a revision that is on offer is offered as when nobody decided on it.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    pub(super) revision: Rc<Revision>,
    pub(super) is_leaf: bool,
    /// Whether it can be decided on: it is there for its own sake.
    pub(super) is_top: bool,
    pub(super) action: &'static str,
}

/// All revisions of all updates, ascending by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    updates: BTreeMap<Id, Vec<Rc<Revision>>>,
}

impl Revision {
    /// Reads a document.
    pub(super) fn read(text: String) -> Self {
        let document = Document::parse(&text).expect("XML");
        let root = document.root_element();
        let identity = xml::child(root, "UpdateIdentity").expect("an identity");
        let properties = xml::child(root, "Properties").expect("properties");
        let of = |node: Node<'_, '_>, name: &str| node.attribute(name).map(str::to_owned);
        let relations = |name| {
            let relationships = xml::child(root, "Relationships");
            relationships.map(|node| xml::list(node, name)).unwrap_or_default()
        };
        let identities = |node: Node<'_, '_>| {
            let all = node.descendants().filter(|it| it.tag_name().name() == "UpdateIdentity");
            all.map(|it| (id(it), number(it))).collect::<Vec<_>>()
        };
        let updates = |node| identities(node).into_iter().map(|(update, _)| update).collect();
        let files = xml::list(root, "Files").into_iter();
        let files = files.map(|file| hex(file.attribute("Digest").expect("a digest"))).collect();
        let titles = root.descendants().filter(|node| node.tag_name().name() == "Title");
        let titles = titles.filter_map(|node| node.text()).map(str::to_owned).collect();
        Self {
            update: id(identity),
            number: number(identity),
            kind: of(properties, "UpdateType").expect("a type"),
            expired: of(properties, "PublicationState").as_deref() == Some("Expired"),
            deployable: of(properties, "ExplicitlyDeployable").as_deref() == Some("true"),
            clauses: relations("Prerequisites").into_iter().map(updates).collect(),
            bundled: relations("BundledUpdates").into_iter().flat_map(identities).collect(),
            superseded: relations("SupersededUpdates").into_iter().map(id).collect(),
            licence: of(properties, "EulaID").map(|id| id.to_lowercase()),
            files,
            titles,
            severity: of(properties, "MsrcSeverity"),
            text: text.clone(),
        }
    }

    pub(super) fn is_bundle(&self) -> bool {
        !self.bundled.is_empty()
    }

    /// Whether it is a category or detectoid, which is evaluated and never decided on.
    pub(super) fn is_evaluated(&self) -> bool {
        matches!(self.kind.as_str(), "Category" | "Detectoid")
    }

    /// The same document under the next revision number, withdrawn or not.
    pub(super) fn next(&self, expired: bool) -> String {
        let old = format!("RevisionNumber=\"{}\"", self.number);
        // The first is the document's own.
        let text = self.text.replacen(&old, &format!("RevisionNumber=\"{}\"", self.number + 1), 1);
        let state = |expired| match expired {
            true => "PublicationState=\"Expired\"",
            false => "PublicationState=\"Published\"",
        };
        text.replacen(state(self.expired), state(expired), 1)
    }
}

impl Catalogue {
    /// Adds the revision that a document describes.
    pub(super) fn add(&mut self, text: String) {
        let revision = Rc::new(Revision::read(text));
        let history = self.updates.entry(revision.update.clone()).or_default();
        history.push(revision);
        history.sort_by_key(|revision| revision.number);
    }

    /// Reads all documents below a directory.
    pub(super) fn read(&mut self, directory: &Path) {
        for path in files_below(directory) {
            self.add(text(&std::fs::read(path).expect("readable")));
        }
    }

    fn all(&self) -> impl Iterator<Item = &Rc<Revision>> {
        self.updates.values().flatten()
    }

    pub(super) fn latest(&self, update: &str) -> Option<&Rc<Revision>> {
        self.updates.get(update)?.last()
    }

    fn revision(&self, (update, number): &(Id, u32)) -> Option<&Rc<Revision>> {
        self.updates.get(update)?.iter().find(|revision| revision.number == *number)
    }

    /// Whether another update replaces it, in its latest revision and unless that is expired.
    pub(super) fn is_superseded(&self, update: &str) -> bool {
        let latest = self.updates.values().filter_map(|history| history.last());
        let mut others = latest.filter(|other| !other.expired && other.update != update);
        others.any(|other| other.superseded.iter().any(|old| old == update))
    }

    /// The updates that some revision requires.
    pub(super) fn required(&self) -> BTreeSet<Id> {
        self.all().flat_map(|revision| &revision.clauses).flatten().cloned().collect()
    }

    /// A revision with all that it bundles.
    fn with_members(&self, revision: &Rc<Revision>) -> Vec<Rc<Revision>> {
        let mut found = vec![Rc::clone(revision)];
        let mut at = 0;
        while at < found.len() {
            for member in found[at].bundled.clone() {
                if let Some(member) = self.revision(&member)
                    && !found.iter().any(|it| Rc::ptr_eq(it, member))
                {
                    found.push(Rc::clone(member));
                }
            }
            at += 1;
        }
        found
    }

    /// The licences of a revision and of what it bundles.
    pub(super) fn licences(&self, revision: &Rc<Revision>) -> BTreeSet<Id> {
        self.with_members(revision).iter().filter_map(|it| it.licence.clone()).collect()
    }

    /// The files of a revision and of what it bundles.
    pub(super) fn files(&self, revision: &Rc<Revision>) -> BTreeSet<String> {
        self.with_members(revision).iter().flat_map(|it| it.files.clone()).collect()
    }

    /// Whether an update is only a member of bundles, in whatever revision.
    fn is_only_a_member(&self, update: &str) -> bool {
        let bundled = self.all().filter(|other| other.update != update);
        let bundled = bundled.flat_map(|other| &other.bundled).any(|(id, _)| id == update);
        bundled && !self.updates[update].iter().any(|revision| revision.deployable)
    }

    /// The latest revision of every update that is neither declined nor expired nor only a member of
    /// bundles, and every category and detectoid.
    pub(super) fn tops(&self, declined: &BTreeSet<Id>) -> Vec<Rc<Revision>> {
        let latest = self.updates.values().filter_map(|history| history.last());
        let tops = latest.filter(|revision| !revision.expired).filter(|revision| {
            let update = &revision.update;
            revision.is_evaluated() || !declined.contains(update) && !self.is_only_a_member(update)
        });
        tops.cloned().collect()
    }

    /// What computers can be told of: what is there for its own sake, what that bundles in exactly
    /// the revision that it names, and the latest revisions of what it requires. Of two revisions
    /// of one update, the later.
    pub(super) fn offered(&self, declined: &BTreeSet<Id>) -> Vec<Offered> {
        let tops = self.tops(declined);
        let mut found: BTreeMap<(Id, u32), Rc<Revision>> = BTreeMap::new();
        let mut open = tops.clone();
        while let Some(revision) = open.pop() {
            let key = (revision.update.clone(), revision.number);
            if found.insert(key, Rc::clone(&revision)).is_none() {
                let members = revision.bundled.iter().filter_map(|member| self.revision(member));
                let required = revision.clauses.iter().flatten();
                open.extend(members.chain(required.filter_map(|id| self.latest(id))).cloned());
            }
        }
        // Ascending, so the last of an update is its latest.
        let one: BTreeMap<Id, Rc<Revision>> =
            found.into_iter().map(|((update, _), revision)| (update, revision)).collect();
        let required = self.required();
        let members: BTreeSet<&(Id, u32)> = one.values().flat_map(|it| &it.bundled).collect();
        let offered = one.values().map(|revision| {
            let key = (revision.update.clone(), revision.number);
            let is_top = tops.iter().any(|top| Rc::ptr_eq(top, revision));
            let action = if revision.is_evaluated() {
                "Evaluate"
            } else if members.contains(&key) {
                "Bundle"
            } else if is_top {
                "PreDeploymentCheck"
            } else {
                "Evaluate"
            };
            let is_leaf = !required.contains(&revision.update);
            Offered { revision: Rc::clone(revision), is_leaf, is_top, action }
        });
        offered.collect()
    }
}

fn id(node: Node<'_, '_>) -> Id {
    node.attribute("UpdateID").expect("an id").to_lowercase()
}

/// 0 where only an update is named.
fn number(node: Node<'_, '_>) -> u32 {
    node.attribute("RevisionNumber").map_or(0, |text| text.parse().expect("a number"))
}

fn hex(digest: &str) -> String {
    let bytes = BASE64_STANDARD.decode(digest).expect("Base64");
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The text of a document, which may be in UTF-16 and then has a line that says so.
fn text(bytes: &[u8]) -> String {
    match bytes.strip_prefix(&[0xff, 0xfe]) {
        None => String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        Some(bytes) => {
            let units = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            let text = String::from_utf16(&units.collect::<Vec<_>>()).expect("UTF-16");
            let (_, text) = text.split_once("?>").expect("a declaration");
            text.trim_start().to_owned()
        }
    }
}

/// All files below a directory.
pub(super) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}
