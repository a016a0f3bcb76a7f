//! One downstream server ([MS-WSUSSS] 3.1.1 DSS Table).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::report::Reported;
use crate::wire::types::RevisionId;

/// Most servers that are kept. Anybody may authorize; beyond this, those that nobody approved are
/// forgotten again, the one first that was longest not heard of.
pub const SERVERS_KEPT: usize = 10_000;

/// What is known of a server that synchronizes from this one, or from one that does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownstreamServer {
    /// The id that it made for itself.
    pub id: Uuid,
    /// Its full DNS name, as it says: at most 255 bytes.
    pub name: String,
    /// The server that it synchronizes from; none for this one.
    pub parent: Option<Uuid>,
    /// Whether an administrator approved it.
    pub approved: bool,
    /// Unix seconds of when it was first heard of.
    pub first_seen: i64,
    /// Unix seconds of when it last authorized itself here.
    pub authorized: i64,
    /// The last list of categories and detectoids that it was told.
    pub configured: Option<Listed>,
    /// The last list of updates that it was told.
    pub listed: Option<Listed>,
    /// The decisions that it was last told of, if it is a replica.
    pub decided: Option<Decided>,
    /// What it last reported of itself.
    pub reported: Option<Reported>,
}

/// The two kinds of lists of revisions ([MS-WSUSSS] 3.1.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Categories and detectoids.
    Configuration,
    /// Updates.
    Updates,
}

/// A list of revisions that a server was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Unix seconds.
    pub at: i64,
    /// The newest revision that this server had then.
    pub newest: RevisionId,
}

/// The decisions that a replica was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Unix seconds.
    pub at: i64,
    /// The commit of this server up to which it was told of all.
    pub up_to: u64,
}

impl DownstreamServer {
    /// A server that authorizes itself here for the first time.
    pub fn new(id: Uuid, name: String, now: i64) -> Self {
        Self {
            id,
            name,
            parent: None,
            approved: false,
            first_seen: now,
            authorized: now,
            configured: None,
            listed: None,
            decided: None,
            reported: None,
        }
    }

    /// The last list of a kind that it was told.
    pub fn told(&self, kind: ListKind) -> Option<Listed> {
        match kind {
            ListKind::Configuration => self.configured,
            ListKind::Updates => self.listed,
        }
    }
}
