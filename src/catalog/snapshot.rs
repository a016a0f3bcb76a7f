//! The catalogue as one immutable value, and everything that can be looked up in it.
//!
//! Readers hold it behind an `Arc` and never wait; a change builds the next one. Methods that take
//! an index answer an index of another snapshot with nothing rather than with a panic.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::adjacency::Adjacency;
use super::driver::DriverTable;
use super::prerequisites::Prerequisites;
use super::revision::{Revision, RevisionIndex, UpdateIndex};
use crate::metadata::model::{CategoryType, UpdateType};
use crate::wire::types::{RevisionId, UpdateIdentity};

/// All revisions that the server has, as a graph of dense numbers.
#[derive(Debug)]
pub struct Catalog {
    /// Ascending by id.
    pub(super) revisions: Vec<Revision>,
    pub(super) by_identity: HashMap<UpdateIdentity, RevisionIndex>,
    pub(super) update_ids: Vec<Uuid>,
    pub(super) by_update_id: HashMap<Uuid, UpdateIndex>,
    pub(super) update_of: Vec<UpdateIndex>,
    /// The revisions of each update, ascending by revision number; never empty.
    pub(super) history: Adjacency,
    pub(super) prerequisites: Prerequisites,
    /// The revisions that each revision bundles.
    pub(super) members: Adjacency,
    /// The revisions that bundle each revision.
    pub(super) parents: Adjacency,
    /// The revisions that replace each update.
    pub(super) superseded_by: Adjacency,
    /// Revisions of type Driver.
    pub(super) drivers: RoaringBitmap,
    pub(super) driver_table: DriverTable,
    /// Revisions offered for their own sake, with their updates: see [`Catalog::scope`].
    pub(super) tops: Vec<(UpdateIndex, RevisionIndex)>,
}

impl Catalog {
    /// Number of revisions: indices are below it.
    pub fn len(&self) -> usize {
        self.revisions.len()
    }

    /// Whether there is no revision at all.
    pub fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }

    /// Number of updates: update indices are below it.
    pub fn update_count(&self) -> usize {
        self.update_ids.len()
    }

    /// All revisions, ascending by id: the position is the index.
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// The revision at `index`.
    pub fn revision(&self, index: RevisionIndex) -> Option<&Revision> {
        self.revisions.get(index as usize)
    }

    /// The revision with this server's number `id`.
    pub fn by_id(&self, id: RevisionId) -> Option<RevisionIndex> {
        let position = self.revisions.binary_search_by_key(&id, |revision| revision.id).ok()?;
        u32::try_from(position).ok()
    }

    /// The revision with this global identity.
    pub fn by_identity(&self, identity: &UpdateIdentity) -> Option<RevisionIndex> {
        self.by_identity.get(identity).copied()
    }

    /// The update with this id.
    pub fn update(&self, update_id: &Uuid) -> Option<UpdateIndex> {
        self.by_update_id.get(update_id).copied()
    }

    /// The id of an update.
    pub fn update_id(&self, update: UpdateIndex) -> Option<Uuid> {
        self.update_ids.get(update as usize).copied()
    }

    /// The update that a revision is a revision of.
    pub fn update_of(&self, index: RevisionIndex) -> Option<UpdateIndex> {
        self.update_of.get(index as usize).copied()
    }

    /// All revisions of an update, ascending by revision number.
    pub fn history(&self, update: UpdateIndex) -> &[RevisionIndex] {
        self.history.row(update)
    }

    /// The revision of an update with the highest revision number, expired or not.
    pub fn latest(&self, update: UpdateIndex) -> Option<RevisionIndex> {
        self.history(update).last().copied()
    }

    /// Whether no prerequisite clause of any revision names this revision's update ([MS-WUSP]
    /// 3.1.5.7, IsLeaf).
    ///
    /// Read literally: the whole catalogue counts, expired and superseded revisions and
    /// `IsCategory` clauses included, and bundling does not. An agent that is told otherwise
    /// reports too few installed updates and finds nothing.
    pub fn is_leaf(&self, index: RevisionIndex) -> bool {
        self.update_of(index).is_none_or(|update| !self.prerequisites.is_named(update))
    }

    /// The revisions that a revision bundles, over all clauses; those the server has.
    pub fn members(&self, index: RevisionIndex) -> &[RevisionIndex] {
        self.members.row(index)
    }

    /// The revisions that bundle a revision.
    pub fn parents(&self, index: RevisionIndex) -> &[RevisionIndex] {
        self.parents.row(index)
    }

    /// The latest, not expired revisions of other updates that replace an update.
    pub fn superseded_by(&self, update: UpdateIndex) -> &[RevisionIndex] {
        self.superseded_by.row(update)
    }

    /// The updates named in a revision's prerequisites; one may come twice.
    pub fn prerequisites(&self, index: RevisionIndex) -> impl Iterator<Item = UpdateIndex> + '_ {
        self.prerequisites.alternatives_of(index)
    }

    /// Whether a revision is of type Category.
    pub fn is_category(&self, index: RevisionIndex) -> bool {
        let update_type = self.revision(index).map(|revision| revision.metadata.update_type);
        update_type == Some(UpdateType::Category)
    }

    /// The type of an update that is a category, by its latest revision.
    ///
    /// A category whose document names no type is [`CategoryType::Other`].
    pub fn category_type(&self, update: UpdateIndex) -> Option<CategoryType> {
        let metadata = &self.revision(self.latest(update)?)?.metadata;
        let is_category = metadata.update_type == UpdateType::Category;
        is_category.then(|| metadata.category_type.unwrap_or(CategoryType::Other))
    }

    /// The categories a revision belongs to: those its prerequisites name, and the categories that
    /// the latest revisions of those name in turn, up to the company.
    pub fn categories(&self, index: RevisionIndex) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        let mut open = vec![index];
        while let Some(revision) = open.pop() {
            for update in self.prerequisites(revision) {
                if self.category_type(update).is_some() && found.insert(update) {
                    open.extend(self.latest(update));
                }
            }
        }
        found
    }

    /// The categories of one type that a revision belongs to, for example its products.
    pub fn categories_of_type(
        &self,
        index: RevisionIndex,
        category_type: CategoryType,
    ) -> RoaringBitmap {
        let categories = self.categories(index).into_iter();
        categories.filter(|&update| self.category_type(update) == Some(category_type)).collect()
    }
}
