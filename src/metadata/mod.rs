//! One update document: what it says, and the fragments derived from it.

pub mod model;
