//! The command line as its users see it: the real binary, its output and its exit codes.

mod api;
mod configuration;
mod large;
mod results;
mod serving;
mod support;
