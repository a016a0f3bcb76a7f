//! Weir: a WSUS-compatible update server.

pub mod metadata;
pub mod services;
pub mod wire;
