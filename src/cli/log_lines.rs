//! Where log lines go: standard error, many at a time.
//!
//! A busy server writes a line for each of thousands of requests a second, and a system call for
//! each would be a good part of what answering costs. So lines gather for a moment and are written
//! together. Nothing is lost by that but what a killed process had gathered: warnings and errors
//! are written at once, with all that came before them, and so is the rest when the process ends.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather.
const MOMENT: Duration = Duration::from_millis(20);

/// Bytes beyond which who has a line writes them himself, and so waits for a slow reader of the
/// log as he would without any gathering.
const MOST: usize = 1 << 20;

/// Lines that are not written yet.
static GATHERED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// Told when there are some.
static SOME: Condvar = Condvar::new();
/// Held while writing, and before `GATHERED`: lines stay in order.
static WRITING: Mutex<()> = Mutex::new(());

/// Begins to write what gathers.
pub(super) fn start() -> io::Result<()> {
    let run = || loop {
        {
            let gathered = GATHERED.lock().unwrap_or_else(PoisonError::into_inner);
            drop(SOME.wait_while(gathered, |gathered| gathered.is_empty()));
        }
        std::thread::sleep(MOMENT);
        flush();
    };
    std::thread::Builder::new().name("weir-log".into()).spawn(run).map(drop)
}

/// Writes what has gathered.
pub(super) fn flush() {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = std::mem::take(&mut *GATHERED.lock().unwrap_or_else(PoisonError::into_inner));
    // There is nobody left to tell that the log cannot be written.
    let _ = io::stderr().write_all(&lines);
}

/// Takes lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { urgent: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        Line { urgent: *metadata.level() <= Level::WARN }
    }
}

/// Takes one line, in one piece.
#[derive(Debug)]
pub(super) struct Line {
    urgent: bool,
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut gathered = GATHERED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = gathered.is_empty();
        gathered.extend_from_slice(line);
        let is_full = gathered.len() > MOST;
        drop(gathered);
        if self.urgent || is_full {
            flush();
        } else if is_first {
            SOME.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
