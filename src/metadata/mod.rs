//! One update document: what it says, and the fragments derived from it.

#[cfg(test)]
mod corpus;
mod driver;
pub mod error;
mod files;
mod localized;
pub mod model;
pub(crate) mod namespaces;
pub mod parse;
mod properties;
mod relations;
pub mod text;
mod values;
