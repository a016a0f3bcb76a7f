//! Times that come again and again, as cron writes them: `minute hour day month weekday`, in UTC.
//!
//! Each field is `*` or a list of numbers and ranges, each with an optional step (`*/15`, `1-5`,
//! `0,30`). Weekdays count from Sunday, 0 or 7. As in cron, where both day and weekday are
//! restricted, either will do.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    /// Bit n for the number n.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    day_or_weekday: bool,
}

/// Not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no schedule: it has five fields, minute hour day month weekday, for example \"0 3 * * 2\""
)]
pub struct NoSchedule(String);

/// Days that are looked through for the last time before now: a schedule may name 29 February.
const DAYS_BACK: i64 = 8 * 366;

impl Cron {
    /// The last time at or before `now`, in Unix seconds; none if the schedule names no day that
    /// ever is.
    pub fn last(&self, now: i64) -> Option<i64> {
        let now = OffsetDateTime::from_unix_timestamp(now).ok()?;
        let today = now.replace_time(time::Time::MIDNIGHT);
        for back in 0..DAYS_BACK {
            let day = today.checked_sub(Duration::days(back))?;
            if !self.has_day(day) {
                continue;
            }
            let latest = if back == 0 { (now.hour(), now.minute()) } else { (23, 59) };
            for hour in (0..=latest.0).rev().filter(|hour| has(self.hours, *hour)) {
                let last_minute = if hour == latest.0 { latest.1 } else { 59 };
                let minute = (0..=last_minute).rev().find(|minute| has(self.minutes, *minute));
                if let Some(minute) = minute {
                    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60;
                    return Some(day.unix_timestamp() + seconds);
                }
            }
        }
        None
    }

    fn has_day(&self, day: OffsetDateTime) -> bool {
        let by_day = has(self.days, day.day());
        let by_weekday = has(self.weekdays, day.weekday().number_days_from_sunday());
        let fits = if self.day_or_weekday { by_day || by_weekday } else { by_day && by_weekday };
        fits && has(self.months, u8::from(day.month()))
    }
}

fn has(field: u64, number: u8) -> bool {
    (field >> number) & 1 == 1
}

impl FromStr for Cron {
    type Err = NoSchedule;

    fn from_str(text: &str) -> Result<Self, NoSchedule> {
        let refused = || NoSchedule(text.to_owned());
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return Err(refused()) };
        let read = |field, first, last| numbers(field, first, last).ok_or_else(refused);
        let weekday_bits = read(weekdays, 0, 7)?;
        Ok(Self {
            minutes: read(minutes, 0, 59)?,
            hours: read(hours, 0, 23)?,
            days: read(days, 1, 31)?,
            months: read(months, 1, 12)?,
            weekdays: weekday_bits | ((weekday_bits >> 7) & 1),
            day_or_weekday: !days.starts_with('*') && !weekdays.starts_with('*'),
            text: fields.join(" "),
        })
    }
}

/// The numbers of a field as bits.
fn numbers(field: &str, first: u8, last: u8) -> Option<u64> {
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: u8 = step.parse().ok().filter(|step| *step > 0)?;
        let (from, to) = match range.split_once('-') {
            None if range == "*" => (first, last),
            None => {
                let from = range.parse().ok()?;
                (from, if part.contains('/') { last } else { from })
            }
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
        };
        if from < first || to > last || from > to {
            return None;
        }
        bits |= (from..=to).step_by(step.into()).fold(0, |bits, number| bits | 1_u64 << number);
    }
    Some(bits)
}

impl TryFrom<String> for Cron {
    type Error = NoSchedule;

    fn try_from(text: String) -> Result<Self, NoSchedule> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl std::fmt::Display for Cron {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-10-04T12:00:00Z, a Sunday.
    const NOW: i64 = 1_791_115_200;

    fn last(schedule: &str, now: i64) -> Option<i64> {
        schedule.parse::<Cron>().expect(schedule).last(now)
    }

    #[test]
    fn schedules_mean_what_cron_means() {
        for (schedule, before) in [
            ("0 12 * * *", 0),
            ("* * * * *", 0),
            ("59 11 * * *", 60),
            ("1 12 * * *", 86_400 - 60),
            ("*/15 8-11 * * *", 15 * 60),
            ("0 3 * * 7", 9 * 3600),
            ("0 3 * * 0", 9 * 3600),
            ("0 3 * * 2", 5 * 86_400 + 9 * 3600),
            ("0 0 1 * *", 3 * 86_400 + 12 * 3600),
            ("0 0 1 * 6", 86_400 + 12 * 3600),
            ("30 2,4 4 10 *", 8 * 3600 - 1800),
            ("10/20 * * * *", 10 * 60),
        ] {
            assert_eq!(last(schedule, NOW), Some(NOW - before), "{schedule}");
        }
        assert_eq!(last("0 0 29 2 *", NOW), Some(1_709_164_800), "2024-02-29");
        assert_eq!(last("0 0 31 2 *", NOW), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "*/0 * * * *",
            "5-3 * * * *",
            "x * * * *",
            "* * * * 8",
            "* * * * * *",
            "1- * * * *",
        ] {
            assert!(text.parse::<Cron>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_last_time_fits_and_none_after_it_does(
            minute in prop::sample::select(vec!["*", "0", "5-50/7", "59"]),
            hour in prop::sample::select(vec!["*", "3", "*/5"]),
            weekday in prop::sample::select(vec!["*", "1-5", "6"]),
            now in NOW..NOW + 10_000_000,
        ) {
            let cron: Cron = format!("{minute} {hour} * * {weekday}").parse().expect("a schedule");
            let fits = |at: i64| {
                let at = OffsetDateTime::from_unix_timestamp(at).expect("a time");
                cron.has_day(at) && has(cron.hours, at.hour()) && has(cron.minutes, at.minute())
            };
            let minutes = (0..8 * 1440).map(|back| (now / 60 - back) * 60);
            prop_assert_eq!(cron.last(now), minutes.into_iter().find(|at| fits(*at)));
        }
    }
}
