//! `SystemSpec`: the devices of a driver pass.

use uuid::Uuid;

use super::strings;
use crate::wire::body::BodyWriter;
use crate::wire::operation::EnvelopeStyle;
use crate::wire::soap::write::Writer;
use crate::wire::xml::XSI;

/// A device.
#[derive(Debug, Clone, Default)]
pub struct Device<'a> {
    /// The most specific first.
    pub hardware_ids: Vec<&'a str>,
    /// The most specific first.
    pub compatible_ids: Vec<&'a str>,
    /// The driver in use.
    pub driver: InstalledDriver<'a>,
    /// Extensions of that driver.
    pub extensions: Vec<ExtensionDriver<'a>>,
}

/// A driver in use, or the statement that there is none.
#[derive(Debug, Clone)]
pub struct InstalledDriver<'a> {
    /// The id by which it was chosen.
    pub matching_id: Option<&'a str>,
    /// As in `2006-06-21T00:00:00Z`.
    pub date: &'a str,
    /// Four parts of 16 bits.
    pub version: u64,
    /// A name for printers, otherwise a GUID in braces.
    pub class: Option<&'a str>,
    /// Of a printer, which agents describe at more length.
    pub printer: Option<Printer<'a>>,
    /// The computer hardware id by which it was chosen.
    pub matching_computer_hwid: Option<Uuid>,
    /// Lower is better; -1 for none.
    pub rank: i32,
    /// Whether it is a driver of Windows for a whole class.
    pub is_generic: bool,
}

/// What is said of a printer's driver.
#[derive(Debug, Clone, Copy)]
pub struct Printer<'a> {
    /// Who made the device.
    pub manufacturer: &'a str,
    /// Who made the driver.
    pub provider: &'a str,
    /// What it is for.
    pub model: &'a str,
}

/// An extension of a driver.
#[derive(Debug, Clone, Copy)]
pub struct ExtensionDriver<'a> {
    /// A GUID in braces.
    pub extension_id: &'a str,
    /// As in `2006-06-21T00:00:00Z`.
    pub date: &'a str,
    /// Four parts of 16 bits.
    pub version: u64,
    /// A GUID in braces.
    pub class: &'a str,
    /// Lower is better.
    pub rank: i32,
}

impl Default for InstalledDriver<'_> {
    /// None.
    fn default() -> Self {
        Self {
            matching_id: None,
            date: "0001-01-01T00:00:00Z",
            version: 0,
            class: None,
            printer: None,
            matching_computer_hwid: None,
            rank: -1,
            is_generic: false,
        }
    }
}

/// The element with all devices. A computer writes it once and sends it with every driver pass.
pub fn system_spec(devices: &[Device<'_>]) -> String {
    let mut body = BodyWriter::new();
    let mut out = Writer::new(&mut body, EnvelopeStyle::Wcf);
    out.element("SystemSpec", |out| devices.iter().for_each(|device| device.write(out)));
    std::mem::take(body.text())
}

impl Device<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.element("Device", |out| {
            strings(out, "HardwareIDs", self.hardware_ids.iter().copied());
            if !self.compatible_ids.is_empty() {
                strings(out, "CompatibleIDs", self.compatible_ids.iter().copied());
            }
            out.element("installedDriver", |out| self.driver.write(out));
            out.list("extensionDrivers", &self.extensions, |out, extension| extension.write(out));
            if self.driver.printer.is_some() {
                out.display("DeviceFlags", 1);
            }
        });
    }
}

impl InstalledDriver<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        if let Some(id) = self.matching_id {
            out.text("MatchingID", id);
        }
        out.text("DriverVerDate", self.date);
        out.display("DriverVerVersion", self.version);
        if let Some(class) = self.class {
            out.text("Class", class);
        }
        if let Some(printer) = self.printer {
            out.text("Manufacturer", printer.manufacturer);
            out.text("Provider", printer.provider);
            out.text("Model", printer.model);
        }
        matching_computer_hwid(out, self.matching_computer_hwid);
        out.display("DriverRank", self.rank);
        if self.is_generic {
            out.text("SkipProviderFiltering", "true");
            out.text("IsGeneric", "true");
        }
    }
}

impl ExtensionDriver<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.element("ExtensionDriver", |out| {
            out.text("ExtensionId", self.extension_id);
            out.text("DriverVerDate", self.date);
            out.display("DriverVerVersion", self.version);
            out.text("Class", self.class);
            out.display("DriverRank", self.rank);
            matching_computer_hwid(out, None);
        });
    }
}

fn matching_computer_hwid(out: &mut Writer<'_>, id: Option<Uuid>) {
    match id {
        Some(id) => out.display("MatchingComputerHWID", id),
        None => {
            let nil = [("a:nil", "true"), ("xmlns:a", XSI)];
            out.element_with("MatchingComputerHWID", &nil, |_| {});
        }
    }
}
