//! The catalogue as one immutable value, and everything that can be looked up in it.
//!
//! Readers hold it behind an `Arc` and never wait; the next one shares with it what did not change.
//! Methods that take
//! an index answer an index of another snapshot with nothing rather than with a panic.

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::chunks::Chunks;
use super::driver::DriverTable;
use super::numbers_given::NumbersGiven;
use super::prerequisites::{FollowedClauses, Prerequisites};
use super::revision::{Revision, RevisionIndex, UpdateIndex};
use super::rows::Rows;
use super::sharded::Sharded;
use crate::metadata::model::{CategoryType, UpdateType};
use crate::wire::types::{RevisionId, Sha1, UpdateIdentity};

/// All revisions that the server has, as a graph of dense numbers.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Ascending by id, with the places of those that were taken away.
    pub(super) revisions: Chunks<Revision>,
    /// How many of them were.
    pub(super) gone: usize,
    /// The updates that are here or that others name.
    pub(super) update_ids: Chunks<Uuid>,
    pub(super) numbers: Sharded<Uuid, UpdateIndex>,
    /// The revisions of each update, ascending by revision number; none of one that is only named.
    pub(super) history: Rows<RevisionIndex>,
    pub(super) prerequisites: Prerequisites,
    /// The revisions that each revision bundles.
    pub(super) members: Rows<RevisionIndex>,
    /// The revisions that bundle each revision.
    pub(super) parents: Rows<RevisionIndex>,
    /// The revisions that say of an update that they replace it; some may have been taken away.
    pub(super) superseders: Rows<RevisionIndex>,
    /// The content files of each revision, without express files.
    pub(super) files: Rows<Sha1>,
    /// Express files of each revision.
    pub(super) express_files: Rows<Sha1>,
    /// The licence of each revision, which most do not have.
    pub(super) eula_ids: Rows<Uuid>,
    /// The licence texts of each revision.
    pub(super) licences: Rows<Sha1>,
    /// Revisions of type Driver.
    pub(super) drivers: RoaringBitmap,
    pub(super) driver_table: DriverTable,
    /// Revisions offered for their own sake: see [`Catalog::scope`].
    pub(super) tops: RoaringBitmap,
}

impl Catalog {
    /// Number of revisions.
    pub fn len(&self) -> usize {
        self.revisions.len() - self.gone
    }

    /// Whether there is no revision at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of updates, those included that are only named: update indices are below it.
    pub fn update_count(&self) -> usize {
        self.update_ids.len()
    }

    /// All revisions, ascending by id.
    pub fn revisions(&self) -> impl DoubleEndedIterator<Item = (RevisionIndex, &Revision)> + Clone {
        let here = |index| Some((index, self.revision(index)?));
        self.indices().filter_map(here)
    }

    /// The indices of all revisions, and of those that were taken away.
    pub fn indices(&self) -> std::ops::Range<RevisionIndex> {
        0..u32::try_from(self.revisions.len()).unwrap_or(u32::MAX)
    }

    /// The revision at `index`.
    pub fn revision(&self, index: RevisionIndex) -> Option<&Revision> {
        self.revisions.get(index as usize).filter(|revision| !revision.gone)
    }

    /// The highest number that a revision was given, of those that were taken away perhaps.
    pub fn newest(&self) -> Option<RevisionId> {
        self.revisions.last().map(|newest| newest.id)
    }

    /// The revision with this server's number `id`.
    pub fn by_id(&self, id: RevisionId) -> Option<RevisionIndex> {
        self.numbers_given().find(id).filter(|index| self.revision(*index).is_some())
    }

    /// For looking up many numbers; it also finds those that were taken away.
    pub(super) fn numbers_given(&self) -> NumbersGiven<'_> {
        NumbersGiven::of(&self.revisions)
    }

    /// The revision with this global identity.
    pub fn by_identity(&self, identity: &UpdateIdentity) -> Option<RevisionIndex> {
        let history = self.history(self.update(&identity.update_id)?);
        let number = |&index: &RevisionIndex| {
            self.revision(index).map(|revision| revision.metadata.identity.revision_number)
        };
        let found = history.binary_search_by_key(&Some(identity.revision_number), number).ok()?;
        history.get(found).copied()
    }

    /// The update with this id, if there is a revision of it.
    pub fn update(&self, update_id: &Uuid) -> Option<UpdateIndex> {
        self.numbers.get(update_id).copied().filter(|&update| !self.history(update).is_empty())
    }

    /// The id of an update.
    pub fn update_id(&self, update: UpdateIndex) -> Option<Uuid> {
        self.update_ids.get(update as usize).copied()
    }

    /// The update that a revision is a revision of.
    pub fn update_of(&self, index: RevisionIndex) -> Option<UpdateIndex> {
        self.revision(index).map(|revision| revision.update)
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
    pub fn superseded_by(&self, update: UpdateIndex) -> impl Iterator<Item = RevisionIndex> + '_ {
        self.superseders.row(update).iter().copied().filter(move |&revision| {
            self.update_of(revision)
                .is_some_and(|other| other != update && self.candidate(other) == Some(revision))
        })
    }

    /// Whether a prerequisite of any revision names this update, be it here or not.
    pub fn is_named(&self, update_id: &Uuid) -> bool {
        self.numbers.get(update_id).is_some_and(|&update| self.prerequisites.is_named(update))
    }

    /// The files of a revision that differ from what is installed by old files only (`PatchingType`
    /// Express): clients can do with the others.
    pub fn express_files(&self, index: RevisionIndex) -> &[Sha1] {
        self.express_files.row(index)
    }

    /// The content files of a revision, without express files.
    pub fn files(&self, index: RevisionIndex) -> &[Sha1] {
        self.files.row(index)
    }

    /// `EulaID` of a revision that has a licence.
    pub fn eula_id(&self, index: RevisionIndex) -> Option<Uuid> {
        self.eula_ids.row(index).first().copied()
    }

    /// The licence texts of a revision.
    pub fn licences(&self, index: RevisionIndex) -> &[Sha1] {
        self.licences.row(index)
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
        let mut followed = FollowedClauses::default();
        while let Some(revision) = open.pop() {
            for update in followed.follow(&self.prerequisites, revision) {
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

#[cfg(test)]
mod tests {
    use super::super::draft::{Draft, identity, uuid};
    use super::*;

    #[test]
    fn revisions_are_found_by_either_identity_and_by_update() {
        let catalog = Catalog::build(vec![
            Draft::new(9, 1, 1).build(),
            Draft::new(4, 2, 7).build(),
            Draft::new(6, 1, 3).build(),
        ]);
        let ids: Vec<u32> = catalog.revisions().map(|(_, revision)| revision.id.0).collect();
        assert_eq!(ids, [4, 6, 9]);
        assert_eq!((catalog.len(), catalog.update_count()), (3, 2));
        assert_eq!(catalog.by_id(RevisionId(6)), Some(1));
        assert_eq!(catalog.by_id(RevisionId(5)), None);
        assert_eq!(catalog.by_identity(&identity(1, 1)), Some(2));
        assert_eq!(catalog.by_identity(&identity(2, 1)), None);
        let update = catalog.update(&uuid(1)).expect("has revisions");
        assert_eq!(catalog.history(update), [2, 1], "by revision number, not by id");
        assert_eq!(catalog.latest(update), Some(1));
        assert_eq!(catalog.update_id(update), Some(uuid(1)));
        assert_eq!((catalog.update_of(0), catalog.update_of(2)), (Some(0), Some(1)));
    }

    #[test]
    fn an_index_of_another_snapshot_finds_nothing() {
        let catalog = Catalog::build(vec![Draft::new(1, 1, 1).needs(&[1]).build()]);
        assert!(catalog.revision(1).is_none() && catalog.update_of(1).is_none());
        assert!(catalog.latest(1).is_none() && catalog.update_id(1).is_none());
        assert!(catalog.members(1).is_empty() && catalog.parents(1).is_empty());
        assert!(catalog.is_leaf(1) && catalog.categories(1).is_empty());
        assert!(Catalog::build(Vec::new()).is_empty());
    }

    #[test]
    fn of_duplicates_the_first_is_kept() {
        let catalog = Catalog::build(vec![
            Draft::new(3, 1, 1).build(),
            Draft::new(2, 1, 1).build(),
            Draft::new(2, 7, 1).build(),
            Draft::new(5, 8, 1).build(),
        ]);
        let ids: Vec<u32> = catalog.revisions().map(|(_, revision)| revision.id.0).collect();
        assert_eq!(ids, [2, 5]);
        assert_eq!(catalog.by_identity(&identity(1, 1)), Some(0));
        assert_eq!(catalog.by_identity(&identity(8, 1)), Some(1));
    }

    #[test]
    fn any_prerequisite_of_any_revision_makes_an_update_no_leaf() {
        let catalog = Catalog::build(vec![
            Draft::new(1, 1, 1).category(CategoryType::Product).build(),
            Draft::new(2, 2, 1).detectoid().build(),
            Draft::new(3, 3, 1).filed_under(&[1]).needs(&[2, 99]).expired(true).build(),
            Draft::new(4, 3, 2).build(),
            Draft::new(5, 4, 1).bundles(&[(3, 2)]).build(),
        ]);
        let leaves = [0, 1, 2, 3, 4].map(|index| catalog.is_leaf(index));
        assert_eq!(leaves, [false, false, true, true, true], "bundling does not count");
    }

    #[test]
    fn categories_are_followed_up_to_the_company() {
        const COMPANY: u128 = 1;
        const FAMILY: u128 = 2;
        const PRODUCT: u128 = 3;
        const SECURITY: u128 = 4;
        const DETECTOID: u128 = 5;
        const UPDATE: u128 = 6;
        let catalog = Catalog::build(vec![
            Draft::new(1, COMPANY, 1)
                .category(CategoryType::Company)
                .filed_under(&[FAMILY])
                .build(),
            Draft::new(2, FAMILY, 1)
                .category(CategoryType::ProductFamily)
                .filed_under(&[COMPANY])
                .build(),
            Draft::new(3, PRODUCT, 1)
                .category(CategoryType::Product)
                .filed_under(&[FAMILY])
                .build(),
            Draft::new(4, SECURITY, 1).category(CategoryType::UpdateClassification).build(),
            Draft::new(5, DETECTOID, 1).detectoid().build(),
            Draft::new(6, UPDATE, 1)
                .needs(&[DETECTOID])
                .needs(&[PRODUCT])
                .filed_under(&[SECURITY, 99])
                .build(),
        ]);
        let updates = |updates: &[u128]| {
            updates.iter().filter_map(|&update| catalog.update(&uuid(update))).collect()
        };
        let found: RoaringBitmap = updates(&[COMPANY, FAMILY, PRODUCT, SECURITY]);
        assert_eq!(catalog.categories(5), found);
        let products = catalog.categories_of_type(5, CategoryType::Product);
        assert_eq!(products, updates(&[PRODUCT]));
    }

    #[test]
    fn an_update_is_superseded_by_what_is_current_only() {
        let catalog = Catalog::build(vec![
            Draft::new(1, 1, 1).supersedes(&[1]).build(),
            Draft::new(2, 2, 1).supersedes(&[1]).build(),
            Draft::new(3, 2, 2).supersedes(&[99]).build(),
            Draft::new(4, 3, 1).supersedes(&[1]).expired(true).build(),
            Draft::new(5, 4, 1).supersedes(&[1, 1]).build(),
        ]);
        assert_eq!(catalog.superseded_by(0).collect::<Vec<_>>(), [4]);
    }
}
