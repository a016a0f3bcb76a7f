//! Reads of an update document what the server evaluates ([MS-WUSP] 3.1.1.1).
//!
//! Everything is found by namespace and local name: publishers choose prefixes freely and declare
//! them again on every other element. What the server does not evaluate is passed over unread, as
//! it travels to the agents in the fragments.

use crate::wire::xml::{Cursor, Limits};

use super::driver::read_rules;
use super::error::DocumentError;
use super::files::read_files;
use super::fragments::{Derivation, Fragments};
use super::localized::read_collection;
use super::model::{CategoryType, UpdateMetadata, UpdateType};
use super::namespaces::{CATEGORY, PACKAGE, UPDATE};
use super::properties::Properties;
use super::relations::{Relations, update_identity};
use super::values::attribute;

/// Parses one document.
///
/// # Errors
/// [`DocumentError`]: not an `Update`, without identity or properties, or with a value that is not
/// of its type. Counts are capped far above what any real document holds.
pub fn parse(document: &str) -> Result<UpdateMetadata, DocumentError> {
    read(Cursor::new(document, Limits::DOCUMENT))
}

/// Parses one document and derives its fragments, in one pass.
///
/// # Errors
/// Those of [`parse`] and of [`derive`](super::fragments::derive).
pub fn parse_and_derive(document: &str) -> Result<(UpdateMetadata, Fragments), DocumentError> {
    let mut derivation = Derivation::default();
    let metadata = read(Cursor::watched(document, Limits::DOCUMENT, &mut derivation))?;
    Ok((metadata, derivation.finish()?))
}

fn read(mut cursor: Cursor<'_>) -> Result<UpdateMetadata, DocumentError> {
    cursor.enter_child()?;
    check_root(cursor.namespace(), cursor.local())?;

    let mut identity = None;
    let mut properties = None;
    let mut relations = Relations::default();
    let mut category_type = None;
    let (mut files, mut express) = (vec![], vec![]);
    let (mut eulas, mut drivers, mut titles) = (vec![], vec![], vec![]);
    let mut sections = Sections::default();
    while cursor.enter_child()? {
        if cursor.namespace() != UPDATE {
            cursor.skip()?;
            continue;
        }
        sections.enter(cursor.local())?;
        match cursor.local() {
            "UpdateIdentity" => {
                identity = Some(update_identity(&cursor)?);
                cursor.skip()?;
            }
            "Properties" => properties = Some(Properties::read(&mut cursor)?),
            "LocalizedPropertiesCollection" => {
                read_collection(&mut cursor, &mut titles, &mut eulas)?;
            }
            "Relationships" => relations.read(&mut cursor)?,
            "ApplicabilityRules" => read_rules(&mut cursor, &mut drivers)?,
            "Files" => read_files(&mut cursor, &mut files, &mut express)?,
            "HandlerSpecificData" => category_type = read_category_type(&mut cursor)?,
            _ => cursor.skip()?,
        }
    }
    cursor.finish()?;

    let identity = identity.ok_or(DocumentError::Missing("UpdateIdentity"))?;
    let properties = properties.ok_or(DocumentError::Missing("Properties"))?;
    let is_category = properties.update_type == UpdateType::Category;
    Ok(UpdateMetadata {
        identity,
        update_type: properties.update_type,
        explicitly_deployable: properties.explicitly_deployable,
        publication_state: properties.publication_state,
        creation_date: properties.creation_date,
        default_language: properties.default_language,
        msrc_severity: properties.msrc_severity,
        kb_article_ids: properties.kb_article_ids,
        security_bulletin_ids: properties.security_bulletin_ids,
        eula_id: properties.eula_id,
        languages: properties.languages,
        prerequisites: relations.prerequisites,
        bundled: relations.bundled,
        superseded: relations.superseded,
        category_type: is_category.then(|| category_type.unwrap_or(CategoryType::Other)),
        files,
        express,
        eulas,
        drivers,
        titles,
    })
}

/// Accepts the root element of an update document only.
pub(super) fn check_root(namespace: &str, local: &str) -> Result<(), DocumentError> {
    match (namespace, local) {
        (UPDATE, "Update") => Ok(()),
        (PACKAGE, _) => Err(DocumentError::SoftwareDistributionPackage),
        (_, other) => Err(DocumentError::NotAnUpdate { root: other.chars().take(64).collect() }),
    }
}

/// The children of the root that may occur once; a second one would have no defined meaning.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    seen: [bool; Self::NAMES.len()],
}

impl Sections {
    const NAMES: [&'static str; 7] = [
        "UpdateIdentity",
        "Properties",
        "LocalizedPropertiesCollection",
        "Relationships",
        "ApplicabilityRules",
        "Files",
        "HandlerSpecificData",
    ];

    /// Takes note of a child named `local`.
    pub(crate) fn enter(&mut self, local: &str) -> Result<(), DocumentError> {
        for (name, seen) in Self::NAMES.iter().zip(&mut self.seen) {
            if *name == local && std::mem::replace(seen, true) {
                return Err(DocumentError::Repeated(name));
            }
        }
        Ok(())
    }
}

fn read_category_type(cursor: &mut Cursor<'_>) -> Result<Option<CategoryType>, DocumentError> {
    let mut category_type = None;
    while cursor.enter_child()? {
        if (cursor.namespace(), cursor.local()) == (CATEGORY, "CategoryInformation") {
            let name = attribute(cursor, "CategoryInformation/@CategoryType")?;
            category_type = Some(match name.as_deref().map(str::trim) {
                Some("Company") => CategoryType::Company,
                Some("ProductFamily") => CategoryType::ProductFamily,
                Some("Product") => CategoryType::Product,
                Some("UpdateClassification") => CategoryType::UpdateClassification,
                _ => CategoryType::Other,
            });
        }
        cursor.skip()?;
    }
    Ok(category_type)
}

#[cfg(test)]
mod tests;
