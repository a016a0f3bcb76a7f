//! Writes elements as they stand in a fragment.
//!
//! A fragment has no namespaces: the three rule schemas are told apart by `b.`, `m.` and `d.` in
//! front of the name, everything else is bare. The exception is an island of a foreign schema
//! (an MSI patch, a component manifest) that declares a default namespace: the components that
//! agents pass it on to look for it there.
//!
//! Layout is dropped, form is kept: `<x/>` becomes `<x />` and `<x></x>` stays, as the XML writer
//! of the real server does.

use crate::wire::xml::{Attribute, Element, escape_attribute, escape_text_into};

use super::super::error::DocumentError;
use super::super::namespaces::{BASE_RULES, MSI_RULES, WINDOWS_DRIVER, is_update_schema};

/// How element names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// With the prefix of the rule schema: Core.
    Prefixed,
    /// Local names alone: all other fragments.
    Bare,
}

/// Appends elements to a fragment as they are pushed in document order.
pub(super) struct FragmentWriter<'o, 'a> {
    out: &'o mut String,
    names: Names,
    open: Vec<Open<'a>>,
    /// White space that is layout if an element follows, and content if nothing does.
    space: String,
    /// Whether the current run of text has more than white space.
    in_text: bool,
}

struct Open<'a> {
    element: Element<'a>,
    has_children: bool,
}

impl<'o, 'a> FragmentWriter<'o, 'a> {
    pub(super) fn new(out: &'o mut String, names: Names) -> Self {
        Self { out, names, open: Vec::new(), space: String::new(), in_text: false }
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Writes a start tag.
    pub(super) fn start(&mut self, element: Element<'a>) -> Result<(), DocumentError> {
        self.end_text();
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        self.out.push('<');
        self.push_name(&element);
        for (name, value) in kept_attributes(&element)? {
            push_attribute(self.out, &name, &value);
        }
        self.out.push_str(if element.self_closing() { " />" } else { ">" });
        self.open.push(Open { element, has_children: false });
        Ok(())
    }

    /// Writes a run of text.
    pub(super) fn text(&mut self, text: &str) {
        if !self.in_text && text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            self.space.push_str(text);
            return;
        }
        escape_text_into(self.out, &self.space);
        self.space.clear();
        self.in_text = true;
        escape_text_into(self.out, text);
    }

    /// Writes the end tag of the innermost open element.
    pub(super) fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        if !open.has_children {
            escape_text_into(self.out, &self.space);
        }
        self.end_text();
        if !open.element.self_closing() {
            self.out.push_str("</");
            self.out.push_str(self.schema_prefix(&open.element));
            self.out.push_str(open.element.local());
            self.out.push('>');
        }
    }

    fn end_text(&mut self) {
        self.space.clear();
        self.in_text = false;
    }

    fn push_name(&mut self, element: &Element<'_>) {
        self.out.push_str(self.schema_prefix(element));
        self.out.push_str(element.local());
    }

    fn schema_prefix(&self, element: &Element<'_>) -> &'static str {
        match (self.names, element.namespace()) {
            (Names::Prefixed, BASE_RULES) => "b.",
            (Names::Prefixed, MSI_RULES) => "m.",
            (Names::Prefixed, WINDOWS_DRIVER) => "d.",
            _ => "",
        }
    }
}

/// The attributes that a fragment keeps, in document order, without prefixes (`xsi:type` becomes
/// `type`, its value untouched).
pub(super) fn kept_attributes(
    element: &Element<'_>,
) -> Result<Vec<(String, String)>, DocumentError> {
    let mut attributes = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute?;
        if is_kept(element, &attribute) {
            attributes.push(attribute);
        }
    }
    let mut kept = Vec::with_capacity(attributes.len());
    for (at, attribute) in attributes.iter().enumerate() {
        let local = attribute.local();
        // Of names that differ in their prefix only, the bare one stays, else the first.
        let stands_back = attribute.prefix().is_some()
            && attributes.iter().enumerate().any(|(other_at, other)| {
                other.local() == local && (other.prefix().is_none() || other_at < at)
            });
        if !stands_back {
            kept.push((local.to_owned(), attribute.value.clone().into_owned()));
        }
    }
    Ok(kept)
}

/// Of namespace declarations only the default namespace of an island survives, on the elements
/// that the source has it on.
fn is_kept(element: &Element<'_>, attribute: &Attribute<'_>) -> bool {
    if attribute.name == "xmlns" {
        return element.prefix().is_none() && !is_update_schema(&attribute.value);
    }
    // A prefixed `xmlns` would become a declaration when its prefix goes.
    !attribute.is_declaration() && attribute.local() != "xmlns"
}

/// Appends ` name="value"`.
pub(super) fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape_attribute(out, value);
    out.push('"');
}
