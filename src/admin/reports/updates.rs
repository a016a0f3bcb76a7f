//! The report on updates.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::selection::{Categories, Selected, UNSPECIFIED, UpdateFilter, select};
use super::{Detail, NamedCounts, StateFilter, Sums, group_called, page};
use crate::admin::{AdminError, Call, Operation, Route, instant};
use crate::computers::Counts;
use crate::metadata::model::{CategoryType, UpdateMetadata};
use crate::policy::approval::ApprovalAction;
use crate::state::{Published, Standing, State, StateError};

/// The states of updates on the computers of a group and of those below it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReportUpdates {
    /// The group's name; all computers without one.
    pub group: Option<String>,
    /// Which updates.
    #[serde(flatten)]
    pub filter: UpdateFilter,
    /// Only those that some computer has in this state.
    pub state: Option<StateFilter>,
    /// How much of it.
    pub detail: Detail,
    /// By what the rows are ordered.
    pub sort: UpdateOrder,
    /// Whether the last come first.
    pub descending: bool,
    /// Rows to leave out at the beginning.
    pub offset: Option<u32>,
    /// Most rows.
    pub limit: Option<u32>,
}

/// An order of updates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateOrder {
    /// By title.
    #[default]
    Title,
    /// By when they came here.
    Arrived,
    /// By how many computers need them.
    Needed,
    /// By how many failed.
    Failed,
    /// By how many computers have them.
    Installed,
    /// By how many computers nobody knows of.
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdatesReport {
    /// The moment of the counts, RFC 3339.
    pub as_of: Option<String>,
    /// The group, with those above it.
    pub group: String,
    /// How many computers are in it.
    pub computers: u64,
    /// How many updates the filter leaves.
    pub updates: u64,
    /// Pairs of computer and update by their state.
    pub totals: Counts,
    /// The same for each classification.
    pub classifications: Vec<NamedCounts>,
    /// The same for each product. An update of several counts for each of them.
    pub products: Vec<NamedCounts>,
    /// The same for each severity; `Unspecified` for none.
    pub severities: Vec<NamedCounts>,
    /// The updates, unless only a summary was asked for.
    pub rows: Vec<UpdateRow>,
}

/// One update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateRow {
    /// The update.
    pub update_id: Uuid,
    /// Its title.
    pub title: String,
    /// Its articles in the Microsoft knowledge base.
    pub kb_article_ids: Vec<String>,
    /// Its classifications.
    pub classifications: Vec<String>,
    /// Its products.
    pub products: Vec<String>,
    /// Its severity.
    pub severity: Option<String>,
    /// When it came here, RFC 3339.
    pub arrived: Option<String>,
    /// Whether it is declined.
    pub declined: bool,
    /// What was decided.
    pub approvals: Vec<GroupApproval>,
    /// How many computers are in which state.
    pub counts: Counts,
    /// How many need it, as WSUS counts: without those on which it failed.
    pub needed: u64,
    /// Of how many percent of the computers it is installed on or not applicable to.
    pub percent_done: Option<f64>,
    /// The same for the group and each below it, if details were asked for.
    pub groups: Vec<GroupCounts>,
}

/// What was decided for a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupApproval {
    /// The group.
    pub group: String,
    /// What its computers are to do.
    pub action: ApprovalAction,
    /// Until when, RFC 3339.
    pub deadline: Option<String>,
}

/// The states on the computers of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCounts {
    /// The group, with those above it.
    pub group: String,
    /// How many computers are in which state.
    pub counts: Counts,
}

impl Operation for ReportUpdates {
    type Answer = UpdatesReport;
    const ROUTE: Route = Route::get("/reports/updates");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        self.make(call.state()).await
    }
}

impl ReportUpdates {
    /// Makes the report.
    ///
    /// # Errors
    /// When a group, a category or a time is not understood, or the disk fails.
    pub(super) async fn make(self, state: &Arc<State>) -> Result<UpdatesReport, AdminError> {
        let published = state.published();
        let group = group_called(&published.policy, self.group.as_deref())?;
        let standing = state.standing(group).await?;
        let mut groups = Vec::new();
        if self.detail == Detail::Detailed {
            for group in published.policy.subtree(group) {
                groups.push((published.policy.path(group), state.standing(group).await?));
            }
        }
        let (as_of, path) = (instant(state.now()), published.policy.path(group));
        let state = Arc::clone(state);
        let work = move || self.report(&state, &published, (path, as_of), &standing, &groups);
        tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Stopped)?
    }

    fn report(
        self,
        state: &State,
        published: &Published,
        (group, as_of): (String, Option<String>),
        standing: &Standing,
        groups: &[(String, Standing)],
    ) -> Result<UpdatesReport, AdminError> {
        let counts = |standing: &Standing, update: Uuid| {
            standing.updates.get(&update).copied().unwrap_or_default()
        };
        let mut selected: Vec<(Selected, Counts)> = Vec::new();
        for update in select(state, published, &self.filter)? {
            let counts = counts(standing, update.update);
            if self.state.is_none_or(|wanted| wanted.counted(&counts) > 0) {
                selected.push((update, counts));
            }
        }
        let categories = |kind| Categories::of(state, published, kind);
        let classifications = categories(CategoryType::UpdateClassification)?;
        let products = categories(CategoryType::Product)?;
        let titles = |index, kind| match kind {
            CategoryType::Product => products.titles(published, index, kind),
            _ => classifications.titles(published, index, kind),
        };
        let mut report = UpdatesReport {
            as_of,
            group,
            computers: standing.computers,
            updates: selected.len() as u64,
            totals: Counts::default(),
            classifications: Vec::new(),
            products: Vec::new(),
            severities: Vec::new(),
            rows: Vec::new(),
        };
        let [mut by_class, mut by_product, mut by_severity] = [(); 3].map(|()| Sums::default());
        let summarised = self.detail == Detail::Summary;
        for (update, counts) in &mut selected {
            report.totals.add_all(counts);
            if !summarised && self.sort != UpdateOrder::Title {
                continue;
            }
            let metadata = match update.metadata.take() {
                Some(metadata) => metadata,
                None => state.metadata_of(published, update.index)?,
            };
            if summarised {
                let severity = metadata.msrc_severity.as_deref().unwrap_or(UNSPECIFIED);
                by_severity.add(severity, counts);
                let classes = titles(update.index, CategoryType::UpdateClassification);
                classes.iter().for_each(|name| by_class.add(name, counts));
                let products = titles(update.index, CategoryType::Product);
                products.iter().for_each(|name| by_product.add(name, counts));
            }
            update.metadata = Some(metadata);
        }
        report.classifications = by_class.named();
        report.products = by_product.named();
        report.severities = by_severity.named();
        if summarised {
            return Ok(report);
        }
        self.order(&mut selected);
        for (update, counts_of_all) in page(selected, self.offset, self.limit) {
            let metadata = match update.metadata.clone() {
                Some(metadata) => metadata,
                None => state.metadata_of(published, update.index)?,
            };
            let behind = groups.iter().map(|(group, standing)| GroupCounts {
                group: group.clone(),
                counts: counts(standing, update.update),
            });
            report.rows.push(UpdateRow {
                classifications: titles(update.index, CategoryType::UpdateClassification),
                products: titles(update.index, CategoryType::Product),
                groups: behind.collect(),
                ..row(published, &update, &metadata, counts_of_all)
            });
        }
        Ok(report)
    }

    fn order(&self, rows: &mut [(Selected, Counts)]) {
        let title = |update: &Selected| {
            update.metadata.as_ref().map(|metadata| metadata.title("en").to_lowercase())
        };
        match self.sort {
            UpdateOrder::Title => rows.sort_by_cached_key(|(it, _)| (title(it), it.update)),
            UpdateOrder::Arrived => rows.sort_by_key(|(it, _)| (it.arrived, it.update)),
            UpdateOrder::Needed => rows.sort_by_key(|(it, counts)| (counts.needed(), it.update)),
            UpdateOrder::Failed => rows.sort_by_key(|(it, counts)| (counts.failed, it.update)),
            UpdateOrder::Installed => {
                rows.sort_by_key(|(it, counts)| (counts.installed, it.update))
            }
            UpdateOrder::Unknown => rows.sort_by_key(|(it, counts)| (counts.unknown, it.update)),
        }
        if self.descending {
            rows.reverse();
        }
    }
}

/// What there is to say of an update, but for its categories and groups.
fn row(
    published: &Published,
    update: &Selected,
    metadata: &UpdateMetadata,
    counts: Counts,
) -> UpdateRow {
    let approvals = published.policy.approvals.get(&update.update).into_iter().flatten();
    let approvals = approvals.filter(|approval| approval.terms.action != ApprovalAction::None);
    let approvals = approvals.map(|approval| GroupApproval {
        group: published.policy.path(approval.group),
        action: approval.terms.action,
        deadline: approval.terms.deadline.and_then(|deadline| instant(deadline.at)),
    });
    UpdateRow {
        update_id: update.update,
        title: metadata.title("en").to_owned(),
        kb_article_ids: metadata.kb_article_ids.clone(),
        classifications: Vec::new(),
        products: Vec::new(),
        severity: metadata.msrc_severity.clone(),
        arrived: instant(update.arrived),
        declined: update.declined,
        approvals: approvals.collect(),
        counts,
        needed: counts.needed(),
        percent_done: counts.percent_done(),
        groups: Vec::new(),
    }
}
