//! Protocol versions: two numbers, not a decimal fraction.

use std::fmt;
use std::str::FromStr;

/// The version that a client names in `GetCookie` ([MS-WUSP] 2.2.2.2.1): 1.20 is later than 1.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    /// Before the period.
    pub major: u16,
    /// After the period.
    pub minor: u16,
}

/// A text that is not two numbers with a period between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a two-part version")]
pub struct InvalidVersion;

impl FromStr for ProtocolVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let (major, minor) = text.split_once('.').ok_or(InvalidVersion)?;
        Ok(Self { major: part(major)?, minor: part(minor)? })
    }
}

fn part(text: &str) -> Result<u16, InvalidVersion> {
    // Rust's own parser would take a sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidVersion);
    }
    text.parse().map_err(|_| InvalidVersion)
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_numbers() {
        let texts = ["0.9", "1.0", "1.6", "1.8", "1.20", "2.4", "2.90", "10.0", "65535.65535"];
        let versions: Vec<ProtocolVersion> = texts.map(|text| text.parse().unwrap()).into();
        assert!(versions.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(versions[6], ProtocolVersion { major: 2, minor: 90 });
        assert_eq!(versions.iter().map(ToString::to_string).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn refuses_anything_but_two_numbers() {
        for text in ["", ".", "1", "1.", ".1", "1.2.3", "+1.2", "1.-2", " 1.2", "1,2", "1.65536"] {
            assert_eq!(text.parse::<ProtocolVersion>(), Err(InvalidVersion), "{text}");
        }
    }
}
