//! `weir backup`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output::fields;
use super::{CliError, Context, failed};
use crate::admin::backup::BackUp;
use crate::state::verify;

/// Write everything that a server knows into one file, while it goes on. The file holds keys and
/// password hashes, and is for you alone to read; keep it so.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file. One that is there is replaced once the new one is whole
    file: PathBuf,
    /// With the content files; without, they have to be fetched again
    #[arg(long)]
    content: bool,
}

impl Backup {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let mut name = self.file.clone().into_os_string();
        name.push(".unfinished");
        let (unfinished, file) = Unfinished::begin(PathBuf::from(name))?;
        let cannot = |error: io::Error| failed_with(&unfinished.0, &error);
        let mut file = BufWriter::new(file);

        let access = context.access()?;
        let operation = BackUp { content: self.content.then_some(true) };
        let written = access.download(operation, |piece| file.write_all(piece)).await;
        access.close().await;
        written?;
        let file = file.into_inner().map_err(|error| cannot(error.into_error()))?;
        file.sync_all().map_err(cannot)?;
        let bytes = file.metadata().map_err(cannot)?.len();
        // What was written is what was sent, and all of it.
        let path = unfinished.0.clone();
        let verified = tokio::task::spawn_blocking(move || verify(&path)).await;
        let verified = verified.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        fs::rename(&unfinished.0, &self.file).map_err(cannot)?;
        let folder = self.file.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| failed_with(folder, &error))?;
        let mut told = verified.as_json();
        told["file"] = json!(self.file.display().to_string());
        told["bytes"] = json!(bytes);
        context.output.print(&told, fields)
    }
}

fn failed_with(path: &Path, error: &io::Error) -> CliError {
    CliError::Failed(format!("{}: {error}", path.display()))
}

/// A file that goes away unless it was renamed. As long as it is being written it is locked, so that
/// whoever makes another backup under the same name does not take it away.
struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes it. One that a backup left behind which was killed is removed: not one that somebody has
    /// prepared, and may read, is written to.
    fn begin(path: PathBuf) -> Result<(Self, File), CliError> {
        let cannot = |error: io::Error| failed_with(&path, &error);
        let left = match File::open(&path) {
            Ok(left) => Some(left),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot(error)),
        };
        if let Some(left) = &left {
            lock(&path, left)?;
            fs::remove_file(&path).map_err(cannot)?;
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path).map_err(cannot)?;
        lock(&path, &file)?;
        Ok((Self(path), file))
    }
}

fn lock(path: &Path, file: &File) -> Result<(), CliError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(error)) => Err(failed_with(path, &error)),
        Err(TryLockError::WouldBlock) => {
            let reason = "another backup is being made under this name";
            Err(CliError::Failed(format!("{}: {reason}", path.display())))
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
