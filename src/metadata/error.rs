//! Why an update document was refused.
//!
//! Whoever imports or synchronises a document reads these reasons, so each names the place in the
//! document by its element and attribute and says what was expected there.

use crate::wire::xml::XmlError;

/// The document is at fault: it is not what [MS-WUSP] 3.1.1.1 and the publisher's schema describe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not text in the encoding that they start as.
    #[error("not valid {encoding} text at byte {position}")]
    Encoding {
        /// `UTF-8` or `UTF-16`.
        encoding: &'static str,
        /// Offset of the first byte that cannot be read.
        position: usize,
    },
    /// Larger than the caller takes.
    #[error("{size} bytes are more than the {limit} bytes accepted for one document")]
    TooLarge {
        /// Bytes offered.
        size: usize,
        /// Bytes accepted.
        limit: usize,
    },
    /// Not XML, or XML beyond the limits of the reader.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Well-formed XML of another kind.
    #[error("the root element is '{root}', not Update of {}", super::namespaces::UPDATE)]
    NotAnUpdate {
        /// Local name of the root, cut to 64 characters.
        root: String,
    },
    /// A package to be published, from which a publishing tool makes update documents.
    #[error(
        "this is a SoftwareDistributionPackage, the source of an update rather than an update; \
         publish it with a publishing tool and import the update document that results"
    )]
    SoftwareDistributionPackage,
    /// A required element or attribute is absent.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An element that may occur once occurs again.
    #[error("{0} occurs more than once")]
    Repeated(&'static str),
    /// A value does not have its declared type.
    #[error("{place} is '{value}', which is not {expected}")]
    Value {
        /// Element and attribute.
        place: &'static str,
        /// The offending text, cut to 64 characters.
        value: String,
        /// What would be accepted, with its article.
        expected: &'static str,
    },
    /// More of one thing than any real document has.
    #[error("more than {limit} {what}")]
    TooMany {
        /// The thing counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl DocumentError {
    /// A [`DocumentError::Value`] with the offending text cut to a printable length.
    pub(super) fn value(place: &'static str, value: &str, expected: &'static str) -> Self {
        Self::Value { place, value: value.chars().take(64).collect(), expected }
    }
}
