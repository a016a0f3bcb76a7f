//! What readers answer from: one immutable value for everything that must agree with itself.
//!
//! A request loads it once and uses nothing else of the catalogue, the decisions or the content.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use quick_cache::sync::Cache;
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::library::Places;
use super::records::ContentRecord;
use super::timelines::Timelines;
use crate::catalog::{Catalog, Chunks, Revision, RevisionIndex, RevisionSet, Scope};
use crate::metadata::model::UpdateType;
use crate::policy::Policy;
use crate::policy::approval::ApprovalAction;
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
    /// Ascending, each once. Which updates they are revisions of is looked up only when the answer
    /// is not known: for a hundred of them, that costs as much as finding the answer.
    installed: Box<[RevisionId]>,
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

/// How content is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHandling {
    /// Whether an Install is delivered as PreDeploymentCheck until all its files are here.
    pub hold_installs: bool,
    /// Whether express files are fetched and kept, too, and servers below are told that they are here
    /// ([MS-WSUSSS] 3.1.1, ServerHostsPsfFiles). No Install waits for them.
    pub express_files: bool,
}

impl Default for ContentHandling {
    /// As WSUS: express files make what a server downloads several times larger.
    fn default() -> Self {
        Self { hold_installs: true, express_files: false }
    }
}

/// One consistent state of the server.
pub struct Published {
    /// Number of the latest commit in it.
    pub sequence: u64,
    /// Whose commit that is.
    pub timelines: Arc<Timelines>,
    /// All revisions.
    pub catalog: Arc<Catalog>,
    pub(super) places: Chunks<Places>,
    /// What of them is offered.
    pub scope: Arc<Scope>,
    /// What was decided.
    pub policy: Arc<Policy>,
    /// The files that are here.
    pub contents: Arc<HashMap<Sha1, ContentRecord>>,
    /// How content is dealt with.
    pub handling: ContentHandling,
    pub(super) remembered: Remembered,
    /// A revision that names each file; found out when first asked for.
    pub(super) files: Arc<OnceLock<HashMap<Sha1, RevisionIndex>>>,
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
        let wait: Option<ContentSince<'_>> = self.handling.hold_installs.then_some(&content_since);
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
        let mut installed = installed.to_vec();
        // As agents send them already, and then this is one look at each.
        installed.sort_unstable();
        installed.dedup();
        let key = NeededKey { installed: installed.into(), filter: filter.map(Box::from) };
        if let Some(needed) = self.remembered.needed.get(&key) {
            return needed;
        }
        let related = filter.map(|filter| self.related(filter));
        let installed = self.catalog.installed(key.installed.iter().copied());
        let needed = self.catalog.needed(&self.scope, &installed, related.as_deref());
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

    /// The software and drivers that are offered for their own sake: what can be decided on and is not
    /// declined, and what reports are about.
    pub fn decidable(&self) -> impl Iterator<Item = &Revision> {
        let tops = self.scope.tops.iter();
        let revisions = tops.filter_map(|index| self.catalog.revision(index));
        revisions.filter(|revision| {
            matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver)
        })
    }

    /// Where what belongs to a revision lies.
    pub fn places(&self, index: RevisionIndex) -> Option<Places> {
        self.places.get(index as usize).copied()
    }

    /// A revision that names this file, as its own or as a licence.
    pub fn holder(&self, sha1: &Sha1) -> Option<RevisionIndex> {
        self.files.get_or_init(|| index_files(&self.catalog)).get(sha1).copied()
    }

    /// The revisions that somebody is to install, or may, by what was approved, with all they bundle.
    pub fn installed_by_approvals(&self) -> Vec<RevisionIndex> {
        installed_by_approvals(&self.catalog, &self.policy)
    }

    /// Since which commit every file of the revision and of all it bundles is here; none while one
    /// is missing.
    pub fn content_since(&self, index: RevisionIndex) -> Option<u64> {
        let files = self.files_with_members(index);
        files.iter().try_fold(0, |since, file| Some(since.max(self.contents.get(file)?.changed)))
    }

    /// The files of the revision and of all it bundles, without express files.
    pub fn files_with_members(&self, index: RevisionIndex) -> Vec<Sha1> {
        let (mut files, mut open) = (Vec::new(), vec![index]);
        let mut seen = RoaringBitmap::from([index]);
        while let Some(index) = open.pop() {
            files.extend_from_slice(self.catalog.files(index));
            open.extend(self.catalog.members(index).iter().filter(|member| seen.insert(**member)));
        }
        files
    }
}

/// See [`Published::installed_by_approvals`].
pub(super) fn installed_by_approvals(catalog: &Catalog, policy: &Policy) -> Vec<RevisionIndex> {
    let installs = policy.approvals.iter().filter(|(_, approvals)| {
        approvals.iter().any(|approval| {
            let action = approval.terms.action;
            matches!(action, ApprovalAction::Install | ApprovalAction::Optional)
        })
    });
    let mut reached: Vec<_> = installs
        .filter_map(|(update, _)| catalog.update(update))
        .filter_map(|update| catalog.latest(update))
        .collect();
    let mut seen: RoaringBitmap = reached.iter().copied().collect();
    let mut next = 0;
    while let Some(index) = reached.get(next).copied() {
        next += 1;
        reached.extend(catalog.members(index).iter().filter(|it| seen.insert(**it)));
    }
    reached
}

fn index_files(catalog: &Catalog) -> HashMap<Sha1, RevisionIndex> {
    let mut files = HashMap::new();
    for index in catalog.indices() {
        let content = catalog.files(index).iter().chain(catalog.express_files(index));
        for file in content.chain(catalog.licences(index)) {
            files.entry(*file).or_insert(index);
        }
    }
    files
}
