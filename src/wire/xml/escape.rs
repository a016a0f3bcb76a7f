//! Escaping, as the real server escapes: `& < >` in text, and `"` besides in attributes.

use std::borrow::Cow;

/// Appends `text` escaped as element content.
///
/// A carriage return is written as a character reference, or the receiver would read a line feed.
pub fn escape_text_into(out: &mut String, text: &str) {
    escape_into(out, text, false);
}

/// `text` escaped as element content.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| replacement(byte, false).is_some()) {
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        escape_into(&mut out, text, false);
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

/// Appends `value` escaped for use between double quotes.
pub fn escape_attribute(out: &mut String, value: &str) {
    escape_into(out, value, true);
}

fn escape_into(out: &mut String, text: &str, attribute: bool) {
    let mut rest = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(reference) = replacement(byte, attribute) {
            out.push_str(&text[rest..at]);
            out.push_str(reference);
            rest = at + 1;
        }
    }
    out.push_str(&text[rest..]);
}

fn replacement(byte: u8, attribute: bool) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        b'"' if attribute => Some("&quot;"),
        b'\n' if attribute => Some("&#xA;"),
        b'\t' if attribute => Some("&#x9;"),
        _ => None,
    }
}
