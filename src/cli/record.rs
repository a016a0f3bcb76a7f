//! `weir record`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{fields, write_out};
use super::signals::Signals;
use super::{CliError, Context, failed};
use crate::conformance::client::ClientLimits;
use crate::conformance::record::{RecordOptions, Recorder};

/// Record dialogues through a proxy.
#[derive(Debug, Args)]
pub(super) struct Record {
    /// Where clients connect. Port 0 picks a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// The server that answers.
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// Where exchanges are written.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Roots to trust, in PEM; needed for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Keep cookies and hosts as they are. They identify computers: share such recordings with
    /// nobody.
    #[arg(long)]
    raw: bool,
}

impl Record {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let recorder = Recorder::bind(RecordOptions {
            listen: self.listen,
            upstream: self.upstream,
            ca_file: self.ca,
            out: self.out,
            sanitize: !self.raw,
            limits: ClientLimits::default(),
        })
        .await
        .map_err(|error| failed(&error))?;
        let mut signals = Signals::catch().map_err(|error| failed(&error))?;
        let address = recorder.local_address().to_string();
        write_out(&format!("{}\n", json!({ "ready": true, "http": address })))?;
        let report = recorder.run(signals.next()).await;
        let report = report.map_err(|error| failed(&error))?;
        let report = json!({ "written": report.written, "failed": report.failed });
        context.output.print(&report, fields)
    }
}
