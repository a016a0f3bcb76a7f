//! Whole-process measurements: the real binary, with the load beside it on the same cores.
//!
//! What a program can do is decided by the machine it runs on, so figures alone say little. Each
//! measure here is a ratio: to a bare server that does nothing but move the same bytes, measured in
//! alternation with ours in the same run, or to the figure that has to be reached.
//!
//! The load is honest. Requests are those of registered computers, with ids that the server gave
//! for what they have, no two alike, and every cookie comes from the answer before; only complete
//! and correct answers count, and a wrong one fails the measure. `docs/performance.md` tells how to
//! run this and what came out.

mod agent;
mod bare;
mod catalogue;
mod connection;
mod document;
mod load;
mod machine;
mod measures;
mod nginx;
mod options;
mod plot;
mod process;
mod reported;
mod rescanner;
mod results;
mod scan;
mod soap;
mod stage;
mod table;

use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;

use options::Options;
use results::Results;

/// As the server's, so that the bare server is none the worse for its allocator.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Why a measure could not be taken. Nobody has to tell one from another, only to read it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A result of something that only measurements do.
type Outcome<T> = Result<T, Failure>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(bare::ARGUMENT) {
        return bare::main(arguments);
    }
    let options = Options::parse();
    if let Some(binary) = &options.binary {
        stage::measure(binary.clone());
    }
    let mut results = Results::load();
    let mut failed = false;
    for (measure, size) in options.chosen() {
        eprintln!("{measure} at {size}");
        match measures::take(measure, size, &options) {
            Ok(figures) => results.add(&figures),
            Err(failure) => {
                eprintln!("{measure} at {size} failed: {failure}");
                results.forget(measure, size);
                failed = true;
            }
        }
        results.save();
    }
    if options.write_docs
        && let Err(failure) = document::write(&results)
    {
        eprintln!("cannot write the page: {failure}");
        failed = true;
    }
    print!("{}", if options.json { results.to_json() } else { table::render(&results) });
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
