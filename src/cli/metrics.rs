//! What `/metrics` says of the state and of its health, read at each scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::admin::health::Monitor;
use crate::state::State;

/// The state's measures. None has a label, so their number is fixed.
pub(super) struct StateMetrics(pub(super) Arc<State>);

impl Collector for StateMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let measures = self.0.measures();
        let writable = u64::from(self.0.health().is_ok());
        for (name, help, value) in [
            ("weir_writable", "1 while changes are taken, 0 once they are refused", writable),
            ("weir_published_sequence", "Number of the commit that is served", measures.sequence),
            ("weir_revisions", "Revisions in the catalogue that is served", measures.revisions),
            ("weir_computers", "Registered computers", measures.computers),
            ("weir_content_files", "Content files that are here", measures.content_files),
            ("weir_store_bytes", "Size of the store on disk", measures.store_bytes),
            ("weir_fragment_cache_bytes", "Fragments in memory", measures.fragment_bytes),
            ("weir_waiting_changes", "Changes that wait for the writer", measures.waiting_changes),
            ("weir_waiting_messages", "Notifications that wait", measures.waiting_messages),
            ("weir_dropped_messages", "Notifications that nobody got", measures.dropped_messages),
        ] {
            let gauge = ConstGauge::new(value);
            let kind = gauge.metric_type();
            gauge.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
        }
        for (name, help, value) in [
            ("weir_fragment_hits", "Fragments found in memory", measures.fragment_hits),
            ("weir_fragment_reads", "Fragments read from disk", measures.fragment_reads),
        ] {
            let counter = ConstCounter::new(value);
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for StateMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateMetrics").finish_non_exhaustive()
    }
}

/// What the checks of the server's health found last: whoever scrapes has none made.
pub(super) struct HealthMetrics(pub(super) Arc<Monitor>);

impl Collector for HealthMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "What a check found when it was last made: 0 nothing, 1 a warning, 2 an error";
        let mut family = encoder.encode_descriptor("weir_check", help, None, MetricType::Gauge)?;
        for check in self.0.last().iter() {
            let gauge = ConstGauge::new(check.status as u64);
            gauge.encode(family.encode_family(&[("check", check.name.name())])?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for HealthMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthMetrics").finish_non_exhaustive()
    }
}
