//! Taking out of an exchange what its owner would not publish.
//!
//! Cookies become runs of `A` of the same length, which is still base64, and names of hosts become
//! an address reserved for documentation (RFC 5737). A replay needs neither.

use super::super::dialogue::Exchange;
use super::super::head::Headers;
use super::super::tree::{Edits, Tree};

/// Stands for every host.
const NOWHERE: &str = "192.0.2.1";

/// Headers that carry credentials.
const SECRET_HEADERS: [&str; 6] = [
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Authentication-Info",
    "Cookie",
    "Set-Cookie",
];

/// Knows the upstream server's name.
#[derive(Debug)]
pub(super) struct Sanitizer {
    upstream: String,
}

impl Sanitizer {
    pub(super) fn new(upstream: &str) -> Self {
        Self { upstream: upstream.to_owned() }
    }

    /// Sanitizes heads and bodies.
    pub(super) fn sanitize(&self, exchange: &mut Exchange) {
        let addressed = exchange.request.headers.value("Host").unwrap_or_default();
        let addressed = addressed.rsplit_once(':').map_or(addressed, |(host, _)| host).to_owned();
        let hosts = [self.upstream.as_str(), addressed.as_str()];
        let clean = |body: &mut Vec<u8>| {
            if let Ok(text) = std::str::from_utf8(body) {
                *body = text_without(text, &hosts).into_bytes();
            }
        };
        headers(&mut exchange.request.headers, &hosts);
        clean(&mut exchange.request_body);
        if let Some(response) = &mut exchange.response {
            headers(&mut response.head.headers, &hosts);
            if let Some(body) = &mut response.body {
                clean(body);
            }
        }
    }
}

fn headers(headers: &mut Headers, hosts: &[&str]) {
    for name in SECRET_HEADERS {
        if let Some(value) = headers.value(name) {
            let blank = blank(value);
            headers.remove(name);
            headers.set(name, blank);
        }
    }
    if let Some(host) = headers.value("Host") {
        let port =
            host.rsplit_once(':').map(|(_, port)| port).filter(|port| port.parse::<u16>().is_ok());
        let host = port.map_or_else(|| NOWHERE.to_owned(), |port| format!("{NOWHERE}:{port}"));
        headers.set("Host", host);
    }
    if let Some(location) = headers.value("Location") {
        let location = replace_hosts(location, hosts);
        headers.set("Location", location);
    }
}

fn text_without(text: &str, hosts: &[&str]) -> String {
    let mut clean = text.to_owned();
    if let Ok(tree) = Tree::parse(text) {
        let mut edits = Edits::default();
        collect(&tree, &mut edits);
        clean = edits.apply(text);
    }
    replace_hosts(&clean, hosts)
}

/// What is secret because of the element it is in.
fn collect(element: &Tree, edits: &mut Edits) {
    match element.local.as_str() {
        "EncryptedData" | "CookieData" => edits.replace(element, &blank(element.text.trim())),
        "dnsName" | "DnsName" => edits.replace(element, NOWHERE),
        "Url" => edits.replace(element, &nowhere(element.text.trim(), "://", &['/', ':'])),
        "ConfigurationProperty" => {
            if let (Some("PackageServerShare"), Some(value)) =
                (element.child_text("Name"), element.child("Value"))
            {
                edits.replace(value, &nowhere(value.text.trim(), "\\\\", &['\\']));
            }
        }
        _ => element.children.iter().for_each(|child| collect(child, edits)),
    }
}

/// Padding stays, so that the length in bytes does too.
fn blank(secret: &str) -> String {
    secret.chars().map(|character| if character == '=' { '=' } else { 'A' }).collect()
}

/// `text` with the host after `mark` replaced, up to the first of `ends`.
fn nowhere(text: &str, mark: &str, ends: &[char]) -> String {
    match text.split_once(mark) {
        None => text.to_owned(),
        Some((before, rest)) => {
            let after = rest.find(ends).and_then(|at| rest.get(at..)).unwrap_or_default();
            format!("{before}{mark}{NOWHERE}{after}")
        }
    }
}

/// Known hosts wherever a URL names them, for example in an agent's `UpdateServiceUrl`.
fn replace_hosts(text: &str, hosts: &[&str]) -> String {
    let mut out = text.to_owned();
    for host in hosts.iter().filter(|host| !host.is_empty() && **host != NOWHERE) {
        let mark = format!("//{host}");
        let mut rest = out.as_str();
        let mut clean = String::with_capacity(out.len());
        while let Some((before, after)) = rest.split_once(&mark) {
            let longer =
                after.starts_with(|next: char| next.is_alphanumeric() || "-.".contains(next));
            clean.push_str(before);
            clean.push_str(if longer { &mark } else { "//192.0.2.1" });
            rest = after;
        }
        clean.push_str(rest);
        out = clean;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_keep_their_length_and_hosts_become_nowhere() {
        let text = r"<r><c><EncryptedData>c2VjcmV0IQ==</EncryptedData></c><dnsName>pc7.corp</dnsName>\
            <ConfigurationProperty><Name>PackageServerShare</Name><Value>\\SRV\Pkg</Value></ConfigurationProperty>\
            <ConfigurationProperty><Name>Other</Name><Value>\\SRV\Pkg</Value></ConfigurationProperty>\
            <Url>http://cdn.corp:8530/Content/x</Url><a>U=http://wsus.corp:8530;V=http://wsus.corp.example/</a></r>";
        let expected = text
            .replace("c2VjcmV0IQ==", "AAAAAAAAAA==")
            .replace("pc7.corp", "192.0.2.1")
            .replacen(r"\\SRV", r"\\192.0.2.1", 1)
            .replace("cdn.corp", "192.0.2.1")
            .replace("wsus.corp:", "192.0.2.1:");
        assert_eq!(text_without(text, &["wsus.corp", ""]), expected);
    }

    #[test]
    fn credentials_in_headers_are_blanked() {
        let mut map = hyper::HeaderMap::new();
        for (name, value) in [
            ("host", "wsus.corp:8530"),
            ("authorization", "NTLM TlRM=="),
            ("location", "http://wsus.corp/x"),
        ] {
            map.insert(name, value.parse().unwrap());
        }
        let mut list = Headers::from_map(&map);
        headers(&mut list, &["wsus.corp"]);
        assert_eq!(list.value("Host"), Some("192.0.2.1:8530"));
        assert_eq!(list.value("Authorization"), Some("AAAAAAAAA=="));
        assert_eq!(list.value("Location"), Some("http://192.0.2.1/x"));
    }
}
