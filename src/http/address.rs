//! Where a connection may go.
//!
//! Addresses of files come from update documents, and redirects from whoever answers: either could
//! name a service inside the administrator's network that believes whoever reaches it. So an
//! address that others chose must be public, as it is resolved and not as it is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;

/// Longest URL that is followed.
const LONGEST: usize = 4096;

/// Which addresses a connection may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Any: the administrator named the server.
    Anywhere,
    /// Only those of the public Internet.
    Public,
}

impl Reach {
    pub(super) fn allows(self, address: SocketAddr) -> bool {
        self == Self::Anywhere || is_public(address.ip())
    }
}

/// Where something lies: a server, and a request target there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `http://HOST[:PORT]`
    pub origin: String,
    /// Path and query.
    pub target: String,
}

impl Location {
    /// Parts an absolute http or https URL without a user in it.
    pub fn parse(url: &str) -> Option<Self> {
        if url.len() > LONGEST {
            return None;
        }
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        Some(Self { origin, target: target.to_owned() })
    }

    /// Whether the server is named as one of this machine.
    pub fn is_loopback(&self) -> bool {
        let uri: Option<Uri> = self.origin.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// Where a redirect from here leads: an absolute URL, or a path on the same server.
    pub fn redirected(&self, to: &str) -> Option<Self> {
        if to.starts_with('/') && !to.starts_with("//") {
            return Self::parse(&format!("{}{to}", self.origin));
        }
        Self::parse(to)
    }
}

/// Whether an address is neither of this machine nor of a private, local or special network
/// (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match (address.to_ipv4_mapped(), address.segments()) {
            (Some(address), _) => is_public_v4(address),
            // Translated IPv4 of NAT64 and 6to4 leads where the IPv4 address does.
            (None, [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) => {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            }
            (None, segments) => is_public_v6(address, segments),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr, segments: [u16; 8]) -> bool {
    let [first, second, ..] = segments;
    // Only 2000::/3 was ever given out.
    (first & 0xe000) == 0x2000 && !address.is_multicast() && !(first == 0x2001 && second == 0x0db8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_by_its_name() {
        for (url, is) in [
            ("http://127.0.0.1:8532", true),
            ("http://LOCALHOST/", true),
            ("http://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(Location::parse(url).expect("a location").is_loopback(), is, "{url}");
        }
    }

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for address in ["13.107.4.50", "2603:1030::1", "64:ff9b::d6b:432"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_location_is_an_absolute_url_of_http() {
        let location = Location::parse("http://Download.Example:80/c/x_1.cab?q").unwrap();
        assert_eq!(location.origin, "http://download.example:80");
        assert_eq!(location.target, "/c/x_1.cab?q");
        for url in
            ["file:///etc/passwd", "ftp://h/x", "//h/x", "/x", "http://u@h/x", "", "\\\\h\\x"]
        {
            assert_eq!(Location::parse(url), None, "{url}");
        }
        let redirected = location.redirected("/other").unwrap();
        assert_eq!(redirected.origin, "http://download.example:80");
        assert_eq!(location.redirected("//elsewhere/x"), None);
        assert_eq!(location.redirected("file:///x"), None);
        assert_eq!(
            location.redirected("https://cdn.example/x").unwrap().origin,
            "https://cdn.example"
        );
    }
}
