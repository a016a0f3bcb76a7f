//! The command line as its users see it: the real binary, its output and its exit codes.

mod admin_tls;
mod api;
mod backup;
mod configuration;
mod events;
mod health;
mod large;
mod operations;
mod results;
mod serving;
mod support;
