//! The end of a run as numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::{Histogram, Statistics};
use crate::fleet::referee::Failure;

/// What a run came to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Computers.
    pub computers: u64,
    /// Scans that asked the server and came to their end.
    pub scans: u64,
    /// Scans that looked into the store only.
    pub local_scans: u64,
    /// What the referee complained of.
    pub failures: Vec<Failure>,
    /// Round trips.
    pub trips: AllTrips,
    /// Bytes.
    pub bytes: Bytes,
    /// How long calls took.
    pub latency_ms: Latency,
    /// The same for each operation.
    pub operations: BTreeMap<&'static str, Latency>,
    /// How long ranges took.
    pub ranges: Latency,
    /// Revisions that were sent, all computers together.
    pub revisions: u64,
    /// Different Core fragments among them.
    pub fragments: u64,
    /// Updates downloaded.
    pub downloads: u64,
    /// Updates installed.
    pub installed: u64,
    /// Updates that could not be installed.
    pub not_installed: u64,
    /// Restarts.
    pub restarts: u64,
    /// Events that the server took.
    pub events: u64,
    /// Recoveries, by what the server said.
    pub recoveries: BTreeMap<&'static str, u64>,
    /// Times at which the server was too busy.
    pub busy: u64,
    /// How long the run took.
    pub seconds: f64,
    /// Processor time of this process; none where the system does not say.
    pub cpu_seconds: Option<f64>,
}

/// Round trips of scans: calls of SyncUpdates.
#[derive(Debug, Serialize)]
pub struct AllTrips {
    /// Of all scans.
    pub total: u64,
    /// Of a computer's first scan.
    pub first_scan: Trips,
    /// Of its further scans.
    pub rescan: Trips,
}

/// Round trips of one kind of scan.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trips {
    /// Scans.
    pub scans: u64,
    /// Fewest.
    pub min: u32,
    /// Half of the scans took no more.
    pub median: u32,
    /// Most.
    pub max: u32,
}

/// Bytes of bodies.
#[derive(Debug, Serialize)]
pub struct Bytes {
    /// Of requests.
    pub sent: u64,
    /// Of answers, as they came.
    pub received: u64,
    /// Of answers, decoded.
    pub decoded: u64,
    /// Of files.
    pub content: u64,
}

/// How long calls took, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Calls.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: f64,
    /// 90 of 100.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Report {
    /// The report of a run of `computers` that took so long.
    pub fn new(
        statistics: &Statistics,
        computers: u64,
        failures: Vec<Failure>,
        fragments: usize,
        took: Duration,
    ) -> Self {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let by_operation = statistics.by_operation.lock().unwrap_or_else(PoisonError::into_inner);
        let operations = by_operation.iter();
        let recoveries = statistics.recoveries.lock().unwrap_or_else(PoisonError::into_inner);
        let recoveries = recoveries.iter().map(|(code, times)| (code.name(), *times));
        Self {
            computers,
            scans: of(&statistics.scans),
            local_scans: of(&statistics.local_scans),
            failures,
            trips: AllTrips::new(&statistics.first_scans, &statistics.rescans),
            bytes: Bytes {
                sent: of(&statistics.sent),
                received: of(&statistics.received),
                decoded: of(&statistics.decoded),
                content: of(&statistics.content),
            },
            latency_ms: Latency::of(&statistics.latency),
            operations: operations.map(|(name, it)| (name.name(), Latency::of(it))).collect(),
            ranges: Latency::of(&statistics.range_latency),
            revisions: of(&statistics.revisions),
            fragments: fragments as u64,
            downloads: of(&statistics.downloads),
            installed: of(&statistics.installed),
            not_installed: of(&statistics.failed),
            restarts: of(&statistics.restarts),
            events: of(&statistics.events),
            recoveries: recoveries.collect(),
            busy: of(&statistics.busy),
            seconds: took.as_secs_f64(),
            cpu_seconds: cpu_time().map(|time| time.as_secs_f64()),
        }
    }
}

impl AllTrips {
    fn new(first: &Mutex<Vec<u32>>, again: &Mutex<Vec<u32>>) -> Self {
        let (first, again) = (Trips::of(first), Trips::of(again));
        let total = first.1 + again.1;
        Self { total, first_scan: first.0, rescan: again.0 }
    }
}

impl Trips {
    /// The trips of some scans, and their sum.
    fn of(scans: &Mutex<Vec<u32>>) -> (Self, u64) {
        let mut scans = scans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        scans.sort_unstable();
        let at = |position: usize| scans.get(position).copied().unwrap_or_default();
        let trips = Self {
            scans: scans.len() as u64,
            min: at(0),
            median: at(scans.len() / 2),
            max: scans.last().copied().unwrap_or_default(),
        };
        (trips, scans.iter().copied().map(u64::from).sum())
    }
}

impl Latency {
    fn of(histogram: &Histogram) -> Self {
        let millis = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
        Self {
            count: histogram.count(),
            p50: millis(histogram.percentile(500)),
            p90: millis(histogram.percentile(900)),
            p99: millis(histogram.percentile(990)),
            max: millis(histogram.longest()),
        }
    }
}

/// User and system time of this process, as Linux tells it.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; the fields after it are numbers.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // USER_HZ is 100 on every architecture that this runs on.
    Some(Duration::from_millis(10 * (user + system)))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(f, "{name:<16}{value}");
        line("computers", self.computers.to_string())?;
        line("scans", format!("{}, and {} of the store alone", self.scans, self.local_scans))?;
        for (name, trips) in [("first", &self.trips.first_scan), ("again", &self.trips.rescan)] {
            let Trips { scans, min, median, max } = trips;
            line(name, format!("{scans} scans of {min} to {max} trips, {median} in the middle"))?;
        }
        let revisions = format!("{} of {} fragments", self.revisions, self.fragments);
        line("revisions", revisions)?;
        let Bytes { sent, received, decoded, content } = self.bytes;
        line("bytes", format!("{sent} sent, {received} received, {decoded} decoded"))?;
        line("content", format!("{content} bytes in {} ranges", self.ranges.count))?;
        let (installed, not) = (self.installed, self.not_installed);
        let updates = format!("{} downloaded, {installed} installed, {not} not", self.downloads);
        line("updates", updates)?;
        line("restarts", self.restarts.to_string())?;
        line("events", self.events.to_string())?;
        for (code, times) in &self.recoveries {
            line("recoveries", format!("{times} from {code}"))?;
        }
        line("busy", self.busy.to_string())?;
        let cpu =
            self.cpu_seconds.map_or(String::new(), |cpu| format!(", {cpu:.2} s of processors"));
        line("time", format!("{:.2} s{cpu}", self.seconds))?;
        writeln!(
            f,
            "{:<26}{:>9}{:>10}{:>10}{:>10}{:>10}",
            "ms", "calls", "p50", "p90", "p99", "max"
        )?;
        let all = [("all calls", &self.latency_ms), ("ranges", &self.ranges)];
        let operations = self.operations.iter().map(|(name, latency)| (*name, latency));
        for (name, Latency { count, p50, p90, p99, max }) in all.into_iter().chain(operations) {
            writeln!(f, "{name:<26}{count:>9}{p50:>10}{p90:>10}{p99:>10}{max:>10}")?;
        }
        match self.failures.len() {
            0 => writeln!(f, "no complaints"),
            count => {
                writeln!(f, "{count} complaints:")?;
                self.failures.iter().try_for_each(|failure| writeln!(f, "  {failure}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::operation::Operation;

    #[test]
    fn a_report_has_what_was_counted() {
        let statistics = Statistics::default();
        for (is_first, trips) in [(true, 30), (true, 50), (true, 40), (false, 2)] {
            statistics.scanned(is_first, trips);
        }
        statistics.called(Operation::SyncUpdates, Duration::from_millis(5), 10, (20, 40));
        statistics.downloaded(Duration::from_millis(1), 1 << 20);
        let report = Report::new(&statistics, 3, Vec::new(), 7, Duration::from_secs(2));
        assert_eq!(report.trips.first_scan, Trips { scans: 3, min: 30, median: 40, max: 50 });
        assert_eq!((report.trips.total, report.scans), (122, 4));
        assert_eq!((report.latency_ms.count, report.latency_ms.p50), (1, 5.0));
        let value = serde_json::to_value(&report).unwrap();
        for key in ["computers", "scans", "failures", "trips", "bytes", "latency_ms"] {
            assert!(!value[key].is_null(), "{key}");
        }
        assert_eq!(value["bytes"]["content"], 1 << 20);
        let text = report.to_string();
        assert!(text.contains("3 scans of 30 to 50 trips, 40 in the middle"), "{text}");
        assert!(text.contains("SyncUpdates") && text.ends_with("no complaints\n"), "{text}");
    }

    #[test]
    fn linux_tells_the_processor_time() {
        assert_eq!(cpu_time().is_some(), cfg!(target_os = "linux"));
    }
}
