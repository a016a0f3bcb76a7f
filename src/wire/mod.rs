//! Bytes to typed messages and back. No I/O, no store, no clock; depends on nothing of ours.

pub mod body;
pub mod cabinet;
pub mod contract;
pub mod fault;
pub mod little_endian;
pub mod operation;
#[cfg(test)]
mod recorded;
pub mod request;
pub mod soap;
pub mod time;
pub mod types;
pub mod wsusss;
pub mod wusp;
pub mod xml;
pub mod xpress;
