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
    text.chars().try_for_each(check_character)
}

/// The same of one character.
pub(super) fn check_character(character: char) -> Result<(), XmlError> {
    if is_illegal(character) { Err(XmlError::Character(character.into())) } else { Ok(()) }
}

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

/// White space (XML 1.0 section 2.3).
pub(super) fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// What a text holds that takes a closer look, as it was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks(u8);

/// In a text, markup or a reference begins here.
const ENDS_TEXT: u8 = 1;
/// A name ends here.
const ENDS_NAME: u8 = 1 << 1;
/// A character that is not allowed may begin here.
const MAY_BE_ILLEGAL: u8 = 1 << 2;
/// A carriage return.
const RETURN: u8 = 1 << 3;
/// The first byte of `]]>`.
const BRACKET: u8 = 1 << 4;

/// What each byte may mean.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'<' | b'&' => ENDS_TEXT,
            b' ' | b'\t' | b'\n' | b'/' | b'>' => ENDS_NAME,
            b'\r' => ENDS_NAME | RETURN,
            b']' => BRACKET,
            0..0x20 | 0xef => MAY_BE_ILLEGAL,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// How far a text goes that may begin here, and what it holds.
pub(super) fn text_length(text: &[u8]) -> (usize, Marks) {
    let mut marks = 0;
    let end = text.iter().position(|&byte| {
        let class = class(byte);
        marks |= class;
        class & ENDS_TEXT != 0
    });
    (end.unwrap_or(text.len()), Marks(marks))
}

/// How far a name goes that may begin here.
pub(super) fn name_length(text: &[u8]) -> usize {
    text.iter().position(|&byte| class(byte) & ENDS_NAME != 0).unwrap_or(text.len())
}

impl Marks {
    /// Whether a character may be one that XML does not allow.
    pub(super) fn may_be_illegal(self) -> bool {
        self.0 & MAY_BE_ILLEGAL != 0
    }

    /// Whether there is a carriage return.
    pub(super) fn has_return(self) -> bool {
        self.0 & RETURN != 0
    }

    /// Whether there is a closing bracket.
    pub(super) fn has_bracket(self) -> bool {
        self.0 & BRACKET != 0
    }
}

/// XML 1.0 section 2.11: `\r\n` and a lone `\r` read as `\n`.
pub(super) fn normalize_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
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
