//! Checks of the computers, by what they report and by what they do not.

use super::{CheckStatus, Found, Percent, error, ok, warn};
use crate::admin::Subject;
use crate::admin::reports::{Detail, ReportComputers};
use crate::state::Tracked;

const DAY: i64 = 86_400;
/// Per cent of the computers that this server is meant for from which on there is a warning.
const NEARLY: u64 = 90;

pub(super) fn exist(subject: &Subject) -> Found {
    match subject.state.computers().len() {
        0 => warn("no computer has registered yet"),
        some => ok(format!("{some} computers are registered")),
    }
}

pub(super) fn too_many(subject: &Subject) -> Found {
    let (some, most) =
        (subject.state.computers().len() as u64, subject.monitor.settings().computers);
    let text = format!("{some} computers are registered; this server is meant for {most}");
    match some {
        some if some > most => error(text),
        some if u128::from(some) * 100 > u128::from(most) * u128::from(NEARLY) => warn(text),
        _ => ok(text),
    }
}

pub(super) fn silent(subject: &Subject) -> Found {
    let settings = subject.monitor.settings();
    let days = settings.silent_days;
    let before = subject.state.now() - i64::from(days) * DAY;
    let what = format!("were not heard of for {days} days");
    counted(subject, settings.silent, &what, |tracked| tracked.last_heard() < before)
}

/// By the counters of the report on computers, which has them at hand.
pub(super) async fn install_failures(subject: &Subject) -> Found {
    let all = ReportComputers { detail: Detail::Summary, ..ReportComputers::default() };
    let report = all.make(subject).await?;
    let (some, all) = (report.with_failures, report.computers);
    judged(subject.monitor.settings().install_failures, some, all, "failed to install something")
}

pub(super) fn inventory_failures(subject: &Subject) -> Found {
    let fails = |tracked: &Tracked| {
        let statuses = &tracked.statuses;
        let scan_failed = statuses.scan.is_some_and(|scan| scan.failed());
        // One that was read since says it all.
        let unusable = statuses.unusable.is_some() && statuses.unusable > statuses.reported;
        scan_failed || unusable
    };
    let what = "cannot say what they have and need: their last scan failed, or their report could \
                not be read";
    counted(subject, subject.monitor.settings().inventory_failures, what, fails)
}

fn counted(
    subject: &Subject,
    percent: Percent,
    what: &str,
    fails: impl Fn(&Tracked) -> bool,
) -> Found {
    let all = subject.state.computers().all();
    let some = all.iter().filter(|tracked| fails(tracked)).count();
    judged(percent, some as u64, all.len() as u64, what)
}

fn judged(percent: Percent, some: u64, all: u64, what: &str) -> Found {
    let text = format!("{some} of {all} computers {what}");
    match percent.of(some, all) {
        CheckStatus::Ok => ok(text),
        CheckStatus::Warn => warn(text),
        CheckStatus::Error => error(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CheckStatus::{Error, Ok as Fine, Warn};
    use super::*;

    #[test]
    fn few_of_many_are_no_reason_to_worry() {
        let percent = Percent { warn: 10, error: 20 };
        for (some, all, expected) in [
            (0, 0, Fine),
            (0, 10, Fine),
            (1, 11, Fine),
            (1, 10, Warn),
            (2, 11, Warn),
            (2, 10, Error),
            (1, 1, Error),
            (u64::MAX, u64::MAX, Error),
        ] {
            assert_eq!(percent.of(some, all), expected, "{some} of {all}");
        }
        let always = Percent { warn: 0, error: 100 };
        assert_eq!((always.of(0, 9), always.of(1, 1000)), (Fine, Warn));
    }
}
