//! GetDriverIdList and GetDriverSetData, which real servers call on Microsoft Update alone
//! ([MS-WSUSSS] 3.1.4.7, 3.1.4.8).
//!
//! A WSUS as upstream server allows no hardware ids and no driver sets in a request, and sends
//! drivers as it sends software: by product and classification. So does this one, unless it is told
//! to allow hardware ids (`downstream.hardware_ids`): then a server with few computers need not take
//! all drivers. There are no driver sets here.

use std::borrow::Cow;

use crate::catalog::{DriverFilter, Since, Wanted};
use crate::services::call::Outcome;
use crate::services::{ServiceError, Services};
use crate::wire::types::RevisionId;
use crate::wire::wsusss::server_sync::{
    DriverSetAndRevisionIdList, GetDriverIdListRequest, GetDriverIdListResponse,
    GetDriverSetDataRequest, GetDriverSetDataResponse, HardwareIdAndDelta, ServerDriverSetData,
};

use super::anchor::Anchor;
use super::revision_list::wanted;

impl Services {
    /// GetDriverIdList.
    pub(super) async fn driver_list(
        &self,
        request: &GetDriverIdListRequest<'_>,
        outcome: &mut Outcome,
    ) -> Result<GetDriverIdListResponse<'static>, ServiceError> {
        self.server_session(request.cookie.as_ref(), outcome)?;
        let invalid = || ServiceError::parameter("filter");
        let filter = request.filter.as_ref().ok_or_else(invalid)?;
        let since = Anchor::read(filter.anchor.as_deref(), "filter")?;
        let since = since.map(|since| Since { newest: RevisionId(since.number), at: since.at });
        let devices = filter.pnp_hardware_ids.as_deref().unwrap_or_default();
        if filter.computer_ids.as_ref().is_some_and(|computers| !computers.is_empty())
            || devices.len() > usize::from(self.settings.downstream_hardware_ids)
        {
            return Err(invalid());
        }
        let device = |it: &HardwareIdAndDelta<'_>| {
            Some(Wanted { id: it.id.as_ref()?.to_lowercase(), delta: it.delta? })
        };
        let devices: Option<Vec<_>> = devices.iter().map(device).collect();
        let wanted = DriverFilter {
            devices: devices.ok_or_else(invalid)?,
            categories: wanted(filter.categories.as_deref())?,
        };
        let published = self.state.published();
        let number = published.catalog.newest().map_or(0, |newest| newest.0);
        let anchor = Anchor { number, at: self.now() };
        let listed = self.blocking(move || {
            let catalog = &published.catalog;
            let drivers = catalog.sync_drivers(&wanted, since);
            let revisions = drivers.iter().filter_map(|index| catalog.revision(index));
            revisions.map(|revision| revision.metadata.identity).collect()
        });
        let result = DriverSetAndRevisionIdList {
            anchor: Some(Cow::Owned(anchor.to_string())),
            new_revisions: Some(listed.await?),
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
