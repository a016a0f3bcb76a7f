//! A request taken apart at its cookie, without being read.
//!
//! An agent that scans again sends what it sent the last time, but for the cookie. Whoever knows the
//! bytes around the cookie from a request that was read needs the new cookie only, and where agents
//! write it nothing but its own text can stand: whatever the two values are, of these characters,
//! the elements around them are the same.

/// Bytes within which agents have begun the cookie; theirs begins at byte 165.
const BEGINNING: usize = 1024;
/// Bytes of an `xs:dateTime`, with room.
const EXPIRATION: usize = 40;
/// Bytes of a cookie in base64.
const ENCRYPTED_DATA: usize = 4096;

/// A request with a cookie that is written as agents write it: no prefixes, no white space.
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
        let time = |byte: &u8| byte.is_ascii_digit() || b"-:.TZ+".contains(byte);
        let rest = rest.get(run(rest, EXPIRATION, time)..)?;
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

/// How many bytes at the start of `text` are of a kind, at most `most`.
fn run(text: &[u8], most: usize, is_of: impl Fn(&u8) -> bool) -> usize {
    text.iter().take(most).take_while(|byte| is_of(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "<s:Body><SyncUpdates><cookie><Expiration>2026-10-04T16:03:35.9967236Z\
        </Expiration><EncryptedData>AAECAw==</EncryptedData></cookie><parameters/></SyncUpdates>";

    #[test]
    fn a_request_is_taken_apart_at_its_cookies_values() {
        let found = AroundCookie::of(REQUEST.as_bytes()).expect("a cookie");
        assert_eq!(found.before, b"<s:Body><SyncUpdates><cookie><Expiration>");
        assert_eq!(found.encrypted_data, b"AAECAw==");
        assert!(found.after.starts_with(b"</EncryptedData></cookie><parameters/>"));
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_be_read() {
        for (text, other) in [
            ("<cookie>", "<c:cookie>"),
            ("<cookie>", "<cookie> "),
            ("<cookie>", "<!--<cookie>"),
            ("35.9967236Z", "35.9967236Z<!-- -->"),
            ("35.9967236Z", "&#50;"),
            ("2026-", &"2".repeat(EXPIRATION)),
            ("AAECAw==", "AAEC Aw=="),
            ("AAECAw==", "AAEC<x/>"),
            ("AAECAw==", &"A".repeat(ENCRYPTED_DATA + 1)),
            ("</cookie>", "<x/></cookie>"),
        ] {
            let request = REQUEST.replace(text, other);
            let comment = other.starts_with("<!--<cookie>");
            assert_eq!(AroundCookie::of(request.as_bytes()).is_some(), comment, "{request}");
        }
        let late = " ".repeat(BEGINNING) + REQUEST;
        assert_eq!(AroundCookie::of(late.as_bytes()), None);
        for end in 0..REQUEST.len() - "<parameters/></SyncUpdates>".len() {
            assert_eq!(AroundCookie::of(&REQUEST.as_bytes()[..end]), None, "{end}");
        }
    }
}
