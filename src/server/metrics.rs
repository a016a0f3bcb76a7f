//! What is counted, for `/metrics`.
//!
//! Labels are bounded by construction: operations and routes are known at compile time, a status
//! is reduced to its class. Nothing a client spells becomes a label.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The media type of [`Metrics::render`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

/// The server's metrics and whatever the other layers registered beside them.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter<u64, AtomicU64>>,
    seconds: Family<Of, Histogram>,
    received: Counter<u64, AtomicU64>,
    sent: Counter<u64, AtomicU64>,
    refused: Family<Refused, Counter<u64, AtomicU64>>,
    /// Connections open at this moment.
    pub(crate) connections: Gauge<i64, AtomicI64>,
}

impl Metrics {
    /// Adds the server's metrics to `registry`, which may hold those of other layers already.
    pub fn new(mut registry: Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            // 1 ms to 32 s: a cached scan is below the first, a first scan's page within the rest.
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.001, 2.0, 16))
            }),
            received: Counter::default(),
            sent: Counter::default(),
            refused: Family::default(),
            connections: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("weir_requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "weir_request_seconds",
            "Time from a request's head to the last byte of its answer",
            metrics.seconds.clone(),
        );
        registry.register(
            "weir_received_bytes",
            "Bytes of request bodies",
            metrics.received.clone(),
        );
        registry.register("weir_sent_bytes", "Bytes of response bodies", metrics.sent.clone());
        registry.register(
            "weir_refused",
            "SOAP calls refused before their operation saw them",
            metrics.refused.clone(),
        );
        registry.register("weir_connections", "Open connections", metrics.connections.clone());
        Self { registry, ..metrics }
    }

    /// All metrics as text.
    ///
    /// # Errors
    /// None in practice: writing to a string does not fail.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn answered(
        &self,
        operation: &'static str,
        status: u16,
        took: Duration,
        received: u64,
        sent: u64,
    ) {
        let status = match status {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&Answered { operation, status }).inc();
        self.seconds.get_or_create(&Of { operation }).observe(took.as_secs_f64());
        self.received.inc_by(received);
        self.sent.inc_by(sent);
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Refused { reason }).inc();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_bounded_labels_and_foreign_metrics() {
        let mut registry = Registry::default();
        let foreign = Counter::<u64, AtomicU64>::default();
        registry.register("foreign", "Of another layer", foreign.clone());
        let metrics = Metrics::new(registry);
        foreign.inc();
        metrics.answered("SyncUpdates", 503, Duration::from_millis(3), 10, 20);
        metrics.refused("busy");

        let text = metrics.render().expect("text");
        for line in [
            "foreign_total 1",
            "weir_requests_total{operation=\"SyncUpdates\",status=\"5xx\"} 1",
            "weir_request_seconds_bucket{le=\"0.004\",operation=\"SyncUpdates\"} 1",
            "weir_received_bytes_total 10",
            "weir_sent_bytes_total 20",
            "weir_refused_total{reason=\"busy\"} 1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
