//! What XML 1.0 allows in texts and names.
//!
//! A reader that lets more through than the readers after it is a trap: fragments of an imported
//! document are sent on to Windows as they are, and one that MSXML refuses ends every scan.

use std::borrow::Cow;

use super::XmlError;

/// `Char` (XML 1.0 section 2.2). Surrogates cannot occur in a `str`.
pub(super) fn check_characters(text: &str) -> Result<(), XmlError> {
    if !may_be_illegal(text.as_bytes()) {
        return Ok(());
    }
    match text.chars().find(|c| is_illegal(*c)) {
        Some(character) => Err(XmlError::Character(character.into())),
        None => Ok(()),
    }
}

/// Whether the raw value of an attribute is certain to be legal and its own normalised value: as
/// nearly all are.
pub(super) fn is_plain(value: &str) -> bool {
    value.bytes().fold(true, |plain, byte| plain & PLAIN[usize::from(byte)])
}

/// What is no control character, begins no non-character, and is no reference or tag.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < plain.len() {
        plain[byte] = !matches!(byte as u8, b'&' | b'<' | 0xef);
        byte += 1;
    }
    plain
};

/// Whether a closer look is needed: control characters are single bytes and the two non-characters
/// start with 0xEF, so plain text is passed over bytewise. Without a way out of each block, so that
/// the compiler looks at many bytes at once.
fn may_be_illegal(text: &[u8]) -> bool {
    let suspicious = |byte: u8| (byte < 0x20) & !matches!(byte, 9 | 10 | 13) | (byte == 0xef);
    text.chunks(64).any(|block| block.iter().fold(false, |any, &byte| any | suspicious(byte)))
}

fn is_illegal(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// The start of a text that may be anything, for a message that becomes XML again.
pub(super) fn legal_start(text: &str, most: usize) -> String {
    let legal = |c| if is_illegal(c) { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(most).map(legal).collect()
}

/// XML 1.0 section 2.11: `\r\n` and a lone `\r` read as `\n`.
pub(super) fn normalize_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}

/// `QName` (Namespaces in XML 1.0 section 4): a name, or two with a colon between.
pub(super) fn is_qualified_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    // As the protocol's own names are.
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(plain) {
        return true;
    }
    match name.split_once(':') {
        Some((prefix, local)) => is_name(prefix) && is_name(local),
        None => is_name(name),
    }
}

/// `NCName`: a `Name` (XML 1.0 section 2.3) without a colon.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(starts_name)
        && characters.all(|c| c.is_ascii_alphanumeric() || starts_name(c) || continues_name(c))
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}
