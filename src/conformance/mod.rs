//! Record, replay and compare SOAP dialogues.
//!
//! What an update client accepts cannot be read from a specification, only from dialogues that
//! worked. This layer records such dialogues between any client and any server ([`record`]),
//! sends the recorded requests again to a server under test ([`mod@replay`]), and says of every
//! answer whether a client would see the same, something that a server is free to choose, or
//! something else ([`compare`]).

#[cfg(test)]
pub(crate) mod canned;
pub mod carry;
pub mod client;
pub mod compare;
pub mod dialogue;
pub mod head;
pub mod record;
mod replay;
pub mod report;
pub mod tree;

pub use replay::{ReplayError, ReplayOptions, replay};
