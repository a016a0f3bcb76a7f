//! Weir: a WSUS-compatible update server.

pub mod admin;
pub mod catalog;
pub mod cli;
pub mod computers;
pub mod conformance;
pub mod content;
#[cfg(test)]
mod corpus;
pub mod fleet;
pub mod metadata;
pub mod policy;
pub mod server;
pub mod services;
pub mod state;
pub mod store;
pub mod wire;
