//! Updates: what there is, what was decided, and the exact fragments clients are sent.

mod shown;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use shown::show;
pub use shown::{
    Deleted, DeletedUpdates, RestoredUpdate, ShownApproval, ShownFile, ShownLicence,
    ShownUpdateType, UpdateDetails, UpdateSummary,
};
use shown::{Titles, find, not_found, summary};

use super::{AdminError, Call, Operation, Route};
use crate::metadata::fragments;
use crate::metadata::model::UpdateType;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::policy::terms::Terms;
use crate::state::{Decision, StateError};

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
    /// Whether its licences, and those of what it bundles, are accepted with it, for everybody.
    #[serde(default)]
    pub accept_licence: bool,
}

impl Operation for ApproveUpdate {
    type Answer = UpdateDetails;
    const ROUTE: Route = Route::post("/updates/{update}/approvals");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let decision = Decision::Approve { group: self.group, terms: self.terms };
        let (state, by) = (call.state(), call.by());
        match self.accept_licence {
            true => state.decide_and_accept(by, self.update, decision).await?,
            false => state.decide(by, self.update, decision).await?,
        }
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
