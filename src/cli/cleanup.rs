//! `weir cleanup`.

use clap::{Args, Subcommand};

use super::output::fields;
use super::{CliError, Context};
use crate::admin::cleanup::{PreviewCleanup, RunCleanup};
use crate::state::CleanupSettings;

/// Decline what was withdrawn or replaced, delete what is of no use any more and forget silent
/// computers, as configured.
#[derive(Debug, Subcommand)]
pub(super) enum Cleanup {
    /// Show what would be done now.
    Preview(When),
    /// Do it now, instead of at the next of the times at which a server does it by itself.
    Run(When),
}

/// How long to wait.
#[derive(Debug, Args)]
pub(super) struct When {
    /// Delete declined updates and replaced revisions at once, however recently they became so.
    #[arg(long)]
    now: bool,
}

impl Cleanup {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let (run, When { now: delete_now }) = match self {
            Self::Preview(when) => (false, when),
            Self::Run(when) => (true, when),
        };
        let settings = CleanupSettings { delete_now, ..context.config.cleanup() };
        match run {
            true => context.show(RunCleanup { settings }, fields).await,
            false => context.show(PreviewCleanup { settings }, fields).await,
        }
    }
}
