//! What a fleet did, counted while it does it.

mod histogram;
mod report;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use histogram::Histogram;
pub use report::{Latency, Report, Trips};

use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;

/// Counters that all computers add to.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Scans that asked the server and came to their end.
    pub scans: AtomicU64,
    /// Scans that looked into the store only.
    pub local_scans: AtomicU64,
    /// Revisions that were sent.
    pub revisions: AtomicU64,
    /// Updates that were downloaded.
    pub downloads: AtomicU64,
    /// Ranges that they were downloaded in.
    pub ranges: AtomicU64,
    /// Bytes of these.
    pub content: AtomicU64,
    /// Updates that were installed.
    pub installed: AtomicU64,
    /// Updates that could not be installed.
    pub failed: AtomicU64,
    /// Restarts.
    pub restarts: AtomicU64,
    /// Events that the server took.
    pub events: AtomicU64,
    /// Times at which the server was too busy.
    pub busy: AtomicU64,
    /// Computers that are done.
    pub done: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    decoded: AtomicU64,
    latency: Histogram,
    range_latency: Histogram,
    by_operation: Mutex<BTreeMap<Operation, Histogram>>,
    recoveries: Mutex<BTreeMap<ErrorCode, u64>>,
    first_scans: Mutex<Vec<u32>>,
    rescans: Mutex<Vec<u32>>,
}

impl Statistics {
    /// Counts a call: how long it took, the bytes sent, and those received as they came and
    /// decoded.
    pub fn called(
        &self,
        operation: Operation,
        took: Duration,
        sent: u64,
        (received, decoded): (u64, u64),
    ) {
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.received.fetch_add(received, Ordering::Relaxed);
        self.decoded.fetch_add(decoded, Ordering::Relaxed);
        self.latency.add(took);
        let mut by_operation = self.by_operation.lock().unwrap_or_else(PoisonError::into_inner);
        by_operation.entry(operation).or_default().add(took);
    }

    /// Counts a range.
    pub fn downloaded(&self, took: Duration, bytes: u64) {
        self.ranges.fetch_add(1, Ordering::Relaxed);
        self.content.fetch_add(bytes, Ordering::Relaxed);
        self.range_latency.add(took);
    }

    /// Counts a recovery from a fault.
    pub fn recovered(&self, code: ErrorCode) {
        let mut recoveries = self.recoveries.lock().unwrap_or_else(PoisonError::into_inner);
        *recoveries.entry(code).or_default() += 1;
    }

    /// Counts a scan that asked the server, with its round trips.
    pub fn scanned(&self, is_first: bool, trips: u32) {
        self.scans.fetch_add(1, Ordering::Relaxed);
        let scans = if is_first { &self.first_scans } else { &self.rescans };
        scans.lock().unwrap_or_else(PoisonError::into_inner).push(trips);
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.latency.count()
    }
}
