//! `Properties`, the one element that is split: its flags go to Core, the rest to Extended.

use crate::wire::xml::{Element, Events};

use super::super::error::DocumentError;
use super::writer::{Names, kept_attributes, push_attribute};
use super::{copy, next_child};

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
        let found = attributes.iter().find(|(name, value)| name == wanted && !is_false(value));
        if let Some((name, value)) = found {
            push_attribute(&mut out, name, value);
        }
    }
    out.push_str(" />");
    Ok(out)
}

/// The `ExtendedProperties` of Extended: the other attributes and all children.
pub(super) fn extended<'a>(
    events: &mut Events<'a>,
    properties: &Element<'a>,
) -> Result<String, DocumentError> {
    let mut out = String::from("<ExtendedProperties");
    for (name, value) in kept_attributes(properties)? {
        // The specification does not say so, but a real server drops this default too.
        let is_default = name == "PerUser" && is_false(&value);
        if !NOT_EXTENDED.contains(&name.as_str()) && !is_default {
            push_attribute(&mut out, &name, &value);
        }
    }
    let mut children = String::new();
    while let Some(child) = next_child(events)? {
        copy(events, child, Names::Bare, &mut children)?;
    }
    if children.is_empty() {
        out.push_str(" />");
    } else {
        out.push('>');
        out.push_str(&children);
        out.push_str("</ExtendedProperties>");
    }
    Ok(out)
}

fn is_false(value: &str) -> bool {
    matches!(value.trim(), "false" | "0")
}
