//! The command line.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::table::{Measure, ROWS};

/// Measure the server as a whole.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Only measures whose name begins so; can be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only at this size; can be given several times. Without it each measure is taken at the size
    /// of its row in the table first, and then at the others.
    #[arg(long, value_name = "SIZE")]
    size: Vec<Size>,
    /// Short: to see that it works, not what it brings.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Agents that come to rescan, each on a connection of its own.
    #[arg(long, default_value_t = 150_000, value_name = "N")]
    pub(crate) agents: usize,
    /// Computers that have reported, for `compliance-*`. Those of `million-*` take 3 GB of disk, 5 of
    /// memory and a minute to make.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub(crate) computers: u32,
    /// Measure this program instead of the one that was built with the benchmark.
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Write all figures, those of earlier runs included, into docs/performance.md, with plots.
    #[arg(long)]
    pub(crate) write_docs: bool,
    /// Measure nothing; only show, or write, what was measured before.
    #[arg(long)]
    show: bool,
    /// Generate catalogues and import stores anew.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    /// When this run began.
    #[arg(skip = SystemTime::now())]
    began: SystemTime,
}

/// Size of the catalogue that a server has loaded, by the name of its preset.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Size {
    /// 5,000 revisions.
    Small,
    /// 20,000 revisions.
    Std,
    /// 137,000 revisions.
    Wsusscn2,
    /// 200,000 revisions, half of them drivers.
    Mu,
}

impl Size {
    /// Those at which it is measured how cost grows: software for the most part.
    const GROWTH: [Self; 3] = [Self::Small, Self::Std, Self::Wsusscn2];

    /// Revisions in it.
    pub(crate) fn revisions(self) -> f64 {
        match self {
            Self::Small => 5_000.0,
            Self::Std => 20_000.0,
            Self::Wsusscn2 => 137_000.0,
            Self::Mu => 200_000.0,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Std => "std",
            Self::Wsusscn2 => "wsusscn2",
            Self::Mu => "mu",
        })
    }
}

impl Options {
    /// Whether what was made in an earlier run is to be made anew.
    pub(crate) fn is_stale(&self, made: &Path) -> bool {
        let modified = fs::metadata(made).and_then(|metadata| metadata.modified());
        self.fresh && modified.map_or(true, |modified| modified < self.began)
    }

    /// What to measure at which size, in the order of the table: all of the table first.
    pub(crate) fn chosen(&self) -> Vec<(Measure, Size)> {
        let mut chosen: Vec<(Measure, Size)> = Vec::new();
        if self.show {
            return chosen;
        }
        let named = |name: &str| {
            self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only.as_str()))
        };
        let rows = ROWS.iter().filter(|row| named(row.name));
        for row in rows.clone() {
            let sizes = if self.size.is_empty() { &[row.size][..] } else { &self.size };
            chosen.extend(sizes.iter().map(|size| (row.measure, *size)));
        }
        if self.size.is_empty() && !self.quick {
            for row in rows.filter(|row| row.measure.grows()) {
                let others = Size::GROWTH.into_iter().filter(|size| *size != row.size);
                chosen.extend(others.map(|size| (row.measure, size)));
            }
        }
        // What an import makes is what the others measure with.
        chosen.sort_by_key(|(measure, _)| *measure != Measure::Import);
        // Several rows can come from one measure.
        let mut seen = HashSet::new();
        chosen.retain(|it| seen.insert(*it));
        chosen
    }
}
