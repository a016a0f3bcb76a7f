//! `weir restore`.

use std::path::PathBuf;

use clap::Args;

use super::output::fields;
use super::{CliError, Context, failed, serve};
use crate::state::restore;

/// Make a data directory of a backup: the one that --data names, which has to be empty. All of the
/// backup is checked first; nothing can be opened that is not whole.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    file: PathBuf,
}

impl Restore {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        if context.remote.is_some() {
            let reason = "a backup is restored on the machine that it is for, without a server";
            return Err(CliError::Failed(reason.to_owned()));
        }
        let data = context.config.data.clone();
        let restored = restore(self.file, data, &context.config.state(), serve::now).await;
        let restored = restored.map_err(|error| failed(&error))?;
        context.output.print(&restored.as_json(), fields)
    }
}
