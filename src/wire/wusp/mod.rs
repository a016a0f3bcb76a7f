//! The messages of the three services that update agents use ([MS-WUSP] 2.2.2).
//!
//! One file per operation, with its request and its response. Requests are read from a peer that
//! may send anything; responses borrow what they are written from.

pub mod client;
pub mod limits;
pub mod reporting;
pub mod simple_auth;
pub mod types;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod recordings;
