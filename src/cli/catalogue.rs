//! `weir catalogue`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::fleet::read_profile;
use super::output::fields;
use super::{CliError, Context};
use crate::fleet::catalogue::{self, Preset, Settings};
use crate::fleet::profile::Profile;

/// Documents between two lines of progress.
const PROGRESS: u64 = 10_000;

/// Make catalogues.
#[derive(Debug, Subcommand)]
pub(super) enum Catalogue {
    /// Write a synthetic catalogue that `weir import` takes.
    Generate(Generate),
}

/// Write a synthetic catalogue: the same bytes everywhere for one version, seed and switches.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Its kind and size: tiny 300, small 5,000, std 20,000, wsusscn2 137,000, mu 200,000 with
    /// drivers, hostile.
    #[arg(long, value_name = "NAME")]
    preset: Preset,
    /// Another seed makes another catalogue of the same kind.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Documents, if not as many as the preset has. A larger number only appends.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: Option<u64>,
    /// Give one update a Core fragment of 47 MB.
    #[arg(long)]
    huge_core: bool,
    /// Write the small files and the licences, too.
    #[arg(long)]
    content: bool,
    /// Write what the machine of this profile should find. Can be given several times.
    #[arg(long = "profile", value_name = "FILE")]
    profiles: Vec<PathBuf>,
    /// An empty directory, or one to be made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Catalogue {
    pub(super) fn run(self, context: &Context) -> Result<(), CliError> {
        let Self::Generate(command) = self;
        let profiles: Result<Vec<Profile>, CliError> =
            command.profiles.iter().map(|path| read_profile(path)).collect();
        let settings = Settings {
            preset: command.preset,
            seed: command.seed,
            count: command.count.unwrap_or(command.preset.count()),
            huge_core: command.huge_core,
        };
        let progress = |documents: u64| {
            if documents.is_multiple_of(PROGRESS) {
                eprintln!("{documents} documents written");
            }
        };
        let manifest = tokio::task::block_in_place(|| {
            catalogue::generate(&settings, &command.out, &profiles?, command.content, progress)
                .map_err(|error| CliError::Failed(error.to_string()))
        })?;
        let value: Value = serde_json::to_value(&manifest).unwrap_or_default();
        context.output.print(&value, fields)
    }
}

impl ValueEnum for Preset {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}
