//! The `weir` binary: arguments, then one subcommand.

use std::process::ExitCode;

use clap::Parser;
use weir::cli::{self, Cli};
use weir::panics;

fn main() -> ExitCode {
    panics::abort_on_panic();
    cli::run(Cli::parse())
}
