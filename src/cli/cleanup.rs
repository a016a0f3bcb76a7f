//! `weir cleanup`.

use clap::Subcommand;

use super::output::fields;
use super::{CliError, Context};
use crate::admin::Command;

/// Decline what was withdrawn or replaced, delete what is of no use any more and forget silent
/// computers, as configured.
#[derive(Debug, Subcommand)]
pub(super) enum Cleanup {
    /// Show what would be done now.
    Preview,
    /// Do it now, instead of at the next of the times at which a server does it by itself.
    Run,
}

impl Cleanup {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let run = matches!(self, Self::Run);
        let command = Command::Cleanup { settings: context.config.cleanup(), run };
        context.output.print(&context.run(command).await?, fields)
    }
}
