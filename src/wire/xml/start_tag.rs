//! What XML and its namespaces demand of a start tag, checked as soon as it is read.
//!
//! quick-xml finds tags but judges little of what is in them. Callers skip what they do not know
//! and copy what they pass on, so a tag has to be right before anyone looks at it.

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute;
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};

use super::characters::{check_characters, is_plain, is_qualified_name};
use super::events::{limit, malformed};
use super::{Limits, XSI, XmlError};

/// Checks the tag, which ends at byte `position`, and says whether it carries `xsi:nil` with the
/// value `true` or `1`.
pub(super) fn check(
    tag: &BytesStart<'_>,
    resolver: &NamespaceResolver,
    limits: &Limits,
    position: u64,
) -> Result<bool, XmlError> {
    check_name(tag.name(), limits, position)?;
    // Nearly all tags of a request, once its envelope is open.
    if tag.attributes_raw().is_empty() {
        return Ok(false);
    }
    if !are_separated(tag.attributes_raw()) {
        return Err(malformed(position, &"no white space between attributes"));
    }
    let mut nil = false;
    let mut prefixed = Vec::new();
    for (before, attribute) in tag.attributes().enumerate() {
        // quick-xml compares each name with all before it, so there must not be many.
        if before >= usize::from(limits.attributes) {
            return Err(limit("attributes on an element", limits.attributes.into()));
        }
        let attribute = attribute.map_err(|error| malformed(position, &error))?;
        check_name(attribute.key, limits, position)?;
        check_value(&attribute, position)?;
        if attribute.key.as_namespace_binding().is_some() {
            check_declaration(&attribute, limits, position)?;
        } else if attribute.key.prefix().is_some() {
            let name = resolve(attribute.key, resolver, position)?;
            if prefixed.contains(&name) {
                return Err(malformed(position, &"an attribute occurs twice"));
            }
            prefixed.push(name);
            nil |= name == (XSI, "nil") && matches!(attribute.value.trim(), "1" | "true");
        }
    }
    Ok(nil)
}

fn check_name(name: QName<'_>, limits: &Limits, position: u64) -> Result<(), XmlError> {
    let name = name.into_inner();
    if name.len() > usize::from(limits.name) {
        return Err(limit("bytes in a name", limits.name.into()));
    }
    if !is_qualified_name(name) {
        return Err(malformed(position, &format_args!("'{name}' is not a name")));
    }
    Ok(())
}

fn check_value(attribute: &Attribute<'_>, position: u64) -> Result<(), XmlError> {
    if is_plain(&attribute.value) {
        return Ok(());
    }
    check_characters(&attribute.value)?;
    if attribute.value.contains('<') {
        return Err(malformed(position, &"'<' in an attribute"));
    }
    if attribute.value.contains('&') {
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        check_characters(&value.map_err(|error| malformed(position, &error))?)?;
    }
    Ok(())
}

/// Namespaces are compared as they are written, once for every element, so they are kept short
/// and free of what would have to be normalised first.
fn check_declaration(
    attribute: &Attribute<'_>,
    limits: &Limits,
    position: u64,
) -> Result<(), XmlError> {
    if attribute.value.len() > usize::from(limits.name) {
        return Err(limit("bytes in a namespace", limits.name.into()));
    }
    if attribute.value.contains(['&', '\t', '\r', '\n']) {
        return Err(malformed(position, &"a reference or line break in a namespace"));
    }
    Ok(())
}

/// The namespace and the local name of an attribute with a prefix.
fn resolve<'n>(
    name: QName<'n>,
    resolver: &'n NamespaceResolver,
    position: u64,
) -> Result<(&'n str, &'n str), XmlError> {
    match resolver.resolve_attribute(name) {
        (ResolveResult::Bound(namespace), local) => {
            Ok((namespace.into_inner(), local.into_inner()))
        }
        (ResolveResult::Unbound, local) => Ok(("", local.into_inner())),
        (ResolveResult::Unknown(prefix), _) => Err(undeclared(&prefix, position)),
    }
}

/// The error for a prefix without a declaration.
pub(super) fn undeclared(prefix: &str, position: u64) -> XmlError {
    malformed(position, &format_args!("prefix '{prefix}' is not declared"))
}

/// Whether white space follows every attribute that another follows. `attributes` is what stands
/// in the tag after its name.
fn are_separated(attributes: &str) -> bool {
    let mut rest = attributes;
    while let Some(opening) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\'')) {
        let (_, quoted) = rest.split_at(opening);
        let quote = if quoted.starts_with('"') { '"' } else { '\'' };
        let Some((_, after)) = quoted[1..].split_once(quote) else { return true };
        if after.starts_with(|character: char| !character.is_ascii_whitespace()) {
            return false;
        }
        rest = after;
    }
    true
}
