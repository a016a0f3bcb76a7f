//! The attributes of a start tag.

use std::borrow::Cow;

use super::XmlError;
use super::characters::{check_characters, is_white};
use super::references::{reference_end, resolve};

/// An attribute as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written<'a> {
    /// Prefix included.
    pub(super) name: &'a str,
    /// What stands between the quotes.
    pub(super) value: &'a str,
}

/// Goes through what stands in a tag after its name.
#[derive(Debug, Clone)]
pub(super) struct Attributes<'a>(pub(super) &'a str);

impl<'a> Iterator for Attributes<'a> {
    /// An attribute, or what is wrong there.
    type Item = Result<Written<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start_matches(is_white);
        if text.is_empty() {
            return None;
        }
        let separated = text.len() < self.0.len();
        let Some((written, rest)) = split(text).filter(|_| separated) else {
            self.0 = "";
            return Some(Err("an attribute is not written as one"));
        };
        self.0 = rest;
        Some(Ok(written))
    }
}

/// The attribute at the start of `text`, and what follows it.
fn split(text: &str) -> Option<(Written<'_>, &str)> {
    let (name, rest) = text.split_at_checked(text.find(|c| c == '=' || is_white(c))?)?;
    let value = rest.trim_start_matches(is_white).strip_prefix('=')?.trim_start_matches(is_white);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = value.get(1..)?.split_once(quote)?;
    Some((Written { name, value }, rest))
}

impl<'a> Written<'a> {
    /// The prefix that this declares, empty for the namespace of elements without one; none when
    /// it is no declaration.
    pub(super) fn declares(self) -> Option<&'a str> {
        match self.name.strip_prefix("xmlns") {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix(':'),
            None => None,
        }
    }

    /// The value that is meant (XML 1.0 section 3.3.3): references are resolved, and a line break or
    /// a tabulator that is not one is a space.
    ///
    /// # Errors
    /// A character or a reference that is none, or a `<`, in the tag that ends at byte `position`.
    pub(super) fn meaning(self, position: usize) -> Result<Cow<'a, str>, XmlError> {
        check_characters(self.value)?;
        if self.value.contains('<') {
            return Err(XmlError::malformed(position, "'<' in an attribute"));
        }
        let mut rest = self.value;
        let mut meaning = Cow::Borrowed("");
        while let Some(at) = rest.find(['&', '\t', '\r', '\n']) {
            let (before, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let meaning = meaning.to_mut();
            meaning.push_str(before);
            if let Some(reference) = special.strip_prefix('&') {
                let end = reference_end(reference);
                let (name, after) = end
                    .and_then(|end| reference.split_at_checked(end))
                    .ok_or_else(|| XmlError::malformed(position, "a reference without an end"))?;
                meaning.push_str(&resolve(name, position)?);
                rest = after.strip_prefix(';').unwrap_or(after);
            } else {
                meaning.push(' ');
                rest =
                    special.strip_prefix("\r\n").or_else(|| special.get(1..)).unwrap_or_default();
            }
        }
        if meaning.is_empty() {
            return Ok(Cow::Borrowed(rest));
        }
        meaning.to_mut().push_str(rest);
        Ok(meaning)
    }
}
