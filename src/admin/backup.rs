//! A backup of everything, made while the server goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminError, Call, Download, Operation, Role, Route};

/// Everything that the server knows, as one stream: decisions, computers, documents, accounts, keys.
/// It holds secrets. It is whole when its last line is there, with the SHA-256 of all before it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct BackUp {
    /// Whether the content files are in it. Without them they have to be fetched again.
    #[serde(default)]
    pub content: Option<bool>,
}

impl Operation for BackUp {
    type Answer = ();
    const ROUTE: Route = Route::get("/backup").for_role(Role::Administrator);
    const DOWNLOAD: Option<Download> = Some(Download {
        media_type: "application/vnd.weir.backup",
        description: "A backup, for `weir restore`.",
        endless: false,
        item: None,
    });

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let content = self.content.unwrap_or(false);
        call.state().back_up(call.by(), content, call.sink()?.sender()).await?;
        Ok(())
    }
}
