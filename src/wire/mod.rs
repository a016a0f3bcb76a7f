//! Bytes to typed messages and back. No I/O, no store, no clock; depends on nothing of ours.

pub mod body;
pub mod cabinet;
#[cfg(test)]
pub(crate) mod corpus;
pub mod little_endian;
pub mod operation;
pub mod types;
pub mod xml;
pub mod xpress;
