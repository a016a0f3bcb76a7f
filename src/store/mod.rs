//! What survives a restart.
//!
//! The server answers from memory, so the store is a log that can be read back once: at start every
//! tree is loaded in key order, afterwards one writer thread owns the store and adds batches to it.
//! That is why [`Store`] is so narrow, why it is `Send` and not `Sync`, and why an engine that is
//! weak at concurrent reading is good enough. Three more things live beside the engine, each in the
//! form that suits it: update documents and prepared fragments are immutable files ([`blobs`]),
//! decisions that nobody can fetch again also go to an append-only journal ([`journal`]), and all
//! records can be written to one stream and read back by any engine ([`export`]).
//!
//! Everything below holds after a process kill and after a power cut: what was acknowledged is
//! there, and what is there is whole.

pub mod blobs;
mod durable;
pub mod error;
pub mod lock;

pub use error::StoreError;
