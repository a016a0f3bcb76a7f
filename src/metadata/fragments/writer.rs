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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Names {
    /// With the prefix of the rule schema: Core.
    Prefixed,
    /// Local names alone: all other fragments.
    #[default]
    Bare,
}

/// Writes elements as they are pushed in document order.
#[derive(Debug, Default)]
pub(super) struct FragmentWriter {
    out: String,
    names: Names,
    open: Vec<Open>,
    /// The names of the open elements, as they were written, one behind the other.
    open_names: String,
    /// White space that is layout if an element follows, and content if nothing does.
    space: String,
    /// Whether the current run of text has more than white space.
    in_text: bool,
}

#[derive(Debug)]
struct Open {
    /// Where its name begins in `open_names`.
    name: usize,
    self_closing: bool,
    has_children: bool,
}

impl FragmentWriter {
    /// Writes the names of the elements that follow in this way.
    pub(super) fn begin(&mut self, names: Names) {
        self.names = names;
    }

    /// Takes what was written. Copied, so that the next fragment finds room.
    pub(super) fn take(&mut self) -> String {
        let written = self.out.as_str().to_owned();
        self.out.clear();
        written
    }

    /// Writes a start tag.
    pub(super) fn start(&mut self, element: &Element<'_>) -> Result<(), DocumentError> {
        self.end_text();
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        let name = self.open_names.len();
        self.open_names.push_str(self.schema_prefix(element));
        self.open_names.push_str(element.local());
        self.out.push('<');
        self.out.push_str(&self.open_names[name..]);
        for attribute in kept_attributes(element)? {
            push_attribute(&mut self.out, attribute.local(), &attribute.value);
        }
        let self_closing = element.self_closing();
        self.out.push_str(if self_closing { " />" } else { ">" });
        self.open.push(Open { name, self_closing, has_children: false });
        Ok(())
    }

    /// Writes a run of text; what stands outside of elements is none.
    pub(super) fn text(&mut self, text: &str) {
        if self.open.is_empty() {
            return;
        }
        if !self.in_text && text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            self.space.push_str(text);
            return;
        }
        escape_text_into(&mut self.out, &self.space);
        self.space.clear();
        self.in_text = true;
        escape_text_into(&mut self.out, text);
    }

    /// Writes the end tag of the innermost open element, if any is.
    pub(super) fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        if !open.has_children {
            escape_text_into(&mut self.out, &self.space);
        }
        self.end_text();
        if !open.self_closing {
            self.out.push_str("</");
            self.out.push_str(&self.open_names[open.name..]);
            self.out.push('>');
        }
        self.open_names.truncate(open.name);
    }

    fn end_text(&mut self) {
        self.space.clear();
        self.in_text = false;
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

/// The attributes that a fragment keeps, in document order; written without prefixes (`xsi:type`
/// becomes `type`, its value untouched).
pub(super) fn kept_attributes<'e>(
    element: &'e Element<'_>,
) -> Result<Vec<Attribute<'e>>, DocumentError> {
    let mut kept = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute?;
        if is_kept(element, &attribute) {
            kept.push(attribute);
        }
    }
    if kept.iter().any(|attribute| attribute.prefix().is_some()) {
        kept = without_twins(kept);
    }
    Ok(kept)
}

/// Of names that differ in their prefix only, the bare one stays, else the first.
fn without_twins(attributes: Vec<Attribute<'_>>) -> Vec<Attribute<'_>> {
    let stands_back = |at: usize, attribute: &Attribute<'_>| {
        attribute.prefix().is_some()
            && attributes.iter().enumerate().any(|(other_at, other)| {
                other.local() == attribute.local() && (other.prefix().is_none() || other_at < at)
            })
    };
    let stays = attributes.iter().enumerate().map(|(at, it)| !stands_back(at, it));
    let mut stays = stays.collect::<Vec<_>>().into_iter();
    attributes.into_iter().filter(|_| stays.next().unwrap_or(true)).collect()
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
