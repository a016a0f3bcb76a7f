//! GetDriverIdList and GetDriverSetData, which real servers call on Microsoft Update alone
//! ([MS-WSUSSS] 3.1.4.7, 3.1.4.8).
//!
//! A WSUS as upstream server allows no hardware ids and no driver sets in a request, and sends
//! drivers as it sends software: by product and classification. So does this one. What follows from
//! that is a pair of operations that check what they are asked, and have nothing to tell.

use std::borrow::Cow;

use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::wire::wsusss::server_sync::{
    DriverSetAndRevisionIdList, GetDriverIdListRequest, GetDriverIdListResponse,
    GetDriverSetDataRequest, GetDriverSetDataResponse, ServerDriverSetData,
};

use super::anchor::Anchor;

impl Services {
    /// GetDriverIdList: without ids no driver matches.
    pub(super) fn driver_list(
        &self,
        request: &GetDriverIdListRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetDriverIdListResponse<'static>, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        let invalid = || ServiceError::parameter("filter");
        let filter = request.filter.as_ref().ok_or_else(invalid)?;
        Anchor::read(filter.anchor.as_deref(), "filter")?;
        let is_empty = |length: Option<usize>| length.is_none_or(|length| length == 0);
        if !is_empty(filter.computer_ids.as_ref().map(Vec::len))
            || !is_empty(filter.pnp_hardware_ids.as_ref().map(Vec::len))
        {
            return Err(invalid());
        }
        let published = self.state.published();
        let number = published.catalog.newest().map_or(1, |newest| newest.0);
        let anchor = Anchor { number, at: self.now() };
        let result = DriverSetAndRevisionIdList {
            anchor: Some(Cow::Owned(anchor.to_string())),
            new_revisions: Some(Vec::new()),
            new_driver_sets: Some(Vec::new()),
            removed_driver_sets: Some(Vec::new()),
        };
        Ok(GetDriverIdListResponse { result: Some(result) })
    }

    /// GetDriverSetData: an empty list is answered with nothing, and any other is too long.
    pub(super) fn driver_sets(
        &self,
        request: &GetDriverSetDataRequest,
        outcome: &mut Outcome,
    ) -> Result<GetDriverSetDataResponse<'static>, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        match &request.driver_sets {
            Some(sets) if sets.is_empty() => {
                let result = ServerDriverSetData { driver_sets: Some(Vec::new()) };
                Ok(GetDriverSetDataResponse { result: Some(result) })
            }
            _ => Err(ServiceError::parameter("driverSets")),
        }
    }
}
