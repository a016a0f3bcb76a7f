//! The `weir` binary: arguments, then one subcommand.

use std::process::ExitCode;

use clap::Parser;
use weir::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    weir::cli::run(Cli::parse()).await
}
