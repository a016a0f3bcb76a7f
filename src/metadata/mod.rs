//! One update document: what it says, and the fragments derived from it.

pub mod error;
pub mod model;
pub(crate) mod namespaces;
pub mod text;
