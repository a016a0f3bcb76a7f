//! A start tag as a caller sees it.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

use super::XmlError;
use super::characters::is_plain;
use super::events::malformed;

/// One start tag.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    pub(super) tag: BytesStart<'a>,
    pub(super) namespace: Arc<str>,
    pub(super) self_closing: bool,
}

/// One attribute of an element, declarations (`xmlns`, `xmlns:p`) included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name as written, prefix included.
    pub name: &'a str,
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
        self.name.split_once(':').map_or(self.name, |(_, local)| local)
    }

    /// Whether this is a namespace declaration.
    pub fn is_declaration(&self) -> bool {
        self.name == "xmlns" || self.name.starts_with("xmlns:")
    }
}

impl Element<'_> {
    /// The namespace URI, empty when unbound.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        let name = self.tag.name().into_inner();
        name.split_once(':').map_or(name, |(_, local)| local)
    }

    /// The prefix as written, if any.
    pub fn prefix(&self) -> Option<&str> {
        self.tag.name().into_inner().split_once(':').map(|(prefix, _)| prefix)
    }

    /// Whether it was written `<x/>`.
    pub fn self_closing(&self) -> bool {
        self.self_closing
    }

    /// The attributes in document order.
    pub fn attributes(&self) -> impl Iterator<Item = Result<Attribute<'_>, XmlError>> {
        // The start tag was checked when it was read: names differ, and values can be normalised.
        let mut attributes = self.tag.attributes();
        attributes.with_checks(false);
        attributes.map(|attribute| {
            let attribute = attribute.map_err(|error| malformed(0, &error))?;
            let name = attribute.key.into_inner();
            if is_plain(&attribute.value) {
                return Ok(Attribute { name, value: attribute.value });
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| malformed(0, &error))?;
            Ok(Attribute { name, value })
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
