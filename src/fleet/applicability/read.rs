//! Reads a Core fragment.
//!
//! A fragment is a run of elements without a root and without namespaces. In a root of the update
//! schema's namespace it is read by what reads documents, and what that accepts.

use super::attributes::Attributes;
use super::package::Package;
use super::patch::{Patch, read_application};
use super::rule::{Rule, bare};
use super::{Core, CoreError, Metadata, Rules};
use crate::metadata::driver;
use crate::metadata::error::DocumentError;
use crate::metadata::namespaces::UPDATE;
use crate::metadata::parse::Sections;
use crate::metadata::properties::Properties;
use crate::metadata::relations::{Relations, update_identity};
use crate::wire::xml::{Cursor, Limits};

/// Reads `fragment`.
pub(super) fn core(fragment: &str) -> Result<Core, CoreError> {
    let document = format!(r#"<Core xmlns="{UPDATE}">{fragment}</Core>"#);
    let mut cursor = Cursor::new(&document, Limits::DOCUMENT);
    cursor.enter_child()?;
    let (mut identity, mut properties, mut eula) = (None, None, None);
    let mut relations = Relations::default();
    let mut rules = Rules::default();
    let mut sections = Sections::default();
    while cursor.enter_child()? {
        sections.enter(cursor.local())?;
        match cursor.local() {
            "UpdateIdentity" => {
                identity = Some(update_identity(&cursor)?);
                cursor.skip()?;
            }
            "Properties" => {
                let id = cursor.element().map(Attributes::of);
                eula = id.and_then(|id| id.text("EulaID").map(str::to_owned));
                properties = Some(Properties::read(&mut cursor)?);
            }
            "Relationships" => relations.read(&mut cursor)?,
            "ApplicabilityRules" => rules = read_rules(&mut cursor)?,
            _ => cursor.skip()?,
        }
    }
    cursor.finish()?;
    let identity = identity.ok_or(DocumentError::Missing("UpdateIdentity"))?;
    let properties = properties.ok_or(DocumentError::Missing("Properties"))?;
    let prerequisites = relations.prerequisites.into_iter();
    let bundled = relations.bundled.into_iter();
    Ok(Core {
        identity,
        update_type: properties.update_type,
        explicitly_deployable: properties.explicitly_deployable,
        prerequisites: prerequisites.map(|clause| clause.alternatives).collect(),
        bundled: bundled.map(|clause| clause.alternatives).collect(),
        superseded: relations.superseded,
        eula,
        rules,
    })
}

fn read_rules(cursor: &mut Cursor<'_>) -> Result<Rules, CoreError> {
    let mut rules = Rules::default();
    while cursor.enter_child()? {
        let section = match cursor.local() {
            "IsInstalled" => &mut rules.installed,
            "IsSuperseded" => &mut rules.superseded,
            "IsInstallable" => &mut rules.installable,
            "Metadata" => {
                read_metadata(cursor, &mut rules.metadata)?;
                continue;
            }
            _ => {
                cursor.skip()?;
                continue;
            }
        };
        let mut all = Rule::read_all(cursor)?.into_vec();
        *section = match all.len() {
            0 => None,
            1 => Some(all.remove(0)),
            _ => Some(Rule::All(all.into())),
        };
    }
    Ok(rules)
}

fn read_metadata(cursor: &mut Cursor<'_>, metadata: &mut Metadata) -> Result<(), CoreError> {
    while cursor.enter_child()? {
        match bare(cursor.local()) {
            "CbsPackageApplicabilityMetadata" => metadata.package = Package::read(cursor)?,
            "MsiApplicationMetadata" => metadata.application = read_application(cursor)?,
            "MsiPatchMetadata" => metadata.patch = Patch::read(cursor)?.map(Box::new),
            "WindowsDriverMetaData" => {
                if metadata.drivers.len() >= driver::ROWS {
                    let (what, limit) = ("driver rows", driver::ROWS);
                    return Err(DocumentError::TooMany { what, limit }.into());
                }
                metadata.drivers.push(driver::read_entry(cursor)?);
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}
