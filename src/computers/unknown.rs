//! Why nobody knows the state of an update on a computer.
//!
//! Unknown is the state that administrators ask about most, and the answer is never in the state
//! itself. Configuration Manager's documentation names four reasons: the scan failed, what it found
//! has not been processed yet, it was not received, or it was damaged. These are they, as far as a
//! server can tell them apart by what it has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Statuses;
use super::hresult;

/// Days of silence after which a computer counts as not reporting; WSUS's own count of computers
/// that "have not reported" begins there too.
pub const SILENT_DAYS: i64 = 30;
const DAY: i64 = 86_400;

/// The reason, with what there is to say of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WhyUnknown {
    /// Its latest scan failed, and it has not reported since.
    ScanFailed {
        /// The HRESULT, where it is known.
        result: Option<i32>,
    },
    /// It reports, but has not looked for updates and reported since the update arrived.
    Backlog,
    /// It never reported.
    NotReceived,
    /// It has not been heard of for so many days.
    NotReporting {
        /// Whole days.
        days: i64,
    },
    /// Its latest report could not be used.
    Unusable,
}

/// What is known of a computer beside its statuses.
#[derive(Debug, Clone, Copy)]
pub struct Signs {
    /// Unix seconds of the last sign of it.
    pub heard: i64,
    /// Whether another server says that its last request for updates failed.
    pub failed_below: bool,
    /// Unix seconds.
    pub now: i64,
}

impl WhyUnknown {
    /// Why the state of an update that arrived at `arrived` (unix seconds) is unknown.
    pub fn of(statuses: &Statuses, arrived: i64, signs: Signs) -> Self {
        let since_report = |at: i64| statuses.reported.is_none_or(|reported| reported < at);
        let failed = statuses.scan.filter(|scan| scan.failed() && since_report(scan.at));
        // Before the first report, nothing else is known of any update.
        let concerns = |at: i64| at >= arrived || statuses.reported.is_none();
        if statuses.unusable.is_some_and(|at| since_report(at) && concerns(at))
            && failed.is_none_or(|scan| Some(scan.at) < statuses.unusable)
        {
            return Self::Unusable;
        }
        let days = signs.now.saturating_sub(signs.heard) / DAY;
        if let Some(scan) = failed {
            return Self::ScanFailed { result: Some(scan.result) };
        }
        if signs.failed_below {
            return Self::ScanFailed { result: None };
        }
        match statuses.reported {
            _ if days >= SILENT_DAYS => Self::NotReporting { days },
            None => Self::NotReceived,
            Some(_) => Self::Backlog,
        }
    }

    /// In words, for people.
    pub fn words(self) -> String {
        match self {
            Self::ScanFailed { result: Some(result) } => {
                format!("its last scan failed: {}", hresult::describe(result))
            }
            Self::ScanFailed { result: None } => "its last scan failed".to_owned(),
            Self::Backlog => "the update arrived after what its last report is about".to_owned(),
            Self::NotReceived => "no report of it was received yet".to_owned(),
            Self::NotReporting { days } => format!("it has not been heard of for {days} days"),
            Self::Unusable => "its last report could not be used".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::computers::status::LastScan;

    const NOW: i64 = 1_000 * DAY;

    #[test]
    fn every_unknown_has_its_reason() {
        let signs = Signs { heard: NOW - DAY, failed_below: false, now: NOW };
        let why = |statuses: &Statuses, arrived, signs| WhyUnknown::of(statuses, arrived, signs);
        let new = Statuses::default();
        assert_eq!(why(&new, NOW, signs), WhyUnknown::NotReceived);
        let silent = Signs { heard: NOW - 30 * DAY, ..signs };
        assert_eq!(why(&new, NOW, silent), WhyUnknown::NotReporting { days: 30 });
        let silent = Signs { heard: NOW - 30 * DAY + 1, ..signs };
        assert_eq!(why(&new, NOW, silent), WhyUnknown::NotReceived);

        let reported = Statuses { reported: Some(NOW - 3 * DAY), ..Statuses::default() };
        assert_eq!(why(&reported, NOW - DAY, signs), WhyUnknown::Backlog);

        let scan = |at, result| Some(LastScan { at, result });
        let failing = Statuses { scan: scan(NOW - 2 * DAY, -2_145_107_934), ..reported.clone() };
        let failed = WhyUnknown::ScanFailed { result: Some(-2_145_107_934) };
        assert_eq!(why(&failing, NOW - DAY, signs), failed);
        assert!(failed.words().contains("0x80244022 (the server answered 503"), "{failed:?}");
        let recovered = Statuses { scan: scan(NOW - 4 * DAY, -1), ..reported.clone() };
        assert_eq!(why(&recovered, NOW, signs), WhyUnknown::Backlog, "it reported since");
        let below = Signs { failed_below: true, ..signs };
        assert_eq!(why(&reported, NOW, below), WhyUnknown::ScanFailed { result: None });

        let damaged = Statuses { unusable: Some(NOW - DAY), ..reported };
        assert_eq!(why(&damaged, NOW - DAY, signs), WhyUnknown::Unusable);
        assert_eq!(why(&damaged, NOW, signs), WhyUnknown::Backlog, "it came later still");
        let never = Statuses { unusable: Some(NOW - DAY), ..Statuses::default() };
        assert_eq!(why(&never, NOW, signs), WhyUnknown::Unusable, "it never reported another");
        let both = Statuses { scan: scan(NOW, -1), ..damaged };
        assert_eq!(why(&both, NOW - DAY, signs), WhyUnknown::ScanFailed { result: Some(-1) });
    }
}
