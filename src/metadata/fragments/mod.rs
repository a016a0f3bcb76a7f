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

use crate::wire::xml::{Element, Events, Limits, Node, Watch};

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
    let mut derivation = Derivation::default();
    loop {
        match events.advance()? {
            Node::Eof => return derivation.finish(),
            node => derivation.take(&node)?,
        }
    }
}

/// Fragments in the making, from the steps through a document that others take: whoever imports
/// it reads it for other reasons too, and reading is most of the work.
#[derive(Debug, Default)]
pub(super) struct Derivation {
    /// Elements that are open.
    depth: usize,
    at: At,
    sections: Sections,
    writer: FragmentWriter,
    parts: Parts,
    fragments: Fragments,
    /// What was wrong first; what follows it is not looked at.
    refused: Option<DocumentError>,
}

/// Where in the document we are.
#[derive(Debug, Default)]
enum At {
    /// Outside of the sections that matter.
    #[default]
    Outside,
    /// In a section that is copied.
    Section(Part),
    /// In `Properties`, whose children are copied; with what precedes them in Extended.
    Properties(String),
    /// In `LocalizedPropertiesCollection`, but in none that matters of its children.
    Collection,
    /// In `LocalizedProperties`, with what is known of its `Language`.
    Localized { language: String, in_language: bool },
    /// In `EulaFile`.
    Eula { language: String, geo_id: Option<String> },
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Identity,
    Relationships,
    Rules,
    Files,
    Handler,
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

/// Depth of the root's children.
const SECTION: usize = 1;
/// Depth of theirs.
const CHILD: usize = 2;

impl Watch for Derivation {
    fn see(&mut self, node: &Node<'_>) {
        if self.refused.is_none() {
            self.refused = self.take(node).err();
        }
    }
}

impl Derivation {
    /// The fragments, after the whole document was seen.
    pub(super) fn finish(self) -> Result<Fragments, DocumentError> {
        match self.refused {
            Some(error) => Err(error),
            None => self.parts.assemble(self.fragments),
        }
    }

    fn take(&mut self, node: &Node<'_>) -> Result<(), DocumentError> {
        match node {
            Node::Start(element) => {
                self.start(element)?;
                self.depth += 1;
            }
            Node::Text(text) => {
                if let At::Localized { language, in_language: true } = &mut self.at {
                    language.push_str(text);
                }
                self.writer.text(text);
            }
            Node::End => {
                self.depth = self.depth.saturating_sub(1);
                self.end()?;
            }
            Node::Eof => {}
        }
        Ok(())
    }

    fn start(&mut self, element: &Element<'_>) -> Result<(), DocumentError> {
        match (&mut self.at, self.depth) {
            (_, 0) => check_root(element.namespace(), element.local()),
            (_, SECTION) => self.enter_section(element),
            (At::Outside, _) => Ok(()),
            (At::Collection, CHILD) => self.enter_text(element),
            (At::Collection, _) => Ok(()),
            (At::Localized { in_language, .. }, depth) => {
                *in_language = depth == CHILD + 1
                    && (element.namespace(), element.local()) == (UPDATE, "Language");
                self.writer.start(element)
            }
            _ => self.writer.start(element),
        }
    }

    fn enter_section(&mut self, section: &Element<'_>) -> Result<(), DocumentError> {
        if section.namespace() != UPDATE {
            return Ok(());
        }
        self.sections.enter(section.local())?;
        let (part, names) = match section.local() {
            "UpdateIdentity" => (Part::Identity, Names::Prefixed),
            "Relationships" => (Part::Relationships, Names::Prefixed),
            "ApplicabilityRules" => (Part::Rules, Names::Prefixed),
            "Files" => (Part::Files, Names::Bare),
            "HandlerSpecificData" => (Part::Handler, Names::Bare),
            "Properties" => {
                self.parts.properties = properties::core(section)?;
                self.at = At::Properties(properties::extended(section)?);
                self.writer.begin(Names::Bare);
                return Ok(());
            }
            "LocalizedPropertiesCollection" => {
                self.at = At::Collection;
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.at = At::Section(part);
        self.writer.begin(names);
        self.writer.start(section)
    }

    fn enter_text(&mut self, text: &Element<'_>) -> Result<(), DocumentError> {
        if self.fragments.localized.len() + self.fragments.eula.len() >= TEXTS {
            return Err(DocumentError::TooMany { what: "localized texts", limit: TEXTS });
        }
        self.at = match (text.namespace(), text.local()) {
            (UPDATE, "LocalizedProperties") => {
                At::Localized { language: String::new(), in_language: false }
            }
            (UPDATE, "EulaFile") => {
                let language = text.attribute("Language")?.unwrap_or_default();
                if language.trim().is_empty() {
                    return Err(DocumentError::Missing("EulaFile/@Language"));
                }
                let geo_id = text.attribute("GeoId")?.filter(|id| !id.trim().is_empty());
                At::Eula { language, geo_id }
            }
            _ => return Ok(()),
        };
        self.writer.begin(Names::Bare);
        self.writer.start(text)
    }

    fn end(&mut self) -> Result<(), DocumentError> {
        self.writer.end();
        if let At::Localized { in_language, .. } = &mut self.at {
            *in_language = false;
        }
        match self.depth {
            SECTION => self.end_section(),
            CHILD => self.end_text()?,
            _ => {}
        }
        Ok(())
    }

    fn end_section(&mut self) {
        match std::mem::take(&mut self.at) {
            At::Section(part) => *self.parts.of(part) = self.writer.take(),
            At::Properties(begun) => {
                let children = self.writer.take();
                self.parts.extended_properties = properties::end_extended(begun, &children);
            }
            _ => {}
        }
    }

    /// Ends what is one fragment of many. The first of a language counts.
    fn end_text(&mut self) -> Result<(), DocumentError> {
        match &mut self.at {
            At::Localized { language, .. } => {
                let language = language.trim();
                if language.is_empty() {
                    return Err(DocumentError::Missing("LocalizedProperties/Language"));
                }
                let xml = self.writer.take();
                let mut known = self.fragments.localized.iter();
                if !known.any(|(other, _)| other.eq_ignore_ascii_case(language)) {
                    self.fragments.localized.push((language.to_owned(), xml));
                }
            }
            At::Eula { language, geo_id } => {
                let (language, geo_id) = (std::mem::take(language), geo_id.take());
                let xml = self.writer.take();
                self.fragments.eula.push(EulaFragment { language, geo_id, xml });
            }
            _ => return Ok(()),
        }
        self.at = At::Collection;
        Ok(())
    }
}

impl Parts {
    fn of(&mut self, part: Part) -> &mut String {
        match part {
            Part::Identity => &mut self.identity,
            Part::Relationships => &mut self.relationships,
            Part::Rules => &mut self.rules,
            Part::Files => &mut self.files,
            Part::Handler => &mut self.handler,
        }
    }

    fn assemble(self, fragments: Fragments) -> Result<Fragments, DocumentError> {
        if self.identity.is_empty() {
            return Err(DocumentError::Missing("UpdateIdentity"));
        }
        if self.properties.is_empty() {
            return Err(DocumentError::Missing("Properties"));
        }
        let core = [self.identity, self.properties, self.relationships, self.rules].concat();
        let extended = [self.extended_properties, self.files, self.handler].concat();
        Ok(Fragments { core, extended, ..fragments })
    }
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
