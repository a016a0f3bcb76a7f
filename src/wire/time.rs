//! Instants as the services write them: `xs:dateTime`, exactly.
//!
//! A client echoes `LastChange` in its next GetCookie and the server compares the two, so a value
//! must survive parsing and formatting unchanged, whatever number of fractional digits its writer
//! chose. The recordings show none to seven digits, with `Z`, with an offset, and with no zone at
//! all (which means UTC here), and the years 0001 and 9999 for "never".

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant in the years 0001 to 9999, with nanosecond precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(i64, u32)", into = "(i64, u32)")]
pub struct DateTime {
    seconds: i64,
    nanoseconds: u32,
}

/// Why a text is no `xs:dateTime` that this server can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateTimeError {
    /// The text does not have the form of an `xs:dateTime`.
    #[error("not a date and time")]
    Form,
    /// The form is right, but there is no such day or time, or it is not in the years 0001 to 9999.
    #[error("no such date and time")]
    Range,
}

const SECONDS_PER_DAY: i64 = 86_400;

impl DateTime {
    /// `0001-01-01T00:00:00Z`, which agents send for "no date".
    pub const MIN: Self = Self { seconds: -62_135_596_800, nanoseconds: 0 };

    /// `9999-12-31T23:59:59.9999999Z`, the last instant of .NET, which servers send for "never".
    pub const NEVER: Self = Self { seconds: 253_402_300_799, nanoseconds: 999_999_900 };

    /// `9999-12-31T23:59:59.999999999Z`.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanoseconds: 999_999_999 };

    /// The instant `seconds` and `nanoseconds` (below 10⁹) after 1970-01-01T00:00:00Z, if it is in
    /// the years 0001 to 9999.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Option<Self> {
        let instant = Self { seconds, nanoseconds };
        (nanoseconds < 1_000_000_000 && instant >= Self::MIN && instant <= Self::MAX)
            .then_some(instant)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down; negative before it.
    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Self::unix_seconds`].
    pub fn subsec_nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// The instant `duration` later, or `None` after the year 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let nanoseconds = self.nanoseconds + duration.subsec_nanos();
        let seconds = self
            .seconds
            .checked_add(i64::try_from(duration.as_secs()).ok()?)?
            .checked_add(i64::from(nanoseconds / 1_000_000_000))?;
        Self::from_unix(seconds, nanoseconds % 1_000_000_000)
    }

    /// Displays with exactly seven fractional digits, as a cookie's `Expiration` is written.
    pub fn with_ticks(self) -> impl fmt::Display {
        Formatted { instant: self, fraction: Fraction::Ticks }
    }

    /// Displays the date alone, as `Deployment/LastChangeTime` is written.
    pub fn date(self) -> impl fmt::Display {
        Formatted { instant: self, fraction: Fraction::NoTime }
    }
}

/// Displays with as many fractional digits as the value has, as `LastChange` is written.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Formatted { instant: *self, fraction: Fraction::Trimmed }.fmt(f)
    }
}

impl TryFrom<(i64, u32)> for DateTime {
    type Error = DateTimeError;

    fn try_from((seconds, nanoseconds): (i64, u32)) -> Result<Self, DateTimeError> {
        Self::from_unix(seconds, nanoseconds).ok_or(DateTimeError::Range)
    }
}

impl From<DateTime> for (i64, u32) {
    fn from(instant: DateTime) -> Self {
        (instant.seconds, instant.nanoseconds)
    }
}

/// Parses `2026-10-04T13:17:07.59Z`: nothing to nine fractional digits; `Z`, an offset, or no zone
/// for UTC. A date alone is its midnight.
impl std::str::FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        let text = text.trim();
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(DateTimeError::Form);
        };
        let days = days_from_civil(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?)?;
        let (second_of_day, nanoseconds) = time.map_or(Ok((0, 0)), parse_time)?;
        Self::from_unix(days * SECONDS_PER_DAY + second_of_day, nanoseconds)
            .ok_or(DateTimeError::Range)
    }
}

/// `hh:mm:ss[.fraction][zone]` as seconds after midnight UTC (possibly of a neighbouring day) and
/// nanoseconds.
fn parse_time(text: &str) -> Result<(i64, u32), DateTimeError> {
    let zone = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone);
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, parse_fraction(fraction)?),
        None => (clock, 0),
    };
    let mut parts = clock.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(DateTimeError::Form);
    };
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(DateTimeError::Range);
    }
    Ok((hour * 3600 + minute * 60 + second - parse_zone(zone)?, fraction))
}

fn parse_fraction(text: &str) -> Result<u32, DateTimeError> {
    let width = text.len();
    if width > 9 {
        return Err(DateTimeError::Form);
    }
    let mut nanoseconds = u32::try_from(digits(text, width)?).map_err(|_| DateTimeError::Form)?;
    for _ in width..9 {
        nanoseconds *= 10;
    }
    Ok(nanoseconds)
}

/// Seconds east of UTC.
fn parse_zone(text: &str) -> Result<i64, DateTimeError> {
    let (sign, offset) = match text.split_at_checked(1) {
        None | Some(("Z", "")) => return Ok(0),
        Some(("+", offset)) => (1, offset),
        Some(("-", offset)) => (-1, offset),
        Some(_) => return Err(DateTimeError::Form),
    };
    let (hours, minutes) = offset.split_once(':').ok_or(DateTimeError::Form)?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 14 || minutes > 59 {
        return Err(DateTimeError::Range);
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

/// Exactly `width` (1 to 9) decimal digits.
fn digits(text: &str, width: usize) -> Result<i64, DateTimeError> {
    if text.is_empty() || text.len() != width || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateTimeError::Form);
    }
    text.parse().map_err(|_| DateTimeError::Form)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that
/// the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> Result<i64, DateTimeError> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return Err(DateTimeError::Range),
    };
    if day < 1 || day > longest {
        return Err(DateTimeError::Range);
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * 146_097 + day_of_era - 719_468)
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fraction {
    NoTime,
    Trimmed,
    Ticks,
}

struct Formatted {
    instant: DateTime,
    fraction: Fraction,
}

impl fmt::Display for Formatted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DateTime { seconds, nanoseconds } = self.instant;
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        if self.fraction == Fraction::NoTime {
            return Ok(());
        }
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        write!(f, "T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        if self.fraction == Fraction::Ticks {
            return write!(f, ".{:07}Z", nanoseconds / 100);
        }
        if nanoseconds > 0 {
            let mut fraction = nanoseconds;
            let mut width = 9;
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> DateTime {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_recorded_forms_keep_their_value() {
        for text in [
            "2026-10-04T16:03:35.9967236Z",
            "2026-10-04T13:17:07.59Z",
            "2026-10-04T15:03:36Z",
            "2026-10-04T15:20:47.397Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999Z",
            "2000-02-29T00:00:00.000000001Z",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse("0001-01-01T00:00:00Z"), DateTime::MIN);
        assert_eq!(parse("9999-12-31T23:59:59.999999999Z"), DateTime::MAX);
        assert_eq!(parse("1970-01-02T00:00:01.5Z").unix_seconds(), 86_401);
    }

    #[test]
    fn a_missing_zone_is_utc_and_an_offset_is_applied() {
        let zulu = parse("2026-11-22T14:25:21.682802Z");
        assert_eq!(parse("2026-11-22T14:25:21.682802"), zulu);
        assert_eq!(parse("2026-11-22T15:55:21.682802+01:30"), zulu);
        assert_eq!(
            parse("2026-11-21T23:25:21.682802-15:00".replace("15:00", "14:00").as_str()),
            parse("2026-11-22T13:25:21.682802Z")
        );
        assert_eq!(parse("2026-11-22"), parse("2026-11-22T00:00:00Z"));
    }

    #[test]
    fn the_written_forms_are_those_of_the_recordings() {
        let instant = parse("2026-10-04T16:03:35Z");
        assert_eq!(instant.with_ticks().to_string(), "2026-10-04T16:03:35.0000000Z");
        assert_eq!(instant.date().to_string(), "2026-10-04");
    }

    #[test]
    fn what_is_no_date_is_an_error() {
        for text in [
            "",
            "T",
            "Z",
            "2026-10-04T",
            "2026-10-04T25:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-10-04T13:17:07.Z",
            "2026-10-04T13:17:07.1234567890Z",
            "2026-10-04T13:17:07+99:00",
            "2026-10-04T13:17:07ZZ",
            "2026-10-04T13:17Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "-2026-10-04T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2026-10-04T13:17:0\u{664}Z",
            "2026-10-04T13:17:07\u{e9}",
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn addition_stops_at_the_year_9999() {
        let nearly = parse("2026-10-04T23:59:59.999999999Z");
        assert_eq!(
            nearly.checked_add(Duration::from_nanos(1)),
            Some(parse("2026-10-05T00:00:00Z"))
        );
        assert_eq!(DateTime::MAX.checked_add(Duration::from_nanos(1)), None);
        assert_eq!(DateTime::MIN.checked_add(Duration::MAX), None);
    }

    proptest! {
        #[test]
        fn every_instant_survives_its_text(
            seconds in -62_135_596_800_i64..=253_402_300_799,
            nanoseconds in 0_u32..1_000_000_000,
        ) {
            let instant = DateTime::from_unix(seconds, nanoseconds).expect("in range");
            prop_assert_eq!(instant.to_string().parse(), Ok(instant));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ:.+\\-é ]{0,40}") {
            let _ = text.parse::<DateTime>();
        }
    }
}
