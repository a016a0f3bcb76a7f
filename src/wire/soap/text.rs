//! From a body's bytes to text.

use std::borrow::Cow;

use super::SoapError;
use super::identify::parameter;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// The text of a body: UTF-8, or UTF-16 when a byte order mark or the Content-Type says so.
///
/// A UTF-16 text takes at most one and a half times the body's size; the body's size was limited
/// before.
pub fn decode<'b>(body: &'b [u8], content_type: Option<&str>) -> Result<Cow<'b, str>, SoapError> {
    match detect(body, content_type)? {
        Encoding::Utf8 => match simdutf8::basic::from_utf8(body) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(SoapError::NotText("UTF-8")),
        },
        encoding => char::decode_utf16(code_units(body, encoding)?)
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| SoapError::NotText("UTF-16")),
    }
}

/// The text of a body with U+FFFD for whatever XML does not allow: bytes that are no text,
/// forbidden characters, and references to such characters.
///
/// Only for the Reporting service, as a second try. Agents pass on texts of installers and of
/// firmware, and real ones report control characters in them; the event is true all the same, and
/// an agent whose report is refused sends it again for ever.
pub fn repair(body: &[u8], content_type: Option<&str>) -> Result<String, SoapError> {
    let text = match detect(body, content_type)? {
        Encoding::Utf8 => String::from_utf8_lossy(body),
        encoding => char::decode_utf16(code_units(body, encoding)?)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    };
    let mut repaired = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(|c| c == '&' || is_forbidden(c)) {
        let (before, tail) = rest.split_at(at);
        repaired.push_str(before);
        let length = forbidden_length(tail);
        if length > 0 {
            repaired.push(char::REPLACEMENT_CHARACTER);
            rest = tail.get(length..).unwrap_or_default();
        } else {
            repaired.push('&');
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    repaired.push_str(rest);
    Ok(repaired)
}

/// Bytes of the forbidden character, or of the reference to one, at the start of `text`; 0 when
/// there is none.
fn forbidden_length(text: &str) -> usize {
    let Some(reference) = text.strip_prefix("&#") else {
        return text.chars().next().filter(|c| is_forbidden(*c)).map_or(0, char::len_utf8);
    };
    // No reference that means anything is longer than this; leading zeros are not padded for ever.
    let Some((number, _)) = reference[..reference.floor_char_boundary(16)].split_once(';') else {
        return 0;
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    match code.map(char::from_u32) {
        Ok(Some(character)) if !is_forbidden(character) => 0,
        Ok(_) => "&#;".len() + number.len(),
        Err(_) => 0,
    }
}

/// Whether XML 1.0 section 2.2 leaves `character` out.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn detect(body: &[u8], content_type: Option<&str>) -> Result<Encoding, SoapError> {
    match body {
        [0xff, 0xfe, ..] => return Ok(Encoding::Utf16Le),
        [0xfe, 0xff, ..] => return Ok(Encoding::Utf16Be),
        _ => {}
    }
    let charset = content_type.and_then(|it| parameter(it, "charset")).unwrap_or("utf-8");
    if charset.eq_ignore_ascii_case("utf-8") {
        return Ok(Encoding::Utf8);
    }
    match charset.to_ascii_lowercase().as_str() {
        "utf8" | "us-ascii" => Ok(Encoding::Utf8),
        // RFC 2781 section 4.3 has big-endian for a text without a mark; Windows writes the other,
        // and the first character of a document tells which it is.
        "utf-16" if body.first() == Some(&0) => Ok(Encoding::Utf16Be),
        "utf-16be" => Ok(Encoding::Utf16Be),
        "utf-16" | "utf-16le" => Ok(Encoding::Utf16Le),
        other => Err(SoapError::UnsupportedEncoding(other.chars().take(64).collect())),
    }
}

fn code_units(body: &[u8], encoding: Encoding) -> Result<impl Iterator<Item = u16>, SoapError> {
    let pairs = body.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(SoapError::NotText("UTF-16"));
    }
    Ok(pairs.map(move |pair| match (encoding, pair) {
        (Encoding::Utf16Be, &[high, low]) => u16::from_be_bytes([high, low]),
        (_, &[low, high]) => u16::from_le_bytes([low, high]),
        (_, _) => 0,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_16_is_read_by_its_mark_or_by_the_charset() {
        let text = "<a>\u{1f600}</a>";
        for (body, charset) in [
            (text.as_bytes().to_vec(), "utf-8"),
            (utf16(text, u16::to_le_bytes), "utf-16"),
            (utf16(text, u16::to_be_bytes), "UTF-16"),
            (utf16(text, u16::to_be_bytes), "utf-16be"),
            (utf16(text, u16::to_le_bytes), "\"utf-16le\""),
        ] {
            let content_type = format!("text/xml; charset={charset}");
            assert_eq!(decode(&body, Some(&content_type)).as_deref(), Ok(text), "{charset}");
        }
        let marked = utf16(&format!("\u{feff}{text}"), u16::to_be_bytes);
        assert_eq!(decode(&marked, None).as_deref(), Ok("\u{feff}<a>\u{1f600}</a>"));
    }

    #[test]
    fn what_is_not_text_is_an_error() {
        assert_eq!(decode(b"<a>\xff</a>", None), Err(SoapError::NotText("UTF-8")));
        assert_eq!(decode(b"\xff\xfe<", None), Err(SoapError::NotText("UTF-16")));
        assert_eq!(decode(b"\xff\xfe\x00\xd8", None), Err(SoapError::NotText("UTF-16")));
        assert_eq!(
            decode(b"<a/>", Some("text/xml; charset=ibm-1047")),
            Err(SoapError::UnsupportedEncoding("ibm-1047".to_owned()))
        );
    }

    #[test]
    fn forbidden_characters_are_replaced_and_nothing_else() {
        let repaired = |body: &[u8]| repair(body, None).expect("UTF-8 is supported");
        assert_eq!(repaired(b"a\x01b\xffc\ttab"), "a\u{fffd}b\u{fffd}c\ttab");
        assert_eq!(repaired(b"&#1;&#x1F;&#xFFFE;&#0;"), "\u{fffd}".repeat(4));
        assert_eq!(repaired(b"&#xD800;&#x41;&#10;&amp;&#;&"), "\u{fffd}&#x41;&#10;&amp;&#;&");
        for padding in 0..4 {
            let tail = format!("{}{}", "x".repeat(padding), "\u{65e5}".repeat(8));
            assert_eq!(repaired(format!("&#27;{tail}").as_bytes()), format!("\u{fffd}{tail}"));
        }
    }
}
