//! Weir: a WSUS-compatible update server.

pub mod metadata;
pub mod store;
pub mod wire;
