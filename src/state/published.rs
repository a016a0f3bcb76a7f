//! What readers answer from: one immutable value for everything that must agree with itself.
//!
//! A request loads it once and uses nothing else of the catalogue, the decisions or the content.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use quick_cache::sync::Cache;
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::records::{ContentRecord, RevisionRecord};
use crate::catalog::{Catalog, RevisionIndex, RevisionSet, Scope, UpdateIndex};
use crate::metadata::model::UpdateFile;
use crate::policy::Policy;
use crate::policy::view::{ContentSince, View};
use crate::wire::types::{RevisionId, Sha1};

/// Most views kept of one snapshot. Sets of groups are few; should there ever be more, the views
/// are built again.
const VIEWS_KEPT: usize = 256;

/// Most answers of [`Published::needed`] kept of one snapshot.
const NEEDED_KEPT: usize = 1024;

/// Most answers of [`Published::related`] kept of one snapshot: clients scan few sets of
/// categories.
const RELATED_KEPT: usize = 64;

/// What decides what a software pass needs, within one snapshot.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NeededKey {
    installed: Box<[UpdateIndex]>,
    filter: Option<Box<[Uuid]>>,
}

/// What was worked out of one snapshot and may be asked again.
pub(super) struct Remembered {
    views: RwLock<HashMap<Vec<Uuid>, Arc<View>>>,
    needed: Cache<NeededKey, Arc<RevisionSet>>,
    related: Cache<Box<[Uuid]>, Arc<RoaringBitmap>>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            views: RwLock::default(),
            needed: Cache::new(NEEDED_KEPT),
            related: Cache::new(RELATED_KEPT),
        }
    }
}

/// One consistent state of the server.
pub struct Published {
    /// Number of the latest commit in it.
    pub sequence: u64,
    /// All revisions.
    pub catalog: Arc<Catalog>,
    /// The records behind the catalogue, at the same indices.
    pub records: Arc<Vec<Arc<RevisionRecord>>>,
    /// What of them is offered.
    pub scope: Arc<Scope>,
    /// What was decided.
    pub policy: Arc<Policy>,
    /// The files that are here.
    pub contents: Arc<HashMap<Sha1, ContentRecord>>,
    /// Whether an Install waits for its content.
    pub hold_installs: bool,
    pub(super) remembered: Remembered,
    pub(super) files: Arc<OnceLock<HashMap<Sha1, (RevisionIndex, usize)>>>,
}

impl Published {
    /// The deployments of computers in `groups` (see `target_group::effective`).
    pub fn view(&self, groups: &[Uuid]) -> Arc<View> {
        let views = &self.remembered.views;
        if let Some(view) = views.read().unwrap_or_else(PoisonError::into_inner).get(groups) {
            return Arc::clone(view);
        }
        // Built outside the lock: two readers may do the same work once, none waits for the other.
        let content_since = |index| self.content_since(index);
        let wait: Option<ContentSince<'_>> = self.hold_installs.then_some(&content_since);
        let view = View::build(&self.catalog, &self.scope, &self.policy, groups, wait);
        let view = Arc::new(view);
        let mut views = views.write().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= VIEWS_KEPT {
            views.clear();
        }
        views.insert(groups.to_vec(), Arc::clone(&view));
        view
    }

    /// What a software pass needs ([`Catalog::needed`]) with these ids installed, within the
    /// categories of `filter`. Remembered, because a fleet has few distinct sets of installed ids.
    pub fn needed(&self, installed: &[RevisionId], filter: Option<&[Uuid]>) -> Arc<RevisionSet> {
        let installed = self.catalog.installed(installed.iter().copied());
        let key = NeededKey { installed: installed.into(), filter: filter.map(Box::from) };
        if let Some(needed) = self.remembered.needed.get(&key) {
            return needed;
        }
        let related = filter.map(|filter| self.related(filter));
        let needed = self.catalog.needed(&self.scope, &key.installed, related.as_deref());
        let needed = Arc::new(RevisionSet::from(&needed));
        self.remembered.needed.insert(key, Arc::clone(&needed));
        needed
    }

    /// What is related to the categories of `filter` ([`Catalog::related`]). Remembered, because
    /// every pass of a category scan asks for the same.
    pub fn related(&self, filter: &[Uuid]) -> Arc<RoaringBitmap> {
        if let Some(related) = self.remembered.related.get(filter) {
            return related;
        }
        let related = Arc::new(self.catalog.related(&self.scope, filter));
        self.remembered.related.insert(filter.into(), Arc::clone(&related));
        related
    }

    /// The record at an index of the catalogue.
    pub fn record(&self, index: RevisionIndex) -> Option<&Arc<RevisionRecord>> {
        self.records.get(index as usize)
    }

    /// What the metadata says of a file, by its digest: of a revision's own files or licences.
    pub fn file(&self, sha1: &Sha1) -> Option<&UpdateFile> {
        let files = self.files.get_or_init(|| index_files(&self.catalog));
        let (index, position) = *files.get(sha1)?;
        files_of(&self.catalog, index).nth(position)
    }

    /// Since which commit every file of the revision and of all it bundles is here; none while one
    /// is missing.
    pub fn content_since(&self, index: RevisionIndex) -> Option<u64> {
        let mut since = 0;
        let mut seen = RoaringBitmap::from([index]);
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            for file in &self.catalog.revision(index)?.metadata.files {
                since = since.max(self.contents.get(&file.sha1)?.changed);
            }
            open.extend(self.catalog.members(index).iter().filter(|member| seen.insert(**member)));
        }
        Some(since)
    }
}

fn files_of(catalog: &Catalog, index: RevisionIndex) -> impl Iterator<Item = &UpdateFile> {
    let metadata = catalog.revision(index).map(|revision| &revision.metadata);
    metadata.into_iter().flat_map(|metadata| {
        metadata.files.iter().chain(metadata.eulas.iter().map(|eula| &eula.file))
    })
}

fn index_files(catalog: &Catalog) -> HashMap<Sha1, (RevisionIndex, usize)> {
    let mut files = HashMap::new();
    for index in (0..).take(catalog.len()) {
        for (position, file) in files_of(catalog, index).enumerate() {
            files.entry(file.sha1).or_insert((index, position));
        }
    }
    files
}
