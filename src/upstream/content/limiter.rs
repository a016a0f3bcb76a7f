//! How fast downloads may be, all of them together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets so many bytes a second pass.
pub(super) struct Limiter {
    bytes_per_second: u64,
    /// When the bytes that passed are paid for.
    paid: Mutex<Option<Instant>>,
}

impl Limiter {
    /// 0 lets all pass.
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, paid: Mutex::new(None) }
    }

    /// Waits until `bytes` that have arrived may be followed by others.
    pub(super) async fn pass(&self, bytes: u64) {
        if self.bytes_per_second == 0 {
            return;
        }
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let until = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let until = paid.filter(|until| *until > now).unwrap_or(now) + cost;
            *paid = Some(until);
            until
        };
        tokio::time::sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_take_their_time_together() {
        let limiter = Limiter::new(100_000);
        let began = Instant::now();
        tokio::join!(limiter.pass(5_000), limiter.pass(5_000));
        assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
        let began = Instant::now();
        Limiter::new(0).pass(u64::MAX).await;
        assert!(began.elapsed() < Duration::from_millis(50));
    }
}
