//! `Properties`: what kind of update this is and how its publisher presents it.

use uuid::Uuid;

use crate::wire::xml::Cursor;

use super::error::DocumentError;
use super::model::{PublicationState, UpdateType};
use super::namespaces::UPDATE;
use super::values::{attribute, flag, guid, required, unix_time};

/// Most article and bulletin ids of one document.
const ARTICLES: usize = 1_000;

/// Most languages of one document. Windows has some 100.
const LANGUAGES: usize = 1_000;

/// The part of `Properties` that the server evaluates.
#[derive(Debug)]
pub(crate) struct Properties {
    pub(crate) update_type: UpdateType,
    pub(crate) explicitly_deployable: bool,
    pub(crate) publication_state: PublicationState,
    pub(crate) creation_date: i64,
    pub(crate) default_language: String,
    pub(crate) msrc_severity: Option<String>,
    pub(crate) kb_article_ids: Vec<String>,
    pub(crate) security_bulletin_ids: Vec<String>,
    pub(crate) eula_id: Option<Uuid>,
    pub(crate) languages: Vec<String>,
}

impl Properties {
    /// Reads the `Properties` that `cursor` has stepped onto.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, DocumentError> {
        let text = |place| {
            let value = attribute(cursor, place)?.filter(|value| !value.trim().is_empty());
            Ok::<_, DocumentError>(value)
        };
        let eula_id = match text("Properties/@EulaID")? {
            Some(id) => Some(guid("Properties/@EulaID", &id)?),
            None => None,
        };
        let created = text("Properties/@CreationDate")?;
        let mut properties = Self {
            update_type: update_type(&required(cursor, "Properties/@UpdateType")?)?,
            explicitly_deployable: flag(cursor, "Properties/@ExplicitlyDeployable")?,
            publication_state: publication_state(text("Properties/@PublicationState")?)?,
            creation_date: created.as_deref().and_then(unix_time).unwrap_or(0),
            default_language: text("Properties/@DefaultPropertiesLanguage")?
                .unwrap_or_else(|| "en".to_owned()),
            msrc_severity: text("Properties/@MsrcSeverity")?,
            kb_article_ids: Vec::new(),
            security_bulletin_ids: Vec::new(),
            eula_id,
            languages: Vec::new(),
        };
        properties.read_children(cursor)?;
        properties.languages.iter_mut().for_each(|language| language.make_ascii_lowercase());
        Ok(properties)
    }

    fn read_children(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DocumentError> {
        while cursor.enter_child()? {
            let (texts, what, limit) = match (cursor.namespace(), cursor.local()) {
                (UPDATE, "KBArticleID") => (&mut self.kb_article_ids, "article ids", ARTICLES),
                (UPDATE, "SecurityBulletinID") => {
                    (&mut self.security_bulletin_ids, "article ids", ARTICLES)
                }
                (UPDATE, "Language") => (&mut self.languages, "languages", LANGUAGES),
                _ => {
                    cursor.skip()?;
                    continue;
                }
            };
            if texts.len() >= limit {
                return Err(DocumentError::TooMany { what, limit });
            }
            let text = cursor.text()?.trim().to_owned();
            if !text.is_empty() {
                texts.push(text);
            }
        }
        Ok(())
    }
}

fn update_type(text: &str) -> Result<UpdateType, DocumentError> {
    match text.trim() {
        "Software" => Ok(UpdateType::Software),
        "Driver" => Ok(UpdateType::Driver),
        "Category" => Ok(UpdateType::Category),
        "Detectoid" => Ok(UpdateType::Detectoid),
        _ => Err(DocumentError::value(
            "Properties/@UpdateType",
            text,
            "Software, Driver, Category or Detectoid",
        )),
    }
}

fn publication_state(text: Option<String>) -> Result<PublicationState, DocumentError> {
    match text.as_deref().map(str::trim) {
        None | Some("Published") => Ok(PublicationState::Published),
        Some("Expired") => Ok(PublicationState::Expired),
        // Taking an unknown state for one of the two would offer or withdraw by accident.
        Some(other) => {
            Err(DocumentError::value("Properties/@PublicationState", other, "Published or Expired"))
        }
    }
}
