//! `WindowsDriverMetaData`: the rows of the Driver Table and of the three tables that hang on it
//! ([MS-WUSP] 3.1.1, 3.1.1.1). One document has a row for every hardware id it supports.

use uuid::Uuid;

use crate::wire::xml::Cursor;

use super::error::DocumentError;
use super::model::DriverEntry;
use super::namespaces::{UPDATE, WINDOWS_DRIVER};
use super::values::{attribute, guid, number, required, unix_time};

/// Most hardware ids of one driver, and most children of one of them. Large display drivers list
/// a few thousand ids.
pub(crate) const ROWS: usize = 50_000;

/// Reads the driver rows of the `ApplicabilityRules` that `cursor` has stepped onto.
///
/// Rules themselves are the agent's to evaluate and are passed over.
pub(super) fn read_rules(
    cursor: &mut Cursor<'_>,
    drivers: &mut Vec<DriverEntry>,
) -> Result<(), DocumentError> {
    while cursor.enter_child()? {
        if (cursor.namespace(), cursor.local()) != (UPDATE, "Metadata") {
            cursor.skip()?;
            continue;
        }
        while cursor.enter_child()? {
            if (cursor.namespace(), cursor.local()) != (WINDOWS_DRIVER, "WindowsDriverMetaData") {
                cursor.skip()?;
                continue;
            }
            if drivers.len() >= ROWS {
                return Err(DocumentError::TooMany { what: "driver rows", limit: ROWS });
            }
            drivers.push(read_entry(cursor)?);
        }
    }
    Ok(())
}

/// Reads the row that `cursor` has stepped onto.
pub(crate) fn read_entry(cursor: &mut Cursor<'_>) -> Result<DriverEntry, DocumentError> {
    let text = |place| Ok::<_, DocumentError>(attribute(cursor, place)?.unwrap_or_default());
    let version = text("WindowsDriverMetaData/@DriverVerVersion")?;
    let whql_driver_id = text("WindowsDriverMetaData/@WhqlDriverID")?;
    let mut entry = DriverEntry {
        hardware_id: required(cursor, "WindowsDriverMetaData/@HardwareID")?,
        ver_date: unix_time(&text("WindowsDriverMetaData/@DriverVerDate")?).unwrap_or(0),
        ver_version: packed_version(&version)?,
        class: text("WindowsDriverMetaData/@Class")?,
        manufacturer: text("WindowsDriverMetaData/@Manufacturer")?,
        provider: text("WindowsDriverMetaData/@Provider")?,
        model: text("WindowsDriverMetaData/@Model")?,
        whql_driver_id: None,
        feature_scores: Vec::new(),
        distribution_chids: Vec::new(),
        target_chids: Vec::new(),
    };
    if !whql_driver_id.is_empty() {
        let place = "WindowsDriverMetaData/@WhqlDriverID";
        entry.whql_driver_id = Some(number(place, &whql_driver_id, "a number")?);
    }
    read_children(cursor, &mut entry)?;
    Ok(entry)
}

fn read_children(cursor: &mut Cursor<'_>, entry: &mut DriverEntry) -> Result<(), DocumentError> {
    let mut children = 0;
    while cursor.enter_child()? {
        children += 1;
        if children > ROWS {
            return Err(DocumentError::TooMany { what: "children of a driver row", limit: ROWS });
        }
        // The specification's paths are unqualified, so any namespace will do. Fragments have none,
        // and a prefix instead.
        let name = cursor.local();
        match name.strip_prefix("d.").unwrap_or(name) {
            "FeatureScore" => {
                let system = required(cursor, "FeatureScore/@OperatingSystem")?;
                let place = "FeatureScore/@FeatureScore";
                let score = number(place, &required(cursor, place)?, "a number from 0 to 255")?;
                entry.feature_scores.push((system, score));
                cursor.skip()?;
            }
            "DistributionComputerHardwareId" => {
                let id = read_guid(cursor, "DistributionComputerHardwareId")?;
                entry.distribution_chids.push(id);
            }
            "TargetComputerHardwareId" => {
                let id = read_guid(cursor, "TargetComputerHardwareId")?;
                entry.target_chids.push(id);
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

fn read_guid(cursor: &mut Cursor<'_>, place: &'static str) -> Result<Uuid, DocumentError> {
    guid(place, &cursor.text()?)
}

/// Up to four 16-bit numbers, the first in the highest bits; parts left out are zero.
fn packed_version(text: &str) -> Result<u64, DocumentError> {
    const PLACE: &str = "WindowsDriverMetaData/@DriverVerVersion";
    const EXPECTED: &str = "a version of up to four numbers from 0 to 65535";
    let mut packed = 0;
    let mut parts = text.trim().split('.').filter(|_| !text.trim().is_empty());
    for _ in 0..4 {
        let part: u16 = match parts.next() {
            Some(part) => part.parse().map_err(|_| DocumentError::value(PLACE, text, EXPECTED))?,
            None => 0,
        };
        packed = packed << 16 | u64::from(part);
    }
    match parts.next() {
        None => Ok(packed),
        Some(_) => Err(DocumentError::value(PLACE, text, EXPECTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_numbers() {
        assert_eq!(packed_version("6.1.7600.16385"), Ok(0x0006_0001_1db0_4001));
        assert_eq!(packed_version("10.0"), Ok(0x000a_0000_0000_0000));
        assert_eq!(packed_version(""), Ok(0));
        for text in ["1.2.3.4.5", "1.65536", "1..2", "1.x", "-1", "."] {
            assert!(packed_version(text).is_err(), "{text}");
        }
    }
}
