//! The first scan of one computer: how often it has to ask, and what that costs the server.

use tokio::runtime::Builder;

use super::{Found, PROFILE};
use crate::agent::Agent;
use crate::connection::Target;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::scan::{Profile, first_scan};
use crate::{Outcome, stage};

/// Computers, one after the other. The kernel counts processor time in hundredths of a second, so
/// one scan alone cannot be weighed.
const COMPUTERS: usize = 50;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Vec<Found>> {
    let copy = stage::copy(&stage::store(size, options)?)?;
    let profile = Profile::read(&stage::catalogue(size, options)?, PROFILE)?;
    let server = Process::serve(&copy.path().join("data"))?;
    let computers = if options.quick { 5 } else { COMPUTERS };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (scan, cpu) = runtime.block_on(async {
        let mut connection = Target::plain(server.http).connect().await?;
        let mut agents = Vec::new();
        for _ in 0..=computers {
            agents.push(Agent::register(&mut connection).await?);
        }
        // The first one reads what is on disk.
        let mut scan = Default::default();
        let mut before = server.cpu()?;
        for (position, agent) in agents.iter_mut().enumerate() {
            if position == 1 {
                before = server.cpu()?;
            }
            scan = first_scan(agent, &profile, &mut connection).await?;
        }
        Ok::<_, crate::Failure>((scan, server.cpu()?.saturating_sub(before)))
    })?;
    server.stop()?;
    let note = format!("{PROFILE}: {} revisions in {} bytes", scan.updates, scan.bytes);
    let mean = cpu.as_secs_f64() * 1_000.0 / computers as f64;
    Ok(vec![
        Found { value: scan.trips as f64, reference: None, note },
        Found { value: mean, reference: None, note: format!("mean of {computers} computers") },
    ])
}
