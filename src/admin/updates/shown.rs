//! What is said of updates: in lists, in full, and once they are gone.

use std::collections::{BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::admin::terms::ShownTerms;
use crate::admin::{AdminError, instant};
use crate::catalog::RevisionIndex;
use crate::computers::Counts;
use crate::metadata::model::{
    CategoryType, Prerequisite, PublicationState, UpdateMetadata, UpdateType,
};
use crate::policy::approval::{Approval, ApprovalAction, Source};
use crate::policy::cause::Cause;
use crate::policy::eula::eulas;
use crate::state::{DeletedUpdate, Published, State, StateError};
use crate::wire::types::UpdateIdentity;

/// What is said of an update in a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UpdateSummary {
    /// Its id.
    pub update_id: Uuid,
    /// Which revision this is.
    pub revision_number: u32,
    /// What clients call the revision.
    pub revision_id: u32,
    /// What it is.
    pub r#type: ShownUpdateType,
    /// Its title in English.
    pub title: String,
    /// The titles of its classifications.
    pub classifications: Vec<String>,
    /// The titles of its products.
    pub products: Vec<String>,
    /// Knowledge base articles.
    pub kb_article_ids: Vec<String>,
    /// `MsrcSeverity`.
    pub severity: Option<String>,
    /// When it came.
    pub imported: Option<String>,
    /// Whether its publisher withdrew it.
    pub expired: bool,
    /// Whether another replaces it.
    pub superseded: bool,
    /// Whether nobody gets it any more.
    pub declined: bool,
    /// To which groups it is deployed.
    pub approvals: Vec<ShownApproval>,
    /// What is missing of its licences, in words; empty when nothing is.
    pub licence: String,
    /// Whether its files are here, in words.
    pub content: String,
    /// How many computers are in which state regarding it, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<Counts>,
}

/// A kind of update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShownUpdateType {
    /// An update, or a bundle of them.
    Software,
    /// A driver.
    Driver,
    /// A category.
    Category,
    /// A detectoid.
    Detectoid,
}

/// One approval.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownApproval {
    /// For whom and on what terms.
    #[serde(flatten)]
    pub terms: ShownTerms,
    /// Where it was to count later: whether it counts by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<bool>,
    /// The update group whose deployment it is, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_group: Option<String>,
}

/// Everything about an update.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UpdateDetails {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: UpdateSummary,
    /// Its licences and those of what it bundles.
    pub licences: Vec<ShownLicence>,
    /// Why it was declined by itself, if somebody took that back: it is not declined for that again.
    pub exempt_from: Option<String>,
    /// What administrators tagged it with.
    pub tags: Option<BTreeSet<String>>,
    /// Whether no other update requires it.
    pub is_leaf: bool,
    /// Its files.
    pub files: Vec<ShownFile>,
    /// The updates that it requires.
    pub prerequisites: Vec<Prerequisite>,
    /// The revisions that it bundles.
    pub bundles: Vec<String>,
    /// The revisions that bundle it.
    pub bundled_by: Vec<String>,
    /// The updates that it replaces.
    pub supersedes: Vec<Uuid>,
    /// The revisions that replace it.
    pub superseded_by: Vec<String>,
}

/// A licence.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownLicence {
    /// Its id.
    pub id: Uuid,
    /// Who accepted it, if somebody did.
    pub accepted_by: Option<String>,
    /// When.
    pub accepted: Option<String>,
}

/// A file of an update.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownFile {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Its SHA-1.
    pub sha1: String,
    /// Its SHA-256, if the metadata has it.
    pub sha256: Option<String>,
    /// Whether it is here.
    pub here: bool,
}

/// Everything about an update.
///
/// # Errors
/// When it is not there, or the disk fails.
pub(in crate::admin) fn show(
    state: &State,
    update: Uuid,
    revision: Option<u32>,
) -> Result<UpdateDetails, AdminError> {
    let published = state.published();
    let index = find(&published, update, revision)?;
    let metadata = state.metadata_of(&published, index)?;
    let summary = summary(state, &published, index, &metadata, &mut Titles::default())?;
    let catalog = &published.catalog;
    let identity_of = |index: RevisionIndex| {
        catalog.revision(index).map(|revision| revision.metadata.identity.to_string())
    };
    let update_index = catalog.update(&update);
    let files = metadata.files.iter().map(|file| ShownFile {
        name: file.name.clone(),
        size: file.size,
        sha1: file.sha1.to_hex(),
        sha256: file.sha256.map(|sha256| sha256.to_hex()),
        here: published.contents.contains_key(&file.sha1),
    });
    let licences = eulas(catalog, index).into_iter().map(|id| {
        let accepted = published.policy.eulas.get(&id);
        ShownLicence {
            id,
            accepted_by: accepted.map(|accepted| accepted.by.clone()),
            accepted: accepted.and_then(|accepted| instant(accepted.at)),
        }
    });
    let superseded_by =
        update_index.map(|update| catalog.superseded_by(update).filter_map(identity_of).collect());
    Ok(UpdateDetails {
        summary,
        licences: licences.collect(),
        exempt_from: published.policy.exempt.get(&update).map(Cause::to_string),
        tags: published.policy.tags.get(&update).cloned(),
        is_leaf: catalog.is_leaf(index),
        files: files.collect(),
        prerequisites: metadata.prerequisites.clone(),
        bundles: catalog.members(index).iter().copied().filter_map(identity_of).collect(),
        bundled_by: catalog.parents(index).iter().copied().filter_map(identity_of).collect(),
        supersedes: metadata.superseded.clone(),
        superseded_by: superseded_by.unwrap_or_default(),
    })
}

pub(super) fn find(
    published: &Published,
    update: Uuid,
    revision: Option<u32>,
) -> Result<RevisionIndex, StateError> {
    let catalog = &published.catalog;
    let index = match revision {
        None => catalog.update(&update).and_then(|update| catalog.latest(update)),
        Some(revision_number) => {
            catalog.by_identity(&UpdateIdentity { update_id: update, revision_number })
        }
    };
    index.ok_or_else(|| not_found(update))
}

pub(super) fn not_found(update: Uuid) -> StateError {
    StateError::NotFound { kind: "update", name: update.to_string() }
}

/// The titles of categories, which many updates share, so that each is read once.
#[derive(Default)]
pub(super) struct Titles(HashMap<RevisionIndex, String>);

impl Titles {
    fn of(
        &mut self,
        state: &State,
        published: &Published,
        index: RevisionIndex,
    ) -> Result<String, StateError> {
        if let Some(title) = self.0.get(&index) {
            return Ok(title.clone());
        }
        let title = state.metadata_of(published, index)?.title("en").to_owned();
        self.0.insert(index, title.clone());
        Ok(title)
    }
}

pub(super) fn summary(
    state: &State,
    published: &Published,
    index: RevisionIndex,
    metadata: &UpdateMetadata,
    titles: &mut Titles,
) -> Result<UpdateSummary, StateError> {
    let catalog = &published.catalog;
    let update_id = metadata.identity.update_id;
    let revision = catalog.revision(index).ok_or_else(|| not_found(update_id))?;
    let update = catalog.update_of(index).ok_or_else(|| not_found(update_id))?;
    let mut categories = |kind: CategoryType| -> Result<Vec<String>, StateError> {
        let categories = catalog.categories_of_type(index, kind);
        let latest = categories.iter().filter_map(|update| catalog.latest(update));
        latest.map(|index| titles.of(state, published, index)).collect()
    };
    let classifications = categories(CategoryType::UpdateClassification)?;
    let products = categories(CategoryType::Product)?;
    let approvals = published.policy.approvals.get(&update_id).into_iter().flatten();
    let approvals = approvals.filter(|approval| approval.terms.action != ApprovalAction::None);
    let approvals: Vec<&Approval> = approvals.collect();
    let acts = approvals.iter().any(|approval| approval.terms.action.acts());
    let installs =
        approvals.iter().any(|approval| approval.terms.action == ApprovalAction::Install);
    let update_groups = &published.policy.update_groups;
    let approvals = approvals.iter().map(|approval| {
        let group = published.policy.groups.get(&approval.group);
        ShownApproval {
            terms: ShownTerms::of(group.map_or("", |group| &group.name), &approval.terms),
            live: approval.terms.go_live.map(|_| approval.live),
            update_group: match approval.source {
                Source::UpdateGroup(id) => update_groups.get(&id).map(|group| group.name.clone()),
                Source::Decision | Source::Unknown => None,
            },
        }
    });
    let licence = match published.policy.eulas_since(catalog, index) {
        None if acts => "not accepted: installs are held back",
        None => "not accepted",
        Some(_) => "",
    };
    let content = match published.content_since(index) {
        Some(_) => "here",
        None if installs && published.handling.hold_installs => "missing: installs are held back",
        None => "missing",
    };
    Ok(UpdateSummary {
        update_id,
        revision_number: metadata.identity.revision_number,
        revision_id: revision.id.0,
        r#type: match metadata.update_type {
            UpdateType::Software => ShownUpdateType::Software,
            UpdateType::Driver => ShownUpdateType::Driver,
            UpdateType::Category => ShownUpdateType::Category,
            UpdateType::Detectoid => ShownUpdateType::Detectoid,
        },
        title: metadata.title("en").to_owned(),
        classifications,
        products,
        kb_article_ids: metadata.kb_article_ids.clone(),
        severity: metadata.msrc_severity.clone(),
        imported: instant(revision.imported),
        expired: metadata.publication_state == PublicationState::Expired,
        superseded: catalog.superseded_by(update).next().is_some(),
        declined: published.policy.is_declined(update_id),
        approvals: approvals.collect(),
        licence: licence.to_owned(),
        content: content.to_owned(),
        states: None,
    })
}

/// Updates that were deleted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedUpdates {
    /// What was deleted of each.
    pub deleted: Vec<Deleted>,
}

/// What was deleted of an update.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    /// The update.
    pub update_id: Uuid,
    /// The numbers of its revisions.
    pub revisions: Vec<u32>,
    /// Why.
    pub reason: String,
}

impl Deleted {
    pub(in crate::admin) fn of(deleted: &DeletedUpdate) -> Self {
        Self {
            update_id: deleted.update,
            revisions: deleted.revisions.keys().copied().collect(),
            reason: deleted.reason.to_owned(),
        }
    }
}

/// An update that will be back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoredUpdate {
    /// The update.
    pub update_id: Uuid,
    /// When, in words.
    pub restored: String,
}
