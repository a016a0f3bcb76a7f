//! Weir: a WSUS-compatible update server.
//!
//! Windows Update Agents scan, download and report against it; administrators decide what they get.
//! `docs/architecture.md` tells how the parts work together. The parts, in the order in which they
//! may name each other (a module only ever names those above it; `tests/layers` checks that):
//!
//! - [`panics`]: what happens when the code is wrong, or foreign code is
//! - [`wire`]: bytes to typed messages and back. No I/O, no clock
//! - [`http`]: the side of HTTP that asks: connections, TLS, proxies, limits
//! - [`metadata`]: one update document, and the fragments derived from it
//! - [`catalog`]: all revisions as one immutable graph, and what a scan needs of it
//! - [`policy`]: target groups and approvals, and what they mean for a computer
//! - [`computers`]: registered computers, their events and installation states
//! - [`downstream`]: servers that synchronize from this one, and what they report
//! - [`content`]: the files that clients download
//! - [`store`]: what survives a restart
//! - [`state`]: all of it together: one writer, one published snapshot
//! - [`upstream`]: this server as a downstream server: synchronising with another
//! - [`notifications`]: people and programs outside are told what happened
//! - [`services`]: one file an operation, where wire and domain meet
//! - [`server`]: HTTP and TLS, within limits
//! - [`admin`]: what an administrator can see and do, as operations
//! - [`conformance`]: recording, replaying and comparing dialogues
//! - [`fleet`]: computers that do not exist, and a catalogue made for them
//! - [`cli`]: one file a subcommand

pub mod admin;
pub mod catalog;
pub mod cli;
pub mod computers;
pub mod conformance;
pub mod content;
#[cfg(test)]
mod corpus;
pub mod downstream;
pub mod fleet;
pub mod http;
pub mod metadata;
pub mod notifications;
pub mod panics;
pub mod policy;
pub mod server;
pub mod services;
pub mod state;
pub mod store;
pub mod upstream;
pub mod wire;
