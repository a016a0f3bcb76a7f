//! The devices of a driver scan ([MS-WUSP] 2.2.2.2.4, `SystemSpec`).

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::read::{
    date_time, guid, int, list, long, request_structure, text, unsigned_byte,
};
use crate::wire::time::DateTime;
use crate::wire::wusp::limits;

request_structure! {
    /// A device and the drivers it has.
    pub struct Device<'a> {
        /// Its hardware ids, the most specific first.
        hardware_ids: Vec<Cow<'a, str>> =
            "HardwareIDs" => list(&["string"], limits::HARDWARE_IDS, text),
        /// Its compatible ids, the most specific first.
        compatible_ids: Vec<Cow<'a, str>> =
            "CompatibleIDs" => list(&["string"], limits::HARDWARE_IDS, text),
        /// The driver it runs with.
        installed_driver: InstalledDriver<'a> = "installedDriver" => InstalledDriver::read,
        /// Extensions of that driver. The specification spells the element without its final `s`
        /// and the entries with a small letter; agents do neither.
        extension_drivers: Vec<ExtensionDriver<'a>> = "extensionDrivers" | "extensionDriver" => list(
            &["ExtensionDriver", "extensionDriver"], limits::EXTENSION_DRIVERS, ExtensionDriver::read),
        /// Update ids of drivers that the agent itself installed.
        driver_recovery_ids: Vec<Cow<'a, str>> =
            "DriverRecoveryIDs" => list(&["DriverRecoveryID"], limits::EXTENSION_DRIVERS, text),
        /// Bit 0: not enumerated by plug and play, for example a printer.
        device_flags: u8 = "DeviceFlags" => unsigned_byte,
    }
}

request_structure! {
    /// An installed driver.
    pub struct InstalledDriver<'a> {
        /// The hardware or compatible id by which it matched.
        matching_id: Cow<'a, str> = "MatchingID" => text,
        /// Its date; 0001-01-01 without a driver.
        driver_ver_date: DateTime = "DriverVerDate" => date_time,
        /// Its version: four 16-bit parts, the first in the highest bits.
        driver_ver_version: i64 = "DriverVerVersion" => long,
        /// Its class: a name for printers, otherwise a GUID in braces.
        class: Cow<'a, str> = "Class" => text,
        /// The maker of the device.
        manufacturer: Cow<'a, str> = "Manufacturer" => text,
        /// The publisher of the driver.
        provider: Cow<'a, str> = "Provider" => text,
        /// The model it is for.
        model: Cow<'a, str> = "Model" => text,
        /// The computer hardware id by which it matched.
        matching_computer_hwid: Uuid = "MatchingComputerHWID" => guid,
        /// Its rank as plug and play computes it, lower is better; -1 for none.
        driver_rank: i32 = "DriverRank" => int,
    }
}

request_structure! {
    /// An extension of a driver.
    pub struct ExtensionDriver<'a> {
        /// Identifies the extension: a GUID in braces.
        extension_id: Cow<'a, str> = "ExtensionId" => text,
        /// Its date.
        driver_ver_date: DateTime = "DriverVerDate" => date_time,
        /// Its version, packed as in [`InstalledDriver`].
        driver_ver_version: i64 = "DriverVerVersion" => long,
        /// Its class, a GUID in braces.
        class: Cow<'a, str> = "Class" => text,
        /// Its rank.
        driver_rank: i32 = "DriverRank" => int,
        /// The computer hardware id by which it matched.
        matching_computer_hwid: Uuid = "MatchingComputerHWID" => guid,
    }
}
