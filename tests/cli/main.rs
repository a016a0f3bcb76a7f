//! The command line as its users see it: the real binary, its output and its exit codes.

mod api;
mod backup;
mod configuration;
mod events;
mod large;
mod results;
mod serving;
mod support;
