//! Drivers as documents: a row of metadata for every hardware id, and one clause of languages.

use super::content::StoredFile;
use super::document::{Clause, Document, Handler, Text};
use super::driver::{DriverRelease, Row};
use super::release::FIRST_REVISION;
use super::rule::Rule;
use super::sequence::{DRIVER_LANGUAGES, Marker};
use super::world::Classification;
use super::xml::Writer;
use crate::metadata::model::UpdateType;

const WINDOWS_DRIVER: &str =
    "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver";

/// The document of a driver.
pub(super) fn document(driver: DriverRelease, revision: u32, published: i64) -> Document {
    let line = driver.line;
    let mut document = Document::new(driver.id(), FIRST_REVISION + revision, UpdateType::Driver);
    document.created = published;
    document.explicitly_deployable = true;
    document.expired = driver.is_expired(revision);
    document.reboot = Some("CanRequestReboot");
    let title = format!("{} - {} - {}", line.provider(), line.class(), driver.version());
    let description = format!("Driver for {}, dated {}.", line.model(), driver.day());
    document.texts = vec![Text { language: "en", title, description: Some(description) }];
    let languages = (0..DRIVER_LANGUAGES).map(|position| Marker::Language(position).id());
    document.prerequisites = vec![
        Clause::Any(languages.collect()),
        Clause::Bare(Marker::Architecture(line.architecture()).id()),
        Clause::Category(Marker::Classification(Classification::Drivers).id()),
        Clause::Category(Marker::DriverProduct.id()),
    ];
    document.installed = Some(Rule::WindowsDriver("drv:WindowsDriverInstalled"));
    document.is_superseded = Some(Rule::WindowsDriver("drv:WindowsDriverSuperseded"));
    document.installable = Some(Rule::WindowsDriver("drv:WindowsDriverInstallable"));
    let mut metadata = Writer::default();
    for row in driver.rows() {
        write_row(&mut metadata, driver, &row);
    }
    document.metadata = metadata.into_text();
    document.files = vec![file(driver)];
    document.handler = Some(Handler {
        namespace: WINDOWS_DRIVER,
        data_type: "drv:WindowsDriver",
        data: String::new(),
    });
    document
}

fn write_row(out: &mut Writer, driver: DriverRelease, row: &Row) {
    let line = driver.line;
    let tag = out.tag("drv:WindowsDriverMetaData").with("HardwareID", &row.hardware_id);
    let tag = tag.with("DriverVerDate", &driver.day()).shown("DriverVerVersion", driver.version());
    tag.shown("WhqlDriverID", 4_000_000 + line.0 * 20 + driver.number)
        .with("Class", line.class())
        .with("Company", line.provider())
        .with("Provider", line.provider())
        .with("Manufacturer", line.manufacturer())
        .with("Model", &line.model())
        .declare("drv", WINDOWS_DRIVER)
        .children();
    if let Some((system, score)) = &row.feature_score {
        let tag = out.tag("drv:FeatureScore").with("OperatingSystem", system);
        tag.shown("FeatureScore", score).end();
    }
    if let Some(id) = row.computer_hardware_id {
        out.text("drv:DistributionComputerHardwareId", &id.to_string());
    }
    out.close("drv:WindowsDriverMetaData");
}

fn file(driver: DriverRelease) -> StoredFile {
    let mut random = driver.content();
    let name = format!("driver-{}-{}.cab", driver.line.0, driver.number);
    match driver.has_content() {
        true => StoredFile::drawn(name, driver.size(), &mut random),
        false => StoredFile::large(name, driver.size(), &mut random),
    }
}
