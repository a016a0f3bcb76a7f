//! The one line about each request.
//!
//! It is written when the answer's last byte was handed to the connection, or when the client went
//! away before that, so its times and byte counts are what really happened. It holds names and
//! numbers only: no URI, no header, no cookie, nothing a client chose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::encoding::Coding;
use super::metrics::Metrics;
use crate::services::call::Outcome;
use crate::wire::operation::Operation;

/// What nginx calls the status of a request whose client left before there was an answer.
const CLIENT_LEFT: u16 = 499;

/// Collects what is known of a request; writes it when dropped.
#[derive(Debug)]
pub(crate) struct AccessLine {
    metrics: Arc<Metrics>,
    started: Instant,
    peer: SocketAddr,
    operation: &'static str,
    status: Option<u16>,
    outcome: Outcome,
    coding: Coding,
    bytes_in: u64,
    bytes_due: u64,
    bytes_out: u64,
}

impl AccessLine {
    /// Starts the clock for a request to the route called `route`.
    pub(crate) fn new(metrics: Arc<Metrics>, peer: SocketAddr, route: &'static str) -> Self {
        Self {
            metrics,
            started: Instant::now(),
            peer,
            operation: route,
            status: None,
            outcome: Outcome::default(),
            coding: Coding::Identity,
            bytes_in: 0,
            bytes_due: 0,
            bytes_out: 0,
        }
    }

    /// Notes what the request turned out to be for.
    pub(crate) fn named(&mut self, operation: &'static str) {
        self.operation = operation;
    }

    /// Notes the operation that the headers name.
    pub(crate) fn identified(&mut self, operation: Option<Operation>) {
        if let Some(operation) = operation {
            self.operation = operation.label();
        }
    }

    /// Notes how long the request's body was.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.bytes_in = bytes as u64;
    }

    /// Notes what the services said.
    pub(crate) fn outcome(&mut self, outcome: Outcome, coding: Coding) {
        self.identified(outcome.operation);
        self.outcome = outcome;
        self.coding = coding;
    }

    /// Notes that an answer begins; `bytes_due` bytes of body follow.
    pub(crate) fn answering(&mut self, status: u16, bytes_due: u64) {
        self.status = Some(status);
        self.bytes_due = bytes_due;
    }

    /// Notes that some bytes of the body were handed to the connection.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes_out += bytes as u64;
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let status = self.status.unwrap_or(CLIENT_LEFT);
        self.metrics.answered(self.operation, status, took, self.bytes_in, self.bytes_out);
        tracing::info!(
            target: "weir::access",
            operation = self.operation,
            status,
            fault = self.outcome.fault,
            ms = took.as_secs_f64() * 1000.0,
            bytes_in = self.bytes_in,
            bytes_out = self.bytes_out,
            cut_short = (self.bytes_out < self.bytes_due).then_some(true),
            encoding = self.coding.name(),
            client = self.outcome.client.map(|hash| tracing::field::display(format!("{hash:016x}"))),
            peer = %self.peer.ip(),
            "request"
        );
    }
}
