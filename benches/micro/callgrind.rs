//! Counting instructions: this program again, under valgrind, once for each step.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use crate::steps::Step;

/// How much more than on record is a regression, in hundredths. Hash tables are seeded at random,
/// and allocation depends on addresses; that makes less than one.
const TOLERANCE: f64 = 2.0;

/// What stands in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    /// The compiler whose code was counted.
    compiler: String,
    /// Instructions by step.
    instructions: BTreeMap<String, u64>,
}

/// Counts, compares and prints; fails when a step became dearer.
pub(crate) fn run<'s>(steps: impl Iterator<Item = &'s Step>, record: bool) -> ExitCode {
    let compiler = compiler();
    let mut old = read();
    if old.compiler != compiler && !record {
        eprintln!("on record are counts of {}, these are of {compiler}", old.compiler);
    }
    let mut worse = false;
    println!("{:<28} {:>14} {:>14} {:>8}", "STEP", "INSTRUCTIONS", "ON RECORD", "CHANGE");
    for step in steps {
        let counted = match count(step.name) {
            Ok(counted) => counted,
            Err(reason) => {
                eprintln!("{}: {reason}", step.name);
                return ExitCode::FAILURE;
            }
        };
        let before = old.instructions.insert(step.name.to_owned(), counted);
        let change = before.map(|before| (counted as f64 / before as f64 - 1.0) * 100.0);
        let (shown, change_text) = match (before, change) {
            (Some(before), Some(change)) => (before.to_string(), format!("{change:+.1} %")),
            _ => ("none".to_owned(), String::new()),
        };
        worse |= !record && change.is_none_or(|change| change > TOLERANCE);
        println!("{:<28} {counted:>14} {shown:>14} {change_text:>8}", step.name);
    }
    if record {
        old.compiler = compiler;
        let text = serde_json::to_string_pretty(&old).unwrap_or_default();
        fs::write(path(), text + "\n").expect("the record can be written");
    }
    if worse {
        eprintln!("more than {TOLERANCE} % above what is on record; if it is worth it, --record");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The instructions of one step.
fn count(name: &str) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--collect-atstart=no", "--toggle-collect=*measured*"])
        .arg(program)
        .args(["--once", name])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind is needed: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(text.into_owned());
    }
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let collected = collected.and_then(|(_, count)| count.trim().parse().ok());
    collected.filter(|count| *count > 0).ok_or_else(|| format!("nothing was counted: {text}"))
}

fn read() -> Record {
    let text = fs::read_to_string(path()).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/micro/instructions.json")
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "an unknown compiler".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
