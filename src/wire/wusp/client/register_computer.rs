//! RegisterComputer ([MS-WUSP] 2.2.2.2.3): what a computer says of itself.

use std::borrow::Cow;

use crate::wire::operation::Operation;
use crate::wire::soap::Response;
use crate::wire::soap::read::{date_time, int, request_structure, text};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;
use crate::wire::wusp::types::Cookie;

request_structure! {
    /// The request.
    pub struct RegisterComputerRequest<'a> {
        /// The session's cookie.
        cookie: Cookie = "cookie" => Cookie::read,
        /// The computer.
        computer_info: ComputerInfo<'a> = "computerInfo" => ComputerInfo::read,
    }
}

request_structure! {
    /// A computer's description of itself.
    pub struct ComputerInfo<'a> {
        /// The DNS name, as in GetAuthorizationCookie.
        dns_name: Cow<'a, str> = "DnsName" => text,
        /// 10 for Windows 10 and 11.
        os_major_version: i32 = "OSMajorVersion" => int,
        /// 0 for Windows 10 and 11.
        os_minor_version: i32 = "OSMinorVersion" => int,
        /// 22000 and above for Windows 11.
        os_build_number: i32 = "OSBuildNumber" => int,
        /// The service pack.
        os_service_pack_major_number: i32 = "OSServicePackMajorNumber" => int,
        /// The service pack's minor number.
        os_service_pack_minor_number: i32 = "OSServicePackMinorNumber" => int,
        /// `en-US`.
        os_locale: Cow<'a, str> = "OSLocale" => text,
        /// The maker.
        computer_manufacturer: Cow<'a, str> = "ComputerManufacturer" => text,
        /// The model.
        computer_model: Cow<'a, str> = "ComputerModel" => text,
        /// The firmware's version, or `unknown`.
        bios_version: Cow<'a, str> = "BiosVersion" => text,
        /// The firmware's name, or `unknown`.
        bios_name: Cow<'a, str> = "BiosName" => text,
        /// The firmware's date.
        bios_release_date: DateTime = "BiosReleaseDate" => date_time,
        /// `AMD64`, `x86`, `ARM64`.
        processor_architecture: Cow<'a, str> = "ProcessorArchitecture" => text,
        /// `wSuiteMask` of `OSVERSIONINFOEX`.
        suite_mask: i32 = "SuiteMask" => int,
        /// `wProductType` of `OSVERSIONINFOEX`: 1 workstation, 2 domain controller, 3 server.
        old_product_type: i32 = "OldProductType" => int,
        /// The edition, as `GetProductInfo` numbers it: 48 is Professional.
        new_product_type: i32 = "NewProductType" => int,
        /// `SM_SERVERR2`, `SM_TABLETPC` and the like.
        system_metrics: i32 = "SystemMetrics" => int,
        /// The agent's version, first part.
        client_version_major_number: i32 = "ClientVersionMajorNumber" => int,
        /// The agent's version, second part.
        client_version_minor_number: i32 = "ClientVersionMinorNumber" => int,
        /// The agent's version, third part.
        client_version_build_number: i32 = "ClientVersionBuildNumber" => int,
        /// The agent's version, fourth part.
        client_version_qfe_number: i32 = "ClientVersionQfeNumber" => int,
        /// The edition's name; says `Windows 10` on Windows 11 too.
        os_description: Cow<'a, str> = "OSDescription" => text,
        /// The maker, once more.
        oem: Cow<'a, str> = "OEM" => text,
        /// The kind of device; in practice the model.
        device_type: Cow<'a, str> = "DeviceType" => text,
        /// The firmware's version, or `unknown`.
        firmware_version: Cow<'a, str> = "FirmwareVersion" => text,
        /// A phone's operator, or `Not Present`.
        mobile_operator: Cow<'a, str> = "MobileOperator" => text,
    }
}

/// The response; it has no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterComputerResponse;

impl Response for RegisterComputerResponse {
    const OPERATION: Operation = Operation::RegisterComputer;

    fn write(&self, _: &mut Writer<'_>) {}
}
