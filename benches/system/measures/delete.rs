//! Superseded updates are deleted while computers scan.
//!
//! They are declined beforehand, and so are out of everybody's scope: deleting them is the server's
//! own affair, and a scan must not notice. So the same agents rescan at the same pace before and
//! meanwhile, and the time that 99 of 100 answers take is compared.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use uuid::Uuid;
use weir::policy::by::By;
use weir::state::{Decision, State};

use super::Found;
use crate::catalogue::published;
use crate::connection::Target;
use crate::load::{self, Caller};
use crate::machine::Aim;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::rescanner::{self, Rescanner};
use crate::{Failure, Outcome, stage};

/// Updates that are declined, and of which those go that nothing needs.
const DECLINED: usize = 20_000;

/// Agents, each on a connection of its own.
const AGENTS: usize = 16;

/// How long an agent waits between two scans: the cores are to be busy, and not with this alone.
const PAUSE: Duration = Duration::from_millis(20);

/// How long they scan before.
const BEFORE: Duration = Duration::from_secs(5);

pub(super) fn take(size: Size, options: &Options) -> Outcome<Vec<Found>> {
    let copy = stage::copy(&stage::store(size, options)?)?;
    let data = copy.path().join("data");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let declined = runtime.block_on(decline(&data))?;
    drop(runtime);
    let server = Process::serve(&data)?;
    let target = Target::plain(server.http);
    let published = published(&stage::catalogue(size, options)?)?;
    let aim = Aim { installed: 94, others: 1_367 };
    let agents = Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(rescanner::settled(&target, &published, aim, AGENTS))?;
    let (agents, before) = scan(&target, agents, || {
        std::thread::sleep(BEFORE);
        Ok(())
    })?;
    let mut deleted = 0;
    let mut took = Duration::ZERO;
    let (_, meanwhile) = scan(&target, agents, || {
        let began = Instant::now();
        let mut command = stage::weir();
        command.args(["cleanup", "run", "--now", "--data"]).arg(&data).stderr(Stdio::null());
        let done = stage::json(&mut command)?;
        took = began.elapsed();
        deleted = done["deleted"].as_array().map_or(0, Vec::len);
        Ok(())
    })?;
    server.stop()?;
    if deleted == 0 {
        return Err("nothing was deleted".into());
    }
    let note = format!("{deleted} updates of {declined} that were declined");
    let latency = format!("{meanwhile:.1} ms, and {before:.1} ms before");
    let found = |value, note| Found { value, reference: None, note };
    Ok(vec![found(took.as_secs_f64(), note), found(meanwhile / before, latency)])
}

/// Declines what others replace; returns how many updates that are.
async fn decline(data: &std::path::Path) -> Outcome<usize> {
    let now = || time::OffsetDateTime::now_utc().unix_timestamp();
    let state = Arc::new(State::open(data, &Default::default(), now)?);
    let superseded: Vec<Uuid> = {
        let published = state.published();
        let catalog = &published.catalog;
        let updates = (0..).take(catalog.update_count());
        let updates = updates.filter(|update| catalog.superseded_by(*update).next().is_some());
        updates.filter_map(|update| catalog.update_id(update)).take(DECLINED).collect()
    };
    let mut deciding = tokio::task::JoinSet::new();
    for update in superseded {
        let state = Arc::clone(&state);
        deciding.spawn(async move {
            state.decide(By::administrator(), update, Decision::Decline).await.is_ok()
        });
    }
    let declined = deciding.join_all().await.into_iter().filter(|declined| *declined).count();
    state.close().await;
    Ok(declined)
}

/// Lets agents scan until `work` is done; returns them, and the milliseconds within which 99 of 100
/// had their answer.
fn scan(
    target: &Target,
    agents: Vec<Rescanner>,
    work: impl FnOnce() -> Outcome<()>,
) -> Outcome<(Vec<Rescanner>, f64)> {
    let done = Arc::new(AtomicBool::new(false));
    let scanning = {
        let (target, done) = (target.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            let asking = agents.into_iter().map(|agent| ask(target.clone(), agent, done.clone()));
            load::spread(asking.collect())
        })
    };
    let worked = work();
    done.store(true, Ordering::Relaxed);
    let scanned = scanning.join().map_err(|_| "a thread of the load panicked")??;
    worked?;
    let (mut agents, mut times) = (Vec::new(), Vec::new());
    for scanned in scanned {
        let (agent, own) = scanned?;
        agents.push(agent);
        times.extend(own);
    }
    times.sort_unstable();
    let position = times.len() * 99 / 100;
    let p99: Duration =
        times.get(position.min(times.len().saturating_sub(1))).copied().ok_or("no scans")?;
    Ok((agents, p99.as_secs_f64() * 1_000.0))
}

async fn ask(
    target: Target,
    mut agent: Rescanner,
    done: Arc<AtomicBool>,
) -> Result<(Rescanner, Vec<Duration>), Failure> {
    let mut connection = target.connect().await?;
    let mut times = Vec::new();
    while !done.load(Ordering::Relaxed) || times.is_empty() {
        let began = Instant::now();
        let answer = connection.ask(agent.request()).await?;
        times.push(began.elapsed());
        agent.answered(&answer)?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok((agent, times))
}
