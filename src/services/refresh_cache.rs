//! RefreshCache ([MS-WUSP] 3.1.5.8).
//!
//! A revision gets a row when it is deployed to the client. The real server leaves bundle members
//! out, and every client then has to fetch them again; here they have their rows too.

use crate::policy::target_group;
use crate::services::call::Outcome;
use crate::services::deployments::Deployments;
use crate::services::{ServiceError, Services};
use crate::wire::body::BodyWriter;
use crate::wire::soap;
use crate::wire::soap::SoapVersion;
use crate::wire::wusp::client::{
    RefreshCacheRequest, RefreshCacheResponse, RefreshCacheResult, UpdateInfo,
};

impl Services {
    pub(super) fn refresh_cache(
        &self,
        request: &RefreshCacheRequest<'_>,
        version: SoapVersion,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let session = self.session(request.cookie.as_ref(), outcome)?;
        let identities =
            request.global_ids.as_ref().ok_or_else(|| ServiceError::parameter("globalIDs"))?;
        let tracked = self.state.computers().find(&session.state.client_id);
        let groups = tracked.as_ref().map_or(&[][..], |tracked| &tracked.computer.groups);
        let published = self.state.published();
        let view = published.view(&target_group::effective(groups));
        let protocol = session.state.protocol;
        let deployments = Deployments::new(&published, &view, protocol, tracked.as_ref());
        let rows: Vec<RefreshCacheResult<'_>> = identities
            .iter()
            .filter_map(|identity| {
                let index = published.catalog.by_identity(identity)?;
                let UpdateInfo { id, deployment, is_leaf, .. } = deployments.update(index, None)?;
                Some(RefreshCacheResult {
                    revision_id: id,
                    global_id: *identity,
                    is_leaf,
                    deployment,
                })
            })
            .collect();
        Ok(soap::respond(version, &RefreshCacheResponse(&rows)))
    }
}
