//! Content files: what agents download once a scan told them to.
//!
//! A file is known by its SHA-1, because that is how the wire addresses it, and trusted by its
//! SHA-1 and SHA-256 together, because SHA-1 alone can be forged. Nothing a client or a metadata
//! document spells ever becomes a part of a path.

pub mod address;
pub mod distribution;
pub mod files;
mod open_files;
pub mod partial;
pub mod pulled;
pub mod ranges;
