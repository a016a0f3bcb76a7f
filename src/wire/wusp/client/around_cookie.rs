//! A scan's request taken apart at its cookie, without being read.
//!
//! An agent that scans again sends what it sent the last time, but for the cookie. Whoever knows the
//! bytes around the cookie from a request that was read needs the new cookie only. That holds as the
//! cookie is sure to be the request's own, which is why nothing but the five tags that agents write
//! may stand before its values, and since no value of these characters can be anything but a text.

use std::str::FromStr;

use crate::wire::time::DateTime;

/// Bytes within which agents have begun the cookie; theirs begins at byte 165.
const BEGINNING: usize = 1024;
/// Bytes of an `xs:dateTime`, with room.
const EXPIRATION: usize = 40;
/// Bytes of a cookie in base64.
const ENCRYPTED_DATA: usize = 4096;

/// A SyncUpdates request with a cookie that is written as agents write it: no prefixes, no white
/// space, nothing before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AroundCookie<'a> {
    /// Everything up to the cookie's first value.
    pub before: &'a [u8],
    /// The cookie's EncryptedData, in base64.
    pub encrypted_data: &'a [u8],
    /// Everything after the cookie's last value.
    pub after: &'a [u8],
}

impl<'a> AroundCookie<'a> {
    /// Finds the cookie in the bytes of a request; none if it is written in another way.
    pub fn of(body: &'a [u8]) -> Option<Self> {
        const START: &[u8] = b"<cookie><Expiration>";
        let beginning = body.get(..BEGINNING.min(body.len()))?;
        let start = beginning.windows(START.len()).position(|it| it == START)? + START.len();
        let (before, rest) = body.split_at_checked(start)?;
        if !begins_as_agents_do(std::str::from_utf8(before).ok()?) {
            return None;
        }
        let time = |byte: &u8| byte.is_ascii_digit() || b"-:.TZ+".contains(byte);
        let (expiration, rest) = rest.split_at_checked(run(rest, EXPIRATION, time))?;
        DateTime::from_str(std::str::from_utf8(expiration).ok()?).ok()?;
        let rest = rest.strip_prefix(b"</Expiration><EncryptedData>")?;
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let (encrypted_data, after) = rest.split_at_checked(run(rest, ENCRYPTED_DATA, base64))?;
        after.starts_with(b"</EncryptedData></cookie>").then_some(Self {
            before,
            encrypted_data,
            after,
        })
    }
}

/// Whether what is before the cookie's values is the tags of Envelope, Body, SyncUpdates, cookie and
/// Expiration, each in the one before. A header, a comment or a declaration is one more.
fn begins_as_agents_do(before: &str) -> bool {
    let mut tags = before.split('<');
    let (Some(""), Some(envelope), Some(body), Some(operation), Some(_), Some(_), None) =
        (tags.next(), tags.next(), tags.next(), tags.next(), tags.next(), tags.next(), tags.next())
    else {
        return false;
    };
    let is = |tag: &str, local: &str| {
        let name = tag.split([' ', '>']).next().unwrap_or_default();
        name.rsplit(':').next() == Some(local) && tag.ends_with('>') && !tag.ends_with("/>")
    };
    is(envelope, "Envelope") && is(body, "Body") && is(operation, "SyncUpdates")
}

/// How many bytes at the start of `text` are of a kind, at most `most`.
fn run(text: &[u8], most: usize, is_of: impl Fn(&u8) -> bool) -> usize {
    text.iter().take(most).take_while(|byte| is_of(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "<s:Envelope xmlns:s=\"soap\"><s:Body><SyncUpdates xmlns=\"wus\"><cookie>\
        <Expiration>2026-10-04T16:03:35.9967236Z</Expiration>\
        <EncryptedData>AAECAw==</EncryptedData></cookie><parameters/></SyncUpdates>";

    #[test]
    fn a_request_is_taken_apart_at_its_cookies_values() {
        let found = AroundCookie::of(REQUEST.as_bytes()).expect("a cookie");
        assert!(found.before.ends_with(b"<SyncUpdates xmlns=\"wus\"><cookie><Expiration>"));
        assert_eq!(found.encrypted_data, b"AAECAw==");
        assert!(found.after.starts_with(b"</EncryptedData></cookie><parameters/>"));
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_be_read() {
        for (text, other) in [
            ("<cookie>", "<c:cookie>"),
            ("<cookie>", "<cookie> "),
            ("<cookie>", "<!--<cookie>"),
            ("<cookie>", "<![CDATA[<cookie>"),
            ("<cookie>", "<x><cookie>"),
            ("<cookie>", "<x/><cookie>"),
            ("<s:Body>", "<s:Header>"),
            ("<s:Body>", "<s:Body/>"),
            ("<s:Body>", "<s:Header/><s:Body>"),
            ("<s:Envelope", "<?xml version=\"1.0\"?><s:Envelope"),
            ("<s:Envelope", " <s:Envelope"),
            ("<s:Envelope", "<s:Other"),
            ("<SyncUpdates ", "<RefreshCache "),
            ("<SyncUpdates xmlns=\"wus\">", "<SyncUpdates xmlns=\"wus\"/>"),
            ("35.9967236Z", "35.9967236Z<!-- -->"),
            ("2026-10-04T16:03:35.9967236Z", ""),
            ("2026-10-04T16:03:35.9967236Z", "::::"),
            ("35.9967236Z", "&#50;"),
            ("2026-", &"2".repeat(EXPIRATION)),
            ("AAECAw==", "AAEC Aw=="),
            ("AAECAw==", "AAEC<x/>"),
            ("AAECAw==", &"A".repeat(ENCRYPTED_DATA + 1)),
            ("</cookie>", "<x/></cookie>"),
        ] {
            let request = REQUEST.replace(text, other);
            assert_ne!(request, REQUEST);
            assert_eq!(AroundCookie::of(request.as_bytes()), None, "{request}");
        }
        let late = " ".repeat(BEGINNING) + REQUEST;
        assert_eq!(AroundCookie::of(late.as_bytes()), None);
        for end in 0..REQUEST.len() - "<parameters/></SyncUpdates>".len() {
            assert_eq!(AroundCookie::of(&REQUEST.as_bytes()[..end]), None, "{end}");
        }
    }
}
