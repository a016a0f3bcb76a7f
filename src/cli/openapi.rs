//! `weir openapi`.

use clap::Args;

use super::output::write_out;
use super::{CliError, Context};
use crate::admin::api::describe::description;
use crate::admin::api::reference::reference;

/// Print the description of the API, OpenAPI 3.1.
#[derive(Debug, Args)]
pub(super) struct Openapi {
    /// As a page for people, in Markdown.
    #[arg(long)]
    markdown: bool,
}

impl Openapi {
    pub(super) async fn run(self, _: &Context) -> Result<(), CliError> {
        let description = description();
        match self.markdown {
            true => write_out(&reference(&description)),
            false => write_out(&format!("{description:#}\n")),
        }
    }
}
