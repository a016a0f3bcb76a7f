//! Records as the first version wrote them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::metadata::model;
use crate::metadata::model::{
    BundleClause, CategoryType, DriverEntry, EulaFile, LocalizedText, Prerequisite,
    PublicationState, UpdateFile, UpdateType,
};
use crate::store::value::{NoPrevious, Stored};
use crate::wire::types::{RevisionId, Sha256, UpdateIdentity};

/// A revision before its languages were kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevisionRecord {
    id: RevisionId,
    deployment_id: u32,
    imported: i64,
    changed: u64,
    metadata: UpdateMetadata,
    document: Sha256,
    fragments: Sha256,
    core_bytes: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct UpdateMetadata {
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
    prerequisites: Vec<Prerequisite>,
    bundled: Vec<BundleClause>,
    superseded: Vec<Uuid>,
    category_type: Option<CategoryType>,
    files: Vec<UpdateFile>,
    eulas: Vec<EulaFile>,
    drivers: Vec<DriverEntry>,
    titles: Vec<LocalizedText>,
}

impl Stored for RevisionRecord {
    const NAME: &'static str = "revision record";
    const VERSION: u8 = 1;
    type Previous = NoPrevious;

    fn migrate(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl From<RevisionRecord> for super::RevisionRecord {
    /// Without languages the revision is for all of them: downstream servers then get it whatever
    /// they filter by, rather than not at all.
    fn from(record: RevisionRecord) -> Self {
        let old = record.metadata;
        let metadata = model::UpdateMetadata {
            identity: old.identity,
            update_type: old.update_type,
            explicitly_deployable: old.explicitly_deployable,
            publication_state: old.publication_state,
            creation_date: old.creation_date,
            default_language: old.default_language,
            msrc_severity: old.msrc_severity,
            kb_article_ids: old.kb_article_ids,
            security_bulletin_ids: old.security_bulletin_ids,
            eula_id: old.eula_id,
            languages: Vec::new(),
            prerequisites: old.prerequisites,
            bundled: old.bundled,
            superseded: old.superseded,
            category_type: old.category_type,
            files: old.files,
            eulas: old.eulas,
            drivers: old.drivers,
            titles: old.titles,
        };
        Self {
            id: record.id,
            deployment_id: record.deployment_id,
            imported: record.imported,
            changed: record.changed,
            metadata: Arc::new(metadata),
            document: record.document,
            fragments: record.fragments,
            core_bytes: record.core_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::value;

    #[test]
    fn a_record_of_the_first_version_is_read() {
        let metadata = UpdateMetadata {
            identity: UpdateIdentity { update_id: Uuid::from_u128(5), revision_number: 200 },
            update_type: UpdateType::Software,
            explicitly_deployable: true,
            publication_state: PublicationState::Published,
            creation_date: 7,
            default_language: "en".into(),
            msrc_severity: Some("Critical".into()),
            kb_article_ids: vec!["1".into()],
            security_bulletin_ids: Vec::new(),
            eula_id: None,
            prerequisites: Vec::new(),
            bundled: Vec::new(),
            superseded: vec![Uuid::from_u128(9)],
            category_type: None,
            files: Vec::new(),
            eulas: Vec::new(),
            drivers: Vec::new(),
            titles: Vec::new(),
        };
        let old = RevisionRecord {
            id: RevisionId(3),
            deployment_id: 4,
            imported: 5,
            changed: 6,
            metadata,
            document: Sha256([1; 32]),
            fragments: Sha256([2; 32]),
            core_bytes: 8,
        };
        let bytes = value::encode(&old).expect("encoded");
        let read: super::super::RevisionRecord = value::decode(&bytes).expect("decoded");
        assert_eq!((read.id, read.changed, read.core_bytes), (RevisionId(3), 6, 8));
        assert_eq!((read.document, read.fragments), (Sha256([1; 32]), Sha256([2; 32])));
        assert_eq!(read.metadata.superseded, [Uuid::from_u128(9)]);
        assert_eq!(read.metadata.msrc_severity.as_deref(), Some("Critical"));
        assert!(read.metadata.languages.is_empty());
    }
}
