//! The four metadata fragments of a revision ([MS-WUSP] 3.1.1.1, Metadata Table).
//!
//! An agent caches fragments for years and compares what it has with what it is offered, so a
//! document must yield the same bytes here as on every other server. Where the specification and
//! a real server differ, the real server is followed: `Properties` becomes `ExtendedProperties`,
//! defaults are left out, and elements of foreign schemas keep their default namespace.
//!
//! The document is streamed once; the largest seen yields a Core fragment of 47 MB.

mod properties;
mod writer;

use crate::wire::xml::{Element, Events, Limits, Node, XmlError};

use super::error::DocumentError;
use super::localized::TEXTS;
use super::namespaces::UPDATE;
use super::parse::{Sections, check_root};
use writer::{FragmentWriter, Names};

/// Everything derived from one document. Fragments are runs of sibling elements, not documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fragments {
    /// Identity, type, relationships and applicability rules: what an agent evaluates.
    pub core: String,
    /// Properties, files and handler data: what an agent installs from.
    pub extended: String,
    /// One per language in document order, language as written; the first of a language counts.
    pub localized: Vec<(String, String)>,
    /// One per language and region.
    pub eula: Vec<EulaFragment>,
}

/// One licence text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EulaFragment {
    /// Locale, as written.
    pub language: String,
    /// ISO 3166 three-letter region; none means the rest of the world.
    pub geo_id: Option<String>,
    /// The fragment.
    pub xml: String,
}

/// Derives the fragments of one document.
///
/// # Errors
/// [`DocumentError`] when the document is not readable XML, not an `Update`, has no identity or
/// properties, or repeats a section. Values are not checked: [`parse`](super::parse::parse) does.
pub fn derive(document: &str) -> Result<Fragments, DocumentError> {
    let mut events = Events::new(document, Limits::DOCUMENT);
    let Node::Start(root) = events.advance()? else {
        return Err(XmlError::Truncated.into());
    };
    check_root(root.namespace(), root.local())?;

    let mut sections = Sections::default();
    let mut parts = Parts::default();
    let mut fragments = Fragments::default();
    while let Some(section) = next_child(&mut events)? {
        if section.namespace() != UPDATE {
            skip(&mut events)?;
            continue;
        }
        sections.enter(section.local())?;
        match section.local() {
            "UpdateIdentity" => {
                copy(&mut events, section, Names::Prefixed, &mut parts.identity)?;
            }
            "Properties" => {
                parts.properties = properties::core(&section)?;
                parts.extended_properties = properties::extended(&mut events, &section)?;
            }
            "LocalizedPropertiesCollection" => derive_collection(&mut events, &mut fragments)?,
            "Relationships" => {
                copy(&mut events, section, Names::Prefixed, &mut parts.relationships)?;
            }
            "ApplicabilityRules" => {
                copy(&mut events, section, Names::Prefixed, &mut parts.rules)?;
            }
            "Files" => copy(&mut events, section, Names::Bare, &mut parts.files)?,
            "HandlerSpecificData" => {
                copy(&mut events, section, Names::Bare, &mut parts.handler)?;
            }
            _ => skip(&mut events)?,
        }
    }
    let Node::Eof = events.advance()? else {
        return Err(XmlError::Truncated.into());
    };
    parts.assemble(&mut fragments)?;
    Ok(fragments)
}

/// The pieces of Core and Extended, which have an order of their own whatever the document's is.
#[derive(Debug, Default)]
struct Parts {
    identity: String,
    properties: String,
    relationships: String,
    rules: String,
    extended_properties: String,
    files: String,
    handler: String,
}

impl Parts {
    fn assemble(self, fragments: &mut Fragments) -> Result<(), DocumentError> {
        if self.identity.is_empty() {
            return Err(DocumentError::Missing("UpdateIdentity"));
        }
        if self.properties.is_empty() {
            return Err(DocumentError::Missing("Properties"));
        }
        fragments.core = [self.identity, self.properties, self.relationships, self.rules].concat();
        fragments.extended = [self.extended_properties, self.files, self.handler].concat();
        Ok(())
    }
}

fn derive_collection(
    events: &mut Events<'_>,
    fragments: &mut Fragments,
) -> Result<(), DocumentError> {
    while let Some(child) = next_child(events)? {
        if fragments.localized.len() + fragments.eula.len() >= TEXTS {
            return Err(DocumentError::TooMany { what: "localized texts", limit: TEXTS });
        }
        match (child.namespace(), child.local()) {
            (UPDATE, "LocalizedProperties") => {
                let (language, xml) = derive_localized(events, child)?;
                let mut known = fragments.localized.iter();
                if !known.any(|(other, _)| other.eq_ignore_ascii_case(&language)) {
                    fragments.localized.push((language, xml));
                }
            }
            (UPDATE, "EulaFile") => {
                let language = child.attribute("Language")?.unwrap_or_default();
                if language.trim().is_empty() {
                    return Err(DocumentError::Missing("EulaFile/@Language"));
                }
                let geo_id = child.attribute("GeoId")?.filter(|id| !id.trim().is_empty());
                let mut xml = String::new();
                copy(events, child, Names::Bare, &mut xml)?;
                fragments.eula.push(EulaFragment { language, geo_id, xml });
            }
            _ => skip(events)?,
        }
    }
    Ok(())
}

/// Copies one `LocalizedProperties` and reads its `Language` on the way.
fn derive_localized<'a>(
    events: &mut Events<'a>,
    element: Element<'a>,
) -> Result<(String, String), DocumentError> {
    let mut xml = String::new();
    let mut language = String::new();
    let mut writer = FragmentWriter::new(&mut xml, Names::Bare);
    writer.start(element)?;
    let mut in_language = false;
    while writer.depth() > 0 {
        match events.advance()? {
            Node::Start(child) => {
                in_language = writer.depth() == 1
                    && (child.namespace(), child.local()) == (UPDATE, "Language");
                writer.start(child)?;
            }
            Node::Text(text) => {
                if in_language {
                    language.push_str(&text);
                }
                writer.text(&text);
            }
            Node::End => {
                in_language = false;
                writer.end();
            }
            Node::Eof => return Err(XmlError::Truncated.into()),
        }
    }
    match language.trim() {
        "" => Err(DocumentError::Missing("LocalizedProperties/Language")),
        language => Ok((language.to_owned(), xml)),
    }
}

/// Copies `element`, which has just started, up to its end.
fn copy<'a>(
    events: &mut Events<'a>,
    element: Element<'a>,
    names: Names,
    out: &mut String,
) -> Result<(), DocumentError> {
    let mut writer = FragmentWriter::new(out, names);
    writer.start(element)?;
    while writer.depth() > 0 {
        match events.advance()? {
            Node::Start(child) => writer.start(child)?,
            Node::Text(text) => writer.text(&text),
            Node::End => writer.end(),
            Node::Eof => return Err(XmlError::Truncated.into()),
        }
    }
    Ok(())
}

/// The next child of the innermost open element, or none when that has ended.
fn next_child<'a>(events: &mut Events<'a>) -> Result<Option<Element<'a>>, DocumentError> {
    loop {
        match events.advance()? {
            Node::Start(child) => return Ok(Some(child)),
            // These parents have element content only; what is between is layout.
            Node::Text(_) => {}
            Node::End => return Ok(None),
            Node::Eof => return Err(XmlError::Truncated.into()),
        }
    }
}

/// Passes over the element that has just started.
fn skip(events: &mut Events<'_>) -> Result<(), DocumentError> {
    let outside = events.depth().saturating_sub(1);
    loop {
        match events.advance()? {
            Node::End if events.depth() == outside => return Ok(()),
            Node::Eof => return Err(XmlError::Truncated.into()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
