//! The clocks of those who report, which may be wrong.

use crate::wire::time::DateTime;

/// A clock that is off by more than this many seconds is corrected ([MS-WSUSSS] notes 50, 54 and 61;
/// [MS-WUSP] says nothing).
const SKEW_TOLERATED: i64 = 60;

/// `1753-01-01T00:00:00Z`, the first instant of SQL Server, which stands for "never". So does the
/// year 1, which .NET sends.
const FIRST: i64 = -6_847_804_800;

/// From the clock of who reports to this server's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    now: i64,
    skew: i64,
}

impl Clock {
    pub(super) fn new(now: i64, client_time: DateTime) -> Self {
        let skew = now.saturating_sub(client_time.unix_seconds());
        Self { now, skew: if skew.abs() > SKEW_TOLERATED { skew } else { 0 } }
    }

    /// When something happened: not after it was reported. What comes from the future, noted before
    /// the clock was set right, would overrule every report until then.
    pub(super) fn corrected(self, at: DateTime) -> i64 {
        at.unix_seconds().saturating_add(self.skew).min(self.now)
    }

    /// The same of what may never have happened.
    pub(super) fn corrected_unless_never(self, at: Option<DateTime>) -> Option<i64> {
        let at = at.filter(|at| at.unix_seconds() > FIRST)?;
        Some(self.corrected(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().expect("a time")
    }

    #[test]
    fn a_clock_is_corrected_when_it_is_off_by_more_than_a_minute() {
        let now = at("2026-10-04T12:00:00Z").unix_seconds();
        for (theirs, skew) in [
            ("2026-10-04T12:01:00Z", 0),
            ("2026-10-04T11:59:00Z", 0),
            ("2026-10-04T12:01:01Z", -61),
            ("2026-10-04T10:00:00Z", 7200),
        ] {
            let clock = Clock::new(now, at(theirs));
            let event = at("2026-10-04T08:00:00Z");
            assert_eq!(clock.corrected(event), event.unix_seconds() + skew, "{theirs}");
            assert_eq!(clock.corrected(DateTime::MAX), now);
        }
    }

    #[test]
    fn never_stays_never() {
        let clock = Clock::new(0, DateTime::MIN);
        for never in ["1753-01-01T00:00:00Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(clock.corrected_unless_never(Some(at(never))), None);
        }
        assert_eq!(clock.corrected_unless_never(None), None);
        assert_eq!(clock.corrected_unless_never(Some(at("1970-01-01T00:00:00Z"))), Some(0));
    }
}
