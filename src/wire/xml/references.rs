//! References: to one of the five entities of XML, or to a character by its number.

use std::borrow::Cow;

use super::XmlError;
use super::characters::{check_character, is_white, legal_start};

/// Where in `text`, which follows an `&`, the reference ends: at a `;` that comes before anything
/// that no reference holds.
pub(super) fn reference_end(text: &str) -> Option<usize> {
    let end = text.find(|c| matches!(c, ';' | '<' | '&' | '\'' | '"') || is_white(c))?;
    text.get(end..).is_some_and(|rest| rest.starts_with(';')).then_some(end)
}

/// What the reference `&name;` at byte `position` stands for.
pub(super) fn resolve(name: &str, position: usize) -> Result<Cow<'static, str>, XmlError> {
    match name {
        "amp" => Ok(Cow::Borrowed("&")),
        "lt" => Ok(Cow::Borrowed("<")),
        "gt" => Ok(Cow::Borrowed(">")),
        "quot" => Ok(Cow::Borrowed("\"")),
        "apos" => Ok(Cow::Borrowed("'")),
        _ => match name.strip_prefix('#') {
            Some(number) => {
                let character = character(number).ok_or_else(|| {
                    XmlError::malformed(position, format_args!("'&{name};' is no character"))
                })?;
                check_character(character)?;
                Ok(Cow::Owned(character.to_string()))
            }
            None => Err(XmlError::Entity(legal_start(name, 64))),
        },
    }
}

/// XML 1.0 section 4.1: decimal digits, or hexadecimal ones after a small `x`.
fn character(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| is_number)?;
    char::from_u32(code)
}
