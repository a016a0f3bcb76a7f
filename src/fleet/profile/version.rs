//! Versions as rules compare them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A version of up to four parts; those left out are 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u32; 4]);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = [0; 4];
        let mut given = text.trim().split('.');
        for (part, text) in parts.iter_mut().zip(&mut given) {
            *part = text.parse().map_err(|_| format!("'{text}' is no part of a version"))?;
        }
        match given.next() {
            None => Ok(Self(parts)),
            Some(_) => Err(format!("'{text}' has more than four parts")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Version {
    /// The four parts as 16-bit numbers in one, as drivers have them. Larger parts are cut off.
    pub fn packed(self) -> u64 {
        self.0.iter().fold(0, |packed, part| packed << 16 | u64::from(*part & 0xffff))
    }

    /// The version that [`packed`](Self::packed) made a number of.
    pub fn unpacked(packed: u64) -> Self {
        Self([48, 32, 16, 0].map(|shift| (packed >> shift & 0xffff) as u32))
    }
}
