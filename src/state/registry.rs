//! The registered computers, for readers.
//!
//! There may be 150,000 of them and each is written on its own, so they are not part of the
//! published snapshot: a sharded map holds one shared entry a computer, which the writer replaces
//! once the change is durable. A lock is held for a lookup only, never across anything that fails.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use crate::computers::census::Member;
use crate::computers::rollup::{Below, SyncResult};
use crate::computers::unknown::{Signs, WhyUnknown};
use crate::computers::{Computer, Statuses};
use crate::state::contact::Contact;

const SHARDS: usize = 64;

/// What is known of one computer.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// Who it is.
    pub computer: Arc<Computer>,
    /// What it reported.
    pub statuses: Arc<Statuses>,
    /// What another server reported of it, when it gets its updates there.
    pub below: Option<Arc<Below>>,
    /// What its last scan request left behind.
    pub last_contact: Arc<Contact>,
}

impl Tracked {
    /// Notes that the computer asked for something at `now` (unix seconds).
    pub fn touch(&self, now: i64) {
        self.last_contact.note(now);
    }

    /// Unix seconds of when it last asked for updates, here or, if it is another server's, there.
    pub fn last_sync(&self) -> Option<i64> {
        match &self.below {
            Some(below) => below.last_sync,
            None => self.last_contact.at().max(self.statuses.scan.map(|scan| scan.at)),
        }
    }

    /// As it is counted.
    pub(super) fn member(&self) -> Member<'_> {
        Member { groups: &self.computer.groups, statuses: &self.statuses }
    }

    /// Unix seconds of the last sign of it.
    pub fn last_heard(&self) -> i64 {
        let Self { computer, statuses, last_contact, below } = self;
        let reported = below.as_ref().and_then(|below| below.last_sync.max(below.last_status));
        let heard = last_contact.at().unwrap_or(0).max(statuses.received).max(computer.updated);
        heard.max(reported.unwrap_or(0))
    }

    /// Why the state of an update that arrived at `arrived` is unknown, at `now` (unix seconds).
    pub fn why_unknown(&self, arrived: i64, now: i64) -> WhyUnknown {
        let result = self.below.as_ref().map(|below| below.last_result);
        let failed_below = result == Some(SyncResult::Failed);
        let signs = Signs { heard: self.last_heard(), failed_below, now };
        WhyUnknown::of(&self.statuses, arrived, signs)
    }

    /// Whether what is durable of both is the same.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.computer == other.computer
            && self.statuses == other.statuses
            && self.below == other.below
    }
}

/// All registered computers by client id.
#[derive(Debug)]
pub struct Registry {
    hasher: RandomState,
    shards: Vec<RwLock<HashMap<String, Tracked>>>,
}

impl Default for Registry {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self { hasher: RandomState::new(), shards }
    }
}

impl Registry {
    /// The computer with this client id, if it is registered.
    pub fn find(&self, client_id: &str) -> Option<Tracked> {
        let shard = self.shard(client_id).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(client_id).cloned()
    }

    /// All computers, in no order.
    pub fn all(&self) -> Vec<Tracked> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().cloned());
        }
        all
    }

    /// How many computers there are.
    pub fn len(&self) -> usize {
        let shards = self.shards.iter();
        shards.map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts in or replaces a computer.
    pub(super) fn put(&self, tracked: Tracked) {
        let client_id = tracked.computer.client_id.clone();
        let mut shard = self.shard(&client_id).write().unwrap_or_else(PoisonError::into_inner);
        shard.insert(client_id, tracked);
    }

    /// Takes a computer out.
    pub(super) fn remove(&self, client_id: &str) {
        let mut shard = self.shard(client_id).write().unwrap_or_else(PoisonError::into_inner);
        shard.remove(client_id);
    }

    fn shard(&self, client_id: &str) -> &RwLock<HashMap<String, Tracked>> {
        let hash = self.hasher.hash_one(client_id);
        &self.shards[hash as usize % SHARDS]
    }
}
