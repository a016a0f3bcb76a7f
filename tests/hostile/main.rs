//! Attacks on the real program, and what comes after them.
//!
//! The ports are open to everyone and the protocol is anonymous, so each test does what somebody
//! hostile would do to `weir serve`, expects the one clear refusal, and then has an honest client
//! enrol and scan over a fresh connection. Errors that nobody was meant to see count as well: the
//! process must live, and must not have panicked on any of its threads.

mod admin;
mod content;
mod cookies;
mod graphs;
mod import;
mod load;
mod reports;
mod servers;
mod size;
mod support;
mod terminal;
mod xml;
