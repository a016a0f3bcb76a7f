//! StartCategoryScan ([MS-WUSP] 2.2.2.2.8): which categories to ask for when scanning only a part
//! of the catalogue.

use uuid::Uuid;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{
    RequestError, Structure, guid, int, list, request_structure, required,
};
use crate::wire::soap::write::Writer;
use crate::wire::wusp::limits;
use crate::wire::xml::Cursor;

request_structure! {
    /// The request. It carries no cookie.
    pub struct StartCategoryScanRequest {
        /// A disjunction of groups: categories of one group belong together.
        requested_categories: Vec<CategoryRelationship> = "requestedCategories" => list(
            &["CategoryRelationship"], limits::CATEGORIES, CategoryRelationship::read),
    }
}

/// A category in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryRelationship {
    /// The group.
    pub index_of_and_group: i32,
    /// The category.
    pub category_id: Uuid,
}

request_structure! {
    /// A [`CategoryRelationship`] before both parts are known to be there.
    struct CategoryRelationshipParts {
        /// The group.
        index_of_and_group: i32 = "IndexOfAndGroup" => int,
        /// The category.
        category_id: Uuid = "CategoryId" => guid,
    }
}

impl CategoryRelationship {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, RequestError> {
        let parts = CategoryRelationshipParts::read(cursor)?;
        Ok(Self {
            index_of_and_group: required(parts.index_of_and_group, "IndexOfAndGroup")?,
            category_id: required(parts.category_id, "CategoryId")?,
        })
    }
}

/// The response, which has no Result element around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartCategoryScanResponse<'r> {
    /// What to give SyncUpdates as `FilterCategoryIds`.
    pub preferred_category_ids: &'r [Uuid],
    /// The requested categories that this server does not know.
    pub requested_category_ids_in_error: &'r [Uuid],
}

impl Response for StartCategoryScanResponse<'_> {
    const OPERATION: Operation = Operation::StartCategoryScan;

    fn write(&self, out: &mut Writer<'_>) {
        let guid = |out: &mut Writer<'_>, id: &Uuid| out.display("guid", id);
        out.list("preferredCategoryIds", self.preferred_category_ids, guid);
        out.list("requestedCategoryIdsInError", self.requested_category_ids_in_error, guid);
    }
}
