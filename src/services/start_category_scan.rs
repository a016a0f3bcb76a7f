//! StartCategoryScan ([MS-WUSP] 3.1.5.6). It has no cookie.

use crate::catalog::CategoryScan;
use crate::services::{ServiceError, Services};
use crate::wire::wusp::client::StartCategoryScanRequest;

/// So many categories are too many ([MS-WUSP] note 52).
const TOO_MANY: usize = 200;

impl Services {
    pub(super) fn category_scan(
        &self,
        request: &StartCategoryScanRequest,
    ) -> Result<CategoryScan, ServiceError> {
        let requested = request.requested_categories.as_deref();
        let requested = requested.filter(|requested| requested.len() < TOO_MANY);
        let requested = requested.ok_or_else(|| ServiceError::parameter("requestedCategories"))?;
        let requested: Vec<_> = requested
            .iter()
            .map(|category| (category.index_of_and_group, category.category_id))
            .collect();
        Ok(self.state.published().catalog.category_scan(&requested))
    }
}
