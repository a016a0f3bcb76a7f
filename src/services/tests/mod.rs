//! The services as an agent meets them: envelopes in, envelopes out, over a real state in a
//! temporary directory, by a clock that the test turns.

mod administration;
mod agent;
mod categories;
mod changes;
mod documents;
mod drivers;
mod faults;
mod handshake;
mod metadata;
mod mirror;
mod quiet_scan;
mod reports;
mod rollup;
mod scan;
mod server;
mod server_sync;
mod server_sync_data;
mod server_sync_decisions;
mod server_sync_faults;
mod server_sync_lists;
mod sessions;
mod versions;
