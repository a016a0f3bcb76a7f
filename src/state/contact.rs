//! What a computer's last scan request left behind, for as long as the server runs.
//!
//! None of it is durable: when a computer was last here is a hint for administrators, that its last
//! scan found nothing is one for its next scan, and a write for every scan would be the largest load
//! on the store.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, Weak};

use super::published::Published;
use crate::wire::soap::SoapVersion;

/// A computer's last request. All computers that were heard of have one, so it is kept small.
#[derive(Debug, Default)]
pub struct Contact {
    /// Unix seconds; 0 for never.
    at: AtomicI64,
    /// Digest of the inventory that is stored; 0 for none.
    inventory: AtomicU64,
    quiet: Mutex<Option<QuietScan>>,
}

/// A software scan of all that a computer has cached that found nothing new, nothing changed and nothing out of
/// scope.
#[derive(Debug, Clone)]
pub struct QuietScan {
    /// Tells the request, all but its cookie, from any other of this computer's.
    pub request: [u8; 32],
    /// What it was answered from. Its content goes as always; some hundred bytes of it stay until no
    /// computer names it any more, so that nothing else can be taken for it.
    pub published: Weak<Published>,
    /// Fingerprint of the view of the computer's groups.
    pub view: u64,
    /// The version of SOAP it was written in.
    pub version: SoapVersion,
    /// What the answer said of drivers.
    pub driver_sync_not_needed: bool,
}

impl Contact {
    /// Unix seconds of the last request, if there was one.
    pub fn at(&self) -> Option<i64> {
        Some(self.at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// The last scan, if it was quiet.
    pub fn quiet(&self) -> Option<QuietScan> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers a quiet scan in place of an earlier one.
    pub fn remember(&self, scan: QuietScan) {
        *self.quiet.lock().unwrap_or_else(PoisonError::into_inner) = Some(scan);
    }

    /// Digest of the inventory that is stored; 0 for none.
    pub(super) fn inventory(&self) -> u64 {
        self.inventory.load(Ordering::Relaxed)
    }

    pub(super) fn note_inventory(&self, digest: u64) {
        self.inventory.store(digest, Ordering::Relaxed);
    }

    pub(super) fn note(&self, now: i64) {
        self.at.store(now, Ordering::Relaxed);
    }
}
