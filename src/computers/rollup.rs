//! What servers tell each other of a computer ([MS-WSUSSS] 3.1.1, Client computers table).
//!
//! It is kept apart from what the computer says itself, because either may be there without the
//! other: a computer of ours was told upstream, one of another server was reported by that one.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::status::{Statuses, UpdateInstallationState};
use super::{Computer, computer::ComputerInfo};

/// What another server reported of a computer that gets its updates there. In `below`, by the
/// computer's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Below {
    /// The server that it gets updates from.
    pub parent: Uuid,
    /// Unix seconds of its last request for updates; none for never, as in all that follow.
    pub last_sync: Option<i64>,
    /// How that ended.
    pub last_result: SyncResult,
    /// Unix seconds of its last start, if it says when that was.
    pub last_reboot: Option<i64>,
    /// Unix seconds of its last report on updates.
    pub last_status: Option<i64>,
    /// Unix seconds of its last inventory.
    pub last_inventory: Option<i64>,
    /// The number of the last report on its updates that came here; 0 before the first.
    pub received: i32,
}

/// How a request for updates ended, with the numbers of [MS-WSUSSS] 3.1.4.15.3.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncResult {
    /// There was none, or nobody knows.
    #[default]
    Unknown,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
}

impl SyncResult {
    /// Of its number; any that is not specified says nothing.
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Succeeded,
            2 => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// What a computer is, as another server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What it said when it registered there.
    pub info: ComputerInfo,
    /// The groups that its own policy asks for.
    pub requested_group: String,
    /// The groups it is in there. Those that are not here have no meaning here.
    pub groups: Vec<Uuid>,
    /// Its address.
    pub address: String,
}

/// One report of another server on the updates of a computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The computer.
    pub client_id: String,
    /// Its number, from 1.
    pub number: i32,
    /// Unix seconds of when the newest update that the computer reported on came to its server; none
    /// when it never reported.
    pub detected: Option<i64>,
    /// Whether these are all updates, or only those that changed.
    pub full: bool,
    /// The update, its state, none when it is not applicable, and since when.
    pub updates: Vec<(Uuid, Option<UpdateInstallationState>, i64)>,
}

/// What the upstream server was told of a computer. In `told`, by the computer's number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Digest of what it is, as it was told; none when it has to be told again.
    pub details: Option<u64>,
    /// The number of the last report on its updates; 0 before the first.
    pub number: i32,
    /// Digest of the states that were told; none when all have to be told again.
    pub states: Option<u64>,
    /// The time up to which they hold, as it was told.
    pub detected: Option<i64>,
}

/// Of everything that a [`Details`] holds. Equal digests mean equal details for as long as this
/// program is the same; after an update of it all may be told once more.
pub fn details_digest(computer: &Computer) -> u64 {
    let Computer { info, requested_group, groups, address, .. } = computer;
    digest(&(info, requested_group, groups, address))
}

/// Of the states of all updates.
pub fn states_digest(statuses: &Statuses) -> u64 {
    let rows: Vec<_> = statuses.rows().map(|row| (row.number, row.state, row.since)).collect();
    digest(&rows)
}

fn digest<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
