//! Memory: with everything loaded and nobody asking, and while many scan for the first time.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Found, PROFILE};
use crate::agent::{Agent, call};
use crate::connection::Target;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::scan::{Profile, first_scan};
use crate::{Failure, Outcome, stage};

/// Computers that scan at once.
const COMPUTERS: usize = 200;

/// After so long it is clear what they take, even if they are not through.
const PATIENCE: Duration = Duration::from_secs(90);

/// Bytes of a megabyte, as the limits mean it.
const MEGABYTE: f64 = 1e6;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Vec<Found>> {
    let copy = stage::copy(&stage::store(size, options)?)?;
    let profile = Arc::new(Profile::read(&stage::catalogue(size, options)?, PROFILE)?);
    let server = Process::serve(&copy.path().join("data"))?;
    let target = Target::plain(server.http);
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let idle = runtime.block_on(async {
        let mut connection = target.connect().await?;
        let agent = Agent::register(&mut connection).await?;
        call(&mut connection, agent.software_pass(&[], &[])).await?;
        // What the start needed and the program gave back is gone by now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        server.memory()
    })?;
    server.forget_peak()?;
    let patience = if options.quick { Duration::from_secs(10) } else { PATIENCE };
    let finished = runtime.block_on(scans(&target, &profile, patience))?;
    let busy = server.memory()?;
    drop(runtime);
    server.stop()?;
    let megabytes = |bytes: u64| bytes as f64 / MEGABYTE;
    let start = format!("{:.0} MB at most while it started", megabytes(idle.peak));
    let scanned = format!("the most that was resident; {finished} of {COMPUTERS} scans ended");
    Ok(vec![
        Found { value: megabytes(idle.resident), reference: None, note: start },
        Found { value: megabytes(busy.peak), reference: None, note: scanned },
    ])
}

/// Lets all computers scan; returns how many came to the end within `patience`.
async fn scans(target: &Target, profile: &Arc<Profile>, patience: Duration) -> Outcome<usize> {
    let end = Instant::now() + patience;
    let mut tasks = JoinSet::new();
    for _ in 0..COMPUTERS {
        let (target, profile) = (target.clone(), Arc::clone(profile));
        tasks.spawn(async move {
            let mut connection = target.connect().await?;
            let mut agent = Agent::register(&mut connection).await?;
            let scan = first_scan(&mut agent, &profile, &mut connection);
            match tokio::time::timeout_at(end, scan).await {
                Ok(scan) => scan.map(|_| true),
                Err(_) => Ok(false),
            }
        });
    }
    let mut finished = 0;
    while let Some(ended) = tasks.join_next().await {
        finished += usize::from(ended.map_err(Failure::from)??);
    }
    Ok(finished)
}
