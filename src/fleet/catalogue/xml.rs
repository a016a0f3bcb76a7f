//! Writing XML text: a tag is begun, gets its attributes, and ends or gets children.

use std::fmt::{Display, Write as _};

use super::rule::Place;
use crate::wire::xml::{escape_attribute, escape_text_into};

/// Text being written.
#[derive(Debug, Default)]
pub(super) struct Writer(String);

/// A start tag being written.
#[must_use]
pub(super) struct Tag<'w>(&'w mut String);

impl Writer {
    /// What was written.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Bytes written so far.
    pub(super) fn length(&self) -> usize {
        self.0.len()
    }

    /// Begins an element.
    pub(super) fn tag(&mut self, name: &str) -> Tag<'_> {
        self.0.push('<');
        self.0.push_str(name);
        Tag(&mut self.0)
    }

    /// Ends an element that got children.
    pub(super) fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// A whole element with text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.tag(name).children();
        escape_text_into(&mut self.0, text);
        self.close(name);
    }

    /// Text that is XML already.
    pub(super) fn raw(&mut self, xml: &str) {
        self.0.push_str(xml);
    }
}

impl Tag<'_> {
    /// An attribute.
    pub(super) fn with(self, name: &str, value: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        escape_attribute(self.0, value);
        self.0.push('"');
        self
    }

    /// An attribute whose value needs no escaping: a number, a version, a GUID.
    pub(super) fn shown(self, name: &str, value: impl Display) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, " {name}=\"{value}\"");
        self
    }

    /// An attribute that may be absent.
    pub(super) fn perhaps(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.shown(name, value),
            None => self,
        }
    }

    /// The four attributes that name a registry value.
    pub(super) fn place(self, place: &Place) -> Self {
        let key = self.with("Key", "HKEY_LOCAL_MACHINE");
        key.with("Subkey", &place.subkey).with("Value", place.value)
    }

    /// A declaration of a prefix.
    pub(super) fn declare(self, prefix: &str, namespace: &str) -> Self {
        self.0.push_str(" xmlns:");
        self.0.push_str(prefix);
        self.0.push_str("=\"");
        self.0.push_str(namespace);
        self.0.push('"');
        self
    }

    /// Ends an element without children.
    pub(super) fn end(self) {
        self.0.push_str(" />");
    }

    /// Lets children follow.
    pub(super) fn children(self) {
        self.0.push('>');
    }
}
