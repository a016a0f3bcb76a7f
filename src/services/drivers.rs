//! The driver pass of SyncUpdates ([MS-WUSP] 3.1.5.7) and SyncPrinterCatalog (3.1.5.12).

use roaring::RoaringBitmap;

use crate::catalog::{Computer, Device, InstalledDriver, RevisionSet, Scan};
use crate::services::call::Outcome;
use crate::services::sync_updates::{Asked, Part, Pass, filter, two_groups};
use crate::services::{ServiceError, Services};
use crate::state::Published;
use crate::wire::body::BodyWriter;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::wusp::client::{
    self, SyncPrinterCatalogRequest, SyncPrinterCatalogResponse, SyncUpdateParameters,
};

/// Drivers that are the best for a device and better than what it has.
pub(super) fn driver_pass(asked: &Asked, parameters: &SyncUpdateParameters<'_>) -> Pass {
    let Published { catalog, scope, .. } = &*asked.published;
    let installed = parameters.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
    let installed = catalog.installed(installed.iter().copied());
    let filter = filter(parameters);
    let related = filter.map(|filter| asked.published.related(filter));
    let eligible = catalog.eligible_drivers(scope, &installed, related.as_deref());
    let chids = parameters.computer_spec.as_ref().and_then(|spec| spec.hardware_ids.as_deref());
    let computer = Computer {
        hardware_ids: chids.unwrap_or_default(),
        feature_score_key: parameters.feature_score_matching_key.as_deref(),
    };
    let devices: Vec<Device<'_>> = parameters.system_spec.iter().flatten().map(device).collect();
    let approved = asked.view.approved();
    let matches = catalog.best_drivers(&eligible, &approved, &computer, &devices);
    let needed: RoaringBitmap = matches.iter().map(|found| found.revision).collect();
    let needed = RevisionSet::from(&needed);
    let cached = parameters.cached_driver_ids.as_deref().unwrap_or_default();
    let two_groups = two_groups(asked, parameters);
    Pass {
        part: Part::Drivers,
        delta: catalog.delta(scope, &needed, &Scan { cached: &[cached], two_groups }),
        matches,
        is_complete: filter.is_none() || cached.is_empty(),
        // Recorded: a driver pass that finds nothing says that none was needed.
        driver_sync_not_needed: needed.is_empty(),
    }
}

fn device<'a>(device: &'a client::Device<'_>) -> Device<'a> {
    let texts = |texts: &'a Option<Vec<std::borrow::Cow<'_, str>>>| -> Vec<&'a str> {
        texts.iter().flatten().map(|text| &**text).collect()
    };
    Device {
        hardware_ids: texts(&device.hardware_ids),
        compatible_ids: texts(&device.compatible_ids),
        installed: device.installed_driver.as_ref().and_then(installed),
    }
}

/// A device without a driver sends one dated 0001-01-01, of version 0.
fn installed<'a>(driver: &'a client::InstalledDriver<'_>) -> Option<InstalledDriver<'a>> {
    let version = driver.driver_ver_version.unwrap_or(0);
    if version == 0 && driver.driver_rank.unwrap_or(-1) == -1 && driver.matching_id.is_none() {
        return None;
    }
    Some(InstalledDriver {
        matching_id: driver.matching_id.as_deref(),
        ver_date: driver.driver_ver_date.map_or(0, |date| date.unix_seconds()),
        ver_version: version.cast_unsigned(),
        class: driver.class.as_deref().unwrap_or_default(),
        manufacturer: driver.manufacturer.as_deref().unwrap_or_default(),
        provider: driver.provider.as_deref().unwrap_or_default(),
        matching_computer_hardware_id: driver.matching_computer_hwid,
        rank: driver.driver_rank.unwrap_or(-1),
    })
}

impl Services {
    /// What hardware there is, is of use to a server that asks its upstream server for drivers.
    pub(super) fn note_hardware(&self, parameters: &SyncUpdateParameters<'_>) {
        let Some(upstream) = &self.upstream else { return };
        let devices = parameters.system_spec.iter().flatten();
        let ids = devices.flat_map(|device| [&device.hardware_ids, &device.compatible_ids]);
        let ids = ids.flatten().flatten().map(|id| &**id);
        let own = parameters.computer_spec.as_ref().and_then(|spec| spec.hardware_ids.as_deref());
        upstream.note_hardware(ids, own.unwrap_or_default());
    }

    pub(super) fn sync_printer_catalog(
        &self,
        request: &SyncPrinterCatalogRequest<'_>,
        version: SoapVersion,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let session = self.session(request.cookie.as_ref(), outcome)?;
        let installed = request.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
        if installed.len() > self.settings.max_installed {
            return Err(ServiceError::parameter("installedNonLeafUpdateIDs"));
        }
        let asked = self.asked(session)?;
        let Published { catalog, scope, .. } = &*asked.published;
        let installed = catalog.installed(installed.iter().copied());
        let eligible = catalog.eligible_drivers(scope, &installed, None);
        let needed = RevisionSet::from(&catalog.printer_drivers(&eligible));
        let cached = request.printer_update_ids.as_deref().unwrap_or_default();
        let pass = Pass {
            part: Part::Drivers,
            delta: catalog.delta(scope, &needed, &Scan { cached: &[cached], two_groups: false }),
            // A driver is the best match for a device, and here no device is named.
            matches: Vec::new(),
            // The client may have drivers of other classes, which are not listed here.
            is_complete: false,
            driver_sync_not_needed: needed.is_empty(),
        };
        self.answer(asked, pass, |info| soap::respond(version, &SyncPrinterCatalogResponse(info)))
    }
}
