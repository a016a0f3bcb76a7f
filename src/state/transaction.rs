//! What one commit is made of, gathered while changes are applied to the model.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::StateError;
use super::deletion::bring_back;
use super::library::Places;
use super::model::{COUNTERS, Dirty, Model, PLACEMENTS, PUBLISHING, staged_key};
use super::outbox::Outgoing;
use super::records::{
    ContentRecord, Counters, DecisionRecord, DeletedRecord, FileOrigin, NumberRecord,
    PlacementsRecord, PublishingRecord, ReinstatedRecord, RevisionRecord, StatusRecord, TagsRecord,
    UnneededRecord, WantedRecord,
};
use super::registry::Tracked;
use super::staging::Part;
use super::timelines::{TIMELINES, Timelines};
use crate::catalog::RevisionIndex;
use crate::computers::event::EventLog;
use crate::computers::inventory::Inventory;
use crate::computers::numbers::UpdateNumber;
use crate::computers::rollup::Told;
use crate::computers::trend::DayRecord;
use crate::downstream::DownstreamServer;
use crate::metadata::model::UpdateMetadata;
use crate::policy::approval::{Approval, ApprovalAction, DeadDeployment};
use crate::policy::by::By;
use crate::policy::eula::AcceptedEula;
use crate::policy::package::Package;
use crate::policy::rule::Rule;
use crate::policy::target_group::TargetGroup;
use crate::policy::update_group::UpdateGroup;
use crate::store::value::{self, Stored};
use crate::store::{Batch, Change, Page, Store, StoreError, Tree};
use crate::wire::types::{RevisionId, Sha1, UpdateIdentity};

/// The changes of one commit. A change refuses before it calls any method that alters something.
pub(super) struct Transaction<'a> {
    pub(super) model: &'a mut Model,
    /// Unix seconds of the commit.
    pub(super) now: i64,
    store: &'a dyn Store,
    staged: Staged,
    events: HashMap<u32, EventLog>,
    counted: bool,
    /// Whether the change being applied lets readers wait.
    deferring: bool,
}

/// A commit, ready to be made.
#[derive(Default)]
pub(super) struct Staged {
    pub(super) batch: Batch,
    pub(super) journal: Vec<serde_json::Value>,
    pub(super) dirty: Dirty,
    /// Some change has to be visible when its caller is answered.
    pub(super) publish: bool,
    /// Some change lets readers wait for those that follow it.
    pub(super) more_follows: bool,
    pub(super) computers: Vec<Tracked>,
    pub(super) removed: Vec<String>,
    /// Downstream servers as they are now; none for one that is gone.
    pub(super) downstream: Vec<(Uuid, Option<Arc<DownstreamServer>>)>,
    /// A record could not be encoded: nothing may be committed.
    pub(super) failed: Option<Arc<StoreError>>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(model: &'a mut Model, store: &'a dyn Store, now: i64) -> Self {
        let staged = Staged::default();
        let events = HashMap::new();
        Self { model, now, store, staged, events, counted: false, deferring: false }
    }

    /// Begins the next change. Each is published with its commit unless it says otherwise itself.
    pub(super) fn next_change(&mut self) {
        self.deferring = false;
    }

    /// A number that differs when anything was staged in between.
    pub(super) fn staged_changes(&self) -> usize {
        self.staged.batch.len() + self.staged.journal.len()
    }

    pub(super) fn finish(self) -> Staged {
        self.staged
    }

    /// The sequence number of this commit, for changes that clients have to be told of.
    pub(super) fn sequence(&mut self) -> u64 {
        if !self.counted {
            self.counted = true;
            self.model.counters.sequence += 1;
            self.put_counters();
        }
        self.model.counters.sequence
    }

    /// Says in which timeline this and all later commits are.
    pub(super) fn put_timelines(&mut self, timelines: Timelines) {
        self.put_meta(TIMELINES, &timelines);
        self.model.timelines = Arc::new(timelines);
        self.publish();
    }

    /// A deployment number that was never given out.
    pub(super) fn next_deployment(&mut self) -> Result<u32, StateError> {
        self.take_number(|counters| &mut counters.next_deployment)
    }

    /// A revision number that was never given out.
    pub(super) fn next_revision(&mut self) -> Result<u32, StateError> {
        self.take_number(|counters| &mut counters.next_revision)
    }

    /// A computer number that was never given out.
    pub(super) fn next_computer(&mut self) -> Result<u32, StateError> {
        self.take_number(|counters| &mut counters.next_computer)
    }

    /// Numbers are never reused, and on the wire they have 31 bits.
    fn take_number(&mut self, counter: fn(&mut Counters) -> &mut u32) -> Result<u32, StateError> {
        let next = counter(&mut self.model.counters);
        let number = *next;
        if i32::try_from(number).is_err() {
            return Err(StateError::Refused("no number is left to give out".into()));
        }
        *next += 1;
        self.put_counters();
        Ok(number)
    }

    pub(super) fn add_revision(&mut self, record: RevisionRecord, metadata: Arc<UpdateMetadata>) {
        self.put(Tree::Revisions, &record.id.0.to_be_bytes(), &record);
        self.mark(|dirty| &mut dirty.catalog);
        self.model.add_revision(record, metadata);
    }

    /// Marks a revision as changed with this commit.
    pub(super) fn touch_revision(&mut self, index: RevisionIndex) {
        let changed = self.sequence();
        self.model.catalog.touch(index, changed);
        if let Some(record) = self.model.record(index) {
            self.put(Tree::Revisions, &record.id.0.to_be_bytes(), &record);
            self.mark(|dirty| &mut dirty.catalog);
        }
    }

    /// Stores a revision where nobody sees it.
    pub(super) fn stage_revision(&mut self, identity: UpdateIdentity, record: RevisionRecord) {
        self.put(Tree::Staged, &staged_key(&identity), &record);
        self.model.staged.insert(identity, record);
    }

    /// Takes a revision from where it was staged.
    pub(super) fn unstage_revision(&mut self, identity: &UpdateIdentity) {
        self.staged.batch.delete(Tree::Staged, staged_key(identity));
        self.model.staged.remove(identity);
    }

    /// From this commit on, this part of what is staged becomes visible whatever happens.
    pub(super) fn begin_publishing(&mut self, part: Part) {
        let began = self.now;
        self.put_meta(PUBLISHING, &PublishingRecord { began, part });
        self.model.publishing = Some(part);
    }

    /// With this commit all that was staged has become visible.
    pub(super) fn end_publishing(&mut self) {
        self.staged.batch.delete(Tree::Meta, PUBLISHING);
        self.model.publishing = None;
    }

    /// Takes note that what belongs to a revision lies elsewhere, if it was where that is said.
    pub(super) fn move_revision(&mut self, id: RevisionId, from: Places, to: Places) {
        let Some(index) = self.model.catalog.catalog().by_id(id) else { return };
        if let Some(places) = self.model.places.get_mut(index as usize).filter(|it| **it == from) {
            *places = to;
        }
        if let Some(record) = self.model.record(index) {
            self.put(Tree::Revisions, &id.0.to_be_bytes(), &record);
            self.mark(|dirty| &mut dirty.catalog);
        }
    }

    /// Takes revisions away, and what is stored of them.
    pub(super) fn remove_revisions(&mut self, revisions: &RoaringBitmap) {
        let catalog = self.model.catalog.catalog();
        for id in revisions.iter().filter_map(|index| catalog.revision(index)).map(|it| it.id) {
            self.staged.batch.delete(Tree::Revisions, id.0.to_be_bytes());
        }
        let updates = revisions.iter().filter_map(|index| catalog.revision(index));
        let updates: BTreeSet<Uuid> =
            updates.map(|revision| revision.metadata.identity.update_id).collect();
        self.mark(|dirty| &mut dirty.catalog);
        self.model.catalog.remove(revisions);
        updates.iter().for_each(|update| self.model.note_arrival(update));
    }

    /// Keeps in mind which revisions of an update were deleted; nothing if none are.
    pub(super) fn put_deleted(&mut self, record: DeletedRecord) {
        let update = record.update;
        let empty = record.revisions.is_empty() && record.wanted.is_empty();
        if empty && record.released.is_none() {
            self.staged.batch.delete(Tree::Deleted, update.as_bytes().as_slice());
            self.model.deleted.remove(&update);
        } else {
            self.put(Tree::Deleted, update.as_bytes(), &record);
            self.model.deleted.insert(update, record);
        }
    }

    pub(super) fn put_decision(&mut self, decision: DecisionRecord) {
        if decision.declined.is_none() {
            // Whoever decides on it wants it.
            bring_back(self, decision.update);
        }
        let was_declined = self.model.policy.is_declined(decision.update);
        if was_declined && decision.declined.is_none() {
            self.set_reinstated(decision.update, Some(self.now));
        } else if !was_declined && decision.declined.is_some() {
            self.set_reinstated(decision.update, None);
        }
        self.put(Tree::Approvals, decision.update.as_bytes(), &decision);
        self.mark(|dirty| &mut dirty.policy);
        self.model.set_decision(decision);
    }

    /// Notes since when an update is offered again, or that it is not.
    fn set_reinstated(&mut self, update: Uuid, since: Option<i64>) {
        let all = Arc::make_mut(&mut self.model.policy.reinstated);
        if let Some(since) = since {
            all.insert(update, since);
            self.put(Tree::Reinstated, update.as_bytes(), &ReinstatedRecord { since });
        } else if all.remove(&update).is_some() {
            self.staged.batch.delete(Tree::Reinstated, update.as_bytes().as_slice());
        }
        self.model.note_arrival(&update);
    }

    /// Notes the end of a deployment. One that was taken back ended then.
    pub(super) fn end_deployment(&mut self, approval: &Approval) {
        if approval.terms.action == ApprovalAction::None {
            return;
        }
        let &Approval { deployment_id, guid, .. } = approval;
        let changed = self.sequence();
        let dead = DeadDeployment { deployment_id, guid, ended: self.now, changed };
        self.put(Tree::DeadDeployments, &deployment_id.to_be_bytes(), &dead);
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.dead).insert(deployment_id, dead);
    }

    /// The rules for newcomers, with the number of the next one.
    pub(super) fn placements(&self) -> Result<PlacementsRecord, StoreError> {
        Ok(self.meta(PLACEMENTS)?.unwrap_or_default())
    }

    pub(super) fn put_placements(&mut self, record: PlacementsRecord) {
        self.put_meta(PLACEMENTS, &record);
        self.mark(|dirty| &mut dirty.policy);
        self.model.policy.placements = Arc::new(record.placements);
    }

    pub(super) fn put_eula(&mut self, accepted: AcceptedEula) {
        self.put(Tree::Eulas, accepted.eula.as_bytes(), &accepted);
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.eulas).insert(accepted.eula, accepted);
    }

    pub(super) fn put_update_group(&mut self, group: UpdateGroup) {
        self.put(Tree::UpdateGroups, group.id.as_bytes(), &group);
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.update_groups).insert(group.id, group);
    }

    pub(super) fn delete_update_group(&mut self, id: Uuid) {
        self.staged.batch.delete(Tree::UpdateGroups, id.as_bytes().as_slice());
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.update_groups).remove(&id);
    }

    pub(super) fn put_package(&mut self, package: Package) {
        self.put(Tree::Packages, package.id.as_bytes(), &package);
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.packages).insert(package.id, package);
    }

    pub(super) fn delete_package(&mut self, id: Uuid) {
        self.staged.batch.delete(Tree::Packages, id.as_bytes().as_slice());
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.packages).remove(&id);
    }

    pub(super) fn put_rule(&mut self, rule: Rule) {
        self.put(Tree::Rules, rule.id.as_bytes(), &rule);
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.rules).insert(rule.id, rule);
    }

    pub(super) fn delete_rule(&mut self, id: Uuid) {
        self.staged.batch.delete(Tree::Rules, id.as_bytes().as_slice());
        self.mark(|dirty| &mut dirty.policy);
        Arc::make_mut(&mut self.model.policy.rules).remove(&id);
    }

    /// Sets an update's tags; without any, nothing is kept of it.
    pub(super) fn put_tags(&mut self, update: Uuid, tags: BTreeSet<String>) {
        self.mark(|dirty| &mut dirty.policy);
        let all = Arc::make_mut(&mut self.model.policy.tags);
        if tags.is_empty() {
            all.remove(&update);
            self.staged.batch.delete(Tree::Tags, update.as_bytes().as_slice());
        } else {
            all.insert(update, tags.clone());
            self.put(Tree::Tags, update.as_bytes(), &TagsRecord { update, tags });
        }
    }

    pub(super) fn put_group(&mut self, group: TargetGroup) {
        self.put(Tree::Groups, group.id.as_bytes(), &group);
        self.mark(|dirty| &mut dirty.policy);
        self.model.policy.groups.insert(group.id, group);
    }

    pub(super) fn delete_group(&mut self, id: Uuid) {
        self.staged.batch.delete(Tree::Groups, id.as_bytes().as_slice());
        self.mark(|dirty| &mut dirty.policy);
        self.model.policy.groups.remove(&id);
    }

    pub(super) fn put_content(&mut self, sha1: Sha1, record: ContentRecord) {
        self.put(Tree::Contents, &sha1.0, &record);
        self.mark(|dirty| &mut dirty.contents);
        self.model.contents.insert(sha1, record);
        if self.model.wanted.remove(&sha1).is_some() {
            self.staged.batch.delete(Tree::Wanted, sha1.0.as_slice());
        }
    }

    /// Lets nobody be offered a file any more.
    pub(super) fn delete_content(&mut self, sha1: &Sha1) {
        self.staged.batch.delete(Tree::Contents, sha1.0.as_slice());
        self.mark(|dirty| &mut dirty.contents);
        self.model.contents.remove(sha1);
        self.set_unneeded(*sha1, None);
    }

    /// Notes since when a file is of no use, or that it is of use.
    pub(super) fn set_unneeded(&mut self, sha1: Sha1, since: Option<i64>) {
        if let Some(since) = since {
            self.put(Tree::Unneeded, &sha1.0, &UnneededRecord { since });
            self.model.unneeded.insert(sha1, since);
        } else if self.model.unneeded.remove(&sha1).is_some() {
            self.staged.batch.delete(Tree::Unneeded, sha1.0.as_slice());
        }
    }

    pub(super) fn put_wanted(&mut self, sha1: Sha1, record: WantedRecord) {
        self.put(Tree::Wanted, &sha1.0, &record);
        self.model.wanted.insert(sha1, record);
    }

    /// Stores what changed of a computer.
    pub(super) fn put_computer(&mut self, tracked: Tracked, what: Written) {
        let key = tracked.computer.number.to_be_bytes();
        match what {
            Written::Computer => self.put(Tree::Computers, &key, &*tracked.computer),
            Written::Statuses => {
                let statuses = (*tracked.statuses).clone();
                let record = StatusRecord { statuses, unnumbered: Vec::new() };
                self.put(Tree::Statuses, &key, &record);
            }
            Written::Below => match &tracked.below {
                Some(below) => self.put(Tree::Below, &key, &**below),
                None => self.staged.batch.delete(Tree::Below, key.as_slice()),
            },
        }
        self.model.put_computer(tracked.clone());
        self.staged.removed.retain(|client_id| *client_id != tracked.computer.client_id);
        self.staged.computers.push(tracked);
    }

    pub(super) fn delete_computer(&mut self, tracked: &Tracked) {
        let key = tracked.computer.number.to_be_bytes();
        for tree in [
            Tree::Computers,
            Tree::Statuses,
            Tree::Events,
            Tree::Below,
            Tree::Told,
            Tree::Inventories,
        ] {
            self.staged.batch.delete(tree, key.as_slice());
        }
        let client_id = &tracked.computer.client_id;
        self.events.remove(&tracked.computer.number);
        self.model.remove_computer(client_id);
        self.staged.computers.retain(|staged| staged.computer.client_id != *client_id);
        self.staged.removed.push(client_id.clone());
    }

    pub(super) fn put_number(&mut self, number: UpdateNumber, record: &NumberRecord) {
        self.put(Tree::UpdateNumbers, &number.to_be_bytes(), record);
    }

    pub(super) fn put_origin(&mut self, sha1: Sha1, origin: &FileOrigin) {
        self.put(Tree::Origins, &sha1.0, origin);
    }

    /// What the upstream server was told of every computer, by its number.
    pub(super) fn told(&self) -> Result<HashMap<u32, Told>, StoreError> {
        let mut all = HashMap::new();
        self.store.load(Tree::Told, &mut |key, bytes| {
            let number = key.try_into().map_err(|_| StoreError::corrupt("a computer's number"))?;
            all.insert(u32::from_be_bytes(number), value::decode(bytes)?);
            Ok(())
        })?;
        Ok(all)
    }

    pub(super) fn put_inventory(&mut self, computer: u32, inventory: &Inventory) {
        self.put(Tree::Inventories, &computer.to_be_bytes(), inventory);
    }

    /// The states of every day that is kept, changes of this commit left out.
    pub(super) fn days(&self) -> Result<Vec<(u32, DayRecord)>, StoreError> {
        let mut days = Vec::new();
        self.store.load(Tree::Trends, &mut |key, bytes| {
            let day = key.try_into().map_err(|_| StoreError::corrupt("a day's number"))?;
            days.push((u32::from_be_bytes(day), value::decode(bytes)?));
            Ok(())
        })?;
        Ok(days)
    }

    pub(super) fn put_day(&mut self, day: u32, record: &DayRecord) {
        self.put(Tree::Trends, &day.to_be_bytes(), record);
        self.model.last_day = Some(day);
        self.model.days.insert(day);
    }

    pub(super) fn delete_days(&mut self, days: BTreeSet<u32>) {
        for day in days {
            self.staged.batch.delete(Tree::Trends, day.to_be_bytes());
        }
    }

    pub(super) fn put_message(&mut self, message: &Outgoing) {
        self.put(Tree::Outbox, &message.number.to_be_bytes(), message);
    }

    pub(super) fn delete_message(&mut self, number: u64) {
        self.staged.batch.delete(Tree::Outbox, number.to_be_bytes());
    }

    pub(super) fn put_told(&mut self, computer: u32, told: &Told) {
        self.put(Tree::Told, &computer.to_be_bytes(), told);
    }

    pub(super) fn put_downstream(&mut self, server: DownstreamServer) {
        self.put(Tree::Downstream, server.id.as_bytes(), &server);
        let server = Arc::new(server);
        self.model.downstream.insert(server.id, Arc::clone(&server));
        self.staged.downstream.push((server.id, Some(server)));
    }

    pub(super) fn delete_downstream(&mut self, id: Uuid) {
        self.staged.batch.delete(Tree::Downstream, id.as_bytes().as_slice());
        self.model.downstream.remove(&id);
        self.staged.downstream.push((id, None));
    }

    /// The events of a computer, changes of this commit included.
    pub(super) fn events(&mut self, computer: u32) -> Result<&EventLog, StoreError> {
        self.events_mut(computer).map(|events| &*events)
    }

    /// Changes the events of a computer and stores them.
    pub(super) fn change_events<T>(
        &mut self,
        computer: u32,
        change: impl FnOnce(&mut EventLog) -> T,
    ) -> Result<T, StoreError> {
        let outcome = change(self.events_mut(computer)?);
        if let Some(events) = self.events.get(&computer).cloned() {
            self.put(Tree::Events, &computer.to_be_bytes(), &events);
        }
        Ok(outcome)
    }

    /// Adds an entry to the journal of what cannot be fetched again: an object, to which is added
    /// who decided it and why.
    pub(super) fn journal(&mut self, by: &By, mut entry: serde_json::Value) {
        entry["by"] = by.who.as_str().into();
        if let Some(why) = &by.why {
            entry["why"] = why.as_str().into();
        }
        if let Some(whom) = &by.started_by {
            entry["started_by"] = whom.as_str().into();
        }
        self.staged.journal.push(entry);
    }

    /// The single record called `name`, changes of this commit included.
    pub(super) fn meta<T: Stored>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.stored(Tree::Meta, name.as_bytes())
    }

    /// A record that is not in memory, changes of this commit included.
    pub(super) fn stored<T: Stored>(
        &self,
        tree: Tree,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        let staged = self.staged.batch.changes().iter().rev().find_map(|change| match change {
            Change::Put { tree: into, key: at, value } if *into == tree && at == key => {
                Some(Some(value))
            }
            Change::Delete { tree: from, key: at } if *from == tree && at == key => Some(None),
            _ => None,
        });
        if let Some(bytes) = staged {
            return bytes.map(|bytes| value::decode(bytes)).transpose();
        }
        let stored = self.store.read(tree, key)?;
        stored.map(|bytes| value::decode(&bytes)).transpose()
    }

    /// Records of a tree as the store has them, changes of this commit left out.
    pub(super) fn page(
        &self,
        tree: Tree,
        after: Option<&[u8]>,
        bytes: usize,
    ) -> Result<Page, StoreError> {
        self.store.page(tree, after, bytes)
    }

    /// Replaces the single record called `name`.
    pub(super) fn put_meta<T: Stored>(&mut self, name: &str, record: &T) {
        self.put(Tree::Meta, name.as_bytes(), record);
    }

    /// Lets readers wait for what follows this change.
    pub(super) fn more_follows(&mut self) {
        self.deferring = true;
        self.staged.more_follows = true;
    }

    /// Lets readers wait no longer, even if this change alone would not concern them.
    pub(super) fn publish(&mut self) {
        self.staged.publish = true;
    }

    fn mark(&mut self, part: fn(&mut Dirty) -> &mut bool) {
        *part(&mut self.staged.dirty) = true;
        self.staged.publish |= !self.deferring;
    }

    fn events_mut(&mut self, computer: u32) -> Result<&mut EventLog, StoreError> {
        match self.events.entry(computer) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let stored = self.store.read(Tree::Events, &computer.to_be_bytes())?;
                let events = stored.map(|bytes| value::decode(&bytes)).transpose()?;
                Ok(entry.insert(events.unwrap_or_default()))
            }
        }
    }

    fn put_counters(&mut self) {
        let counters = self.model.counters;
        self.put(Tree::Meta, COUNTERS, &counters);
    }

    fn put<T: Stored>(&mut self, tree: Tree, key: &[u8], record: &T) {
        match value::encode(record) {
            Ok(bytes) => self.staged.batch.put(tree, key, bytes),
            Err(error) => self.staged.failed = Some(Arc::new(error)),
        }
    }
}

/// Which records of a computer a change writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// What it is.
    Computer,
    /// What it reported.
    Statuses,
    /// What another server reported of it.
    Below,
}
