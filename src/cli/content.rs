//! `weir content`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::fields;
use super::{CliError, Context};
use crate::admin::content::{ShowContent, VerifyContent};
use crate::admin::explain;

/// Manage content files.
#[derive(Debug, Subcommand)]
pub(super) enum Content {
    /// Take files in, after checking their digests against the metadata.
    Add {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// What is here, and what approved updates still need.
    Status,
    /// Read every file and compare it with the metadata.
    Verify,
}

impl Content {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Add { files } => add(context, &files).await,
            Self::Status => context.show(ShowContent {}, fields).await,
            Self::Verify => {
                let verified = context.run(VerifyContent {}).await?;
                context.output.print(&verified, fields)?;
                if verified.damaged.is_empty() { Ok(()) } else { Err(CliError::Negative) }
            }
        }
    }
}

async fn add(context: &Context, files: &[PathBuf]) -> Result<(), CliError> {
    let access = context.access()?;
    let mut added = Vec::new();
    let mut refused = Vec::new();
    for file in files {
        match access.add_content(file).await {
            Ok(answer) => added.push(answer),
            Err(error) => refused.push(json!({
                "file": file.display().to_string(),
                "reason": explain(&error),
            })),
        }
    }
    access.close().await;
    let failed = !refused.is_empty();
    let report: Value = json!({ "added": added, "refused": refused });
    context.output.print(&report, fields)?;
    if failed { Err(CliError::Negative) } else { Ok(()) }
}
