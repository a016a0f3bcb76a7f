//! From revisions, one after the other, to the graph.
//!
//! Documents refer to each other by global ids, arrive in any order and may refer to what the
//! server does not have, to themselves or in circles. Here every reference becomes a dense number:
//! an update that is only named has one as well, so that nothing needs to be looked up again when
//! it comes. A revision costs what it says, not what there is, and all that it leaves as it was is
//! shared with the snapshots taken before.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use super::prerequisites::Interner;
use super::revision::{NewRevision, Revision, RevisionIndex, UpdateIndex};
use super::snapshot::Catalog;
use crate::metadata::model::{Evaluated, PublicationState, UpdateMetadata, UpdateType};
use crate::wire::types::{Sha1, UpdateIdentity};

/// The catalogue as it grows.
#[derive(Debug, Default)]
pub struct CatalogBuilder {
    catalog: Catalog,
    interner: Interner,
    /// The bundles that name a revision which is not here.
    waiting: HashMap<(UpdateIndex, u32), Vec<RevisionIndex>>,
}

impl CatalogBuilder {
    /// The catalogue as it is now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The catalogue as it is now, to be kept while it grows.
    pub fn snapshot(&self) -> Catalog {
        self.catalog.clone()
    }

    /// Adds a revision. One with an id that is not above all others, or with an identity that is
    /// there, is left out, which in a sound store no revision is.
    pub fn add(&mut self, new: &NewRevision) -> Option<RevisionIndex> {
        let identity = new.metadata.identity;
        let ascends = self.catalog.revisions.last().is_none_or(|last| last.id < new.id);
        if !ascends || self.catalog.by_identity(&identity).is_some() {
            return None;
        }
        let index = u32::try_from(self.catalog.revisions.len()).ok()?;
        let update = self.number(identity);
        self.catalog.revisions.push(Revision {
            id: new.id,
            deployment_id: new.deployment_id,
            imported: new.imported,
            changed: new.changed,
            metadata: Evaluated::from(&*new.metadata),
            core_bytes: new.core_bytes,
            languages: new.metadata.languages.as_slice().into(),
            update,
            gone: false,
        });
        let history = self.catalog.history(update);
        let older = history.partition_point(|&other| {
            let other = self.catalog.revision(other);
            other.is_some_and(|it| it.metadata.identity.revision_number < identity.revision_number)
        });
        self.catalog.history.insert(update, older, index);
        self.add_prerequisites(&new.metadata);
        let concerned = self.add_bundles(index, update, &new.metadata);
        for id in &new.metadata.superseded {
            let other = self.catalog.number(*id);
            self.catalog.superseders.relate(other, index);
        }
        let express: HashSet<&Sha1> = new.metadata.express.iter().collect();
        for file in &new.metadata.files {
            let files = match express.contains(&file.sha1) {
                true => &mut self.catalog.express_files,
                false => &mut self.catalog.files,
            };
            files.push(index, file.sha1);
        }
        if let Some(eula) = new.metadata.eula_id {
            self.catalog.eula_ids.push(index, eula);
        }
        for licence in &new.metadata.eulas {
            self.catalog.licences.push(index, licence.file.sha1);
        }
        if new.metadata.update_type == UpdateType::Driver {
            self.catalog.drivers.insert(index);
            self.catalog.driver_table.add(index, &new.metadata.drivers);
        }
        self.find_top(update);
        concerned.into_iter().for_each(|update| self.find_top(update));
        Some(index)
    }

    /// Sets the commit since which a revision is as it is.
    pub fn touch(&mut self, index: RevisionIndex, changed: u64) {
        if let Some(revision) = self.catalog.revisions.get_mut(index as usize) {
            revision.changed = changed;
        }
    }

    /// The bundles that name a revision, whether or not it is here.
    pub fn bundles_with(&self, identity: &UpdateIdentity) -> &[RevisionIndex] {
        if let Some(revision) = self.catalog.by_identity(identity) {
            return self.catalog.parents(revision);
        }
        let update = self.catalog.numbers.get(&identity.update_id);
        let waiting =
            update.and_then(|&update| self.waiting.get(&(update, identity.revision_number)));
        waiting.map_or(&[], Vec::as_slice)
    }

    fn number(&mut self, identity: UpdateIdentity) -> UpdateIndex {
        self.catalog.number(identity.update_id)
    }

    fn add_prerequisites(&mut self, metadata: &UpdateMetadata) {
        let catalog = &mut self.catalog;
        let clauses = metadata.prerequisites.iter().map(|clause| {
            clause.alternatives.iter().map(|id| catalog.number(*id)).collect::<Vec<_>>()
        });
        let clauses: Vec<_> = clauses.collect();
        catalog.prerequisites.push(&mut self.interner, clauses.into_iter());
    }

    /// Relates a revision to what it bundles and to the bundles that waited for it; gives the
    /// updates of the former. A client is sent one revision of an update, so an update that bundles
    /// a revision of itself bundles nothing by that.
    fn add_bundles(
        &mut self,
        index: RevisionIndex,
        update: UpdateIndex,
        metadata: &UpdateMetadata,
    ) -> Vec<UpdateIndex> {
        let mut concerned = Vec::new();
        for member in metadata.bundled.iter().flat_map(|clause| &clause.alternatives) {
            let other = self.number(*member);
            if other == update {
                continue;
            }
            if let Some(member) = self.catalog.by_identity(member) {
                self.relate(index, member);
                concerned.push(other);
            } else {
                let waiting = self.waiting.entry((other, member.revision_number)).or_default();
                if waiting.last() != Some(&index) {
                    waiting.push(index);
                }
            }
        }
        let key = (update, metadata.identity.revision_number);
        for bundle in self.waiting.remove(&key).unwrap_or_default() {
            self.relate(bundle, index);
        }
        concerned
    }

    /// Takes revisions away. What they bundled, replaced or needed stays, and so does what needs them;
    /// [`Removal::removable`](super::Removal::removable) tells what can go without harm.
    pub fn remove(&mut self, revisions: &RoaringBitmap) {
        let here: RoaringBitmap =
            revisions.iter().filter(|index| self.catalog.revision(*index).is_some()).collect();
        let mut concerned = RoaringBitmap::new();
        for index in &here {
            let members = self.catalog.members(index).iter();
            concerned.extend(members.filter_map(|member| self.catalog.update_of(*member)));
            concerned.extend(self.take_away(index));
        }
        self.waiting.retain(|_, bundles| {
            bundles.retain(|bundle| !here.contains(*bundle));
            !bundles.is_empty()
        });
        concerned.into_iter().for_each(|update| self.find_top(update));
    }

    /// Takes a revision away, and gives its update.
    fn take_away(&mut self, index: RevisionIndex) -> Option<UpdateIndex> {
        let catalog = &mut self.catalog;
        let revision = catalog.revisions.get_mut(index as usize)?;
        revision.gone = true;
        revision.languages = Box::default();
        let (update, number) = (revision.update, revision.metadata.identity.revision_number);
        catalog.gone += 1;
        catalog.tops.remove(index);
        catalog.history.retain(update, |other| *other != index);
        catalog.prerequisites.remove(index);
        for member in catalog.members(index).to_vec() {
            catalog.parents.retain(member, |bundle| *bundle != index);
        }
        catalog.members.retain(index, |_| false);
        // Should it come again, whoever bundles it has it again.
        for bundle in catalog.parents(index).to_vec() {
            catalog.members.retain(bundle, |member| *member != index);
            self.waiting.entry((update, number)).or_default().push(bundle);
        }
        catalog.parents.retain(index, |_| false);
        catalog.files.retain(index, |_| false);
        catalog.express_files.retain(index, |_| false);
        catalog.eula_ids.retain(index, |_| false);
        catalog.licences.retain(index, |_| false);
        if catalog.drivers.remove(index) {
            catalog.driver_table.remove(index);
        }
        Some(update)
    }

    fn relate(&mut self, bundle: RevisionIndex, member: RevisionIndex) {
        self.catalog.members.relate(bundle, member);
        self.catalog.parents.relate(member, bundle);
    }

    /// Finds anew by which revision an update is offered for its own sake, if it is.
    fn find_top(&mut self, update: UpdateIndex) {
        let top = self.catalog.candidate(update).filter(|_| !self.catalog.is_member_only(update));
        for revision in self.catalog.history.row(update) {
            self.catalog.tops.remove(*revision);
        }
        self.catalog.tops.extend(top);
    }
}

impl Catalog {
    /// Builds the snapshot of `revisions`, given in any order.
    ///
    /// Ids and identities are unique in a sound store; of revisions that share one, that with the
    /// lowest id is kept.
    pub fn build(mut revisions: Vec<NewRevision>) -> Self {
        revisions.sort_by_key(|revision| revision.id);
        let mut builder = CatalogBuilder::default();
        revisions.iter().for_each(|revision| {
            builder.add(revision);
        });
        builder.catalog
    }

    /// The number of an update that is here or named, given out now if it has none.
    fn number(&mut self, id: uuid::Uuid) -> UpdateIndex {
        let next = u32::try_from(self.update_ids.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.get_mut_or_insert(id, || next);
        if number == next {
            self.update_ids.push(id);
        }
        number
    }

    /// The revision by which an update is offered, if it is: its latest, unless its publisher
    /// withdrew it. An older revision never comes back in its place.
    pub(super) fn candidate(&self, update: UpdateIndex) -> Option<RevisionIndex> {
        self.latest(update).filter(|&latest| {
            let state = self.revision(latest).map(|it| it.metadata.publication_state);
            state == Some(PublicationState::Published)
        })
    }

    /// Whether an update is neither category nor detectoid and exists only as a member of bundles.
    pub fn is_member_only(&self, update: UpdateIndex) -> bool {
        let history = || self.history(update).iter();
        let is_deployable = |&revision: &RevisionIndex| {
            self.revision(revision).is_some_and(|it| it.metadata.explicitly_deployable)
        };
        !self.is_category_or_detectoid(update)
            && history().any(|&revision| !self.parents(revision).is_empty())
            && !history().any(is_deployable)
    }

    /// Whether an update, by its latest revision, is there to be evaluated, not installed.
    pub(super) fn is_category_or_detectoid(&self, update: UpdateIndex) -> bool {
        self.latest(update).and_then(|latest| self.revision(latest)).is_some_and(|revision| {
            matches!(revision.metadata.update_type, UpdateType::Category | UpdateType::Detectoid)
        })
    }
}
