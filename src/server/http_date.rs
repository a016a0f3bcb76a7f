//! Dates in HTTP headers (RFC 9110 section 5.6.7).

use std::time::SystemTime;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const IMF_FIXDATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// `Sun, 06 Nov 1994 08:49:37 GMT`; none for a time outside of four-digit years.
pub(crate) fn format(time: SystemTime) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds(time)).ok()?.format(IMF_FIXDATE).ok()
}

/// Seconds since 1970 of a date in the one format that has been sent since 1996; a date in the two
/// older formats counts as absent, which costs a client nothing but a repeated download.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let parsed = PrimitiveDateTime::parse(text.trim(), IMF_FIXDATE).ok()?;
    Some(parsed.assume_utc().unix_timestamp())
}

/// Whole seconds since 1970: what survives in a header. A file that claims to be older counts as
/// made then.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_standards_example_survives_both_ways() {
        let example = "Sun, 06 Nov 1994 08:49:37 GMT";
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        assert_eq!(format(time).as_deref(), Some(example));
        assert_eq!(parse(example), Some(784_111_777));
        assert_eq!(seconds(time), 784_111_777);
    }

    #[test]
    fn a_disk_with_wild_clocks_harms_nobody() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert_eq!(format(far), None);
        assert_eq!(seconds(SystemTime::UNIX_EPOCH - Duration::from_secs(5)), 0);
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in ["", "0", "Sun, 06 Nov 1994", "Sunday, 06-Nov-94 08:49:37 GMT", "\u{0}"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
