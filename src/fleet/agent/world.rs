//! What all computers of a fleet share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::conformance::client::{ClientError, ClientLimits, Server};
use crate::fleet::library::Library;
use crate::fleet::referee::{Complaint, Referee};
use crate::fleet::statistics::Statistics;

/// How a fleet behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Another seed makes other computers.
    pub seed: u64,
    /// The computers come within so long.
    pub spread: Duration,
    /// Most calls, and most downloads, at a time.
    pub at_once: usize,
    /// What policy says: groups separated by semicolons.
    pub target_group: Option<String>,
    /// For how long metadata is good.
    pub time_to_live: Duration,
}

/// What all computers share.
pub struct World {
    /// How they behave.
    pub settings: Settings,
    /// The server that they ask.
    pub server: Server,
    /// Its URL.
    pub url: String,
    /// How long they wait for it.
    pub limits: ClientLimits,
    /// What they were sent.
    pub library: Library,
    /// What they complained of.
    pub referee: Referee,
    /// What they did.
    pub statistics: Statistics,
    /// Turns to call.
    pub exchanges: Semaphore,
    /// Turns to download.
    pub downloads: Semaphore,
    ca_file: Option<PathBuf>,
    content_servers: Mutex<HashMap<String, Server>>,
}

impl World {
    /// A fleet's surroundings. `url` names scheme, host and port of the server, `ca_file` whom to
    /// trust.
    ///
    /// # Errors
    /// [`ClientError`]: what is not a server, or not trusted.
    pub fn new(
        settings: Settings,
        url: &str,
        ca_file: Option<PathBuf>,
        limits: ClientLimits,
    ) -> Result<Self, ClientError> {
        let server = Server::new(url, ca_file.as_deref())?.without_resumption();
        let at_once = settings.at_once.max(1);
        Ok(Self {
            server,
            url: url.trim_end_matches('/').to_owned(),
            limits,
            library: Library::default(),
            referee: Referee::default(),
            statistics: Statistics::default(),
            exchanges: Semaphore::new(at_once),
            downloads: Semaphore::new(at_once),
            ca_file,
            content_servers: Mutex::default(),
            settings,
        })
    }

    /// Takes note of what a computer complains of.
    pub fn complain(&self, computer: &str, complaint: Complaint) {
        self.referee.note(computer, complaint);
    }

    /// The server of a content URL, and the path there.
    ///
    /// # Errors
    /// [`ClientError`] when the URL has no server that can be asked.
    pub fn content_server(&self, url: &str) -> Result<(Server, String), ClientError> {
        let refused = || ClientError::Url(url.chars().take(200).collect());
        let host = url.find("://").map(|at| at + 3).ok_or_else(refused)?;
        let path = url[host..].find('/').map(|at| host + at).ok_or_else(refused)?;
        let (origin, path) = url.split_at(path);
        if origin.eq_ignore_ascii_case(&self.url) {
            return Ok((self.server.clone(), path.to_owned()));
        }
        let mut known = self.content_servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = known.get(origin) {
            return Ok((server.clone(), path.to_owned()));
        }
        let server = Server::new(origin, self.ca_file.as_deref())?.without_resumption();
        known.insert(origin.to_owned(), server.clone());
        Ok((server, path.to_owned()))
    }
}
