//! What can go wrong with a fragment.

use crate::metadata::error::DocumentError;
use crate::wire::types::UpdateIdentity;

/// A Core fragment cannot be used. The server is at fault, or who published the update.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoreError {
    /// It is not what [MS-WUSP] 3.1.1.1 describes.
    #[error("a Core fragment: {0}")]
    Document(#[from] DocumentError),
}

impl From<crate::wire::xml::XmlError> for CoreError {
    fn from(error: crate::wire::xml::XmlError) -> Self {
        Self::Document(error.into())
    }
}

/// An installation could not make an update installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotInstall {
    /// It has no rule that says when it is.
    #[error("{0} has no IsInstalled")]
    NoRule(UpdateIdentity),
    /// This rule cannot be made true.
    #[error("{identity} cannot be installed: nothing makes this true: {rule}")]
    Rule {
        /// The update.
        identity: UpdateIdentity,
        /// The rule, cut to 200 characters.
        rule: String,
    },
}

impl CannotInstall {
    /// Which update, or which member of a bundle.
    pub fn identity(&self) -> UpdateIdentity {
        match self {
            Self::NoRule(identity) | Self::Rule { identity, .. } => *identity,
        }
    }
}
