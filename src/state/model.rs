//! The writer's own picture of everything that is stored.
//!
//! Loaded once, then changed only by the writer thread, in step with the store. Readers never see
//! it: they see what [`Model::publish`] makes of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::library::{Library, Places};
use super::mirror::{REPLICA, ReplicaRecord};
use super::numbering::{self, SharedNumbers};
use super::published::{ContentHandling, Published, Remembered};
use super::records::{
    ContentRecord, Counters, DecisionRecord, DeletedRecord, PlacementsRecord, PublishingRecord,
    ReinstatedRecord, RevisionRecord, StatusRecord, TagsRecord, UnneededRecord, WantedRecord,
};
use super::registry::Tracked;
use super::staging::Part;
use super::timelines::{TIMELINES, Timelines};
use crate::catalog::{CatalogBuilder, Chunks, NewRevision, Revision, RevisionIndex};
use crate::computers::Computer;
use crate::computers::census::Census;
use crate::computers::inventory::Inventory;
use crate::computers::rollup::Below;
use crate::computers::status::UpdateStatus;
use crate::downstream::DownstreamServer;
use crate::metadata::model::UpdateMetadata;
use crate::policy::Policy;
use crate::policy::approval::{Approval, DeadDeployment};
use crate::policy::eula::AcceptedEula;
use crate::policy::package::Package;
use crate::policy::rule::Rule;
use crate::policy::target_group::TargetGroup;
use crate::policy::update_group::UpdateGroup;
use crate::store::value::{self, Stored};
use crate::store::{Store, StoreError, Tree};
use crate::wire::types::{Sha1, UpdateIdentity};

/// Key of the counters in `meta`.
pub(super) const COUNTERS: &[u8] = b"counters";
/// Key of the rules for newcomers in `meta`.
pub(super) const PLACEMENTS: &str = "placements";

/// Key in `meta` of the record that is there while staged revisions are moved.
pub(super) const PUBLISHING: &str = "publishing";

/// Documents that are handed on at a time while they are read, and how many times that may wait.
const PART: usize = 1024;
const PARTS_AHEAD: usize = 2;

/// Everything that is stored, but for reported events, the origins of files and most of what
/// documents say, which are read when needed.
pub(super) struct Model {
    pub(super) counters: Counters,
    pub(super) timelines: Arc<Timelines>,
    pub(super) catalog: CatalogBuilder,
    /// Where what belongs to each revision lies, at the indices of the catalogue.
    pub(super) places: Chunks<Places>,
    pub(super) policy: Policy,
    /// Approvals for groups that are gone: nobody sees them, and the writer ends them.
    pub(super) orphans: Vec<Approval>,
    /// The updates with decisions that are not live yet, by the time at which they will be.
    pub(super) waiting: BTreeSet<(i64, Uuid)>,
    pub(super) contents: HashMap<Sha1, ContentRecord>,
    pub(super) computers: HashMap<String, Tracked>,
    /// What stands for updates in what computers report.
    pub(super) numbers: SharedNumbers,
    /// How many computers are in which state.
    pub(super) census: Census,
    /// The days whose states are stored.
    pub(super) days: BTreeSet<u32>,
    /// The last of them.
    pub(super) last_day: Option<u32>,
    /// By client id, rows that an earlier version stored.
    pub(super) unnumbered: Vec<(String, Vec<UpdateStatus>)>,
    pub(super) downstream: BTreeMap<Uuid, Arc<DownstreamServer>>,
    pub(super) wanted: BTreeMap<Sha1, WantedRecord>,
    /// Fetched, durable, and seen by nobody until they are moved to the revisions.
    pub(super) staged: BTreeMap<UpdateIdentity, RevisionRecord>,
    /// Which part of them is being moved, which has to be finished before anything else.
    pub(super) publishing: Option<Part>,
    /// Revisions that were deleted, by their update.
    pub(super) deleted: BTreeMap<Uuid, DeletedRecord>,
    /// Files that nothing needs, with the time (unix seconds) since when that is known.
    pub(super) unneeded: BTreeMap<Sha1, i64>,
    /// The server that decides instead of this one.
    pub(super) replica_of: Option<Arc<str>>,
}

impl Model {
    /// Reads everything back.
    pub(super) fn load(store: &dyn Store, library: &Library) -> Result<Self, StoreError> {
        let mut model = Self {
            counters: Counters::default(),
            timelines: Arc::default(),
            catalog: CatalogBuilder::default(),
            places: Chunks::default(),
            policy: Policy::undecided(),
            orphans: Vec::new(),
            waiting: BTreeSet::new(),
            contents: HashMap::new(),
            computers: HashMap::new(),
            numbers: SharedNumbers::default(),
            census: Census::default(),
            days: BTreeSet::new(),
            last_day: None,
            unnumbered: Vec::new(),
            downstream: BTreeMap::new(),
            wanted: BTreeMap::new(),
            staged: BTreeMap::new(),
            publishing: None,
            deleted: BTreeMap::new(),
            unneeded: BTreeMap::new(),
            replica_of: None,
        };
        if let Some(counters) = store.read(Tree::Meta, COUNTERS)? {
            model.counters = value::decode(&counters)?;
        }
        if let Some(timelines) = store.read(Tree::Meta, TIMELINES.as_bytes())? {
            model.timelines = Arc::new(value::decode(&timelines)?);
        }
        if let Some(placements) = store.read(Tree::Meta, PLACEMENTS.as_bytes())? {
            let record: PlacementsRecord = value::decode(&placements)?;
            model.policy.placements = Arc::new(record.placements);
        }
        let mut dead = BTreeMap::new();
        store.load(Tree::DeadDeployments, &mut |_, bytes| {
            let deployment: DeadDeployment = value::decode(bytes)?;
            dead.insert(deployment.deployment_id, deployment);
            Ok(())
        })?;
        model.policy.dead = Arc::new(dead);
        model.load_policy(store)?;
        model.load_revisions(store, library)?;
        store.load(Tree::Groups, &mut |_, bytes| {
            let group: TargetGroup = value::decode(bytes)?;
            model.policy.groups.insert(group.id, group);
            Ok(())
        })?;
        store.load(Tree::Approvals, &mut |_, bytes| {
            let mut record: DecisionRecord = value::decode(bytes)?;
            let groups = &model.policy.groups;
            let is_orphan = |it: &mut Approval| !groups.contains_key(&it.group);
            model.orphans.extend(record.approvals.extract_if(.., is_orphan));
            model.set_decision(record);
            Ok(())
        })?;
        store.load(Tree::Contents, &mut |key, bytes| {
            let sha1 = key.try_into().map_err(|_| StoreError::corrupt("a content key"))?;
            model.contents.insert(Sha1(sha1), value::decode(bytes)?);
            Ok(())
        })?;
        model.load_computers(store)?;
        store.load(Tree::Trends, &mut |key, _| {
            let day = key.try_into().map_err(|_| StoreError::corrupt("a day's number"))?;
            model.days.insert(u32::from_be_bytes(day));
            Ok(())
        })?;
        model.last_day = model.days.last().copied();
        store.load(Tree::Wanted, &mut |key, bytes| {
            let sha1 = key.try_into().map_err(|_| StoreError::corrupt("a wanted file's key"))?;
            model.wanted.insert(Sha1(sha1), value::decode(bytes)?);
            Ok(())
        })?;
        store.load(Tree::Downstream, &mut |_, bytes| {
            let server: DownstreamServer = value::decode(bytes)?;
            model.downstream.insert(server.id, Arc::new(server));
            Ok(())
        })?;
        store.load(Tree::Staged, &mut |key, bytes| {
            let identity =
                staged_identity(key).ok_or_else(|| StoreError::corrupt("a staged key"))?;
            model.staged.insert(identity, value::decode(bytes)?);
            Ok(())
        })?;
        store.load(Tree::Unneeded, &mut |key, bytes| {
            let sha1 = key.try_into().map_err(|_| StoreError::corrupt("an unneeded file's key"))?;
            let record: UnneededRecord = value::decode(bytes)?;
            model.unneeded.insert(Sha1(sha1), record.since);
            Ok(())
        })?;
        store.load(Tree::Deleted, &mut |_, bytes| {
            let record: DeletedRecord = value::decode(bytes)?;
            model.deleted.insert(record.update, record);
            Ok(())
        })?;
        if let Some(replica) = store.read(Tree::Meta, REPLICA.as_bytes())? {
            let replica: ReplicaRecord = value::decode(&replica)?;
            model.replica_of = replica.of.map(Arc::from);
        }
        let publishing = store.read(Tree::Meta, PUBLISHING.as_bytes())?;
        let publishing = publishing.map(|bytes| value::decode::<PublishingRecord>(&bytes));
        model.publishing = publishing.transpose()?.map(|record| record.part);
        model.numbers.replace(numbering::load(store)?);
        model.take_census();
        numbering::settle(&model);
        Ok(model)
    }

    /// Reads what was decided apart from single updates.
    fn load_policy(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let policy = &mut self.policy;
        let eulas = Arc::make_mut(&mut policy.eulas);
        store.load(Tree::Eulas, &mut |_, bytes| {
            let accepted: AcceptedEula = value::decode(bytes)?;
            eulas.insert(accepted.eula, accepted);
            Ok(())
        })?;
        let update_groups = Arc::make_mut(&mut policy.update_groups);
        store.load(Tree::UpdateGroups, &mut |_, bytes| {
            let group: UpdateGroup = value::decode(bytes)?;
            update_groups.insert(group.id, group);
            Ok(())
        })?;
        let rules = Arc::make_mut(&mut policy.rules);
        store.load(Tree::Rules, &mut |_, bytes| {
            let rule: Rule = value::decode(bytes)?;
            rules.insert(rule.id, rule);
            Ok(())
        })?;
        let packages = Arc::make_mut(&mut policy.packages);
        store.load(Tree::Packages, &mut |_, bytes| {
            let package: Package = value::decode(bytes)?;
            packages.insert(package.id, package);
            Ok(())
        })?;
        let reinstated = Arc::make_mut(&mut policy.reinstated);
        store.load(Tree::Reinstated, &mut |key, bytes| {
            let update =
                Uuid::from_slice(key).map_err(|_| StoreError::corrupt("an update's id"))?;
            let ReinstatedRecord { since } = value::decode(bytes)?;
            reinstated.insert(update, since);
            Ok(())
        })?;
        let tags = Arc::make_mut(&mut policy.tags);
        store.load(Tree::Tags, &mut |_, bytes| {
            let record: TagsRecord = value::decode(bytes)?;
            tags.insert(record.update, record.tags);
            Ok(())
        })
    }

    /// Reads all revisions, on one thread what their documents say while on another they join the
    /// catalogue.
    fn load_revisions(&mut self, store: &dyn Store, library: &Library) -> Result<(), StoreError> {
        let mut records: Vec<RevisionRecord> = Vec::new();
        store.load(Tree::Revisions, &mut |_, bytes| {
            records.push(value::decode(bytes)?);
            Ok(())
        })?;
        std::thread::scope(|scope| {
            let (sender, read) = sync_channel(PARTS_AHEAD);
            scope.spawn(move || {
                records.chunks(PART).try_for_each(|part| {
                    let documents = part
                        .iter()
                        .map(|record| Ok((*record, library.record(record.places)?.metadata)));
                    let documents: Result<Vec<_>, StoreError> = documents.collect();
                    // Nobody takes them any more once one could not be read.
                    sender.send(documents).ok()
                })
            });
            for part in read {
                for (record, metadata) in part? {
                    self.add_revision(record, metadata);
                }
            }
            Ok(())
        })
    }

    /// Reads all computers, with what they reported.
    fn load_computers(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let mut statuses = decoded::<StatusRecord>(store, Tree::Statuses)?.into_iter().peekable();
        let mut below: HashMap<u32, Below> = decoded(store, Tree::Below)?.into_iter().collect();
        let inventories = decoded::<Inventory>(store, Tree::Inventories)?.into_iter();
        let inventories: HashMap<u32, u64> =
            inventories.map(|(number, inventory)| (number, inventory.digest())).collect();
        let computers = decoded::<Computer>(store, Tree::Computers)?;
        self.computers.reserve(computers.len());
        for (number, computer) in computers {
            // Both are in the order of their numbers.
            while statuses.next_if(|(other, _)| *other < number).is_some() {}
            let record = statuses.next_if(|(other, _)| *other == number);
            let StatusRecord { statuses, unnumbered } = record.unwrap_or_default().1;
            if !unnumbered.is_empty() {
                self.unnumbered.push((computer.client_id.clone(), unnumbered));
            }
            let tracked = Tracked {
                statuses: Arc::new(statuses),
                below: below.remove(&number).map(Arc::new),
                last_contact: Arc::default(),
                computer: Arc::new(computer),
            };
            if let Some(digest) = inventories.get(&number) {
                tracked.last_contact.note_inventory(*digest);
            }
            self.computers.insert(tracked.computer.client_id.clone(), tracked);
        }
        Ok(())
    }

    /// Adds a revision.
    pub(super) fn add_revision(&mut self, record: RevisionRecord, metadata: Arc<UpdateMetadata>) {
        let RevisionRecord { id, deployment_id, imported, changed, core_bytes, places } = record;
        let new = NewRevision { id, deployment_id, imported, changed, metadata, core_bytes };
        let update = new.metadata.identity.update_id;
        if self.catalog.add(&new).is_some() {
            self.places.push(places);
            self.note_arrival(&update);
        }
    }

    /// Takes in a computer as it is now.
    pub(super) fn put_computer(&mut self, tracked: Tracked) {
        match self.computers.entry(tracked.computer.client_id.clone()) {
            Entry::Occupied(mut entry) => {
                self.census.change(Some(entry.get().member()), Some(tracked.member()));
                entry.insert(tracked);
            }
            Entry::Vacant(entry) => {
                self.census.change(None, Some(tracked.member()));
                entry.insert(tracked);
            }
        }
    }

    /// Forgets a computer.
    pub(super) fn remove_computer(&mut self, client_id: &str) {
        if let Some(gone) = self.computers.remove(client_id) {
            self.census.change(Some(gone.member()), None);
        }
    }

    /// Takes note of since when an update is offered, if rows can be of it.
    pub(super) fn note_arrival(&mut self, update: &Uuid) {
        let Some(number) = self.numbers.read().number(update) else { return };
        let arrival = self.latest(*update).map(|revision| {
            self.policy.offered_since(&revision.metadata.identity, revision.imported)
        });
        self.census.arrive(number, arrival);
    }

    /// Counts everything anew.
    fn take_census(&mut self) {
        self.census = Census::default();
        let ids = self.numbers.read().ids().to_vec();
        ids.iter().filter(|id| !id.is_nil()).for_each(|id| self.note_arrival(id));
        let members: Vec<_> = self.computers.values().map(Tracked::member).collect();
        self.census.count_all(&members);
    }

    /// The counters, with nothing left to be counted.
    pub(super) fn settled_census(&mut self) -> &Census {
        if !self.census.is_settled() {
            self.census.settle(self.computers.values().map(Tracked::member));
        }
        &self.census
    }

    /// Where everything lies that a revision refers to, be it visible or not.
    pub(super) fn used_places(&self) -> impl Iterator<Item = Places> + Clone + '_ {
        let staged = self.staged.values().map(|record| record.places);
        let visible = self.catalog.catalog().revisions();
        let visible = visible.filter_map(|(index, _)| self.places.get(index as usize));
        visible.copied().chain(staged)
    }

    /// The record of a revision, as it is stored.
    pub(super) fn record(&self, index: RevisionIndex) -> Option<RevisionRecord> {
        let revision = self.catalog.catalog().revision(index)?;
        Some(RevisionRecord {
            id: revision.id,
            deployment_id: revision.deployment_id,
            imported: revision.imported,
            changed: revision.changed,
            core_bytes: revision.core_bytes,
            places: *self.places.get(index as usize)?,
        })
    }

    /// Sets what was decided on an update.
    pub(super) fn set_decision(&mut self, decision: DecisionRecord) {
        let update = decision.update;
        let go_live = |approval: &Approval| {
            approval.terms.go_live.filter(|_| !approval.live).map(|at| (at, update))
        };
        for entry in self.policy.approvals.get(&update).into_iter().flatten().filter_map(go_live) {
            self.waiting.remove(&entry);
        }
        self.waiting.extend(decision.approvals.iter().filter_map(go_live));
        self.policy.approvals.insert(decision.update, decision.approvals);
        match decision.exempt {
            Some(cause) => self.policy.exempt.insert(decision.update, cause),
            None => self.policy.exempt.remove(&decision.update),
        };
        match decision.declined {
            Some(declined) => self.policy.declined.insert(decision.update, declined),
            None => self.policy.declined.remove(&decision.update),
        };
    }

    /// Whether a revision was deleted and is to stay away.
    pub(super) fn is_deleted(&self, identity: &UpdateIdentity) -> bool {
        let record = self.deleted.get(&identity.update_id);
        record.is_some_and(|record| record.revisions.contains(&identity.revision_number))
    }

    /// What was decided on an update.
    pub(super) fn decision(&self, update: Uuid) -> DecisionRecord {
        DecisionRecord {
            update,
            approvals: self.policy.approvals.get(&update).cloned().unwrap_or_default(),
            declined: self.policy.declined.get(&update).cloned(),
            exempt: self.policy.exempt.get(&update).copied(),
        }
    }

    /// The revision of an update with the highest number.
    pub(super) fn latest(&self, update: Uuid) -> Option<&Revision> {
        let catalog = self.catalog.catalog();
        catalog.revision(catalog.latest(catalog.update(&update)?)?)
    }

    /// Makes the state that readers see, sharing with `before` what did not change.
    pub(super) fn publish(
        &self,
        handling: ContentHandling,
        before: Option<(&Published, Dirty)>,
    ) -> Published {
        let unchanged = |part: fn(&Dirty) -> bool| {
            before.filter(|(_, dirty)| !part(dirty)).map(|(published, _)| published)
        };
        let (catalog, places, files) = match unchanged(|dirty| dirty.catalog) {
            Some(before) => (before.catalog.clone(), before.places.clone(), before.files.clone()),
            None => {
                let catalog = Arc::new(self.catalog.snapshot());
                (catalog, self.places.clone(), Arc::new(OnceLock::new()))
            }
        };
        let policy = match unchanged(|dirty| dirty.policy) {
            Some(before) => before.policy.clone(),
            None => Arc::new(self.policy.clone()),
        };
        let scope = match unchanged(|dirty| dirty.catalog || dirty.policy) {
            Some(before) => before.scope.clone(),
            None => {
                let declined: RoaringBitmap =
                    self.policy.declined.keys().filter_map(|id| catalog.update(id)).collect();
                Arc::new(catalog.scope(&declined))
            }
        };
        let contents = match unchanged(|dirty| dirty.contents) {
            Some(before) => before.contents.clone(),
            None => Arc::new(self.contents.clone()),
        };
        Published {
            sequence: self.counters.sequence,
            timelines: Arc::clone(&self.timelines),
            catalog,
            places,
            scope,
            policy,
            contents,
            handling,
            remembered: Remembered::default(),
            files,
        }
    }
}

/// Which parts of the published state a commit changed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dirty {
    pub(super) catalog: bool,
    pub(super) policy: bool,
    pub(super) contents: bool,
}

impl Dirty {
    pub(super) fn any(self) -> bool {
        self.catalog || self.policy || self.contents
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            catalog: self.catalog || other.catalog,
            policy: self.policy || other.policy,
            contents: self.contents || other.contents,
        }
    }
}

/// The records of a tree by the numbers of their computers, ascending: read on this thread and decoded
/// on another.
fn decoded<T: Stored + Send>(store: &dyn Store, tree: Tree) -> Result<Vec<(u32, T)>, StoreError> {
    std::thread::scope(|scope| {
        let (sender, parts) = sync_channel::<Vec<(u32, Box<[u8]>)>>(PARTS_AHEAD);
        let decoding = scope.spawn(move || {
            let mut all = Vec::new();
            for (number, bytes) in parts.into_iter().flatten() {
                all.push((number, value::decode(&bytes)?));
            }
            Ok(all)
        });
        let mut part = Vec::with_capacity(PART);
        let read = store.load(tree, &mut |key, bytes| {
            let key = key.try_into().map_err(|_| StoreError::corrupt("a computer's number"))?;
            part.push((u32::from_be_bytes(key), bytes.into()));
            if part.len() == PART {
                // Nobody takes it any more once a record could not be decoded, which is told below.
                drop(sender.send(std::mem::replace(&mut part, Vec::with_capacity(PART))));
            }
            Ok(())
        });
        drop(sender.send(part));
        drop(sender);
        let panicked = |_| StoreError::corrupt("decoding records of computers panicked");
        let all = decoding.join().map_err(panicked)?;
        read.and(all)
    })
}

/// Key of a record in `staged`.
pub(super) fn staged_key(identity: &UpdateIdentity) -> Vec<u8> {
    [&identity.update_id.as_bytes()[..], &identity.revision_number.to_be_bytes()].concat()
}

fn staged_identity(key: &[u8]) -> Option<UpdateIdentity> {
    let (update_id, revision_number) = key.split_at_checked(16)?;
    let update_id = Uuid::from_slice(update_id).ok()?;
    let revision_number = u32::from_be_bytes(revision_number.try_into().ok()?);
    Some(UpdateIdentity { update_id, revision_number })
}

/// The updates that a revision's prerequisites name.
pub(super) fn prerequisite_ids(metadata: &UpdateMetadata) -> impl Iterator<Item = Uuid> {
    metadata.prerequisites.iter().flat_map(|clause| clause.alternatives.iter().copied())
}

/// The revisions that a revision bundles.
pub(super) fn member_identities(metadata: &UpdateMetadata) -> impl Iterator<Item = UpdateIdentity> {
    metadata.bundled.iter().flat_map(|clause| clause.alternatives.iter().copied())
}
