//! Updates: what there is, what was decided, and the exact fragments clients are sent.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{AdminError, FragmentKind};
use crate::catalog::RevisionIndex;
use crate::metadata::fragments;
use crate::metadata::model::{CategoryType, PublicationState, UpdateMetadata, UpdateType};
use crate::policy::approval::{Approval, ApprovalAction};
use crate::policy::by::By;
use crate::policy::eula::eulas;
use crate::policy::terms::{Clock, DownloadPriority, Terms};
use crate::state::{Decision, DeletedUpdate, Published, State, StateError};
use crate::wire::time::DateTime;
use crate::wire::types::UpdateIdentity;

/// Everything that can be decided on: the latest revision of every software update and driver that
/// is not only a member of bundles.
pub(super) fn list(state: &State) -> Result<Value, StateError> {
    let published = state.published();
    let catalog = &published.catalog;
    let updates = (0..).take(catalog.update_count());
    let rows = updates.filter_map(|update| catalog.latest(update)).filter(|index| {
        let Some(revision) = catalog.revision(*index) else { return false };
        let metadata = &revision.metadata;
        let decidable = matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver);
        let offered = published.scope.tops.contains(*index);
        decidable && (offered || published.policy.is_declined(metadata.identity.update_id))
    });
    let mut titles = Titles::default();
    rows.map(|index| {
        let metadata = state.metadata_of(&published, index)?;
        summary(state, &published, index, &metadata, &mut titles)
    })
    .collect()
}

pub(super) fn show(
    state: &State,
    update: Uuid,
    revision: Option<u32>,
) -> Result<Value, AdminError> {
    let published = state.published();
    let index = find(&published, update, revision)?;
    let metadata = state.metadata_of(&published, index)?;
    let mut answer = summary(state, &published, index, &metadata, &mut Titles::default())?;
    let catalog = &published.catalog;
    let identity_of = |index: RevisionIndex| {
        catalog.revision(index).map(|revision| revision.metadata.identity.to_string())
    };
    let update_index = catalog.update(&update);
    let files = metadata.files.iter().map(|file| {
        json!({
            "name": file.name,
            "size": file.size,
            "sha1": file.sha1.to_hex(),
            "sha256": file.sha256.map(|sha256| sha256.to_hex()),
            "here": published.contents.contains_key(&file.sha1),
        })
    });
    let licences = eulas(catalog, index).into_iter().map(|eula| {
        let accepted = published.policy.eulas.get(&eula);
        json!({
            "id": eula,
            "accepted_by": accepted.map(|accepted| &accepted.by),
            "accepted": accepted.and_then(|accepted| instant(accepted.at)),
        })
    });
    answer["licences"] = licences.collect();
    answer["tags"] = json!(published.policy.tags.get(&update));
    answer["is_leaf"] = json!(catalog.is_leaf(index));
    answer["files"] = files.collect();
    answer["prerequisites"] = json!(metadata.prerequisites);
    answer["bundles"] = catalog.members(index).iter().copied().filter_map(identity_of).collect();
    answer["bundled_by"] = catalog.parents(index).iter().copied().filter_map(identity_of).collect();
    answer["supersedes"] = json!(metadata.superseded);
    answer["superseded_by"] = update_index
        .map(|update| catalog.superseded_by(update).filter_map(identity_of).collect())
        .unwrap_or_default();
    Ok(answer)
}

/// The fragment is derived from the stored document again: what clients are sent is the same text,
/// escaped.
pub(super) fn fragment(
    state: &State,
    update: Uuid,
    revision: Option<u32>,
    kind: FragmentKind,
    locale: &str,
) -> Result<Value, AdminError> {
    let published = state.published();
    let index = find(&published, update, revision)?;
    let places = published.places(index).ok_or_else(|| not_found(update))?;
    let document = state.document(places)?;
    let derived = fragments::derive(&document).map_err(StateError::from)?;
    let missing =
        || StateError::NotFound { kind: "fragment for the language", name: locale.into() };
    let text = match kind {
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
    };
    Ok(Value::String(text))
}

pub(super) async fn approve(
    state: &State,
    update: Uuid,
    group: String,
    terms: Terms,
) -> Result<Value, AdminError> {
    state.decide(By::administrator(), update, Decision::Approve { group, terms }).await?;
    show(state, update, None)
}

pub(super) async fn decline(state: &State, update: Uuid) -> Result<Value, AdminError> {
    state.decide(By::administrator(), update, Decision::Decline).await?;
    show(state, update, None)
}

pub(super) async fn delete(state: &State, update: Uuid) -> Result<Value, AdminError> {
    let deletion = state.delete_update(By::administrator(), update).await?;
    Ok(json!({ "deleted": deletion.0.iter().map(deleted).collect::<Value>() }))
}

pub(super) async fn restore(state: &State, update: Uuid) -> Result<Value, AdminError> {
    state.restore_update(By::administrator(), update).await?;
    Ok(json!({ "update_id": update, "restored": "at the next synchronization" }))
}

/// What was deleted of an update, as it is shown.
pub(super) fn deleted(deleted: &DeletedUpdate) -> Value {
    json!({
        "update_id": deleted.update,
        "revisions": deleted.revisions.keys().collect::<Vec<_>>(),
        "reason": deleted.reason,
    })
}

pub(super) async fn accept_eulas(state: &State, update: Uuid) -> Result<Value, AdminError> {
    state.accept_eulas(By::administrator(), update).await?;
    show(state, update, None)
}

pub(super) async fn tag(
    state: &State,
    update: Uuid,
    tags: BTreeSet<String>,
) -> Result<Value, AdminError> {
    state.tag(By::administrator(), update, tags).await?;
    show(state, update, None)
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
) -> Result<Value, StateError> {
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
    let approvals: Vec<Value> = approvals
        .iter()
        .map(|approval| {
            let group = published.policy.groups.get(&approval.group);
            let mut shown = terms(group.map_or("", |group| &group.name), &approval.terms);
            if approval.terms.go_live.is_some() {
                shown["live"] = json!(approval.live);
            }
            shown
        })
        .collect();
    Ok(json!({
        "update_id": update_id,
        "revision_number": metadata.identity.revision_number,
        "revision_id": revision.id,
        "type": match metadata.update_type {
            UpdateType::Software => "software",
            UpdateType::Driver => "driver",
            UpdateType::Category => "category",
            UpdateType::Detectoid => "detectoid",
        },
        "title": metadata.title("en"),
        "classifications": classifications,
        "products": products,
        "kb_article_ids": metadata.kb_article_ids,
        "severity": metadata.msrc_severity,
        "imported": instant(revision.imported),
        "expired": metadata.publication_state == PublicationState::Expired,
        "superseded": catalog.superseded_by(update).next().is_some(),
        "declined": published.policy.is_declined(update_id),
        "approvals": approvals,
        "licence": match published.policy.eulas_since(catalog, index) {
            None if acts => "not accepted: installs are held back",
            None => "not accepted",
            Some(_) => "",
        },
        "content": match published.content_since(index) {
            Some(_) => "here",
            None if installs && published.hold_installs => "missing: installs are held back",
            None => "missing",
        },
    }))
}

/// Terms as administrators read them; what is as usual is left out.
pub(super) fn terms(group: &str, terms: &Terms) -> Value {
    let Terms { action, deadline, go_live, download_priority } = *terms;
    let mut shown = json!({
        "group": group,
        "action": action,
        "deadline": deadline.and_then(|deadline| match deadline.clock {
            Clock::Utc => instant(deadline.at),
            Clock::Local => {
                instant(deadline.at).map(|at| format!("{} local time", at.trim_end_matches('Z')))
            }
        }),
    });
    if let Some(deadline) = deadline.filter(|deadline| deadline.spread > 0) {
        shown["spread_seconds"] = json!(deadline.spread);
    }
    if let Some(at) = go_live {
        shown["available"] = json!(instant(at));
    }
    if download_priority != DownloadPriority::default() {
        shown["download_priority"] = json!(download_priority);
    }
    shown
}

/// An instant as administrators read it.
pub(super) fn instant(seconds: i64) -> Option<String> {
    DateTime::from_unix(seconds, 0).map(|instant| instant.to_string())
}
