//! Reading and writing XML under limits.
//!
//! Everything that reaches this module came from a peer or a file, so it is read by pull with
//! our own depth, attribute and name limits, and a DOCTYPE is refused before anything in it is
//! looked at. Elements are matched on (namespace, local name), never on a prefix: every SOAP
//! stack chooses its own prefixes. This is the only module that names `quick_xml`.

mod characters;
mod cursor;
mod element;
mod escape;
mod events;
mod numbers;
mod start_tag;
#[cfg(test)]
mod tests;

pub use cursor::{Cursor, Watch};
pub use element::{Attribute, Element};
pub use escape::{escape_attribute, escape_text, escape_text_into};
pub use events::{Events, Node};

/// The namespace of `xsi:nil` and `xsi:type`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// What a document may contain. Exceeding a limit is an error, never an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Deepest element nesting accepted.
    pub depth: u16,
    /// Most attributes (declarations included) on one element.
    pub attributes: u16,
    /// Most elements in the whole document.
    pub elements: u32,
    /// Longest element or attribute name, and longest namespace, in bytes.
    pub name: u16,
}

impl Limits {
    /// Limits for a SOAP request: the deepest message of the three client services nests 10
    /// levels; 64 leaves room for headers of other stacks.
    pub const REQUEST: Self = Self { depth: 64, attributes: 64, elements: 400_000, name: 256 };

    /// Limits for an update document or an upstream answer: a 2026 Core fragment alone has
    /// several hundred thousand elements.
    pub const DOCUMENT: Self = Self { depth: 128, attributes: 128, elements: 8_000_000, name: 512 };
}

/// Why XML could not be read. Always the fault of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// The text is not well-formed.
    #[error("not well-formed at byte {position}: {reason}")]
    Malformed {
        /// Byte offset in the document.
        position: u64,
        /// What the parser said.
        reason: String,
    },
    /// A document type declaration; refused whatever it holds.
    #[error("a DOCTYPE is not accepted")]
    Doctype,
    /// One of [`Limits`] was exceeded.
    #[error("more than {limit} {what}")]
    Limit {
        /// The thing counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// An entity other than the five of XML.
    #[error("entity '{0}' is not defined")]
    Entity(String),
    /// A character that XML 1.0 does not allow.
    #[error("character U+{0:04X} is not allowed")]
    Character(u32),
    /// The document ended inside an element, or had no root.
    #[error("the document ends early")]
    Truncated,
    /// A value does not have its declared type.
    #[error("{element}: '{value}' is not a valid {expected}")]
    Value {
        /// Local name of the element or attribute.
        element: String,
        /// The offending text, cut to 64 characters.
        value: String,
        /// The schema type expected.
        expected: &'static str,
    },
}

impl XmlError {
    /// A [`XmlError::Value`] with the offending text cut to a printable length.
    pub fn value(element: &str, value: &str, expected: &'static str) -> Self {
        Self::Value {
            element: element.to_owned(),
            value: value.chars().take(64).collect(),
            expected,
        }
    }
}
