//! What XML and its namespaces demand of a start tag, checked as soon as it is read.
//!
//! Callers skip what they do not know and copy what they pass on, so a tag has to be right before
//! anyone looks at it.

use super::attributes::{Attributes, Written};
use super::characters::is_qualified_name;
use super::element::Element;
use super::namespaces::Namespaces;
use super::scanner::Tag;
use super::{Limits, XSI, XmlError};

/// Checks the tag of an element at `depth`, which ends at byte `position`, and puts its declarations
/// into force. Says whether it carries `xsi:nil` with the value `true` or `1`.
pub(super) fn check<'a>(
    tag: Tag<'a>,
    namespaces: &mut Namespaces<'a>,
    depth: u16,
    limits: &Limits,
    position: usize,
) -> Result<(Element<'a>, bool), XmlError> {
    check_name(tag.name, limits, position)?;
    // Nearly all tags of a request, once its envelope is open.
    let nil = !tag.attributes.is_empty()
        && check_attributes(tag.attributes, namespaces, depth, limits, position)?;
    let (prefix, local) = tag.name.split_once(':').unwrap_or(("", tag.name));
    let namespace = namespaces.of(prefix).ok_or_else(|| undeclared(prefix, position))?;
    Ok((Element { tag, namespace, local }, nil))
}

fn check_attributes<'a>(
    written: &'a str,
    namespaces: &mut Namespaces<'a>,
    depth: u16,
    limits: &Limits,
    position: usize,
) -> Result<bool, XmlError> {
    let malformed = |reason| XmlError::malformed(position, reason);
    let mut attributes: Vec<Written<'a>> = Vec::new();
    for attribute in Attributes(written) {
        let attribute = attribute.map_err(malformed)?;
        // Every name is compared with all before it, so they are counted before that is expensive.
        if attributes.len() >= usize::from(limits.attributes) {
            return Err(XmlError::limit("attributes on an element", limits.attributes));
        }
        check_name(attribute.name, limits, position)?;
        if attributes.iter().any(|earlier| earlier.name == attribute.name) {
            return Err(malformed("an attribute occurs twice"));
        }
        attribute.meaning(position)?;
        if let Some(prefix) = attribute.declares() {
            check_declaration(attribute, limits, position)?;
            namespaces.declare(prefix, attribute.value, depth).map_err(malformed)?;
        }
        attributes.push(attribute);
    }
    // Declarations count for the attributes before them, too.
    let mut nil = false;
    let mut prefixed = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.declares().is_none()) {
        let Some((prefix, local)) = attribute.name.split_once(':') else { continue };
        let namespace = namespaces.of(prefix).ok_or_else(|| undeclared(prefix, position))?;
        if prefixed.contains(&(namespace, local)) {
            return Err(malformed("an attribute occurs twice"));
        }
        prefixed.push((namespace, local));
        nil |= (namespace, local) == (XSI, "nil") && matches!(attribute.value.trim(), "1" | "true");
    }
    Ok(nil)
}

fn check_name(name: &str, limits: &Limits, position: usize) -> Result<(), XmlError> {
    if name.len() > usize::from(limits.name) {
        return Err(XmlError::limit("bytes in a name", limits.name));
    }
    if !is_qualified_name(name) {
        return Err(XmlError::malformed(position, format_args!("'{name}' is not a name")));
    }
    Ok(())
}

/// Namespaces are compared as they are written, once for every element, so they are kept short
/// and free of what would have to be normalised first.
fn check_declaration(
    attribute: Written<'_>,
    limits: &Limits,
    position: usize,
) -> Result<(), XmlError> {
    if attribute.value.len() > usize::from(limits.name) {
        return Err(XmlError::limit("bytes in a namespace", limits.name));
    }
    if attribute.value.contains(['&', '\t', '\r', '\n']) {
        let reason = "a reference or line break in a namespace";
        return Err(XmlError::malformed(position, reason));
    }
    Ok(())
}

fn undeclared(prefix: &str, position: usize) -> XmlError {
    XmlError::malformed(position, format_args!("prefix '{prefix}' is not declared"))
}
