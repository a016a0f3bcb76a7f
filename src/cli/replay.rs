//! `weir replay`.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, Context, failed};
use crate::conformance::client::ClientLimits;
use crate::conformance::{ReplayOptions, replay};

/// Replay a recorded dialogue against a server and compare the answers.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The dialogue: a directory of numbered exchanges.
    dialogue: PathBuf,
    /// The server, for example http://127.0.0.1:8530.
    #[arg(long, value_name = "URL")]
    against: String,
    /// Roots to trust, in PEM; needed for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Replay {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let options = ReplayOptions {
            dialogue: self.dialogue,
            against: self.against,
            ca_file: self.ca,
            limits: ClientLimits::default(),
        };
        let report = replay(options).await.map_err(|error| failed(&error))?;
        let value = serde_json::to_value(&report).unwrap_or_default();
        context.output.print(&value, |_| report.to_string())?;
        if report.passed() { Ok(()) } else { Err(CliError::Negative) }
    }
}
