//! Writing the elements of a message, as the real servers write them: no white space between
//! elements, an element without content as one tag, which the one of their two stacks writes
//! `<Name/>` and the other `<Name />`.

use std::fmt::{Display, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::wire::body::{BodyWriter, Prepared};
use crate::wire::operation::EnvelopeStyle;
use crate::wire::xml::{escape_attribute, escape_text_into};

/// Writes elements into a message.
pub struct Writer<'w> {
    out: &'w mut BodyWriter,
    style: EnvelopeStyle,
}

impl<'w> Writer<'w> {
    /// Writes into `out` as the stack of that style does.
    pub fn new(out: &'w mut BodyWriter, style: EnvelopeStyle) -> Self {
        Self { out, style }
    }

    /// Writes the element `name` with what `content` writes.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Writer<'_>)) {
        self.element_with(name, &[], content);
    }

    /// Writes the element `name` with `attributes` and what `content` writes.
    pub fn element_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Writer<'_>),
    ) {
        let text = self.out.text();
        text.push('<');
        text.push_str(name);
        for (key, value) in attributes {
            text.push(' ');
            text.push_str(key);
            text.push_str("=\"");
            escape_attribute(text, value);
            text.push('"');
        }
        text.push('>');
        let empty = self.out.len();
        content(self);
        let still_empty = self.out.len() == empty;
        let text = self.out.text();
        if still_empty && text.pop().is_some() {
            text.push_str(match self.style {
                EnvelopeStyle::Wcf => "/>",
                EnvelopeStyle::Asmx => " />",
            });
        } else {
            text.push_str("</");
            text.push_str(name);
            text.push('>');
        }
    }

    /// Writes text, escaped.
    pub fn content(&mut self, text: &str) {
        escape_text_into(self.out.text(), text);
    }

    /// Writes markup as it is.
    pub fn markup(&mut self, markup: &str) {
        self.out.text().push_str(markup);
    }

    /// Writes `<name>text</name>`, escaped.
    pub fn text(&mut self, name: &str, text: &str) {
        self.element(name, |out| out.content(text));
    }

    /// Writes `<name>value</name>` for a value whose text needs no escaping: a number, a boolean,
    /// a time, a GUID.
    pub fn display(&mut self, name: &str, value: impl Display) {
        self.element(name, |out| {
            // Writing to a String does not fail.
            let _ = write!(out.out.text(), "{value}");
        });
    }

    /// Writes `<name>…</name>` with `bytes` in base64.
    pub fn base64(&mut self, name: &str, bytes: &[u8]) {
        self.element(name, |out| STANDARD.encode_string(bytes, out.out.text()));
    }

    /// Writes `<name>…</name>` with a fragment that was escaped when it was stored.
    pub fn prepared(&mut self, name: &str, fragment: &Prepared) {
        self.element(name, |out| out.out.prepared(fragment));
    }

    /// Writes the element `name` with every item of `items`, or nothing when there are none: the
    /// real server leaves empty lists out.
    pub fn list<T>(&mut self, name: &str, items: &[T], mut item: impl FnMut(&mut Writer<'_>, &T)) {
        if items.is_empty() {
            return;
        }
        self.element(name, |out| items.iter().for_each(|it| item(out, it)));
    }
}
