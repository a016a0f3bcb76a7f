//! Cleaning up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::updates::Deleted;
use super::{AdminError, Call, Operation, Route};
use crate::state::{Cleanup, CleanupSettings};

/// What a cleanup would do now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PreviewCleanup {
    /// What is cleaned up.
    pub settings: CleanupSettings,
}

impl Operation for PreviewCleanup {
    type Answer = Cleaned;
    const ROUTE: Route = Route::post("/cleanup/preview");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let settings = complete(self.settings, &call).await?;
        Ok(Cleaned::of(call.state().preview_cleanup(settings).await?, false))
    }
}

/// Clean up now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunCleanup {
    /// What is cleaned up.
    pub settings: CleanupSettings,
}

impl Operation for RunCleanup {
    type Answer = Cleaned;
    const ROUTE: Route = Route::post("/cleanup/run");
    const LONG: bool = true;

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let settings = complete(self.settings, &call).await?;
        let started_by = Some(call.caller().name.clone());
        Ok(Cleaned::of(call.state().clean_up(settings, started_by).await?, true))
    }
}

/// What is synchronised says whether all content is kept.
async fn complete(settings: CleanupSettings, call: &Call) -> Result<CleanupSettings, AdminError> {
    let keep_all_content = call.upstream().keeps_all_content().await?;
    Ok(CleanupSettings { keep_all_content, ..settings })
}

/// What was cleaned up, or would be.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cleaned {
    /// Whether it was done.
    pub done: bool,
    /// The updates that are declined.
    pub declined: Vec<Declined>,
    /// What is deleted of updates.
    pub deleted: Vec<Deleted>,
    /// The content that is removed.
    pub content: RemovedContent,
    /// Client ids of the computers that are forgotten.
    pub computers: Vec<String>,
}

/// An update that is declined.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Declined {
    /// The update.
    pub update_id: Uuid,
    /// Why.
    pub reason: String,
}

/// Content that is removed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemovedContent {
    /// How many files.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
}

impl Cleaned {
    fn of(cleanup: Cleanup, done: bool) -> Self {
        let declined = cleanup.declines.into_iter();
        Self {
            done,
            declined: declined
                .map(|(update_id, cause)| Declined { update_id, reason: cause.to_string() })
                .collect(),
            deleted: cleanup.deletions.iter().flat_map(|it| &it.0).map(Deleted::of).collect(),
            content: RemovedContent {
                files: cleanup.content.len(),
                bytes: cleanup.content.iter().map(|(_, length)| length).sum(),
            },
            computers: cleanup.computers,
        }
    }
}
