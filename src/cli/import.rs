//! `weir import`.

use std::io::IsTerminal;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde_json::Value;

use super::output::cell;
use super::{CliError, Context};
use crate::admin::Source;
use crate::admin::import::{DOCUMENT_LIMIT, Rejected};

/// Documents and bytes in one commit. Large enough that waiting for the disk does not dominate;
/// small, as parts that are read, prepared and stored are in memory at once, with one that waits
/// before each of the latter, and what was derived of them.
const BATCH_FILES: usize = 1000;
const BATCH_BYTES: usize = 16 << 20;

/// Import update documents, directories of them, and cabinets.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Files and directories. Of a directory all .xml and .cab files are taken, with those below.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let mut files = Vec::new();
        for path in &self.paths {
            collect(path, &mut files)?;
        }
        files.sort();
        let access = context.access()?;
        // Lines for somebody who watches; a log of them would only be long.
        let watched = std::io::stderr().is_terminal();
        let unreadable = Arc::default();
        let files = files.into_iter().peekable();
        let parts = Parts { files, unreadable: Arc::clone(&unreadable) };
        let imported = access
            .import(parts, |report| {
                if watched {
                    eprintln!("{} revisions read", report.revisions);
                }
            })
            .await;
        access.close().await;
        let mut report = imported?;
        report.rejected.append(&mut unreadable.lock().unwrap_or_else(PoisonError::into_inner));
        let failed = !report.rejected.is_empty();
        context.output.print(&report, summary)?;
        if failed { Err(CliError::Negative) } else { Ok(()) }
    }
}

/// Reads files as they are asked for, as many at a time as one commit takes.
struct Parts {
    files: Peekable<std::vec::IntoIter<PathBuf>>,
    unreadable: Arc<Mutex<Vec<Rejected>>>,
}

impl Iterator for Parts {
    type Item = (Vec<Source>, bool);

    fn next(&mut self) -> Option<Self::Item> {
        self.files.peek()?;
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut unreadable = Vec::new();
        while let Some(file) =
            self.files.next_if(|_| batch.len() < BATCH_FILES && bytes < BATCH_BYTES)
        {
            match read(&file) {
                Ok(source) => {
                    bytes += source.bytes.len();
                    batch.push(source);
                }
                Err(rejected) => unreadable.push(rejected),
            }
        }
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).append(&mut unreadable);
        Some((batch, self.files.peek().is_some()))
    }
}

/// The files under `path`; a file that is named itself is taken whatever it is called.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |error: std::io::Error| {
        CliError::Failed(format!("cannot read {}: {error}", path.display()))
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let entry = entry.path();
        // Links to directories are not followed: they may lead back up.
        if kind.is_dir() {
            collect(&entry, files)?;
        } else if is_importable(&entry) && entry.is_file() {
            files.push(entry);
        }
    }
    Ok(())
}

fn is_importable(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        extension.eq_ignore_ascii_case("xml") || extension.eq_ignore_ascii_case("cab")
    })
}

fn read(file: &Path) -> Result<Source, Rejected> {
    let name = file.display().to_string();
    let rejected = |reason: String| Rejected { source: name.clone(), reason };
    let length = std::fs::metadata(file).map_err(|error| rejected(error.to_string()))?.len();
    if length > DOCUMENT_LIMIT as u64 {
        return Err(rejected(format!("{length} bytes; {DOCUMENT_LIMIT} is the limit")));
    }
    let bytes = std::fs::read(file).map_err(|error| rejected(error.to_string()))?;
    Ok(Source { name, bytes })
}

fn summary(report: &Value) -> String {
    let mut text = format!(
        "{} revisions: {} new, {} unchanged\n",
        report["revisions"], report["new"], report["unchanged"]
    );
    for rejected in report["rejected"].as_array().into_iter().flatten() {
        let (source, reason) = (cell(&rejected["source"]), cell(&rejected["reason"]));
        text.push_str(&format!("rejected {source}: {reason}\n"));
    }
    text
}
