//! Which revisions a category-limited scan is about.
//!
//! "The server MUST return only updates that are related to these categories" ([MS-WUSP]
//! 2.2.2.2.4, FilterCategoryIds) leaves open what related means. It must include whatever the
//! client needs to evaluate the updates of a category: the chain up to the company, detectoids,
//! and the members of bundles, which themselves often name no category.

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::prerequisites::FollowedClauses;
use super::revision::RevisionIndex;
use super::scope::Scope;
use super::snapshot::Catalog;

impl Catalog {
    /// The revisions in scope that are related to the categories of `filter`:
    ///
    /// 1. these categories, and the categories that name one of them in a prerequisite, and so on
    ///    down;
    /// 2. every revision that names one of those in a prerequisite;
    /// 3. what all these bundle and what their prerequisites name, and so on.
    ///
    /// Ids that are not those of a category in scope relate to nothing.
    pub fn related(&self, scope: &Scope, filter: &[Uuid]) -> RoaringBitmap {
        let mut related = self.filed_under(scope, filter);
        let mut open: Vec<RevisionIndex> = related.iter().collect();
        let mut followed = FollowedClauses::default();
        while let Some(revision) = open.pop() {
            let members =
                self.members(revision).iter().filter_map(|&member| self.update_of(member));
            let named = followed.follow(&self.prerequisites, revision);
            let needed = members.chain(named);
            let in_scope =
                needed.filter_map(|update| self.revision_within(update, &scope.in_scope));
            open.extend(in_scope.filter(|&revision| related.insert(revision)));
        }
        related
    }

    /// The categories of `filter`, the categories below them, and what names any of these.
    fn filed_under(&self, scope: &Scope, filter: &[Uuid]) -> RoaringBitmap {
        let named = filter.iter().filter_map(|id| self.update(id));
        let categories = named.filter_map(|update| self.revision_within(update, &scope.in_scope));
        let mut filed: RoaringBitmap =
            categories.filter(|&revision| self.is_category(revision)).collect();
        let mut open: Vec<RevisionIndex> = filed.iter().collect();
        while let Some(category) = open.pop() {
            let Some(update) = self.update_of(category) else { continue };
            let below = self.prerequisites.naming(update) & &scope.in_scope;
            let fresh = below - &filed;
            open.extend(fresh.iter().filter(|&revision| self.is_category(revision)));
            filed |= fresh;
        }
        filed
    }
}
