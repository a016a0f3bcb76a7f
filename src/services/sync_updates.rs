//! SyncUpdates ([MS-WUSP] 3.1.5.7): the scan.

use std::sync::Arc;

use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::catalog::{RevisionIndex, Scan};
use crate::metadata::prepared::{FragmentType, PreparedFragments};
use crate::policy::target_group;
use crate::policy::view::View;
use crate::services::call::Outcome;
use crate::services::cookie::{Watermark, Watermarks};
use crate::services::deployments::Audience;
use crate::services::session::{CATEGORY_SCANS, Session};
use crate::services::{ServiceError, Services, drivers};
use crate::state::{Published, Tracked};
use crate::wire::body::BodyWriter;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::types::RevisionId;
use crate::wire::wusp::client::{
    SyncInfo, SyncUpdateParameters, SyncUpdatesRequest, SyncUpdatesResponse, UpdateInfo,
};

/// What a pass found, before it is written.
pub(super) struct Pass {
    /// Needed and not cached, in order of delivery.
    pub(super) new: Vec<RevisionIndex>,
    /// Needed and cached.
    pub(super) kept: RoaringBitmap,
    pub(super) out_of_scope: Vec<RevisionId>,
    pub(super) deployed_out_of_scope: Vec<RevisionId>,
    /// For a driver pass: the hardware ids by which each new revision is the best.
    pub(super) hardware_ids: Vec<Vec<String>>,
    pub(super) driver_sync_not_needed: bool,
    /// Which changes the client was told of by passes like this one.
    pub(super) watermark: fn(&mut Watermarks) -> &mut Watermark,
    /// A fingerprint of the categories that the pass is limited to.
    pub(super) categories: Option<u64>,
}

/// Everything a pass is answered from.
pub(super) struct Asked {
    pub(super) published: Arc<Published>,
    pub(super) view: Arc<View>,
    pub(super) session: Session,
    pub(super) tracked: Tracked,
}

impl Services {
    pub(super) fn sync_updates(
        &self,
        request: SyncUpdatesRequest<'_>,
        version: SoapVersion,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let (session, tracked) = self.registered_session(request.cookie.as_ref(), outcome)?;
        let parameters = request.parameters.ok_or_else(|| ServiceError::parameter("parameters"))?;
        self.check(&parameters)?;
        let asked = self.asked(session, tracked);
        let pass = if parameters.skip_software_sync == Some(true) {
            drivers::driver_pass(&asked, &parameters)
        } else {
            software_pass(&asked, &parameters)
        };
        self.answer(asked, pass, |info| soap::respond(version, &SyncUpdatesResponse(info)))
    }

    fn check(&self, parameters: &SyncUpdateParameters<'_>) -> Result<(), ServiceError> {
        // The real server counts entries as sent, duplicates included.
        let installed = parameters.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
        if installed.len() > self.settings.max_installed {
            return Err(ServiceError::parameter("parameters.InstalledNonLeafUpdateIDs"));
        }
        if parameters.system_spec.is_some() && parameters.skip_software_sync != Some(true) {
            return Err(ServiceError::parameter("parameters.SystemSpec"));
        }
        Ok(())
    }

    pub(super) fn asked(&self, session: Session, tracked: Tracked) -> Asked {
        let published = self.state.published();
        let view = published.view(&target_group::effective(&tracked.computer.groups));
        Asked { published, view, session, tracked }
    }

    /// Cuts the page, reads its fragments and writes it with the cookie for the next call.
    pub(super) fn answer(
        &self,
        asked: Asked,
        pass: Pass,
        respond: impl FnOnce(SyncInfo<'_>) -> BodyWriter,
    ) -> Result<BodyWriter, ServiceError> {
        let Asked { published, view, mut session, tracked } = asked;
        let (catalog, scope) = (&published.catalog, &published.scope);
        let protocol = session.state.protocol;
        let audience = Audience::new(protocol, Some(&tracked));

        let revision = |index: &RevisionIndex| catalog.revision(*index);
        let sizes: Vec<u32> = pass.new.iter().filter_map(revision).map(|r| r.core_bytes).collect();
        let page = self.settings.page.page(session.state.round.into(), &sizes);
        let new = &pass.new[..page.len.min(pass.new.len())];
        let fragments: Vec<Arc<PreparedFragments>> = new
            .iter()
            .filter_map(|index| published.record(*index))
            .map(|record| self.fragments(record))
            .collect::<Result<_, _>>()?;
        let hardware_ids: Vec<Vec<&str>> =
            pass.hardware_ids.iter().map(|ids| ids.iter().map(String::as_str).collect()).collect();
        let update_info = |index: RevisionIndex, hardware_ids, xml| {
            let deployment = view.deployment(catalog, scope, index)?;
            Some(UpdateInfo {
                id: catalog.revision(index)?.id,
                deployment: audience.deployment(&deployment, hardware_ids),
                is_leaf: catalog.is_leaf(index),
                xml,
            })
        };
        let new_updates: Vec<UpdateInfo<'_>> = new
            .iter()
            .zip(&fragments)
            .enumerate()
            .filter_map(|(at, (index, fragments))| {
                let hardware_ids = hardware_ids.get(at).map_or(&[][..], Vec::as_slice);
                update_info(*index, hardware_ids, fragments.single(FragmentType::Core))
            })
            .collect();

        // A client whose groups changed may have cached deployments of groups it left.
        if session.state.groups != view.fingerprint() {
            session.state.groups = view.fingerprint();
            session.state.watermarks = Watermarks::default();
        }
        let watermark = (pass.watermark)(&mut session.state.watermarks);
        let told = watermark.told(pass.categories);
        watermark.tell(pass.categories, published.sequence);
        let changed_updates: Vec<UpdateInfo<'_>> = pass
            .kept
            .iter()
            .filter(|index| {
                let deployment = view.deployment(catalog, scope, *index);
                deployment.is_some_and(|deployment| deployment.changed > told)
            })
            .filter_map(|index| update_info(index, &[], None))
            .collect();

        let unlocks_more = new_updates.iter().any(|update| !update.is_leaf);
        session.state.round = match page.truncated || unlocks_more {
            true => session.state.round.saturating_add(1),
            false => 0,
        };
        let cookie = self.seal(&session)?;
        let knows_categories = protocol >= CATEGORY_SCANS;
        Ok(respond(SyncInfo {
            new_updates: &new_updates,
            out_of_scope_revision_ids: &pass.out_of_scope,
            changed_updates: &changed_updates,
            truncated: page.truncated,
            new_cookie: Some(cookie.as_wire()),
            deployed_out_of_scope_revision_ids: &pass.deployed_out_of_scope,
            driver_sync_not_needed: knows_categories.then_some(pass.driver_sync_not_needed),
        }))
    }
}

fn software_pass(asked: &Asked, parameters: &SyncUpdateParameters<'_>) -> Pass {
    let Asked { published, session, .. } = asked;
    let (catalog, scope) = (&published.catalog, &published.scope);
    let installed = parameters.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
    let other = parameters.other_cached_update_ids.as_deref().unwrap_or_default();
    // An empty filter is no filter: the client "is not performing a category scan".
    let filter = parameters.filter_category_ids.as_deref().filter(|filter| !filter.is_empty());
    let needed = published.needed(installed, filter);
    let two_groups = filter.is_some()
        && parameters.need_two_group_out_of_scope_updates == Some(true)
        && session.state.protocol >= CATEGORY_SCANS;
    let scan = Scan { cached: &[installed, other], two_groups };
    let delta = catalog.delta(scope, &needed, &scan);
    let drivers_in_scope = match filter {
        Some(filter) => !catalog.related(scope, filter).is_disjoint(&scope.drivers),
        None => !scope.drivers.is_empty(),
    };
    Pass {
        new: delta.new,
        kept: delta.kept,
        out_of_scope: delta.out_of_scope,
        deployed_out_of_scope: delta.deployed_out_of_scope,
        hardware_ids: Vec::new(),
        driver_sync_not_needed: !drivers_in_scope,
        watermark: |watermarks| &mut watermarks.software,
        categories: filter.map(categories),
    }
}

/// Tells the categories that a pass is limited to from others. The order in which a client names
/// them says nothing.
pub(super) fn categories(filter: &[Uuid]) -> u64 {
    let mut filter = filter.to_vec();
    filter.sort_unstable();
    target_group::fingerprint(&filter)
}
