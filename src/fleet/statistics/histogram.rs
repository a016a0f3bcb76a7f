//! How long things took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of each power of two: a percentile is right to 3 %.
const STEPS: usize = 32;

/// Powers of two of microseconds: up to an hour.
const POWERS: usize = 32;

/// Durations, counted in buckets that grow with them. Can be added to from anywhere at once.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    longest: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..STEPS * POWERS).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, longest: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Adds one.
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.longest.fetch_max(micros, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(position(micros)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest.load(Ordering::Relaxed))
    }

    /// What `per_mille` of them did not exceed; zero of none.
    pub fn percentile(&self, per_mille: u64) -> Duration {
        let wanted = (self.count() * per_mille).div_ceil(1_000);
        let mut seen = 0;
        for (position, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Ordering::Relaxed);
            if seen >= wanted && seen > 0 {
                return Duration::from_micros(end(position)).min(self.longest());
            }
        }
        self.longest()
    }
}

/// The bucket of a number of microseconds: below [`STEPS`] one each, then [`STEPS`] for every
/// power of two.
fn position(micros: u64) -> usize {
    let steps = STEPS as u64;
    if micros < steps {
        return micros as usize;
    }
    let power = u64::from(micros.ilog2() - STEPS.ilog2());
    let step = (micros >> power) - steps;
    let position = (power + 1) * steps + step;
    usize::try_from(position).unwrap_or(usize::MAX).min(STEPS * POWERS - 1)
}

/// The largest number of microseconds in a bucket.
fn end(position: usize) -> u64 {
    let (power, step) = ((position / STEPS) as u64, (position % STEPS) as u64);
    match power {
        0 => step,
        power => ((STEPS as u64 + step + 1) << (power - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_in_a_bucket_that_ends_within_three_per_cent() {
        for micros in (0..5_000).chain([1 << 20, (1 << 20) + 12_345, 3_599_999_999]) {
            let end = end(position(micros));
            assert!(end >= micros, "{micros}: {end}");
            assert!(end - micros <= micros / 32 + 1, "{micros}: {end}");
        }
        assert_eq!(position(u64::MAX), STEPS * POWERS - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_durations() {
        let histogram = Histogram::default();
        assert_eq!(histogram.percentile(990), Duration::ZERO);
        for millis in 1..=1_000 {
            histogram.add(Duration::from_millis(millis));
        }
        assert_eq!(histogram.count(), 1_000);
        let near = |got: Duration, millis: u64| {
            let wanted = Duration::from_millis(millis);
            assert!(got >= wanted && got <= wanted * 104 / 100, "{got:?} for {wanted:?}");
        };
        near(histogram.percentile(500), 500);
        near(histogram.percentile(990), 990);
        assert_eq!(histogram.percentile(1_000), Duration::from_secs(1));
        assert_eq!(histogram.longest(), Duration::from_secs(1));
    }
}
