//! The driver pass of SyncUpdates ([MS-WUSP] 3.1.5.7) and SyncPrinterCatalog (3.1.5.12).

use roaring::RoaringBitmap;

use crate::catalog::{Computer, Device, InstalledDriver, Scan};
use crate::services::call::Outcome;
use crate::services::session::{CATEGORY_SCANS, HARDWARE_IDS};
use crate::services::sync_updates::{Asked, Pass, categories};
use crate::services::{ServiceError, Services};
use crate::wire::body::BodyWriter;
use crate::wire::soap::{self, SoapVersion};
use crate::wire::wusp::client::{
    self, SyncPrinterCatalogRequest, SyncPrinterCatalogResponse, SyncUpdateParameters,
};

/// Drivers that are the best for a device and better than what it has.
pub(super) fn driver_pass(asked: &Asked, parameters: &SyncUpdateParameters<'_>) -> Pass {
    let Asked { published, session, .. } = asked;
    let (catalog, scope) = (&published.catalog, &published.scope);
    let installed = parameters.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
    let installed = catalog.installed(installed.iter().copied());
    let filter = parameters.filter_category_ids.as_deref().filter(|filter| !filter.is_empty());
    let related = filter.map(|filter| catalog.related(scope, filter));
    let eligible = catalog.eligible_drivers(scope, &installed, related.as_ref());
    let chids = parameters.computer_spec.as_ref().and_then(|spec| spec.hardware_ids.as_deref());
    let computer = Computer {
        hardware_ids: chids.unwrap_or_default(),
        feature_score_key: parameters.feature_score_matching_key.as_deref(),
    };
    let devices: Vec<Device<'_>> = parameters.system_spec.iter().flatten().map(device).collect();
    let matches = catalog.best_drivers(&eligible, &computer, &devices);
    let needed: RoaringBitmap = matches.iter().map(|found| found.revision).collect();
    let cached = parameters.cached_driver_ids.as_deref().unwrap_or_default();
    let two_groups = filter.is_some()
        && parameters.need_two_group_out_of_scope_updates == Some(true)
        && session.state.protocol >= CATEGORY_SCANS;
    let delta = catalog.delta(scope, &needed, &Scan { cached: &[cached], two_groups });
    let told = session.state.protocol >= HARDWARE_IDS;
    let hardware_ids = delta
        .new
        .iter()
        .map(|index| {
            let found = matches.iter().find(|found| found.revision == *index);
            found.filter(|_| told).map_or_else(Vec::new, |found| found.hardware_ids.clone())
        })
        .collect();
    Pass {
        // Recorded: a driver pass that finds nothing says that none was needed.
        driver_sync_not_needed: delta.new.is_empty(),
        new: delta.new,
        kept: delta.kept,
        out_of_scope: delta.out_of_scope,
        deployed_out_of_scope: delta.deployed_out_of_scope,
        hardware_ids,
        watermark: |watermarks| &mut watermarks.drivers,
        categories: filter.map(categories),
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
    pub(super) fn sync_printer_catalog(
        &self,
        request: &SyncPrinterCatalogRequest<'_>,
        version: SoapVersion,
        outcome: &mut Outcome,
    ) -> Result<BodyWriter, ServiceError> {
        let (session, tracked) = self.registered_session(request.cookie.as_ref(), outcome)?;
        let asked = self.asked(session, tracked);
        let (catalog, scope) = (&asked.published.catalog, &asked.published.scope);
        let installed = request.installed_non_leaf_update_ids.as_deref().unwrap_or_default();
        if installed.len() > self.settings.max_installed {
            return Err(ServiceError::parameter("installedNonLeafUpdateIDs"));
        }
        let installed = catalog.installed(installed.iter().copied());
        let eligible = catalog.eligible_drivers(scope, &installed, None);
        let needed = catalog.printer_drivers(&eligible);
        let cached = request.printer_update_ids.as_deref().unwrap_or_default();
        let delta = catalog.delta(scope, &needed, &Scan { cached: &[cached], two_groups: false });
        let pass = Pass {
            new: delta.new,
            kept: delta.kept,
            out_of_scope: delta.out_of_scope,
            deployed_out_of_scope: Vec::new(),
            hardware_ids: Vec::new(),
            driver_sync_not_needed: true,
            watermark: |watermarks| &mut watermarks.printers,
            categories: None,
        };
        self.answer(asked, pass, |info| soap::respond(version, &SyncPrinterCatalogResponse(info)))
    }
}
