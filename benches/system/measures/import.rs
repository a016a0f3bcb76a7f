//! Import into an empty store: what an administrator waits for once, and a synchronisation does
//! every night.
//!
//! The command opens an empty directory, reads all documents, and ends when all is durable. What
//! it made serves the other measures, so that nothing is imported twice.

use std::time::Instant;

use super::Found;
use crate::options::{Options, Size};
use crate::{Outcome, stage};

pub(super) fn take(size: Size, options: &Options) -> Outcome<Found> {
    let catalogue = stage::catalogue(size, options)?;
    let directory = tempfile::tempdir_in(stage::root())?;
    let data = directory.path().join("data");
    // What was just generated is in memory, what was generated yesterday is not.
    let bytes = stage::read_through(&catalogue)?;
    let began = Instant::now();
    let revisions = stage::import(&catalogue, &data)?;
    let took = began.elapsed().as_secs_f64();
    stage::adopt(size, &data)?;
    let note = format!("{revisions} revisions, {} MB, in {took:.1} s", bytes / 1_000_000);
    Ok(Found { value: revisions as f64 / took, reference: None, note })
}
