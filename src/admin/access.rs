//! The way to a data directory: through the server that runs on it, or by opening it.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{AdminError, Command, ImportReport, SOCKET, Source, content, execute, import, socket};
use crate::content::files::digest_of;
use crate::state::{Settings, State, StateError};

/// An open way to a data directory.
pub enum Access {
    /// A server runs on it: everything is asked of that.
    Served(PathBuf),
    /// None does: this process holds the directory until [`Access::close`].
    Opened(Box<State>),
}

impl Access {
    /// Finds the way to `data`.
    ///
    /// # Errors
    /// When no server listens and the directory cannot be opened, for example because one is just
    /// starting or stopping.
    pub fn open(data: &Path, settings: &Settings, now: fn() -> i64) -> Result<Self, AdminError> {
        let path = data.join(SOCKET);
        if socket::is_served(&path) {
            return Ok(Self::Served(path));
        }
        Ok(Self::Opened(Box::new(State::open(data, settings, now)?)))
    }

    /// Whether a server runs on the directory.
    pub fn is_served(&self) -> bool {
        matches!(self, Self::Served(_))
    }

    /// Carries out a command.
    pub async fn run(&self, command: Command) -> Result<Value, AdminError> {
        match self {
            Self::Served(path) => tokio::task::block_in_place(|| socket::command(path, command)),
            Self::Opened(state) => execute(state, command).await,
        }
    }

    /// Imports files; see [`Source`].
    pub async fn import(
        &self,
        sources: Vec<Source>,
        more_follows: bool,
    ) -> Result<ImportReport, AdminError> {
        match self {
            Self::Served(path) => {
                tokio::task::block_in_place(|| socket::import(path, &sources, more_follows))
            }
            Self::Opened(state) => import::import(state, sources, more_follows).await,
        }
    }

    /// Adds a content file. Its digest says which file it is; its name says nothing.
    pub async fn add_content(&self, file: &Path) -> Result<Value, AdminError> {
        let name = file.display().to_string();
        let open =
            || File::open(file).map_err(|source| AdminError::Read { path: name.clone(), source });
        let source = open()?;
        let digests = tokio::task::block_in_place(|| digest_of(source));
        let digests = digests.map_err(StateError::from)?;
        let mut source = open()?;
        let sha1 = digests.sha1;
        match self {
            Self::Served(path) => tokio::task::block_in_place(|| {
                socket::add_content(path, sha1, digests.length, &mut source)
            }),
            Self::Opened(state) => content::add(state, sha1, source).await,
        }
    }

    /// Gives the directory back.
    pub async fn close(self) {
        if let Self::Opened(state) = self {
            state.close().await;
        }
    }
}
