//! Single steps of a request, each on its own: how long one takes, and how many instructions.
//!
//! Time needs a quiet machine. Instructions do not: callgrind counts the same ones on a busy one,
//! so a change that costs something shows by itself. `instructions.json` holds what they were;
//! `cargo bench --bench micro -- --callgrind` counts again and fails when a step takes more than
//! the tolerance above that, `-- --callgrind --record` writes the file anew. The counts are those
//! of one compiler, which the file names, and one kind of processor.

mod callgrind;
mod drivers;
mod fixture;
mod requests;
mod steps;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

/// How long each step is repeated.
const TIME: Duration = Duration::from_millis(400);

/// Parts of this time that are timed on their own; the fastest is the least disturbed.
const SAMPLES: u32 = 8;

/// Measure single steps.
#[derive(Debug, Parser)]
struct Options {
    /// Only steps whose name begins so.
    #[arg(long, default_value = "", value_name = "NAME")]
    only: String,
    /// Count instructions under valgrind and compare them with those on record.
    #[arg(long)]
    callgrind: bool,
    /// Put the counts on record.
    #[arg(long, requires = "callgrind")]
    record: bool,
    /// Take this step once: what runs under valgrind.
    #[arg(long, hide = true, value_name = "NAME")]
    once: Option<String>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    fixture::provide();
    if let Some(name) = &options.once {
        let mut step = (steps::find(name).expect("a step of this name").prepare)();
        // What is made at first use is not what the step costs.
        step();
        measured(&mut *step);
        return ExitCode::SUCCESS;
    }
    let chosen = steps::ALL.iter().filter(|step| step.name.starts_with(&options.only));
    if options.callgrind {
        return callgrind::run(chosen.filter(|step| step.counted), options.record);
    }
    println!("{:<28} {:>14}", "STEP", "TIME");
    for step in chosen {
        let time = fastest(&mut *(step.prepare)());
        println!("{:<28} {:>14}", step.name, format!("{time:.2?}"));
    }
    ExitCode::SUCCESS
}

/// The time of one repetition in the fastest of some samples.
fn fastest(step: &mut dyn FnMut()) -> Duration {
    let began = Instant::now();
    step();
    let once = began.elapsed().max(Duration::from_nanos(1));
    let repetitions = (TIME / SAMPLES).as_nanos() / once.as_nanos();
    let repetitions = u32::try_from(repetitions).unwrap_or(u32::MAX).max(1);
    let sample = |_| {
        let began = Instant::now();
        for _ in 0..repetitions {
            measured(step);
        }
        began.elapsed() / repetitions
    };
    (0..SAMPLES).map(sample).min().unwrap_or_default()
}

/// What callgrind looks for by its name: it counts from the start of this to its end.
#[inline(never)]
fn measured(step: &mut dyn FnMut()) {
    black_box(step)();
}
