//! Updates: what there is, what was decided, and the exact fragments clients are sent.

use std::collections::{BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::terms::ShownTerms;
use super::{AdminError, Call, Operation, Route, instant};
use crate::catalog::RevisionIndex;
use crate::computers::Counts;
use crate::metadata::fragments;
use crate::metadata::model::{
    CategoryType, Prerequisite, PublicationState, UpdateMetadata, UpdateType,
};
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::eula::eulas;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::policy::terms::Terms;
use crate::state::{Decision, DeletedUpdate, Published, State, StateError};
use crate::wire::types::UpdateIdentity;

/// Everything that can be decided on: the latest revision of every software update and driver that
/// is not only a member of bundles.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListUpdates {}

impl Operation for ListUpdates {
    type Answer = Vec<UpdateSummary>;
    const ROUTE: Route = Route::get("/updates");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let state = call.state();
        let standing = state.standing(ALL_COMPUTERS).await?;
        let published = state.published();
        let catalog = &published.catalog;
        let updates = (0..).take(catalog.update_count());
        let rows = updates.filter_map(|update| catalog.latest(update)).filter(|index| {
            let Some(revision) = catalog.revision(*index) else { return false };
            let metadata = &revision.metadata;
            let decidable =
                matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver);
            let offered = published.scope.tops.contains(*index);
            decidable && (offered || published.policy.is_declined(metadata.identity.update_id))
        });
        let mut titles = Titles::default();
        let summaries = rows.map(|index| {
            let metadata = state.metadata_of(&published, index)?;
            let mut summary = summary(state, &published, index, &metadata, &mut titles)?;
            summary.states = standing.updates.get(&summary.update_id).copied();
            Ok(summary)
        });
        Ok(summaries.collect::<Result<_, StateError>>()?)
    }
}

/// One update, or one revision of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowUpdate {
    /// The update.
    pub update: Uuid,
    /// The revision; the latest if none is named.
    pub revision: Option<u32>,
}

impl Operation for ShowUpdate {
    type Answer = UpdateDetails;
    const ROUTE: Route = Route::get("/updates/{update}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let standing = call.state().standing(ALL_COMPUTERS).await?;
        let mut details = show(call.state(), self.update, self.revision)?;
        details.summary.states = standing.updates.get(&self.update).copied();
        Ok(details)
    }
}

/// The exact text of a fragment that clients are sent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowFragment {
    /// The update.
    pub update: Uuid,
    /// The revision; the latest if none is named.
    pub revision: Option<u32>,
    /// Which fragment.
    pub fragment: FragmentKind,
    /// For localized fragments and licences, the language; `en` if none is named.
    pub locale: Option<String>,
}

/// A kind of fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FragmentKind {
    /// Core.
    Core,
    /// Extended.
    Extended,
    /// LocalizedProperties.
    Localized,
    /// Eula.
    Eula,
}

impl Operation for ShowFragment {
    type Answer = String;
    const ROUTE: Route = Route::get("/updates/{update}/fragments/{fragment}");

    /// The fragment is derived from the stored document again: what clients are sent is the same
    /// text, escaped.
    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let published = call.state().published();
        let index = find(&published, self.update, self.revision)?;
        let places = published.places(index).ok_or_else(|| not_found(self.update))?;
        let document = call.state().document(places)?;
        let derived = fragments::derive(&document).map_err(StateError::from)?;
        let locale = self.locale.as_deref().unwrap_or("en");
        let missing =
            || StateError::NotFound { kind: "fragment for the language", name: locale.into() };
        Ok(match self.fragment {
            FragmentKind::Core => derived.core,
            FragmentKind::Extended => derived.extended,
            FragmentKind::Localized => {
                let mut all = derived.localized.into_iter();
                let found = all.find(|(language, _)| language.eq_ignore_ascii_case(locale));
                found.ok_or_else(missing)?.1
            }
            FragmentKind::Eula => {
                let mut all = derived.eula.into_iter();
                let found = all.find(|eula| eula.language.eq_ignore_ascii_case(locale));
                found.ok_or_else(missing)?.xml
            }
        })
    }
}

/// Approve an update for a group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApproveUpdate {
    /// The update.
    pub update: Uuid,
    /// The group's name.
    pub group: String,
    /// What its computers are to do, and when.
    pub terms: Terms,
}

impl Operation for ApproveUpdate {
    type Answer = UpdateDetails;
    const ROUTE: Route = Route::post("/updates/{update}/approvals");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let decision = Decision::Approve { group: self.group, terms: self.terms };
        call.state().decide(call.by(), self.update, decision).await?;
        show(call.state(), self.update, None)
    }
}

/// Decline an update: nobody gets it any more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeclineUpdate {
    /// The update.
    pub update: Uuid,
}

impl Operation for DeclineUpdate {
    type Answer = UpdateDetails;
    const ROUTE: Route = Route::post("/updates/{update}/decline");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().decide(call.by(), self.update, Decision::Decline).await?;
        show(call.state(), self.update, None)
    }
}

/// Accept the licences of an update and of what it bundles, for everybody.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AcceptLicences {
    /// The update.
    pub update: Uuid,
}

impl Operation for AcceptLicences {
    type Answer = UpdateDetails;
    const ROUTE: Route = Route::post("/updates/{update}/licences/accept");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().accept_eulas(call.by(), self.update).await?;
        show(call.state(), self.update, None)
    }
}

/// Set the tags of an update, which rules can go by.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TagUpdate {
    /// The update.
    pub update: Uuid,
    /// All of them.
    pub tags: BTreeSet<String>,
}

impl Operation for TagUpdate {
    type Answer = UpdateDetails;
    const ROUTE: Route = Route::put("/updates/{update}/tags");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().tag(call.by(), self.update, self.tags).await?;
        show(call.state(), self.update, None)
    }
}

/// Delete a declined update, with the parts that only it has.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteUpdate {
    /// The update.
    pub update: Uuid,
}

impl Operation for DeleteUpdate {
    type Answer = DeletedUpdates;
    const ROUTE: Route = Route::delete("/updates/{update}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let deletion = call.state().delete_update(call.by(), self.update).await?;
        Ok(DeletedUpdates { deleted: deletion.0.iter().map(Deleted::of).collect() })
    }
}

/// Have a deleted update brought back by the next synchronization, declined as it was.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoreUpdate {
    /// The update.
    pub update: Uuid,
}

impl Operation for RestoreUpdate {
    type Answer = RestoredUpdate;
    const ROUTE: Route = Route::post("/updates/{update}/restore");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().restore_update(call.by(), self.update).await?;
        let restored = "at the next synchronization".to_owned();
        Ok(RestoredUpdate { update_id: self.update, restored })
    }
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
    pub(super) fn of(deleted: &DeletedUpdate) -> Self {
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
}

/// Everything about an update.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UpdateDetails {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: UpdateSummary,
    /// Its licences and those of what it bundles.
    pub licences: Vec<ShownLicence>,
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

pub(super) fn show(
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

fn find(
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

fn not_found(update: Uuid) -> StateError {
    StateError::NotFound { kind: "update", name: update.to_string() }
}

/// The titles of categories, which many updates share, so that each is read once.
#[derive(Default)]
struct Titles(HashMap<RevisionIndex, String>);

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

fn summary(
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
    let approvals = approvals.iter().map(|approval| {
        let group = published.policy.groups.get(&approval.group);
        ShownApproval {
            terms: ShownTerms::of(group.map_or("", |group| &group.name), &approval.terms),
            live: approval.terms.go_live.map(|_| approval.live),
        }
    });
    let licence = match published.policy.eulas_since(catalog, index) {
        None if acts => "not accepted: installs are held back",
        None => "not accepted",
        Some(_) => "",
    };
    let content = match published.content_since(index) {
        Some(_) => "here",
        None if installs && published.hold_installs => "missing: installs are held back",
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
