//! Whether the server is well.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminError, Call, Operation, Route};

/// Whether changes can be made: asks the writer and waits for its answer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckHealth {}

impl Operation for CheckHealth {
    type Answer = Health;
    const ROUTE: Route = Route::get("/health");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().ping().await?;
        Ok(Health { healthy: true })
    }
}

/// How the server is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// True; a server that is not well answers with a problem.
    pub healthy: bool,
}
