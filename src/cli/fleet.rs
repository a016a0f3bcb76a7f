//! `weir fleet`.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{CliError, Context, failed};
use crate::conformance::client::ClientLimits;
use crate::fleet::agent::{Settings, TIME_TO_LIVE, World, client_id};
use crate::fleet::profile::Profile;
use crate::fleet::run::{Plan, run};

/// Profiles to begin with: what `testdata/profiles` has.
const PROFILES: &[&str] = &[
    include_str!("../../testdata/profiles/windows-11-24h2-x64.json"),
    include_str!("../../testdata/profiles/windows-10-22h2-x64.json"),
    include_str!("../../testdata/profiles/windows-server-2022.json"),
    include_str!("../../testdata/profiles/windows-7-sp1-x64.json"),
    include_str!("../../testdata/profiles/windows-10-22h2-x86.json"),
    include_str!("../../testdata/profiles/windows-10-ltsc-2019-x64.json"),
    include_str!("../../testdata/profiles/windows-11-23h2-x64.json"),
    include_str!("../../testdata/profiles/windows-11-24h2-arm64.json"),
    include_str!("../../testdata/profiles/windows-11-25h2-x64.json"),
    include_str!("../../testdata/profiles/windows-8-1-x64.json"),
    include_str!("../../testdata/profiles/windows-server-2012-r2.json"),
    include_str!("../../testdata/profiles/windows-server-2016.json"),
    include_str!("../../testdata/profiles/windows-server-2019.json"),
    include_str!("../../testdata/profiles/windows-server-2025.json"),
    include_str!("../../testdata/profiles/windows-11-24h2-x64-laptop.json"),
];

/// Run simulated computers against a server. Exit code 1 when one had something to complain of.
#[derive(Debug, Args)]
pub(super) struct Fleet {
    /// The server, for example https://127.0.0.1:8531.
    #[arg(long, value_name = "URL")]
    against: String,
    /// How many computers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    computers: u32,
    /// What the machines are: they take turns. Can be given several times [default: built-in ones]
    #[arg(long = "profile", value_name = "FILE")]
    profiles: Vec<PathBuf>,
    /// Days that every computer lives: it scans, reports, downloads and installs on each.
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u32,
    /// Roots to trust, in PEM; needed for https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds within which the computers come.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    spread: u64,
    /// Another seed makes other computers; the same one the same again.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Most calls, and most downloads, at a time.
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    at_once: u32,
    /// Target groups that policy names, separated by semicolons.
    #[arg(long, value_name = "NAMES")]
    group: Option<String>,
    /// Hours for which metadata is good.
    #[arg(long, value_name = "HOURS", default_value_t = TIME_TO_LIVE.as_secs() / 3600)]
    time_to_live: u64,
    /// A directory with the machines as the last run left them, one file for each computer: read
    /// if it is there, and written at the end.
    #[arg(long, value_name = "DIR")]
    machines: Option<PathBuf>,
}

impl Fleet {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let settings = Settings {
            seed: self.seed,
            spread: Duration::from_secs(self.spread),
            at_once: usize::try_from(self.at_once).unwrap_or(usize::MAX),
            target_group: self.group.clone(),
            time_to_live: Duration::from_secs(self.time_to_live.saturating_mul(3600)),
        };
        let plan = Plan { machines: self.machines()?, rounds: self.rounds };
        let world = World::new(settings, &self.against, self.ca, ClientLimits::default());
        let world = Arc::new(world.map_err(|error| failed(&error))?);
        let computers = self.computers;
        let shows = std::io::stderr().is_terminal();
        let outcome = run(world, plan, |world, elapsed| {
            if shows {
                eprint!("{}", progress(world, computers, elapsed));
            }
        });
        let outcome = outcome.await;
        if shows {
            eprintln!();
        }
        if let Some(directory) = &self.machines {
            for (client_id, profile) in &outcome.machines {
                write_machine(directory, client_id, profile)?;
            }
        }
        let value: Value = serde_json::to_value(&outcome.report).map_err(|error| failed(&error))?;
        context.output.print(&value, |_| outcome.report.to_string())?;
        if outcome.report.failures.is_empty() { Ok(()) } else { Err(CliError::Negative) }
    }

    /// A machine for every computer: as it was left, or as the profiles have it in turn.
    fn machines(&self) -> Result<Vec<Profile>, CliError> {
        let profiles: Vec<Profile> = if self.profiles.is_empty() {
            let built_in = PROFILES.iter().map(|json| Profile::read(json));
            built_in.collect::<Result<_, _>>().map_err(|error| failed(&error))?
        } else {
            self.profiles.iter().map(|path| read_profile(path)).collect::<Result<_, _>>()?
        };
        let mut machines = Vec::new();
        for (number, profile) in (0..u64::from(self.computers)).zip(profiles.iter().cycle()) {
            let directory = self.machines.as_deref();
            let left = directory.map(|it| machine_file(it, &client_id(self.seed, number)));
            machines.push(match left {
                Some(path) if path.exists() => read_profile(&path)?,
                _ => profile.clone(),
            });
        }
        Ok(machines)
    }
}

/// One line, over the last one.
fn progress(world: &World, computers: u32, elapsed: Duration) -> String {
    let statistics = &world.statistics;
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "\r{:6.1} s  {}/{computers} computers  {} scans  {} calls  {} installed  {} complaints ",
        elapsed.as_secs_f64(),
        of(&statistics.done),
        of(&statistics.scans),
        statistics.calls(),
        of(&statistics.installed),
        world.referee.total(),
    )
}

/// Reads a profile from a file.
pub(super) fn read_profile(path: &Path) -> Result<Profile, CliError> {
    let failed = |reason: String| CliError::Failed(format!("{}: {reason}", path.display()));
    let json = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Profile::read(&json).map_err(|error| failed(error.to_string()))
}

fn machine_file(directory: &Path, client_id: &str) -> PathBuf {
    directory.join(format!("{client_id}.json"))
}

fn write_machine(directory: &Path, client_id: &str, profile: &Profile) -> Result<(), CliError> {
    let path = machine_file(directory, client_id);
    let json = serde_json::to_string(profile).map_err(|error| failed(&error))?;
    let written =
        fs::create_dir_all(directory).and_then(|()| fs::write(&path, format!("{json}\n")));
    written.map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))
}
