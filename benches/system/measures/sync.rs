//! A server that has nothing synchronises with one that has all, both on this machine, so that one
//! serves with half of the processors what the other stores with the other half.
//!
//! The clock runs from the command that begins until the history has the end: authorization, lists,
//! documents, and all of it durable and visible.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Found;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::{Outcome, stage};

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn take(size: Size, options: &Options) -> Outcome<Vec<Found>> {
    let above = stage::copy(&stage::store(size, options)?)?;
    let above = Process::serve(&above.path().join("data"))?;
    let directory = tempfile::tempdir_in(stage::root())?;
    let data = directory.path().join("data");
    let run = |arguments: &[&str]| -> Outcome<Value> {
        stage::json(stage::weir().args(arguments).arg("--data").arg(&data))
    };
    let url = format!("http://{}", above.http);
    run(&["sync", "source", &url, "--content", "none", "--no-report"])?;
    run(&["sync", "select", "--everything", "true"])?;
    let below = Process::serve(&data)?;
    below.forget_peak()?;
    let began = Instant::now();
    run(&["sync", "now"])?;
    let ended = loop {
        std::thread::sleep(LOOK);
        let status = run(&["sync", "status"])?;
        if status["running"].is_null() && !status["last"].is_null() {
            break status["last"].clone();
        }
    };
    let took = began.elapsed().as_secs_f64();
    if ended["status"] != 6702 || ended["failures"] != 0 {
        return Err(format!("it did not end well: {ended}").into());
    }
    let count = |key: &str| ended[key].as_u64().unwrap_or(0);
    let revisions = count("new") + count("changed");
    let peak = below.memory()?.peak as f64 / 1e6;
    below.stop()?;
    above.stop()?;
    let note = format!("{revisions} revisions in {took:.1} s");
    Ok(vec![
        Found { value: revisions as f64 / took, reference: None, note },
        Found { value: peak, reference: None, note: String::new() },
    ])
}
