//! One update document: what it says, and the fragments derived from it.

#[cfg(test)]
mod corpus;
pub(crate) mod driver;
pub mod error;
pub(crate) mod files;
pub mod fragments;
#[cfg(test)]
mod hostile;
mod localized;
pub mod model;
pub(crate) mod namespaces;
pub mod parse;
pub mod prepared;
pub(crate) mod properties;
pub(crate) mod relations;
pub mod sample;
pub mod text;
pub(crate) mod values;
