//! The updates that a report is about.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::moment;
use crate::admin::AdminError;
use crate::catalog::{RevisionIndex, UpdateIndex};
use crate::metadata::model::{CategoryType, UpdateMetadata, UpdateType};
use crate::policy::approval::{Approval, ApprovalAction};
use crate::state::{Published, State, StateError};

/// Which updates. All that is given has to be true of an update; names and texts are compared
/// without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateFilter {
    /// Title of a classification.
    pub classification: Option<String>,
    /// Title of a product.
    pub product: Option<String>,
    /// Severity by the Microsoft Security Response Center; `Unspecified` for none.
    pub severity: Option<String>,
    /// What was decided. Declined updates are left out unless this asks for them.
    pub approval: Option<ApprovalFilter>,
    /// Came here on this day or later.
    pub arrived_from: Option<String>,
    /// Came here before this day.
    pub arrived_before: Option<String>,
    /// Has a deadline on this day or later.
    pub deadline_from: Option<String>,
    /// Has a deadline before this day.
    pub deadline_before: Option<String>,
    /// Part of its title, or one of its KB numbers.
    pub text: Option<String>,
}

/// What was decided on an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalFilter {
    /// Approved for some group.
    Approved,
    /// Neither approved for any group nor declined.
    Unapproved,
    /// Declined.
    Declined,
}

/// An update of a report.
pub(super) struct Selected {
    pub(super) index: RevisionIndex,
    pub(super) update: Uuid,
    /// Unix seconds of when its latest revision came here.
    pub(super) arrived: i64,
    /// Since when it is offered, which what computers say of it goes by.
    pub(super) offered: i64,
    pub(super) declined: bool,
    /// What its document says, if it was read already.
    pub(super) metadata: Option<Arc<UpdateMetadata>>,
}

/// What a severity is called that an update has not.
pub(super) const UNSPECIFIED: &str = "Unspecified";

/// The updates that `filter` leaves.
pub(super) fn select(
    state: &State,
    published: &Published,
    filter: &UpdateFilter,
) -> Result<Vec<Selected>, AdminError> {
    let category = |kind, title: &Option<String>| {
        title.as_deref().map(|title| called(state, published, kind, title)).transpose()
    };
    let classification = category(CategoryType::UpdateClassification, &filter.classification)?;
    let product = category(CategoryType::Product, &filter.product)?;
    let arrived =
        (moment(filter.arrived_from.as_deref())?, moment(filter.arrived_before.as_deref())?);
    let deadline =
        (moment(filter.deadline_from.as_deref())?, moment(filter.deadline_before.as_deref())?);
    let within = |at: i64, (from, before): (Option<i64>, Option<i64>)| {
        from.is_none_or(|from| at >= from) && before.is_none_or(|before| at < before)
    };
    let text = filter.text.as_deref().map(str::to_lowercase);
    let mut selected = Vec::new();
    for mut candidate in candidates(published, filter.approval) {
        let Selected { index, update, arrived: at, .. } = candidate;
        let approvals = published.policy.approvals.get(&update).map_or(&[][..], Vec::as_slice);
        let is_approved =
            approvals.iter().any(|approval| approval.terms.action != ApprovalAction::None);
        let fits = |filter: ApprovalFilter| match filter {
            ApprovalFilter::Approved => is_approved,
            ApprovalFilter::Unapproved => !is_approved,
            ApprovalFilter::Declined => true,
        };
        let has_deadline = |approval: &Approval| {
            approval.terms.deadline.is_some_and(|terms| within(terms.at, deadline))
        };
        let of_category = |kind, wanted: &Option<RoaringBitmap>| {
            let has = |wanted: &RoaringBitmap| {
                !wanted.is_disjoint(&published.catalog.categories_of_type(index, kind))
            };
            wanted.as_ref().is_none_or(has)
        };
        if !filter.approval.is_none_or(fits)
            || !within(at, arrived)
            || (deadline != (None, None) && !approvals.iter().any(has_deadline))
            || !of_category(CategoryType::UpdateClassification, &classification)
            || !of_category(CategoryType::Product, &product)
        {
            continue;
        }
        if text.is_some() || filter.severity.is_some() {
            let metadata = state.metadata_of(published, index)?;
            let severity = metadata.msrc_severity.as_deref().unwrap_or(UNSPECIFIED);
            let has_severity = |wanted: &String| severity.eq_ignore_ascii_case(wanted);
            if !filter.severity.as_ref().is_none_or(has_severity)
                || !text.as_deref().is_none_or(|text| mentions(&metadata, text))
            {
                continue;
            }
            candidate.metadata = Some(metadata);
        }
        selected.push(candidate);
    }
    Ok(selected)
}

/// All that can be decided on, without what is declined, or that alone.
fn candidates(
    published: &Published,
    approval: Option<ApprovalFilter>,
) -> impl Iterator<Item = Selected> {
    let catalog = &published.catalog;
    let updates = (0..).take(catalog.update_count());
    let latest = updates.filter_map(|update| catalog.latest(update));
    latest.filter_map(move |index| {
        let revision = catalog.revision(index)?;
        let metadata = &revision.metadata;
        let update = metadata.identity.update_id;
        let declined = published.policy.is_declined(update);
        let is_kind = matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver);
        let wanted = match approval == Some(ApprovalFilter::Declined) {
            true => declined,
            false => published.scope.tops.contains(index),
        };
        let arrived = revision.imported;
        let offered = published.policy.offered_since(&metadata.identity, arrived);
        let metadata = None;
        (is_kind && wanted).then_some(Selected {
            index,
            update,
            arrived,
            offered,
            declined,
            metadata,
        })
    })
}

fn mentions(metadata: &UpdateMetadata, text: &str) -> bool {
    let article = text.strip_prefix("kb").unwrap_or(text);
    metadata.title("en").to_lowercase().contains(text)
        || metadata.kb_article_ids.iter().any(|id| id == article)
}

/// The categories of a kind with a title.
fn called(
    state: &State,
    published: &Published,
    kind: CategoryType,
    title: &str,
) -> Result<RoaringBitmap, StateError> {
    let titles = Categories::of(state, published, kind)?;
    let wanted = title.to_lowercase();
    let named = titles.0.into_iter().filter(|(_, title)| title.to_lowercase() == wanted);
    let found: RoaringBitmap = named.map(|(update, _)| update).collect();
    let kind = match kind {
        CategoryType::Product => "product",
        _ => "classification",
    };
    match found.is_empty() {
        true => Err(StateError::NotFound { kind, name: title.to_owned() }),
        false => Ok(found),
    }
}

/// The titles of all categories of a kind.
pub(super) struct Categories(HashMap<UpdateIndex, String>);

impl Categories {
    pub(super) fn of(
        state: &State,
        published: &Published,
        kind: CategoryType,
    ) -> Result<Self, StateError> {
        let catalog = &published.catalog;
        let updates = (0..).take(catalog.update_count());
        let categories = updates.filter(|update| catalog.category_type(*update) == Some(kind));
        let titles = categories.filter_map(|update| Some((update, catalog.latest(update)?)));
        let titles = titles.map(|(update, index)| {
            Ok((update, state.metadata_of(published, index)?.title("en").to_owned()))
        });
        titles.collect::<Result<_, StateError>>().map(Self)
    }

    /// Those of a revision.
    pub(super) fn titles(
        &self,
        published: &Published,
        index: RevisionIndex,
        kind: CategoryType,
    ) -> Vec<String> {
        let categories = published.catalog.categories_of_type(index, kind);
        categories.iter().filter_map(|update| self.0.get(&update).cloned()).collect()
    }
}
