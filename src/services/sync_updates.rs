//! SyncUpdates ([MS-WUSP] 3.1.5.7): the scan.

use std::sync::Arc;

use uuid::Uuid;

use crate::catalog::{Delta, DriverMatch, RevisionIndex, Scan};
use crate::metadata::prepared::{FragmentType, PreparedFragments};
use crate::policy::target_group;
use crate::policy::view::View;
use crate::services::call::{Outcome, SoapCall};
use crate::services::deployments::Deployments;
use crate::services::session::{CATEGORY_SCANS, Session};
use crate::services::{ServiceError, Services, drivers};
use crate::state::{Published, StateError, Tracked};
use crate::wire::body::BodyWriter;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::wusp::client::{
    SyncInfo, SyncUpdateParameters, SyncUpdatesRequest, SyncUpdatesResponse, UpdateInfo,
};

/// Everything a pass is answered from.
pub(super) struct Asked {
    pub(super) published: Arc<Published>,
    pub(super) view: Arc<View>,
    pub(super) session: Session,
    pub(super) tracked: Tracked,
}

/// Which part of a client's cache a pass is about. Each has its own watermark, because a pass
/// tells of no change in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Software,
    Drivers,
}

/// What a pass found, before it is written.
pub(super) struct Pass {
    pub(super) part: Part,
    pub(super) delta: Delta,
    /// Why each driver was chosen, ascending by revision.
    pub(super) matches: Vec<DriverMatch>,
    /// Whether the pass is about all that the client has cached of the part. Only then does it
    /// learn of every change, and only then the watermark may move.
    pub(super) is_complete: bool,
    pub(super) driver_sync_not_needed: bool,
}

/// A page: what is delivered, and whether something is left.
struct Page {
    updates: Vec<(RevisionIndex, Arc<PreparedFragments>)>,
    truncated: bool,
}

impl Services {
    pub(super) fn sync_updates(
        &self,
        request: SyncUpdatesRequest<'_>,
        version: SoapVersion,
        call: &SoapCall,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let session = self.session(request.cookie.as_ref(), outcome)?;
        let parameters = request.parameters.ok_or_else(|| ServiceError::parameter("parameters"))?;
        self.check(&parameters)?;
        let asked = self.asked(session)?;
        let pass = if parameters.skip_software_sync == Some(true) {
            self.note_hardware(&parameters);
            drivers::driver_pass(&asked, &parameters)
        } else {
            software_pass(&asked, &parameters)
        };
        self.remember_quiet(call, version, &asked, &pass);
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

    pub(super) fn asked(&self, mut session: Session) -> Result<Asked, ServiceError> {
        let published = self.state.published();
        let tracked = self.registered(&session, &published)?;
        let view = published.view(&target_group::effective(&tracked.computer.groups));
        let state = &mut session.state;
        state.timeline = published.timelines.current();
        if state.view != view.fingerprint() {
            // The computer may have cached deployments of groups that it left.
            state.view = view.fingerprint();
            state.software_watermark = 0;
            state.driver_watermark = 0;
        }
        Ok(Asked { published, view, session, tracked })
    }

    /// Cuts the page, reads its fragments and writes it with the cookie for the next call.
    pub(super) fn answer(
        &self,
        asked: Asked,
        pass: Pass,
        respond: impl FnOnce(SyncInfo<'_>) -> BodyWriter,
    ) -> Result<BodyWriter, ServiceError> {
        let Asked { published, view, mut session, tracked } = asked;
        let state = &mut session.state;
        let page = self.page(&published, &pass.delta.new, state.round)?;
        let deployments = Deployments::new(&published, &view, state.protocol, Some(&tracked))
            .of_drivers(&pass.matches);
        let new_updates: Vec<UpdateInfo<'_>> = page
            .updates
            .iter()
            .filter_map(|(index, fragments)| {
                deployments.update(*index, fragments.single(FragmentType::Core))
            })
            .collect();
        let watermark = match pass.part {
            Part::Software => &mut state.software_watermark,
            Part::Drivers => &mut state.driver_watermark,
        };
        let changed_updates = deployments.changed_since(&pass.delta.kept, *watermark);
        if pass.is_complete {
            *watermark = published.sequence;
        }
        // The client comes back for what is left, and for what non-leaf updates unlock.
        let goes_on = page.truncated || new_updates.iter().any(|update| !update.is_leaf);
        state.round = if goes_on { state.round.saturating_add(1) } else { 0 };

        let tells_driver_sync = state.protocol >= CATEGORY_SCANS;
        let cookie = self.seal(&session)?;
        Ok(respond(SyncInfo {
            new_updates: &new_updates,
            out_of_scope_revision_ids: &pass.delta.out_of_scope,
            changed_updates: &changed_updates,
            truncated: page.truncated,
            new_cookie: Some(cookie.as_wire()),
            deployed_out_of_scope_revision_ids: &pass.delta.deployed_out_of_scope,
            driver_sync_not_needed: tells_driver_sync.then_some(pass.driver_sync_not_needed),
        }))
    }

    fn page(
        &self,
        published: &Published,
        new: &[RevisionIndex],
        round: u16,
    ) -> Result<Page, StateError> {
        let size = |index: &RevisionIndex| Some(published.catalog.revision(*index)?.core_bytes);
        let sizes: Vec<u32> = new.iter().filter_map(size).collect();
        let page = self.settings.page.page(round.into(), &sizes);
        let places = new.iter().filter_map(|index| Some((*index, published.places(*index)?)));
        let updates = places
            .take(page.len)
            .map(|(index, places)| Ok((index, self.state.fragments(places.core)?)))
            .collect::<Result<_, StateError>>()?;
        Ok(Page { updates, truncated: page.truncated })
    }
}

fn software_pass(asked: &Asked, parameters: &SyncUpdateParameters<'_>) -> Pass {
    let Published { catalog, scope, .. } = &*asked.published;
    let installed = parameters.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
    let other = parameters.other_cached_update_ids.as_deref().unwrap_or_default();
    let filter = filter(parameters);
    let needed = asked.published.needed(installed, filter);
    let two_groups = two_groups(asked, parameters);
    let delta = catalog.delta(scope, &needed, &Scan { cached: &[installed, other], two_groups });
    let no_drivers = match filter {
        Some(filter) => asked.published.related(filter).is_disjoint(&scope.drivers),
        None => scope.drivers.is_empty(),
    };
    Pass {
        part: Part::Software,
        delta,
        matches: Vec::new(),
        is_complete: filter.is_none() || (installed.is_empty() && other.is_empty()),
        driver_sync_not_needed: no_drivers,
    }
}

/// The categories that a pass is limited to. An empty list limits nothing: the client "is not
/// performing a category scan".
pub(super) fn filter<'p>(parameters: &'p SyncUpdateParameters<'_>) -> Option<&'p [Uuid]> {
    parameters.filter_category_ids.as_deref().filter(|filter| !filter.is_empty())
}

/// Whether revisions that only fall outside the categories are to be told apart from those that
/// are no longer deployed.
pub(super) fn two_groups(asked: &Asked, parameters: &SyncUpdateParameters<'_>) -> bool {
    filter(parameters).is_some()
        && parameters.need_two_group_out_of_scope_updates == Some(true)
        && asked.session.state.protocol >= CATEGORY_SCANS
}
