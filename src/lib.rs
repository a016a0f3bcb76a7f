//! Weir: a WSUS-compatible update server.

pub mod content;
pub mod metadata;
pub mod server;
pub mod services;
pub mod wire;
