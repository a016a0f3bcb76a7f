//! `weir healthcheck`: for service managers and containers.

use clap::Args;

use super::output::fields;
use super::{CliError, Context};
use crate::admin::Access;

/// Ask a running server whether it is well: exit code 0 if so, 1 if not, or if none runs.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        // Never by opening the directory: a server that is just starting would find it locked.
        let access = match &context.remote {
            Some(remote) => Access::Served(remote.clone()),
            None => Access::of_server(&context.config.data)?,
        };
        // Goes through the writer thread and back: a server that answers this can change things.
        context.output.print(&access.health().await?, fields)
    }
}
