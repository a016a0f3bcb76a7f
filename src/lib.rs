//! Weir: a WSUS-compatible update server.

pub mod conformance;
pub mod metadata;
pub mod wire;
