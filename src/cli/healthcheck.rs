//! `weir healthcheck`: for service managers and containers.

use clap::Args;
use serde_json::json;

use super::output::fields;
use super::{CliError, Context};
use crate::admin::Command;

/// Ask a running server whether it is well.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let access = context.access()?;
        if !access.is_served() {
            access.close().await;
            return Err(CliError::Failed("no server runs on this data directory".into()));
        }
        // Goes through the writer thread and back: a server that answers this can change things.
        access.run(Command::Health).await?;
        context.output.print(&json!({ "healthy": true }), fields)
    }
}
