//! The program from outside: what has to be true of it before it is done.
//!
//! Each module shows one claim, with the real binary on a data directory of its own. Hostile input
//! has tests of its own elsewhere.

mod documents;
mod harness;

mod replay;
mod reported_states;
mod requests;
mod sample_over_tls;
