//! `weir job`.

use clap::Subcommand;
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::jobs::{CancelJob, ListJobs, ShowJob};

/// Look at what a server does in the background, and call it off.
#[derive(Debug, Subcommand)]
pub(super) enum Job {
    /// The jobs that run and the last that ended.
    List,
    /// One job, with its result if it is done.
    Show {
        /// Its number.
        job: u64,
    },
    /// Call a job off.
    Cancel {
        /// Its number.
        job: u64,
    },
}

impl Job {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListJobs {}, list).await,
            Self::Show { job } => context.show(ShowJob { job }, fields).await,
            Self::Cancel { job } => context.show(CancelJob { job }, fields).await,
        }
    }
}

fn list(jobs: &Value) -> String {
    let columns = ["job", "operation", "by", "state", "began", "ended", "done", "total", "error"];
    let rows = jobs.as_array().into_iter().flatten();
    let rows = rows.map(|job| columns.iter().map(|column| cell(&job[*column])).collect());
    let headings = ["JOB", "OPERATION", "BY", "STATE", "BEGAN", "ENDED", "DONE", "OF", "ERROR"];
    table(&headings, rows.collect())
}
