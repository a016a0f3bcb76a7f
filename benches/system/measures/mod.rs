//! One file a measure.

mod compliance;
mod content;
mod delete;
mod drivers;
mod events;
mod first_scan;
mod import;
mod memory;
mod rescan;
mod revision_list;
mod start;
mod storm;
mod sync;

use std::process::Command;
use std::time::Duration;

use time::OffsetDateTime;

use crate::Outcome;
use crate::load::Window;
use crate::options::{Options, Size};
use crate::results::Figure;
use crate::table::{Measure, ROWS};

/// The machine that scans for the first time.
const PROFILE: &str = "windows-11-24h2-x64";

/// What a measure found for a row, before it is judged.
struct Found {
    /// The value.
    value: f64,
    /// What a bare server did in the same run.
    reference: Option<f64>,
    /// What else a reader should know.
    note: String,
}

/// Takes a measure: a figure for each row that comes from it.
pub(crate) fn take(measure: Measure, size: Size, options: &Options) -> Outcome<Vec<Figure>> {
    let found = match measure {
        Measure::Rescan { long, tls, read } => {
            vec![rescan::take(rescan::Kind { long, tls, read }, size, options)?]
        }
        Measure::FirstScan => first_scan::take(size, options)?,
        Measure::DriverPass => drivers::take(size, options)?,
        Measure::Storm => storm::take(size, options)?,
        Measure::Memory => memory::take(size, options)?,
        Measure::Import => vec![import::take(size, options)?],
        Measure::Sync => sync::take(size, options)?,
        Measure::RevisionList => vec![revision_list::take(size, options)?],
        Measure::Start => vec![start::take(size, options)?],
        Measure::Events => vec![events::take(size, options)?],
        Measure::Compliance { million } => compliance::take(million, size, options)?,
        Measure::Delete => delete::take(size, options)?,
        Measure::Content { tls } => vec![content::take(tls, options)?],
    };
    let rows = ROWS.iter().filter(|row| row.measure == measure);
    let commit = match &options.binary {
        None => commit(),
        Some(_) => "another build".to_owned(),
    };
    let date = OffsetDateTime::now_utc().date().to_string();
    Ok(rows
        .zip(found)
        .map(|(row, Found { value, reference, note })| {
            let reference = reference.unwrap_or_else(|| row.bound.must());
            Figure {
                name: row.name.to_owned(),
                size,
                value,
                reference,
                ratio: row.bound.ratio(value, reference),
                note,
                quick: options.quick,
                commit: commit.clone(),
                date: date.clone(),
            }
        })
        .collect())
}

/// The one in the middle.
fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

/// How long to ask at a time.
fn window(options: &Options) -> Window {
    match options.quick {
        true => Window { warm: Duration::from_millis(300), time: Duration::from_secs(1) },
        false => Window { warm: Duration::from_secs(1), time: Duration::from_secs(4) },
    }
}

/// How often each side is asked; the middle one counts. What only shows how cost grows is asked
/// once.
fn turns(measure: Measure, size: Size, options: &Options) -> usize {
    let counts = ROWS.iter().any(|row| row.measure == measure && row.size == size);
    if counts && !options.quick { 3 } else { 1 }
}

/// The commit that is measured, marked if what is measured is not quite that.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=10", "HEAD"]).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "src"]);
    let mark = if changed.is_some_and(|text| !text.is_empty()) { "+" } else { "" };
    format!("{commit}{mark}")
}
