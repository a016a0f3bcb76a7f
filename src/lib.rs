//! Weir: a WSUS-compatible update server.

pub mod catalog;
pub mod computers;
pub mod content;
pub mod conformance;
pub mod metadata;
pub mod policy;
pub mod server;
pub mod services;
pub mod store;
pub mod wire;
