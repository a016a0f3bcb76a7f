//! The command line: one file a subcommand.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed,
//! 2 usage, 64 bad configuration.

mod account;
mod audit;
mod backup;
mod catalogue;
mod cleanup;
mod computer;
mod config;
mod content;
mod csv;
mod downstream;
mod events;
mod fleet;
mod group;
mod healthcheck;
mod import;
mod job;
mod log_lines;
mod manual;
mod metrics;
mod notification;
mod openapi;
mod output;
mod package;
mod placement;
mod record;
mod replay;
mod report;
mod restore;
mod rule;
mod serve;
mod signals;
mod sync;
mod telemetry;
mod terms;
mod tls;
mod token;
mod update;
mod update_group;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::admin::{Access, AdminError, Operation, Remote, explain};
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
    /// The data directory [default: ./weir-data, or what the configuration says]
    #[arg(long, global = true, env = "WEIR_DATA", value_name = "DIR")]
    #[arg(hide_env_values = true, help_heading = COMMON)]
    data: Option<PathBuf>,
    /// The configuration file; `weir check-config` prints a complete one
    #[arg(long, global = true, env = "WEIR_CONFIG", value_name = "FILE")]
    #[arg(hide_env_values = true, help_heading = COMMON)]
    config: Option<PathBuf>,
    /// Ask the server with this API, https://HOST:PORT, instead of the one on the data directory
    #[arg(long, global = true, env = "WEIR_API", value_name = "URL")]
    #[arg(hide_env_values = true, help_heading = COMMON)]
    api: Option<String>,
    /// A file with the token that says who you are to it
    #[arg(long, global = true, env = "WEIR_API_TOKEN_FILE", value_name = "FILE")]
    #[arg(hide_env_values = true, help_heading = COMMON)]
    api_token_file: Option<PathBuf>,
    /// PEM certificates of further issuers to trust for it
    #[arg(long, global = true, env = "WEIR_API_CA_FILE", value_name = "FILE")]
    #[arg(hide_env_values = true, help_heading = COMMON)]
    api_ca_file: Option<PathBuf>,
    /// Print results as JSON, and failures too
    #[arg(long, global = true, help_heading = COMMON)]
    json: bool,
}

impl Global {
    /// The server that is named instead of that of the data directory.
    fn remote(&self) -> Result<Option<Remote>, CliError> {
        let Some(url) = &self.api else { return Ok(None) };
        let token = self.api_token_file.as_ref().map(|file| match std::fs::read_to_string(file) {
            Ok(token) => Ok(token.trim().to_owned()),
            Err(error) => Err(CliError::Failed(format!("{}: {error}", file.display()))),
        });
        let token = token.transpose()?;
        Ok(Some(Remote::at(url, self.api_ca_file.as_deref(), token)?))
    }
}

/// Where help lists what every command takes: behind what is the command's own.
const COMMON: &str = "Options of every command";

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
    /// Manage sets of updates that are deployed as one.
    #[command(name = "updategroup", subcommand)]
    UpdateGroup(update_group::UpdateGroup),
    /// Manage deployment packages: sets of content for distribution points.
    #[command(subcommand)]
    Package(package::Package),
    /// Manage rules that deploy updates by themselves.
    #[command(subcommand)]
    Rule(rule::Rule),
    /// Look at what was decided, by whom and why, and undo it.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Manage the accounts of people who administer this server over the network.
    #[command(subcommand)]
    Account(account::Account),
    /// Manage the tokens of programs that use its API.
    #[command(subcommand)]
    Token(token::Token),
    /// Look at what a server does in the background, and call it off.
    #[command(subcommand)]
    Job(job::Job),
    /// Manage who is notified of what, by e-mail or by webhook.
    #[command(subcommand)]
    Notification(notification::Notification),
    /// Follow what happens on a server, one event a line.
    Events(events::Events),
    /// Write everything that a server knows into one file, while it goes on.
    Backup(backup::Backup),
    /// Make a data directory of a backup.
    Restore(restore::Restore),
    /// Print the description of the API, OpenAPI 3.1.
    Openapi(openapi::Openapi),
    /// Print what a shell needs to complete commands.
    Completions(manual::Completions),
    /// Write a manual page for every command.
    Manual(manual::Manual),
    /// Decline what was withdrawn or replaced, delete what is of no use any more and forget silent
    /// computers, as configured.
    #[command(subcommand)]
    Cleanup(cleanup::Cleanup),
    /// Rules that put newcomers into groups.
    #[command(subcommand)]
    Placement(placement::Placement),
    /// Look at computers and place them.
    #[command(subcommand)]
    Computer(computer::Computer),
    /// Reports on updates, computers and synchronizations, as a table, CSV or JSON.
    #[command(subcommand)]
    Report(report::Report),
    /// Look at servers that synchronize from this one.
    #[command(subcommand)]
    Downstream(downstream::Downstream),
    /// Manage content files.
    #[command(subcommand)]
    Content(content::Content),
    /// Take the catalogue from another server.
    #[command(subcommand)]
    Sync(sync::Sync),
    /// Certificates, and what to tell Windows.
    #[command(subcommand)]
    Tls(tls::Tls),
    /// Replay a recorded dialogue against a server and compare the answers.
    Replay(replay::Replay),
    /// Record dialogues through a proxy.
    Record(record::Record),
    /// Run simulated computers against a server.
    Fleet(fleet::Fleet),
    /// Ask a running server whether it is well: exit code 0 if so, 1 if not, or if none runs.
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
    /// Another server than that of the data directory.
    remote: Option<Remote>,
}

impl Context {
    /// The way to the data directory.
    fn access(&self) -> Result<Access, CliError> {
        if let Some(remote) = &self.remote {
            return Ok(Access::Served(remote.clone()));
        }
        let Config { data, .. } = &self.config;
        Ok(Access::open(data, &self.config.state(), self.config.upstream(), serve::now)?)
    }

    /// Carries out one operation and closes the way again.
    async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer, CliError> {
        let access = self.access()?;
        let answer = access.run(operation).await;
        access.close().await;
        Ok(answer?)
    }

    /// Carries out one operation and prints its answer.
    async fn show(
        &self,
        operation: impl Operation,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<(), CliError> {
        self.output.print(&self.run(operation).await?, table)
    }
}

/// Runs the command line to its exit code.
pub fn run(cli: Cli) -> ExitCode {
    let json = cli.global.json;
    let outcome = Runtime::new().map_err(|error| failed(&error)).and_then(|runtime| {
        let outcome = runtime.block_on(execute(cli));
        // What may still block, reading content for somebody who was cut off say, is waited for by
        // nobody, and nothing acknowledged depends on it.
        runtime.shutdown_background();
        outcome
    });
    log_lines::flush();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = explain(&error);
            if json && !message.is_empty() {
                let message = serde_json::json!({ "error": message }).to_string();
                eprintln!("{}", output::harmless_json(&message));
            } else if !message.is_empty() {
                let lines: Vec<_> = message.lines().map(output::printable).collect();
                eprintln!("weir: {}", lines.join("\n"));
            }
            match error {
                CliError::Config(_) => ExitCode::from(64),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// A failure in words, causes included.
fn failed(error: &dyn std::error::Error) -> CliError {
    CliError::Failed(explain(error))
}

async fn execute(cli: Cli) -> Result<(), CliError> {
    let remote = cli.global.remote()?;
    let Global { data, config, json, .. } = cli.global;
    let config = Config::load(config.as_deref(), data)?;
    telemetry::start(&config.log)?;
    let context = Context { config, output: Output { json }, remote };
    match cli.command {
        Command::Serve(command) => command.run(&context).await,
        Command::Import(command) => command.run(&context).await,
        Command::Catalogue(command) => command.run(&context),
        Command::Update(command) => command.run(&context).await,
        Command::Group(command) => command.run(&context).await,
        Command::UpdateGroup(command) => command.run(&context).await,
        Command::Package(command) => command.run(&context).await,
        Command::Rule(command) => command.run(&context).await,
        Command::Audit(command) => command.run(&context).await,
        Command::Account(command) => command.run(&context).await,
        Command::Token(command) => command.run(&context).await,
        Command::Job(command) => command.run(&context).await,
        Command::Notification(command) => command.run(&context).await,
        Command::Events(command) => command.run(&context).await,
        Command::Backup(command) => command.run(&context).await,
        Command::Restore(command) => command.run(&context).await,
        Command::Openapi(command) => command.run(&context).await,
        Command::Completions(command) => command.run(),
        Command::Manual(command) => command.run(),
        Command::Cleanup(command) => command.run(&context).await,
        Command::Placement(command) => command.run(&context).await,
        Command::Computer(command) => command.run(&context).await,
        Command::Report(command) => command.run(&context).await,
        Command::Content(command) => command.run(&context).await,
        Command::Downstream(command) => command.run(&context).await,
        Command::Sync(command) => command.run(&context).await,
        Command::Tls(command) => command.run(&context),
        Command::Replay(command) => command.run(&context).await,
        Command::Record(command) => command.run(&context).await,
        Command::Fleet(command) => command.run(&context).await,
        Command::Healthcheck(command) => command.run(&context).await,
        Command::CheckConfig => context.config.print(&context.output),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
