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
    if text.bytes().any(|byte| IN_TEXT[usize::from(byte)]) {
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
    let special = if attribute { &IN_ATTRIBUTES } else { &IN_TEXT };
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special[usize::from(byte)]) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push_str(replacement(from.as_bytes()[0], attribute).unwrap_or_default());
        rest = &from[1..];
    }
    out.push_str(rest);
}

/// The bytes that are replaced: looking one up is much of what an import does.
static IN_TEXT: [bool; 256] = replaced(false);
static IN_ATTRIBUTES: [bool; 256] = replaced(true);

const fn replaced(attribute: bool) -> [bool; 256] {
    let mut replaced = [false; 256];
    let mut byte = 0;
    while byte < replaced.len() {
        replaced[byte] = replacement(byte as u8, attribute).is_some();
        byte += 1;
    }
    replaced
}

const fn replacement(byte: u8, attribute: bool) -> Option<&'static str> {
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
