//! SyncUpdates: the software pass and the driver pass.

use uuid::Uuid;

use super::{Cookie, request, revision_ids};
use crate::wire::operation::Operation;
use crate::wire::soap::write::Writer;

/// A pass over software or drivers.
#[derive(Debug, Clone, Copy)]
pub struct SyncUpdates<'a> {
    /// The session's cookie.
    pub cookie: &'a Cookie,
    /// What is in the cache.
    pub cached: Cached<'a>,
    /// `AlsoPerformRegularSync`: false in the scan for a category that comes before all others.
    pub also_perform_regular_sync: bool,
    /// `Name=Value;` pairs that describe the computer.
    pub device_attributes: &'a str,
    /// `Name=Value;` pairs that describe who asked for the scan.
    pub caller_attributes: &'a str,
    /// What is installed, for services that know products.
    pub products: &'a str,
}

/// What a request says of the cache; empty lists are left out.
#[derive(Debug, Clone, Copy)]
pub struct Cached<'a> {
    /// Revisions that are installed and that others depend on, ascending.
    pub installed_non_leaf: &'a [u32],
    /// The others.
    pub pass: Pass<'a>,
}

/// Which pass it is.
#[derive(Debug, Clone, Copy)]
pub enum Pass<'a> {
    /// Over software.
    Software(SoftwarePass<'a>),
    /// Over drivers.
    Drivers(DriverPass<'a>),
}

/// What only a software pass says.
#[derive(Debug, Clone, Copy)]
pub struct SoftwarePass<'a> {
    /// All other software in the cache, ascending.
    pub other: &'a [u32],
    /// Categories that the scan is limited to.
    pub filter: &'a [Uuid],
}

/// What only a driver pass says.
#[derive(Debug, Clone, Copy)]
pub struct DriverPass<'a> {
    /// The devices, as [`super::system_spec`] writes them.
    pub system_spec: &'a str,
    /// Drivers in the cache, ascending.
    pub cached_drivers: &'a [u32],
    /// Categories that the scan is limited to.
    pub filter: &'a [Uuid],
    /// Hardware ids of the computer as a whole.
    pub computer_hardware_ids: &'a [Uuid],
    /// As in `AMD64.10.0`.
    pub feature_score_matching_key: &'a str,
}

impl SyncUpdates<'_> {
    /// The request.
    pub fn write(&self) -> Vec<u8> {
        request(Operation::SyncUpdates, |out| {
            self.cookie.write(out, "cookie");
            out.element("parameters", |out| self.write_parameters(out));
        })
    }

    fn write_parameters(&self, out: &mut Writer<'_>) {
        out.text("ExpressQuery", "false");
        revision_ids(out, "InstalledNonLeafUpdateIDs", self.cached.installed_non_leaf);
        let (is_driver_pass, filter) = match self.cached.pass {
            Pass::Software(pass) => {
                revision_ids(out, "OtherCachedUpdateIDs", pass.other);
                (false, pass.filter)
            }
            Pass::Drivers(pass) => {
                out.markup(pass.system_spec);
                revision_ids(out, "CachedDriverIDs", pass.cached_drivers);
                (true, pass.filter)
            }
        };
        out.display("SkipSoftwareSync", is_driver_pass);
        out.list("FilterCategoryIds", filter, |out, id| {
            out.element("CategoryIdentifier", |out| out.display("Id", id));
        });
        out.text("NeedTwoGroupOutOfScopeUpdates", "true");
        out.display("AlsoPerformRegularSync", self.also_perform_regular_sync);
        match self.cached.pass {
            Pass::Software(_) => out.element("ComputerSpec", |_| {}),
            Pass::Drivers(pass) => {
                out.element("ComputerSpec", |out| {
                    let ids = pass.computer_hardware_ids;
                    out.list("HardwareIDs", ids, |out, id| out.display("guid", id));
                });
                out.text("FeatureScoreMatchingKey", pass.feature_score_matching_key);
            }
        }
        out.element("ProductsParameters", |out| {
            out.text("SyncCurrentVersionOnly", "false");
            out.text("DeviceAttributes", self.device_attributes);
            out.text("CallerAttributes", self.caller_attributes);
            out.text("Products", self.products);
        });
    }
}
