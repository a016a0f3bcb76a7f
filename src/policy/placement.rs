//! Which groups a computer is put into when it registers for the first time and asks for none.
//!
//! WSUS has two answers: the computer's own policy names its groups, or it waits in Unassigned
//! Computers for somebody to move it. These rules do what that somebody would do.

use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A rule: a computer that fits all of its conditions is put into the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Tells it from the others.
    pub number: u32,
    /// The group.
    pub group: Uuid,
    /// A pattern of host names, with `*` and `?`, without regard to case.
    pub name: Option<String>,
    /// A pattern of names of operating systems, as `weir computer list` shows them.
    pub system: Option<String>,
    /// The network that its address is in.
    pub network: Option<Network>,
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Host name.
    pub name: &'a str,
    /// Name of the operating system.
    pub system: &'a str,
    /// Address it registered from.
    pub address: &'a str,
}

impl Placement {
    /// Whether the computer fits.
    pub fn fits(&self, newcomer: &Newcomer<'_>) -> bool {
        let matches = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| matches_pattern(pattern, text))
        };
        let address = || newcomer.address.parse().ok();
        matches(&self.name, newcomer.name)
            && matches(&self.system, newcomer.system)
            && self.network.is_none_or(|network| address().is_some_and(|it| network.contains(it)))
    }
}

/// The groups that a computer is put into: those of all rules that it fits, ascending, each once.
pub fn place(placements: &[Placement], newcomer: &Newcomer<'_>) -> Vec<Uuid> {
    let fitting = placements.iter().filter(|placement| placement.fits(newcomer));
    let mut groups: Vec<Uuid> = fitting.map(|placement| placement.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Whether `text` matches a pattern of `*` (any text) and `?` (any character), without regard to
/// case. Takes at most as many steps as both are long, multiplied.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (pattern, text) = (lower(pattern), lower(text));
    // Where to go on after a mismatch: behind the last `*`, which then takes one character more.
    let mut retry: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = retry else { return false };
                retry = Some((after, taken + 1));
                (p, t) = (after, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// An address range in the notation of RFC 4632, for example `10.1.0.0/16` or `fd00:1::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is written as 10.1.0.0/16 or fd00:1::/32")]
pub struct NoNetwork;

impl Network {
    /// Whether the address is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let free = width.saturating_sub(u32::from(self.bits));
            one.checked_shr(free) == other.checked_shr(free)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(own.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = text.split_once('/').ok_or(NoNetwork)?;
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let bits: u8 = bits.parse().map_err(|_| NoNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        if bits <= width { Ok(Self { address, bits }) } else { Err(NoNetwork) }
    }
}

impl TryFrom<String> for Network {
    type Error = NoNetwork;

    fn try_from(text: String) -> Result<Self, NoNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn placement(group: u128) -> Placement {
        let group = Uuid::from_u128(group);
        Placement { number: 1, group, name: None, system: None, network: None }
    }

    #[test]
    fn a_computer_goes_where_all_conditions_of_a_rule_fit() {
        let text = |text: &str| Some(text.to_owned());
        let network = "10.1.0.0/16".parse().ok();
        let rules = [
            Placement { name: text("KIOSK-*"), network, ..placement(3) },
            Placement { system: text("windows server*"), ..placement(2) },
            Placement { name: text("*-0?"), ..placement(3) },
        ];
        let groups = |name, system, address| {
            let found = place(&rules, &Newcomer { name, system, address });
            found.into_iter().map(|id| id.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(groups("kiosk-7", "Windows 11", "10.1.2.3"), [3]);
        assert_eq!(groups("kiosk-7", "Windows 11", "10.2.2.3"), []);
        assert_eq!(groups("kiosk-7", "Windows 11", "nonsense"), []);
        assert_eq!(groups("db-01", "Windows Server 2025", ""), [2, 3]);
        assert_eq!(groups("kiosk-07", "", "10.1.2.3"), [3], "each once");
    }

    #[test]
    fn networks_are_read_and_contain_what_they_say() {
        let contains = |network: &str, address: &str| {
            let network: Network = network.parse().expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(contains("10.1.0.0/16", "10.1.255.1"));
        assert!(!contains("10.1.0.0/16", "10.2.0.1"));
        assert!(contains("10.1.0.0/16", "::ffff:10.1.0.1"));
        assert!(contains("0.0.0.0/0", "8.8.8.8"));
        assert!(contains("::/0", "fd00::1"));
        assert!(!contains("10.0.0.1/32", "10.0.0.2"));
        assert!(contains("fd00:1::/32", "fd00:1:ffff::1"));
        assert!(!contains("fd00:1::/32", "10.0.0.1"));
        for text in ["", "10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }

    /// Tries every split that a `*` allows.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            [c, rest @ ..] => {
                text.first().is_some_and(|t| *c == '?' || c == t) && naive(rest, &text[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn patterns_match_as_trying_everything_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(matches_pattern(&pattern.to_uppercase(), &text), expected);
        }
    }
}
