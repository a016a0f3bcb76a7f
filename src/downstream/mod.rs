//! Servers that synchronize from this one.
//!
//! [MS-WSUSSS] lets any server authorize itself, so what is known here of one is what it said, with
//! two exceptions: whether an administrator approved it, and what this server told it. The tables
//! are those of 3.1.1 (DSS Table, Client computers table) for servers that are not agents.

mod report;
mod server;

pub use report::{Reported, SYSTEMS_KEPT, Summary, System};
pub use server::{Decided, DownstreamServer, ListKind, Listed, SERVERS_KEPT};
