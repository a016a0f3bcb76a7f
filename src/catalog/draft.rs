//! Revisions for tests, written down in a line each.

use std::sync::Arc;

use uuid::Uuid;

use super::revision::NewRevision;
use crate::metadata::model::{
    BundleClause, CategoryType, DriverEntry, Prerequisite, PublicationState, UpdateMetadata,
    UpdateType,
};
use crate::wire::types::{RevisionId, UpdateIdentity};

/// The update id that stands for number `update`.
pub(crate) fn uuid(update: u128) -> Uuid {
    Uuid::from_u128(update)
}

/// The identity of a revision of update number `update`.
pub(crate) fn identity(update: u128, revision_number: u32) -> UpdateIdentity {
    UpdateIdentity { update_id: uuid(update), revision_number }
}

/// A revision being written: published software without relations that is not explicitly
/// deployable, unless told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    id: u32,
    changed: u64,
    metadata: UpdateMetadata,
}

impl Draft {
    pub(crate) fn new(id: u32, update: u128, revision_number: u32) -> Self {
        let metadata = UpdateMetadata {
            identity: identity(update, revision_number),
            update_type: UpdateType::Software,
            explicitly_deployable: false,
            publication_state: PublicationState::Published,
            creation_date: 0,
            default_language: "en".to_owned(),
            msrc_severity: None,
            kb_article_ids: Vec::new(),
            security_bulletin_ids: Vec::new(),
            eula_id: None,
            languages: Vec::new(),
            prerequisites: Vec::new(),
            bundled: Vec::new(),
            superseded: Vec::new(),
            category_type: None,
            files: Vec::new(),
            express: Vec::new(),
            eulas: Vec::new(),
            drivers: Vec::new(),
            titles: Vec::new(),
        };
        Self { id, changed: 0, metadata }
    }

    pub(crate) fn with_id(self, id: u32) -> Self {
        Self { id, ..self }
    }

    /// The commit since which it is as it is.
    pub(crate) fn changed(self, changed: u64) -> Self {
        Self { changed, ..self }
    }

    pub(crate) fn update_type(mut self, update_type: UpdateType) -> Self {
        self.metadata.update_type = update_type;
        self
    }

    pub(crate) fn category(mut self, category_type: CategoryType) -> Self {
        self.metadata.category_type = Some(category_type);
        self.update_type(UpdateType::Category)
    }

    pub(crate) fn detectoid(self) -> Self {
        self.update_type(UpdateType::Detectoid)
    }

    pub(crate) fn explicitly_deployable(mut self, explicitly_deployable: bool) -> Self {
        self.metadata.explicitly_deployable = explicitly_deployable;
        self
    }

    pub(crate) fn expired(mut self, expired: bool) -> Self {
        if expired {
            self.metadata.publication_state = PublicationState::Expired;
        }
        self
    }

    /// Adds a prerequisite clause.
    pub(crate) fn needs(self, alternatives: &[u128]) -> Self {
        self.clause(alternatives, false)
    }

    /// Adds a prerequisite clause with `IsCategory`.
    pub(crate) fn filed_under(self, categories: &[u128]) -> Self {
        self.clause(categories, true)
    }

    pub(crate) fn clause(mut self, alternatives: &[u128], is_category: bool) -> Self {
        let alternatives = alternatives.iter().map(|&update| uuid(update)).collect();
        self.metadata.prerequisites.push(Prerequisite { alternatives, is_category });
        self
    }

    /// Adds a bundle clause.
    pub(crate) fn bundles(mut self, alternatives: &[(u128, u32)]) -> Self {
        let alternatives = alternatives.iter().map(|&(update, number)| identity(update, number));
        self.metadata.bundled.push(BundleClause { alternatives: alternatives.collect() });
        self
    }

    pub(crate) fn supersedes(mut self, updates: &[u128]) -> Self {
        self.metadata.superseded.extend(updates.iter().map(|&update| uuid(update)));
        self
    }

    pub(crate) fn languages(mut self, languages: &[&str]) -> Self {
        self.metadata.languages = languages.iter().map(|&language| language.to_owned()).collect();
        self
    }

    /// Adds a driver row, and makes the revision a driver.
    pub(crate) fn drives(mut self, entry: DriverEntry) -> Self {
        self.metadata.drivers.push(entry);
        self.update_type(UpdateType::Driver)
    }

    pub(crate) fn build(self) -> NewRevision {
        NewRevision {
            id: RevisionId(self.id),
            deployment_id: self.id,
            imported: 0,
            changed: self.changed,
            metadata: Arc::new(self.metadata),
            core_bytes: 1000,
        }
    }
}
