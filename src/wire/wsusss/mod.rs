//! The messages of servers among themselves ([MS-WSUSSS] 3.1.4).
//!
//! One file per operation, with its request and its response. This server is on either end: as
//! upstream server it reads requests and writes responses, as downstream server the other way
//! round, and both with the same structures. Every field is optional in them. Absent is not empty
//! here, older servers leave out what newer ones add, and each absence has its own fault.

pub mod dss_auth;
pub mod limits;
pub mod ping;
pub mod rollup;
pub mod server_sync;
mod types;

#[cfg(test)]
pub(crate) mod both_ways;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod recordings;

pub use crate::wire::wusp::types::{AuthorizationCookie, Cookie};
