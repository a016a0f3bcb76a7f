//! The way to a data directory: through the server that runs on it, or by opening it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::client::Remote;
use super::content::{AddContent, AddedContent};
use super::health::{self, CheckHealth, CheckName, Health, Monitor};
use super::import::{self, ImportDocuments};
use super::operation::carry_out;
use super::{AdminError, Call, Caller, ImportReport, Operation, Sink, Source, Subject, frames};
use crate::content::files::{Digests, digest_of};
use crate::policy::by::By;
use crate::server::SOCKET;
use crate::state::{Settings, State, StateError};
use crate::upstream::{self, Upstream};

/// Parts of an import that wait for each of its steps while the one before them is in it.
const PARTS_AHEAD: usize = 1;
/// How long a server may take to say that it is well.
const HEALTH_PATIENCE: Duration = Duration::from_secs(30);

/// An open way to a data directory.
pub enum Access {
    /// A server runs on it: everything is asked of that.
    Served(Remote),
    /// None does: this process holds the directory until [`Access::close`].
    Opened(Arc<Subject>),
}

impl Access {
    /// Finds the way to `data`.
    ///
    /// # Errors
    /// When no server listens and the directory cannot be opened, for example because one is just
    /// starting or stopping.
    pub fn open(
        data: &Path,
        settings: &Settings,
        sync: upstream::Settings,
        now: fn() -> i64,
    ) -> Result<Self, AdminError> {
        match Self::of_server(data) {
            Err(AdminError::NotServed) => {
                let state = Arc::new(State::open(data, settings, now)?);
                let upstream = Upstream::new(Arc::clone(&state), sync);
                let monitor = Monitor::new(health::Settings::default(), state.now());
                Ok(Self::Opened(Arc::new(Subject::new(state, upstream, Arc::new(monitor)))))
            }
            served => served,
        }
    }

    /// The way through the server that runs on `data`, and no other: the directory is not touched.
    ///
    /// # Errors
    /// [`AdminError::NotServed`] when none listens. The socket's file alone may be the remains of
    /// one that was killed.
    pub fn of_server(data: &Path) -> Result<Self, AdminError> {
        let path = data.join(SOCKET);
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(_) => Ok(Self::Served(Remote::at_socket(&path))),
            Err(_) => Err(AdminError::NotServed),
        }
    }

    /// Carries out an operation.
    pub async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer, AdminError> {
        match self {
            Self::Served(server) => server.call(&operation).await,
            Self::Opened(subject) => carry_out(operation, local(subject, None)).await,
        }
    }

    /// Asks how the server is, by these checks or all of them; it has to answer soon.
    pub async fn health(&self, only: Vec<CheckName>) -> Result<Health, AdminError> {
        let check = CheckHealth { only };
        match self {
            Self::Served(server) => server.clone().within(HEALTH_PATIENCE).call(&check).await,
            opened => opened.run(check).await,
        }
    }

    /// Imports files in parts, each with whether another follows, and tells after each what became
    /// of all so far. While one part is made durable the next are read and prepared already: some
    /// wait for the disk, others for a processor.
    ///
    /// # Errors
    /// The first of any part. What the parts before it brought stays.
    pub async fn import(
        &self,
        parts: impl Iterator<Item = (Vec<Source>, bool)> + Send + 'static,
        mut progress: impl FnMut(&ImportReport),
    ) -> Result<ImportReport, AdminError> {
        let progress = &mut progress;
        match self {
            Self::Served(server) => {
                let send = async |files: Vec<u8>, more_follows| {
                    server.upload(&ImportDocuments { more_follows }, files).await
                };
                in_parts(parts, |files| frames::write(&files), send, progress).await
            }
            Self::Opened(subject) => {
                let (state, by) = (&subject.state, &By::administrator());
                let store =
                    async |read, more_follows| import::store(state, by, read, more_follows).await;
                in_parts(parts, |files| import::Read::new(&files), store, progress).await
            }
        }
    }

    /// Carries out an operation and passes on the bytes that it answers with, as they come.
    ///
    /// # Errors
    /// Those of the operation, and what `each` returns. What came until then is not whole.
    pub async fn download<O: Operation>(
        &self,
        operation: O,
        mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), AdminError> {
        match self {
            Self::Served(server) => server.download(&operation, each).await,
            // Nothing would ever happen.
            Self::Opened(_) if O::DOWNLOAD.is_some_and(|it| it.endless) => {
                Err(AdminError::NotServed)
            }
            Self::Opened(subject) => {
                let (sink, mut pieces) = Sink::new();
                let running = tokio::spawn(operation.run(local(subject, None).into(sink)));
                while let Some(piece) = pieces.recv().await {
                    each(&piece).map_err(AdminError::Body)?;
                }
                running.await.map_err(|_| StateError::Stopped)??;
                Ok(())
            }
        }
    }

    /// Adds a content file. Its digest says which file it is; its name says nothing.
    pub async fn add_content(&self, file: &Path) -> Result<AddedContent, AdminError> {
        let name = file.display().to_string();
        let open =
            || File::open(file).map_err(|source| AdminError::Read { path: name.clone(), source });
        let source = open()?;
        let digest = move || digest_of(source).map_err(StateError::from);
        let digest = tokio::task::spawn_blocking(digest).await;
        let Digests { sha1, length, .. } = digest.map_err(|_| StateError::Stopped)??;
        let source = open()?;
        let operation = AddContent { sha1: sha1.to_hex() };
        match self {
            Self::Served(server) => server.upload_file(&operation, source, length).await,
            Self::Opened(subject) => {
                carry_out(operation, local(subject, Some(Box::new(source)))).await
            }
        }
    }

    /// Gives the directory back.
    pub async fn close(self) {
        if let Self::Opened(subject) = self {
            subject.state.close().await;
        }
    }
}

fn local(subject: &Arc<Subject>, upload: Option<super::Bytes>) -> Call {
    Call::new(Arc::clone(subject), Caller::local(), upload)
}

/// Reads the files of one part while another is prepared and a third is on its way into the state.
async fn in_parts<P: Send + 'static>(
    mut parts: impl Iterator<Item = (Vec<Source>, bool)> + Send + 'static,
    prepare: fn(Vec<Source>) -> P,
    mut store: impl AsyncFnMut(P, bool) -> Result<ImportReport, AdminError>,
    progress: &mut impl FnMut(&ImportReport),
) -> Result<ImportReport, AdminError> {
    let (sender, mut read) = mpsc::channel(PARTS_AHEAD);
    // Nobody takes them any more once a part failed.
    let reading = tokio::task::spawn_blocking(move || {
        parts.try_for_each(|part| sender.blocking_send(part).ok())
    });
    let (sender, mut prepared) = mpsc::channel(PARTS_AHEAD);
    let preparing = tokio::task::spawn_blocking(move || {
        std::iter::from_fn(|| read.blocking_recv())
            .try_for_each(|(files, more)| sender.blocking_send((prepare(files), more)).ok())
    });
    let mut report = ImportReport::default();
    while let Some((part, more_follows)) = prepared.recv().await {
        report.add(store(part, more_follows).await?);
        progress(&report);
    }
    for task in [reading, preparing] {
        task.await.map_err(|_| StateError::Stopped)?;
    }
    Ok(report)
}
