//! Administration: everything a person may see or decide, as operations.
//!
//! There is one way in. An [`Operation`] is carried out by the process that holds the data
//! directory: the server, asked over HTTP, or, when none runs, the command line itself.
//! [`Access`] hides which of the two it is. [`Api`] is the server's side: it knows all operations
//! from one table ([`endpoints`]), and the description of the API is made of the same.

mod access;
pub mod accounts;
pub mod api;
pub mod audit;
pub mod backup;
pub mod cleanup;
mod client;
pub mod compliance;
pub mod computers;
pub mod content;
mod download;
pub mod downstream;
mod endpoint;
pub mod events;
mod frames;
pub mod groups;
pub mod health;
pub mod identity;
pub mod import;
pub mod jobs;
pub mod notifications;
mod operation;
pub mod packages;
pub mod placements;
pub mod reports;
pub mod rules;
pub mod session;
pub mod sync;
pub mod terms;
pub mod tokens;
pub mod update_groups;
pub mod updates;

pub use access::Access;
pub use api::Api;
pub use client::Remote;
pub use download::{Download, Sink};
pub use endpoint::{Endpoint, endpoints};
pub use import::{ImportReport, Source, import as import_into};
pub use operation::{Bytes, Call, Caller, Method, Operation, Role, Route, SessionCookie, Upload};

use std::sync::Arc;

use tokio::sync::watch;

use self::health::Monitor;
use self::identity::{Identity, TooMany};
use self::jobs::Jobs;
use self::reports::CountedComputers;
use crate::state::{State, StateError};
use crate::upstream::{SyncError, Upstream};
use crate::wire::time::DateTime;

/// What operations are carried out on.
pub struct Subject {
    /// The server's state.
    pub state: Arc<State>,
    /// Its relation to its upstream server.
    pub upstream: Arc<Upstream>,
    /// Who may ask.
    pub identity: Identity,
    /// What goes on in the background.
    pub jobs: Jobs,
    /// True when the server stops.
    stopping: watch::Sender<bool>,
    /// Looks after this server's health.
    pub monitor: Arc<Monitor>,
    /// What the last report counted of computers.
    pub counted: Arc<CountedComputers>,
}

impl Subject {
    /// What there is to administer of a server, whose health `monitor` looks after.
    pub fn new(state: Arc<State>, upstream: Arc<Upstream>, monitor: Arc<Monitor>) -> Self {
        let identity = Identity::new(Arc::clone(&state));
        let (jobs, counted) = (Jobs::default(), Arc::default());
        let stopping = watch::Sender::new(false);
        Self { state, upstream, identity, jobs, monitor, counted, stopping }
    }

    /// Ends answers that go on and on: the server stops.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

/// Why an administrator's operation was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The state refused or failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// Synchronising is refused or failed.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// What was asked for cannot be: each field that is wrong, and how.
    #[error("{}", join(.0))]
    Invalid(Vec<FieldError>),
    /// Somebody called it off.
    #[error("cancelled")]
    Cancelled,
    /// Name or password are wrong; which, nobody is told.
    #[error("name or password are wrong")]
    WrongPassword,
    /// It names files of the server's machine, and was asked for over the network.
    #[error("files of the server's machine are named on that machine alone, over its local socket")]
    NotFromElsewhere,
    /// It was tried too often.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The bytes that came with it broke off or are not what they should be.
    #[error("{0}")]
    Body(#[source] std::io::Error),
    /// The server was asked and said no.
    #[error("{0}")]
    Refused(String),
    /// The operation needs a server, and there is none.
    #[error("no server runs on this data directory")]
    NotServed,
    /// The server could not be asked.
    #[error("the server does not answer: {0}")]
    Unreachable(String),
    /// The answer is none that this program knows: client and server are of different versions.
    #[error("the server's answer is not understood: {0}")]
    Misunderstood(String),
    /// A local file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// What is wrong with one field of what was asked for.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct FieldError {
    /// The field; those inside others with slashes between, as JSON pointers have them.
    pub field: String,
    /// What is wrong.
    pub problem: String,
}

impl AdminError {
    fn invalid(field: &str, problem: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), problem: problem.into() }])
    }
}

fn join(errors: &[FieldError]) -> String {
    let errors = errors.iter().map(|FieldError { field, problem }| match field.as_str() {
        "" => problem.clone(),
        field => format!("{field}: {problem}"),
    });
    errors.collect::<Vec<_>>().join("; ")
}

/// An instant as administrators read it.
fn instant(seconds: i64) -> Option<String> {
    DateTime::from_unix(seconds, 0).map(|instant| instant.to_string())
}

/// An error with its causes, those left out that a message before them contains already.
pub fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("the address: {0}")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn each_cause_is_told_once() {
        let cause = std::io::Error::other("in use");
        assert_eq!(explain(&Outer(Middle(cause))), "cannot listen: the address: in use");
    }
}
