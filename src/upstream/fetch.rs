//! Fetching documents: batches over several connections, each made durable as it arrives.
//!
//! Three things make a batch come back incomplete. Answers end at some 2 MB, so fewer revisions than
//! asked for are normal, and the rest is asked for again. A revision that the upstream server does
//! not have any more fails the whole batch, so a batch that failed is halved until it is known which
//! ones it is. And a document may be defective. Revisions of the last two kinds are set aside, and
//! the others go on.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::warn;

use super::error::SyncError;
use super::progress::Progress;
use super::records::{SetAside, UpstreamRecord, reason};
use super::session::{Connection, Session};
use super::update_data::{Received, decryption_data, update_data};
use crate::http::ClientError;
use crate::state::{ImportOutcome, State};
use crate::wire::fault::ErrorCode;
use crate::wire::soap::AnswerError;
use crate::wire::types::UpdateIdentity;

/// So many revisions may fail alone, one after the other: more is not their fault.
const FAILURES_IN_A_ROW: usize = 40;

/// What all batches have in common.
pub(super) struct Fetch<'a> {
    pub(super) session: &'a Session,
    pub(super) state: &'a Arc<State>,
    pub(super) upstream: &'a UpstreamRecord,
    pub(super) progress: &'a Arc<Progress>,
    /// What could not be had the last time: that it fails again says nothing new.
    pub(super) failed_before: &'a HashSet<UpdateIdentity>,
    /// How many connections.
    pub(super) workers: usize,
}

/// One batch that came to its end, and its connection for the next.
struct Ended {
    connection: Connection,
    asked: Vec<UpdateIdentity>,
    outcome: Result<Taken, SyncError>,
}

/// What became of an answer's revisions.
#[derive(Default)]
struct Taken {
    received: HashSet<UpdateIdentity>,
    set_aside: Vec<SetAside>,
}

impl Fetch<'_> {
    /// Fetches `revisions` and stages them. Returns those that could not be had.
    ///
    /// # Errors
    /// When it is not single revisions that fail. What was staged until then stays so.
    pub(super) async fn all(
        &self,
        revisions: Vec<UpdateIdentity>,
    ) -> Result<Vec<SetAside>, SyncError> {
        let size = usize::try_from(self.upstream.updates_per_request).unwrap_or(1).max(1);
        let mut queue: VecDeque<Vec<UpdateIdentity>> =
            revisions.chunks(size).map(<[_]>::to_vec).collect();
        let mut idle: Vec<Connection> =
            (0..self.workers.max(1)).map(|_| self.session.connection()).collect();
        let mut running = JoinSet::new();
        let mut set_aside = Vec::new();
        let mut failures = 0;
        loop {
            while let Some(asked) = queue.pop_front() {
                let Some(connection) = idle.pop() else {
                    queue.push_front(asked);
                    break;
                };
                running.spawn(self.batch(connection, asked));
            }
            let Some(ended) = running.join_next().await else { return Ok(set_aside) };
            // Only a runtime that shuts down ends a task early.
            let Ended { connection, asked, outcome } = ended.map_err(|_| SyncError::Cancelled)?;
            idle.push(connection);
            match outcome {
                Ok(taken) if !taken.received.is_empty() => {
                    failures = 0;
                    let missing: Vec<_> =
                        asked.into_iter().filter(|id| !taken.received.contains(id)).collect();
                    if !missing.is_empty() {
                        queue.push_front(missing);
                    }
                    self.set_aside(taken.set_aside, &mut set_aside);
                }
                Ok(_) => {
                    let reason = "the upstream server lists it and does not send it".to_owned();
                    self.halve(asked, reason, &mut queue, &mut set_aside, &mut failures)?;
                }
                Err(error) if may_be_one_revision(&error) => {
                    self.halve(asked, reason(&error), &mut queue, &mut set_aside, &mut failures)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn batch(
        &self,
        mut connection: Connection,
        asked: Vec<UpdateIdentity>,
    ) -> impl Future<Output = Ended> + Send + 'static {
        let (state, progress) = (Arc::clone(self.state), Arc::clone(self.progress));
        let keys_per_request = usize::try_from(self.upstream.decryptions_per_request).unwrap_or(0);
        async move {
            let outcome = one_batch(&mut connection, &state, &asked, keys_per_request).await;
            if let Ok(taken) = &outcome {
                progress.advance(taken.received.len() as u64);
            }
            Ended { connection, asked, outcome }
        }
    }

    /// Asks for both halves of a batch that failed, or gives its only revision up.
    fn halve(
        &self,
        mut asked: Vec<UpdateIdentity>,
        reason: String,
        queue: &mut VecDeque<Vec<UpdateIdentity>>,
        set_aside: &mut Vec<SetAside>,
        failures: &mut usize,
    ) -> Result<(), SyncError> {
        let half = asked.split_off(asked.len() / 2);
        if !asked.is_empty() {
            queue.push_front(half);
            queue.push_front(asked);
            return Ok(());
        }
        *failures += half.iter().filter(|id| !self.failed_before.contains(id)).count();
        if *failures > FAILURES_IN_A_ROW {
            return Err(SyncError::Hopeless { failed: *failures, reason });
        }
        self.progress.advance(half.len() as u64);
        let failed = half.into_iter().map(|revision| SetAside { revision, reason: reason.clone() });
        self.set_aside(failed.collect(), set_aside);
        Ok(())
    }

    fn set_aside(&self, failed: Vec<SetAside>, set_aside: &mut Vec<SetAside>) {
        for failed in failed {
            warn!(revision = %failed.revision, reason = failed.reason, "a revision is set aside");
            self.progress.failed();
            set_aside.push(failed);
        }
    }
}

/// Whether leaving one revision out may help.
fn may_be_one_revision(error: &SyncError) -> bool {
    match error {
        SyncError::Fault { fault, .. } => matches!(
            fault.code,
            // The first is what a real server says when it does not have one of the revisions; the
            // specification has it mean that the protocol stops.
            Some(ErrorCode::InternalServerError | ErrorCode::InvalidParameters)
        ),
        SyncError::Answer { error, .. } => {
            matches!(error, AnswerError::Content(_) | AnswerError::Soap(_))
        }
        SyncError::Client { error, .. } => matches!(error, ClientError::TooLarge(_)),
        SyncError::Incomplete { .. } => true,
        _ => false,
    }
}

async fn one_batch(
    connection: &mut Connection,
    state: &State,
    asked: &[UpdateIdentity],
    keys_per_request: usize,
) -> Result<Taken, SyncError> {
    let Received { revisions, mut origins, encrypted } = update_data(connection, asked).await?;
    if keys_per_request > 0 {
        for some in encrypted.chunks(keys_per_request) {
            decryption_data(connection, some, &mut origins).await?;
        }
    }
    let mut taken = Taken::default();
    let (mut names, mut documents) = (Vec::new(), Vec::new());
    for (revision, document) in revisions {
        // The second of two items for one revision says nothing new.
        if !taken.received.insert(revision) {
            continue;
        }
        match document {
            Ok(document) => {
                names.push(revision);
                documents.push(document);
            }
            Err(reason) => taken.set_aside.push(SetAside { revision, reason }),
        }
    }
    let outcomes = state.stage(documents, origins.into_iter().collect()).await?;
    for (revision, outcome) in names.into_iter().zip(outcomes) {
        if let ImportOutcome::Rejected(rejection) = outcome {
            taken.set_aside.push(SetAside { revision, reason: reason(&rejection) });
        }
    }
    Ok(taken)
}
