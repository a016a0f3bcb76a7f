//! Computers that do not exist: what their agents would find, and a catalogue to find it in.
//!
//! Neither a fleet nor a vendor's catalogue fits into a repository. Both are made here instead,
//! from little and always the same, so that a measurement or a fault can be repeated anywhere.

pub mod agent;
pub mod applicability;
pub mod catalogue;
pub mod library;
pub mod profile;
pub mod referee;
pub mod run;
pub mod statistics;
