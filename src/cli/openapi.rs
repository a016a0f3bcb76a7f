//! `weir openapi`.

use clap::Args;

use super::output::write_out;
use super::{CliError, Context};
use crate::admin::api::describe::description;

/// Print the description of the API, OpenAPI 3.1.
#[derive(Debug, Args)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) async fn run(self, _: &Context) -> Result<(), CliError> {
        write_out(&format!("{:#}\n", description()))
    }
}
