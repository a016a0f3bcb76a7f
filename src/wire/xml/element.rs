//! A start tag as a caller sees it.

use std::borrow::Cow;

use super::XmlError;
use super::attributes::Attributes;
use super::scanner::Tag;

/// One start tag.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    pub(super) tag: Tag<'a>,
    pub(super) namespace: &'a str,
    /// The tag's name from its prefix on.
    pub(super) local: &'a str,
}

/// One attribute of an element, declarations (`xmlns`, `xmlns:p`) included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name as written, prefix included.
    pub name: Cow<'a, str>,
    /// The normalised value, references resolved.
    pub value: Cow<'a, str>,
}

impl Attribute<'_> {
    /// The prefix as written, if any.
    pub fn prefix(&self) -> Option<&str> {
        self.name.split_once(':').map(|(prefix, _)| prefix)
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        self.name.split_once(':').map_or(&*self.name, |(_, local)| local)
    }

    /// Whether this is a namespace declaration.
    pub fn is_declaration(&self) -> bool {
        self.name == "xmlns" || self.name.starts_with("xmlns:")
    }
}

impl<'a> Element<'a> {
    /// The namespace URI, empty when unbound.
    pub fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// The name without its prefix.
    pub fn local(&self) -> &'a str {
        self.local
    }

    /// The prefix as written, if any.
    pub fn prefix(&self) -> Option<&'a str> {
        self.tag.name.strip_suffix(self.local)?.strip_suffix(':')
    }

    /// Whether it was written `<x/>`.
    pub fn self_closing(&self) -> bool {
        self.tag.self_closing
    }

    /// The attributes in document order.
    pub fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'a>, XmlError>> + use<'a> {
        // The start tag was checked when it was read, so none of this fails.
        Attributes(self.tag.attributes).map(|written| {
            let written = written.map_err(|reason| XmlError::malformed(0, reason))?;
            Ok(Attribute { name: Cow::Borrowed(written.name), value: written.meaning(0)? })
        })
    }

    /// The value of the unprefixed attribute `name`.
    pub fn attribute(&self, name: &str) -> Result<Option<String>, XmlError> {
        for attribute in self.attributes() {
            let attribute = attribute?;
            if attribute.name == name {
                return Ok(Some(attribute.value.into_owned()));
            }
        }
        Ok(None)
    }
}
