//! The command line: one file a subcommand.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed,
//! 2 usage, 64 bad configuration.

mod catalogue;
mod computer;
mod config;
mod content;
mod group;
mod healthcheck;
mod import;
mod output;
mod record;
mod replay;
mod serve;
mod telemetry;
mod tls;
mod update;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::admin::{Access, AdminError, Command as AdminCommand};
use config::{Config, ConfigError};
use output::Output;

/// A WSUS-compatible update server.
#[derive(Debug, Parser)]
#[command(name = "weir", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Global {
    /// The data directory.
    #[arg(long, global = true, env = "WEIR_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, global = true, env = "WEIR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Import update documents, directories of them, and cabinets.
    Import(import::Import),
    /// Make synthetic catalogues.
    #[command(subcommand)]
    Catalogue(catalogue::Catalogue),
    /// Look at updates and decide on them.
    #[command(subcommand)]
    Update(update::Update),
    /// Manage target groups.
    #[command(subcommand)]
    Group(group::Group),
    /// Look at computers and place them.
    #[command(subcommand)]
    Computer(computer::Computer),
    /// Manage content files.
    #[command(subcommand)]
    Content(content::Content),
    /// Certificates, and what to tell Windows.
    #[command(subcommand)]
    Tls(tls::Tls),
    /// Replay a recorded dialogue against a server and compare the answers.
    Replay(replay::Replay),
    /// Record dialogues through a proxy.
    Record(record::Record),
    /// Ask a running server whether it is well.
    Healthcheck(healthcheck::Healthcheck),
    /// Check the configuration and print it in full.
    CheckConfig,
}

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// The configuration is to blame: exit 64.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A command was refused or failed.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Anything else, in words for the person who called.
    #[error("{0}")]
    Failed(String),
    /// The command ran and its answer is no: it was printed already.
    #[error("")]
    Negative,
}

/// What a command needs of its surroundings.
struct Context {
    config: Config,
    output: Output,
}

impl Context {
    /// The way to the data directory.
    fn access(&self) -> Result<Access, CliError> {
        Ok(Access::open(&self.config.data, &self.config.state(), serve::now)?)
    }

    /// Carries out one administrative command and closes the way again.
    async fn run(&self, command: AdminCommand) -> Result<serde_json::Value, CliError> {
        let access = self.access()?;
        let answer = access.run(command).await;
        access.close().await;
        Ok(answer?)
    }
}

/// Runs the command line to its exit code.
pub async fn run(cli: Cli) -> ExitCode {
    let json = cli.global.json;
    match execute(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = error.to_string();
            if json && !message.is_empty() {
                eprintln!("{}", serde_json::json!({ "error": message }));
            } else if !message.is_empty() {
                eprintln!("weir: {message}");
            }
            match error {
                CliError::Config(_) => ExitCode::from(64),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn execute(cli: Cli) -> Result<(), CliError> {
    let Global { data, config, json } = cli.global;
    let config = Config::load(config.as_deref(), data)?;
    telemetry::start(&config.log)?;
    let context = Context { config, output: Output { json } };
    match cli.command {
        Command::Serve(command) => command.run(&context).await,
        Command::Import(command) => command.run(&context).await,
        Command::Catalogue(command) => command.run(&context),
        Command::Update(command) => command.run(&context).await,
        Command::Group(command) => command.run(&context).await,
        Command::Computer(command) => command.run(&context).await,
        Command::Content(command) => command.run(&context).await,
        Command::Tls(command) => command.run(&context),
        Command::Replay(command) => command.run(&context).await,
        Command::Record(command) => command.run(&context).await,
        Command::Healthcheck(command) => command.run(&context).await,
        Command::CheckConfig => context.config.print(&context.output),
    }
}
