//! The program from outside: what has to be true of it before it is done.
//!
//! Each module shows one claim, with the real binary on a data directory of its own. Hostile input
//! has tests of its own elsewhere.

mod approvals;
mod backup;
mod compliance;
mod deciding;
mod dependents;
mod documents;
mod fleet;
mod harness;
mod held_installs;
mod hierarchy;
mod notifications;
mod recovery;
mod replay;
mod reported_states;
mod requests;
mod sample_over_tls;
mod server_sync_replay;
mod shutdown;
mod stable_ids;
mod stored_text;
mod sudden_death;
mod targeting;
