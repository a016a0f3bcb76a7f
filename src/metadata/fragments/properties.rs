//! `Properties`, the one element that is split: its flags go to Core, the rest to Extended.

use crate::wire::xml::Element;

use super::super::error::DocumentError;
use super::writer::{kept_attributes, push_attribute};

/// What Core keeps, in the order in which the real server writes it.
const CORE: [&str; 5] =
    ["UpdateType", "ExplicitlyDeployable", "AutoSelectOnWebSites", "OSUpgrade", "EulaID"];

/// What Extended leaves to Core, or to nobody ([MS-WUSP] 3.1.1.1).
const NOT_EXTENDED: [&str; 11] = [
    "UpdateType",
    "ExplicitlyDeployable",
    "AutoSelectOnWebSites",
    "EulaID",
    "PublicationState",
    "PublisherID",
    "CreationDate",
    "IsPublic",
    "LegacyName",
    "DetectoidType",
    "OSUpgrade",
];

/// The `Properties` of Core: attributes only, and none that says `false`, the default.
pub(super) fn core(properties: &Element<'_>) -> Result<String, DocumentError> {
    let attributes = kept_attributes(properties)?;
    let mut out = String::from("<Properties");
    for wanted in CORE {
        let mut found = attributes.iter();
        if let Some(it) = found.find(|it| it.local() == wanted && !is_false(&it.value)) {
            push_attribute(&mut out, wanted, &it.value);
        }
    }
    out.push_str(" />");
    Ok(out)
}

/// How the `ExtendedProperties` of Extended begin: with the other attributes.
pub(super) fn extended(properties: &Element<'_>) -> Result<String, DocumentError> {
    let mut out = String::from("<ExtendedProperties");
    for attribute in kept_attributes(properties)? {
        let (name, value) = (attribute.local(), &*attribute.value);
        // The specification does not say so, but a real server drops this default too.
        let is_default = name == "PerUser" && is_false(value);
        if !NOT_EXTENDED.contains(&name) && !is_default {
            push_attribute(&mut out, name, value);
        }
    }
    Ok(out)
}

/// Ends the `ExtendedProperties` with all children of the document's.
pub(super) fn end_extended(mut out: String, children: &str) -> String {
    if children.is_empty() {
        out.push_str(" />");
    } else {
        out.push('>');
        out.push_str(children);
        out.push_str("</ExtendedProperties>");
    }
    out
}

fn is_false(value: &str) -> bool {
    matches!(value.trim(), "false" | "0")
}
