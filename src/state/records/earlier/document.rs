//! Documents before it was kept which of their files are express files.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::first_version;
use crate::metadata::model::{
    self, BundleClause, CategoryType, DriverEntry, EulaFile, LocalizedText, Prerequisite,
    PublicationState, UpdateFile, UpdateType,
};
use crate::state::records;
use crate::wire::types::{Sha256, UpdateIdentity};

/// A document of which nobody knew which of its files are express files.
#[derive(Debug, Serialize, Deserialize)]
pub struct DocumentRecord {
    digest: Sha256,
    metadata: UpdateMetadata,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateMetadata {
    identity: UpdateIdentity,
    update_type: UpdateType,
    explicitly_deployable: bool,
    publication_state: PublicationState,
    creation_date: i64,
    default_language: String,
    msrc_severity: Option<String>,
    kb_article_ids: Vec<String>,
    security_bulletin_ids: Vec<String>,
    eula_id: Option<Uuid>,
    languages: Vec<String>,
    prerequisites: Vec<Prerequisite>,
    bundled: Vec<BundleClause>,
    superseded: Vec<Uuid>,
    category_type: Option<CategoryType>,
    files: Vec<UpdateFile>,
    eulas: Vec<EulaFile>,
    drivers: Vec<DriverEntry>,
    titles: Vec<LocalizedText>,
}

impl From<DocumentRecord> for records::DocumentRecord {
    /// What is an express file stays an ordinary one, as which it was fetched and kept.
    fn from(earlier: DocumentRecord) -> Self {
        let it = earlier.metadata;
        let metadata = model::UpdateMetadata {
            identity: it.identity,
            update_type: it.update_type,
            explicitly_deployable: it.explicitly_deployable,
            publication_state: it.publication_state,
            creation_date: it.creation_date,
            default_language: it.default_language,
            msrc_severity: it.msrc_severity,
            kb_article_ids: it.kb_article_ids,
            security_bulletin_ids: it.security_bulletin_ids,
            eula_id: it.eula_id,
            languages: it.languages,
            prerequisites: it.prerequisites,
            bundled: it.bundled,
            superseded: it.superseded,
            category_type: it.category_type,
            files: it.files,
            express: Vec::new(),
            eulas: it.eulas,
            drivers: it.drivers,
            titles: it.titles,
        };
        Self { digest: earlier.digest, metadata: Arc::new(metadata) }
    }
}

first_version! {
    DocumentRecord, "document record";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::sample;
    use crate::metadata::text::decode_document;
    use crate::store::value;

    #[test]
    fn a_document_of_the_first_version_has_no_express_files() {
        let (_, text) =
            sample::documents().iter().find(|(name, _)| *name == "sluice-4.1.xml").unwrap();
        let now =
            crate::metadata::parse::parse(&decode_document(text, text.len()).unwrap()).unwrap();
        let it = now.clone();
        let metadata = UpdateMetadata {
            identity: it.identity,
            update_type: it.update_type,
            explicitly_deployable: it.explicitly_deployable,
            publication_state: it.publication_state,
            creation_date: it.creation_date,
            default_language: it.default_language,
            msrc_severity: it.msrc_severity,
            kb_article_ids: it.kb_article_ids,
            security_bulletin_ids: it.security_bulletin_ids,
            eula_id: it.eula_id,
            languages: it.languages,
            prerequisites: it.prerequisites,
            bundled: it.bundled,
            superseded: it.superseded,
            category_type: it.category_type,
            files: it.files,
            eulas: it.eulas,
            drivers: it.drivers,
            titles: it.titles,
        };
        let bytes = value::encode(&DocumentRecord { digest: Sha256([7; 32]), metadata }).unwrap();
        let read: records::DocumentRecord = value::decode(&bytes).unwrap();
        assert_eq!(*read.metadata, now);
    }
}
