//! Anchors: points in time, which downstream servers keep for us ([MS-WSUSSS] 3.1.4.4.3.1).
//!
//! They are opaque to everybody else, but validators of Windows know the form of a real server's:
//! a positive number, and a time. Here the number is that of the newest revision, or of the latest
//! commit in anchors of deployments, so that nothing is missed that came within the same second. In
//! the text it is one more, as it has to be positive there, and nothing at all is a point in time, too.
//! The time does what it does on a real server: it tells what is new when the number cannot,
//! because this server was restored from a backup, or the anchor is another server's.

use std::fmt;
use std::str::FromStr;

use crate::services::ServiceError;
use crate::wire::time::DateTime;

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    /// 0 to 2,147,483,646; 0 when there is nothing yet.
    pub(super) number: u32,
    /// Unix seconds.
    pub(super) at: i64,
}

/// A text that is not an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnAnchor;

impl Anchor {
    /// The anchor in a parameter; absent and empty mean that there was none before.
    ///
    /// # Errors
    /// InvalidParameters for `parameter` when it is something else.
    pub(super) fn read(text: Option<&str>, parameter: &str) -> Result<Option<Self>, ServiceError> {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => text.parse().map(Some).map_err(|_| ServiceError::parameter(parameter)),
            None => Ok(None),
        }
    }
}

impl FromStr for Anchor {
    type Err = NotAnAnchor;

    fn from_str(text: &str) -> Result<Self, NotAnAnchor> {
        let (number, at) = text.split_once(',').ok_or(NotAnAnchor)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnAnchor);
        }
        let number: i32 = number.parse().map_err(|_| NotAnAnchor)?;
        let number = u32::try_from(number).ok().filter(|it| *it > 0).ok_or(NotAnAnchor)?;
        let (day, time) = at.split_once(' ').ok_or(NotAnAnchor)?;
        if !time.bytes().all(|byte| byte.is_ascii_digit() || b":.".contains(&byte)) {
            return Err(NotAnAnchor);
        }
        let at: DateTime = format!("{day}T{time}").parse().map_err(|_| NotAnAnchor)?;
        Ok(Self { number: number - 1, at: at.unix_seconds() })
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = DateTime::from_unix(self.at, 0).unwrap_or(DateTime::MAX).to_string();
        let at = at.trim_end_matches('Z').replace('T', " ");
        let number = self.number.saturating_add(1).min(i32::MAX.unsigned_abs());
        write!(f, "{number},{}.000", at.split('.').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_form_is_read_and_written() {
        let anchor: Anchor = "9438,2026-10-04 16:09:27.371".parse().expect("recorded");
        assert_eq!(anchor, Anchor { number: 9437, at: 1_791_130_167 });
        assert_eq!(anchor.to_string(), "9438,2026-10-04 16:09:27.000");
        assert_eq!(Anchor { number: 0, at: 0 }.to_string(), "1,1970-01-01 00:00:00.000");
        let nothing = Anchor { number: 0, at: 0 };
        for anchor in [anchor, nothing] {
            assert_eq!(anchor.to_string().parse(), Ok(anchor));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "garbage",
            "",
            ",",
            "1",
            "1,",
            "0,2026-10-04 16:09:27.371",
            "-1,2026-10-04 16:09:27.371",
            "+1,2026-10-04 16:09:27.371",
            "2147483648,2026-10-04 16:09:27.371",
            "1,2026-10-04T16:09:27.371",
            "1,2026-13-04 16:09:27.371",
            "1,2026-10-04 16:09:27+02:00",
            "1,2026-10-04 16:09:27.371Z",
            "1,2026-10-04 16:09:27.371,2",
        ] {
            assert_eq!(text.parse::<Anchor>(), Err(NotAnAnchor), "{text}");
        }
        assert_eq!(Anchor::read(Some(" "), "filter").ok(), Some(None));
        assert!(Anchor::read(Some("garbage"), "filter").is_err());
    }
}
