//! `weir completions` and `weir manual`: what shells and `man` want to know of the command line.

use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::write_out;
use super::{Cli, CliError, failed};

/// Print what a shell needs to complete commands.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Write a manual page for every command.
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The folder; it is made if it is not there.
    folder: PathBuf,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "weir", &mut script);
        write_out(&String::from_utf8_lossy(&script))
    }
}

impl Manual {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let write = || -> io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            clap_mangen::generate_to(Cli::command(), &self.folder)
        };
        write().map_err(|error| failed(&error))
    }
}
