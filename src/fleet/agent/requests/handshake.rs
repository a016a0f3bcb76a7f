//! GetConfig, GetAuthorizationCookie, GetCookie, RegisterComputer and StartCategoryScan.

use uuid::Uuid;

use super::{Cookie, PROTOCOL_VERSION, request};
use crate::wire::operation::Operation;

/// What a computer says of itself when it registers ([MS-WUSP] 2.2.2.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// Major and minor version, build number.
    pub os_version: (u32, u32, u32),
    /// Major and minor number of the service pack.
    pub service_pack: (u16, u16),
    /// As in `en-US`.
    pub os_locale: String,
    /// Who made the computer.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// Version of its firmware.
    pub bios_version: String,
    /// Name of its firmware.
    pub bios_name: String,
    /// Date of its firmware, as in `2022-02-02T00:00:00Z`.
    pub bios_release_date: String,
    /// `AMD64`, `X86` or `ARM64`.
    pub processor_architecture: String,
    /// `OSVERSIONINFOEX.wSuiteMask`.
    pub suite_mask: u16,
    /// `OSVERSIONINFOEX.wProductType`.
    pub old_product_type: u8,
    /// What `GetProductInfo` says.
    pub new_product_type: u32,
    /// Version of the agent.
    pub client_version: [u32; 4],
    /// The name of Windows.
    pub os_description: String,
}

/// GetConfig.
pub fn config() -> Vec<u8> {
    request(Operation::GetConfig, |out| out.text("protocolVersion", PROTOCOL_VERSION))
}

/// GetAuthorizationCookie. `target_group` is what policy says, groups separated by semicolons.
pub fn authorization_cookie(
    client_id: &str,
    target_group: Option<&str>,
    dns_name: &str,
) -> Vec<u8> {
    request(Operation::GetAuthorizationCookie, |out| {
        out.text("clientId", client_id);
        if let Some(target_group) = target_group {
            out.text("targetGroupName", target_group);
        }
        out.text("dnsName", dns_name);
    })
}

/// GetCookie. At the very first call `old` has the current time and no data.
pub fn cookie(
    plug_in_id: &str,
    authorization: &str,
    old: &Cookie,
    last_change: &str,
    current_time: &str,
) -> Vec<u8> {
    request(Operation::GetCookie, |out| {
        out.element("authCookies", |out| {
            out.element("AuthorizationCookie", |out| {
                out.text("PlugInId", plug_in_id);
                out.text("CookieData", authorization);
            });
        });
        old.write(out, "oldCookie");
        out.text("lastChange", last_change);
        out.text("currentTime", current_time);
        out.text("protocolVersion", PROTOCOL_VERSION);
    })
}

/// RegisterComputer.
pub fn register(cookie: &Cookie, dns_name: &str, computer: &Registration) -> Vec<u8> {
    request(Operation::RegisterComputer, |out| {
        cookie.write(out, "cookie");
        out.element("computerInfo", |out| {
            out.text("DnsName", dns_name);
            out.display("OSMajorVersion", computer.os_version.0);
            out.display("OSMinorVersion", computer.os_version.1);
            out.display("OSBuildNumber", computer.os_version.2);
            out.display("OSServicePackMajorNumber", computer.service_pack.0);
            out.display("OSServicePackMinorNumber", computer.service_pack.1);
            out.text("OSLocale", &computer.os_locale);
            out.text("ComputerManufacturer", &computer.manufacturer);
            out.text("ComputerModel", &computer.model);
            out.text("BiosVersion", &computer.bios_version);
            out.text("BiosName", &computer.bios_name);
            out.text("BiosReleaseDate", &computer.bios_release_date);
            out.text("ProcessorArchitecture", &computer.processor_architecture);
            out.display("SuiteMask", computer.suite_mask);
            out.display("OldProductType", computer.old_product_type);
            out.display("NewProductType", computer.new_product_type);
            out.display("SystemMetrics", 0);
            let [major, minor, build, qfe] = computer.client_version;
            out.display("ClientVersionMajorNumber", major);
            out.display("ClientVersionMinorNumber", minor);
            out.display("ClientVersionBuildNumber", build);
            out.display("ClientVersionQfeNumber", qfe);
            out.text("OSDescription", &computer.os_description);
            out.text("OEM", &computer.manufacturer);
            out.text("DeviceType", &computer.model);
            out.text("FirmwareVersion", &computer.bios_version);
            out.text("MobileOperator", "Not Present");
        });
    })
}

/// A category to scan for. Those with one number are a group, all of which must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category {
    /// The group.
    pub group: u32,
    /// The category.
    pub id: Uuid,
}

/// StartCategoryScan, which takes no cookie.
pub fn start_category_scan(categories: &[Category]) -> Vec<u8> {
    request(Operation::StartCategoryScan, |out| {
        out.list("requestedCategories", categories, |out, category| {
            out.element("CategoryRelationship", |out| {
                out.display("IndexOfAndGroup", category.group);
                out.display("CategoryId", category.id);
            });
        });
    })
}
