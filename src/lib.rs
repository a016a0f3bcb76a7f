//! Weir: a WSUS-compatible update server.

pub mod catalog;
pub mod metadata;
pub mod wire;
