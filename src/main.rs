//! The `weir` binary: arguments, then one subcommand.

use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;
use weir::cli::{self, Cli};
use weir::panics;

/// A server's memory is that of many answers of different sizes at once, on few threads. This one
/// gives back to the system what they leave, and is faster than the system's own.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    panics::abort_on_panic();
    cli::run(Cli::parse())
}
