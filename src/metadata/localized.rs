//! `LocalizedPropertiesCollection`: titles and licence texts per language.

use crate::wire::xml::Cursor;

use super::error::DocumentError;
use super::files::read_eula;
use super::model::{EulaFile, LocalizedText};
use super::namespaces::UPDATE;

/// Most languages of one document, and most licence texts. Microsoft localises to about 60
/// languages and 200 regions.
pub(super) const TEXTS: usize = 5_000;

/// Reads the children of the collection that `cursor` has stepped onto.
pub(super) fn read_collection(
    cursor: &mut Cursor<'_>,
    titles: &mut Vec<LocalizedText>,
    eulas: &mut Vec<EulaFile>,
) -> Result<(), DocumentError> {
    while cursor.enter_child()? {
        if titles.len() + eulas.len() >= TEXTS {
            return Err(DocumentError::TooMany { what: "localized texts", limit: TEXTS });
        }
        match (cursor.namespace(), cursor.local()) {
            (UPDATE, "LocalizedProperties") => titles.push(read_title(cursor)?),
            (UPDATE, "EulaFile") => eulas.push(read_eula(cursor)?),
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

fn read_title(cursor: &mut Cursor<'_>) -> Result<LocalizedText, DocumentError> {
    let mut language = None;
    let mut title = String::new();
    while cursor.enter_child()? {
        match (cursor.namespace(), cursor.local()) {
            (UPDATE, "Language") => language = Some(cursor.text()?.trim().to_owned()),
            (UPDATE, "Title") => title = cursor.text()?.into_owned(),
            _ => cursor.skip()?,
        }
    }
    match language {
        Some(language) if !language.is_empty() => Ok(LocalizedText { language, title }),
        _ => Err(DocumentError::Missing("LocalizedProperties/Language")),
    }
}
