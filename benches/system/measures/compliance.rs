//! Many computers with 500 updates each: start, memory, counting and listing.
//!
//! Their records are made once and kept. The times are those of the command line: starting a
//! process, asking over the socket, printing JSON.

use std::time::Instant;

use super::Found;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::reported::RELEVANT;
use crate::{Outcome, stage};

/// Computers in a short run, and in a long one.
const FEW: u32 = 20_000;
const MANY: u32 = 1_000_000;

pub(super) fn take(million: bool, size: Size, options: &Options) -> Outcome<Vec<Found>> {
    let computers = match (options.quick, million) {
        (true, _) => FEW,
        (_, true) => MANY,
        _ => options.computers,
    };
    let data = stage::reported(size, computers, options)?;
    let began = Instant::now();
    let server = Process::serve(&data)?;
    let started = began.elapsed().as_secs_f64();
    let ask = |arguments: &[&str]| -> Outcome<(f64, serde_json::Value)> {
        let began = Instant::now();
        let mut command = stage::weir();
        command.arg("--data").arg(&data).arg("report").args(arguments);
        let answer = stage::json(&mut command)?;
        Ok((began.elapsed().as_secs_f64(), answer))
    };
    let page = ["--limit", "100"];
    let (counted, updates) =
        ask(&[&["updates", "--sort", "needed", "--descending"], &page[..]].concat())?;
    let (listed, first) = ask(&[&["computers"], &page[..]].concat())?;
    let (sorted, worst) =
        ask(&[&["computers", "--sort", "failed", "--descending", "--state", "failed"], &page[..]]
            .concat())?;
    let memory = server.memory()?;
    server.stop()?;
    for report in [&updates["computers"], &first["computers"]] {
        if *report != computers {
            return Err(format!("{report} computers instead of {computers}").into());
        }
    }
    if updates["totals"] != first["totals"] {
        return Err("the counters of updates are not those of computers".into());
    }
    let found = |value, note| Found { value, reference: None, note };
    let with_failures = &worst["computers"];
    Ok(vec![
        found(started, format!("{computers} computers with {RELEVANT} updates each")),
        found(
            memory.resident as f64 / 1e6,
            format!("{:.0} MB at most; {:.0} bytes a computer", memory.peak as f64 / 1e6, {
                memory.resident as f64 / f64::from(computers)
            }),
        ),
        found(counted, format!("{} updates, the 100 most needed", updates["updates"])),
        found(
            listed.max(sorted),
            format!(
                "the slower of: the first 100 ({listed:.2} s), the worst 100 of {with_failures} with failures ({sorted:.2} s)"
            ),
        ),
    ])
}
