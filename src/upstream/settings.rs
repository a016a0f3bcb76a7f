//! How much of this server, of the upstream server and of the network a synchronization takes.

use std::time::Duration;

use crate::http::ClientLimits;

/// How synchronizations behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Our name towards the upstream server, as DNS writes it.
    pub account_name: String,
    /// Revisions are fetched over so many connections at once. 4 made Microsoft Update nine times
    /// as fast as one, and more would take memory and the upstream server's patience.
    pub workers: usize,
    /// What one answer may take.
    pub limits: ClientLimits,
    /// Whether drivers for the hardware of the computers here are asked for. Off: what an upstream
    /// server has of drivers otherwise comes with their classification, as in WSUS.
    pub drivers_by_inventory: bool,
    /// What is waited before what failed is tried again.
    pub patience: Patience,
    /// How long to wait at least and at most before an upstream server that is busy is told of
    /// computers again: 1 to 5 minutes, as [MS-WSUSSS] note 77 has it.
    pub busy_wait: (Duration, Duration),
    /// How often it is looked whether the upstream server has something new; none for never.
    pub follow_every: Option<Duration>,
    /// How often the upstream server is told what is new, besides after each synchronization.
    pub report_every: Duration,
    /// Most bytes a second of downloads; 0 for as many as there are.
    pub bytes_per_second: u64,
}

/// What is waited before what failed is tried again: twice as long each time.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first time.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
    /// So often.
    pub attempts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account_name: host_name(),
            workers: 4,
            limits: ClientLimits {
                // A document of 47 MB is 94 MB in UTF-16, and as text with its escapes not much less.
                body: 256 << 20,
                connect: Duration::from_secs(30),
                exchange: Duration::from_secs(900),
            },
            drivers_by_inventory: false,
            patience: Patience {
                first: Duration::from_secs(2),
                longest: Duration::from_secs(120),
                attempts: 7,
            },
            busy_wait: (Duration::from_secs(60), Duration::from_secs(300)),
            follow_every: None,
            report_every: Duration::from_secs(3600),
            bytes_per_second: 0,
        }
    }
}

impl Patience {
    /// How long to wait before the attempt after `attempt`, from 0; none when that was the last.
    /// Half of it is chance, so that servers that failed together do not come back together.
    pub(super) fn before(self, attempt: u32) -> Option<Duration> {
        if attempt + 1 >= self.attempts {
            return None;
        }
        let whole = self.first.saturating_mul(1 << attempt.min(16)).min(self.longest);
        Some(whole.mul_f64(0.5 + chance() / 2.0))
    }
}

/// A number from 0 to 1.
pub(super) fn chance() -> f64 {
    let [byte, next, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([byte, next])) / f64::from(u16::MAX)
}

/// This host's name where the system says one that DNS could have.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    if is_dns_name(&name) { name } else { "weir.invalid".to_owned() }
}

/// Whether `name` is what [MS-WSUSSS] 3.1.4.2 wants as an account name: labels of letters, digits
/// and hyphens.
pub fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_end() {
        let patience = Patience {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(5),
            attempts: 5,
        };
        for (attempt, whole) in [(0, 1), (1, 2), (2, 4), (3, 5)] {
            let wait = patience.before(attempt).unwrap();
            let whole = Duration::from_secs(whole);
            assert!(whole / 2 <= wait && wait <= whole, "{attempt}: {wait:?}");
        }
        assert_eq!(patience.before(4), None);
    }

    #[test]
    fn account_names_are_those_of_dns() {
        assert!(is_dns_name(&Settings::default().account_name));
        for name in ["weir", "weir-1.example.com"] {
            assert!(is_dns_name(name), "{name}");
        }
        for name in ["", "-weir", "we ir", "weir..example", "weir_1", &"x".repeat(64)] {
            assert!(!is_dns_name(name), "{name}");
        }
    }
}
