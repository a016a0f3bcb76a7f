//! Importing files: whole update documents, and cabinets of them.
//!
//! Sources come as bytes, because the server that imports them may run elsewhere in the file
//! system, as another user.

use std::sync::atomic::{AtomicUsize, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminError, Call, Operation, Route, Upload, frames};
use crate::metadata::text::decode_document;
use crate::panics::contained;
use crate::policy::by::By;
use crate::state::{ImportOutcome, Importable, State, StateError};
use crate::wire::cabinet;

/// Largest document taken, in bytes. One Core fragment of 2026 has 47 MB.
pub const DOCUMENT_LIMIT: usize = 256 << 20;

/// Import update documents and cabinets of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportDocuments {
    /// Whether another part of the same import follows; the revisions become visible with the last.
    #[serde(default)]
    pub more_follows: bool,
}

impl Operation for ImportDocuments {
    type Answer = ImportReport;
    const ROUTE: Route = Route::post("/imports");
    const UPLOAD: Option<Upload> = Some(Upload {
        media_type: frames::MEDIA_TYPE,
        limit: Some(frames::LIMIT),
        description: "Files one after the other: the length of the name (32 bits, little-endian), \
                      the name in UTF-8, the length of the file (64 bits, little-endian), the file.",
    });

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let body = call.upload();
        let read = tokio::task::spawn_blocking(move || frames::read(body)).await;
        let sources = read.map_err(|_| StateError::Stopped)?.map_err(AdminError::Body)?;
        import(call.state(), &call.by(), sources, self.more_follows).await
    }
}

/// A file to import.
#[derive(Debug, Clone)]
pub struct Source {
    /// How it is called in the report.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// Revisions read, new or not.
    pub revisions: u64,
    /// Of these, the ones that were not there.
    pub new: u64,
    /// Of these, the ones that were there.
    pub unchanged: u64,
    /// What could not be taken.
    pub rejected: Vec<Rejected>,
}

/// A source that could not be taken. Nothing of it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// The file.
    pub source: String,
    /// Why.
    pub reason: String,
}

impl ImportReport {
    /// Adds another part of the same import.
    pub fn add(&mut self, other: Self) {
        self.revisions += other.revisions;
        self.new += other.new;
        self.unchanged += other.unchanged;
        self.rejected.extend(other.rejected);
    }
}

/// Imports `sources` into `state`, because `by` wants it. With `more_follows` the revisions become
/// visible with a later call.
pub async fn import(
    state: &State,
    by: &By,
    sources: Vec<Source>,
    more_follows: bool,
) -> Result<ImportReport, AdminError> {
    let read = tokio::task::spawn_blocking(move || Read::new(&sources)).await;
    store(state, by, read.map_err(|_| StateError::Stopped)?, more_follows).await
}

/// Imports what was read before; otherwise as [`import`].
pub(super) async fn store(
    state: &State,
    by: &By,
    Read(results): Read,
    more_follows: bool,
) -> Result<ImportReport, AdminError> {
    let mut report = ImportReport::default();
    let mut names = Vec::new();
    let mut documents = Vec::new();
    for (name, result) in results {
        match result {
            Ok(document) => {
                names.push(name);
                documents.push(document);
            }
            Err(reason) => report.rejected.push(Rejected { source: name, reason }),
        }
    }
    let outcomes = state.import(by.clone(), documents, more_follows).await?;
    for (source, outcome) in names.into_iter().zip(outcomes) {
        match outcome {
            ImportOutcome::New(_) | ImportOutcome::Staged => report.new += 1,
            ImportOutcome::Unchanged(_) => report.unchanged += 1,
            ImportOutcome::Rejected(reason) => {
                report.rejected.push(Rejected { source, reason: reason.to_string() });
            }
        }
    }
    report.revisions = report.new + report.unchanged;
    if !more_follows {
        state.run_due_rules(true).await;
    }
    Ok(report)
}

type Document = (String, Result<Importable, String>);

/// Sources with all that can be known of them before there is a state: most of the work of an
/// import.
pub(super) struct Read(Vec<Document>);

impl Read {
    /// Documents do not depend on each other, so every processor takes the next one that nobody has
    /// taken: some are a thousand times as long as others (blocking).
    pub(super) fn new(sources: &[Source]) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(source) = sources.get(at) else { return done };
                done.push((at, read(source)));
            }
        };
        let mut done = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            // None panics, as reading is contained.
            let done = workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default());
            done.collect::<Vec<_>>()
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        Self(done.into_iter().flat_map(|(_, documents)| documents).collect())
    }
}

/// Reading is our own code, but a document that it trips over must not end a server.
fn read(source: &Source) -> Vec<Document> {
    contained(|| read_one(source))
        .unwrap_or_else(|panicked| vec![(source.name.clone(), Err(panicked.to_string()))])
}

fn read_one(source: &Source) -> Vec<Document> {
    if !source.bytes.starts_with(b"MSCF") {
        return vec![(source.name.clone(), document(&source.bytes))];
    }
    match cabinet::unpack(&source.bytes, DOCUMENT_LIMIT) {
        Ok(files) if files.is_empty() => {
            vec![(source.name.clone(), Err("the cabinet is empty".to_owned()))]
        }
        Ok(files) => files
            .into_iter()
            .map(|(name, bytes)| (format!("{}:{name}", source.name), document(&bytes)))
            .collect(),
        Err(error) => vec![(source.name.clone(), Err(error.to_string()))],
    }
}

fn document(bytes: &[u8]) -> Result<Importable, String> {
    let text = decode_document(bytes, DOCUMENT_LIMIT).map_err(|error| error.to_string())?;
    Importable::new(text).map_err(|error| error.to_string())
}
