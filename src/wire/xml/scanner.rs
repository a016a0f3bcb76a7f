//! Where the parts of a document begin and end, and nothing about what they mean.
//!
//! A scan's request is a few containers around thousands of elements without attributes. For those
//! a name is read up to its end and a text up to the next markup, each byte once, by its class in a
//! table; what takes a closer look (a line break to normalise, a character that may be forbidden)
//! is remembered on the way, so that plain text is not looked at again.

use std::fmt::Display;

use super::XmlError;
use super::characters::{self, Marks, is_white};
use super::references::reference_end;

/// A part of a document, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Start(Tag<'a>),
    /// The name.
    End(&'a str),
    Text(&'a str, Marks),
    CData(&'a str),
    /// What stands between `&` and `;`.
    Reference(&'a str),
    Comment(&'a str),
    /// What stands between `<?` and `?>`.
    Instruction(&'a str),
    Doctype,
    Eof,
}

/// A start tag, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Prefix included.
    pub(super) name: &'a str,
    /// What follows the name, white space included.
    pub(super) attributes: &'a str,
    pub(super) self_closing: bool,
}

/// Goes through a document.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over `bytes` of it.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Reads `end` if it is what comes next: the end tag of the innermost element, as nearly
    /// always.
    pub(super) fn end_of(&mut self, name: &str) -> bool {
        let Some(rest) = self.rest().strip_prefix("</") else { return false };
        let closed = rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('>'));
        if closed {
            self.at += name.len() + 3;
        }
        closed
    }

    /// The next part.
    pub(super) fn advance(&mut self) -> Result<Token<'a>, XmlError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        match (bytes.first(), bytes.get(1)) {
            (None, _) => Ok(Token::Eof),
            (Some(b'<'), Some(b'/')) => self.end(rest),
            (Some(b'<'), Some(b'!')) => self.declaration(rest),
            (Some(b'<'), Some(b'?')) => self.enclosed(rest, "<?", "?>").map(Token::Instruction),
            (Some(b'<'), _) => self.start(rest),
            (Some(b'&'), _) => self.reference(rest),
            (Some(_), _) => Ok(self.text(rest)),
        }
    }

    fn text(&mut self, rest: &'a str) -> Token<'a> {
        let (length, marks) = characters::text_length(rest.as_bytes());
        let (text, _) = rest.split_at_checked(length).unwrap_or((rest, ""));
        self.at += text.len();
        Token::Text(text, marks)
    }

    fn reference(&mut self, rest: &'a str) -> Result<Token<'a>, XmlError> {
        let name = rest.get(1..).and_then(|rest| rest.get(..reference_end(rest)?));
        let name = name.ok_or_else(|| self.malformed("a reference without an end"))?;
        self.at += name.len() + 2;
        Ok(Token::Reference(name))
    }

    fn start(&mut self, rest: &'a str) -> Result<Token<'a>, XmlError> {
        let inner = rest.get(1..).unwrap_or_default();
        let name_ends = characters::name_length(inner.as_bytes());
        let (name, after) = inner.split_at_checked(name_ends).unwrap_or((inner, ""));
        let length =
            tag_length(after.as_bytes()).ok_or_else(|| self.malformed("a tag without an end"))?;
        let (inside, _) = after.split_at_checked(length).unwrap_or((after, ""));
        self.at += name.len() + inside.len() + 2;
        let (attributes, self_closing) = match inside.strip_suffix('/') {
            Some(attributes) => (attributes, true),
            None => (inside, false),
        };
        Ok(Token::Start(Tag { name, attributes, self_closing }))
    }

    fn end(&mut self, rest: &'a str) -> Result<Token<'a>, XmlError> {
        let inside = self.enclosed(rest, "</", ">")?;
        Ok(Token::End(inside.trim_end_matches(is_white)))
    }

    fn declaration(&mut self, rest: &'a str) -> Result<Token<'a>, XmlError> {
        if rest.starts_with("<!--") {
            let comment = self.enclosed(rest, "<!--", "--")?;
            // XML 1.0 section 2.5: two hyphens are the end or an error.
            if !self.rest().starts_with('>') {
                return Err(self.malformed("'--' in a comment"));
            }
            self.at += 1;
            return Ok(Token::Comment(comment));
        }
        if rest.starts_with("<![CDATA[") {
            return self.enclosed(rest, "<![CDATA[", "]]>").map(Token::CData);
        }
        match rest.get(..9) {
            Some(start) if start.eq_ignore_ascii_case("<!DOCTYPE") => Ok(Token::Doctype),
            _ => Err(self.malformed("unknown markup")),
        }
    }

    /// What stands between `open`, which is here, and the next `close`.
    fn enclosed(&mut self, rest: &'a str, open: &str, close: &str) -> Result<&'a str, XmlError> {
        let inside = rest.get(open.len()..).and_then(|rest| rest.split_once(close));
        let (inside, _) =
            inside.ok_or_else(|| self.malformed(format_args!("'{open}' without '{close}'")))?;
        self.at += open.len() + inside.len() + close.len();
        Ok(inside)
    }

    fn malformed(&self, reason: impl Display) -> XmlError {
        XmlError::malformed(self.at, reason)
    }
}

/// How long a tag goes on after its name: up to the first `>` that is not quoted.
fn tag_length(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    tag.iter().position(|&byte| {
        match (quote, byte) {
            (None, b'>') => return true,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
        false
    })
}
