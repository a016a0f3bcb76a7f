//! Everybody comes back at once: every agent of a large company rescans, each on a connection of
//! its own, with a handshake of its own.
//!
//! So many come at a time, and when one is done the next one comes; so the whole takes as long as
//! the server takes. An agent is done when it has its answer; the time it took begins before it
//! connects.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use super::{Found, turns};
use crate::catalogue::published;
use crate::connection::Target;
use crate::load::Caller;
use crate::machine::Aim;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::rescanner::{self, Rescanner};
use crate::table::Measure;
use crate::{Failure, Outcome, load, stage};

/// Agents at a time.
const AT_ONCE: usize = 64;

/// Different lists of ids; the agents share them, but for their cookies.
const MACHINES: usize = 128;

/// Addresses that agents come from. A closed connection keeps its port for a minute, and one
/// address has some 28,000.
const ADDRESSES: usize = 64;

/// Agents that come if it is only to see that it works.
const FEW: usize = 2_000;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Vec<Found>> {
    // At another size it only shows how cost grows, and the time is that of a tenth, ten times.
    let counts = turns(Measure::Storm, size, options) > 1;
    let count = match (options.quick, counts) {
        (true, _) => FEW.min(options.agents),
        (false, true) => options.agents,
        (false, false) => (options.agents / 10).max(1),
    };
    let copy = stage::copy(&stage::store(size, options)?)?;
    let data = copy.path().join("data");
    let server = Process::serve(&data)?;
    let published = published(&stage::catalogue(size, options)?)?;
    let aim = Aim { installed: 94, others: 1_367 };
    let machines = Builder::new_current_thread().enable_all().build()?.block_on(
        rescanner::settled(&Target::plain(server.http), &published, aim, MACHINES.min(count)),
    )?;
    let machines = Arc::new(machines);
    let began = Instant::now();
    let agents = register(&Target::plain(server.http), &machines, count)?;
    eprintln!("{count} agents registered in {:.0} s", began.elapsed().as_secs_f64());

    let target = Target::trusting(server.https, &data)?;
    let began = Instant::now();
    let came = storm(&target, &machines, &Arc::new(agents))?;
    let took = began.elapsed().as_secs_f64();
    server.stop()?;

    let (mut times, mut failures) = (Vec::with_capacity(count), Vec::new());
    for came in came {
        match came {
            Ok(time) => times.push(time),
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    times.sort_unstable();
    let milliseconds = |hundredths: usize| {
        let position = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times.get(position).map_or(f64::INFINITY, |time: &Duration| time.as_secs_f64() * 1_000.0)
    };
    let note = format!("{count} agents, {AT_ONCE} at a time, {:.0} a second", count as f64 / took);
    let latency = format!("p50 {:.1} ms, slowest {:.0} ms", milliseconds(50), milliseconds(100));
    let found = |value, note| Found { value, reference: None, note };
    Ok(vec![
        found(took * options.agents as f64 / count as f64, note),
        found(failures.len() as f64, failures.first().cloned().unwrap_or_default()),
        found(milliseconds(99), latency),
    ])
}

/// Registers the computers, each with the lists of a machine; returns their cookies.
fn register(target: &Target, machines: &Arc<Vec<Rescanner>>, count: usize) -> Outcome<Vec<String>> {
    let next = Arc::new(AtomicUsize::new(0));
    let registering = (0..AT_ONCE).map(|_| {
        let (target, machines, next) = (target.clone(), Arc::clone(machines), Arc::clone(&next));
        async move {
            let mut connection = target.connect().await?;
            let mut registered = Vec::new();
            loop {
                let agent = next.fetch_add(1, Ordering::Relaxed);
                if agent >= count {
                    return Ok::<_, Failure>(registered);
                }
                let machine = &machines[agent % machines.len()];
                registered.push((agent, machine.another(&mut connection).await?));
            }
        }
    });
    let mut cookies = Vec::with_capacity(count);
    for registered in load::spread(registering.collect())? {
        cookies.extend(registered?);
    }
    cookies.sort_unstable();
    Ok(cookies.into_iter().map(|(_, cookie)| cookie).collect())
}

/// Lets all agents come; returns how long each took, or what went wrong.
fn storm(
    target: &Target,
    machines: &Arc<Vec<Rescanner>>,
    cookies: &Arc<Vec<String>>,
) -> Outcome<Vec<Outcome<Duration>>> {
    let next = Arc::new(AtomicUsize::new(0));
    let coming = (0..AT_ONCE).map(|_| {
        let (target, next) = (target.clone(), Arc::clone(&next));
        let (machines, cookies) = (Arc::clone(machines), Arc::clone(cookies));
        async move {
            let mut times = Vec::new();
            loop {
                let agent = next.fetch_add(1, Ordering::Relaxed);
                let Some(cookie) = cookies.get(agent) else { return times };
                let rescanner = machines[agent % machines.len()].with_cookie(cookie);
                let began = Instant::now();
                let came = visit(&target, rescanner, source(agent)).await;
                times.push(came.map(|()| began.elapsed()));
            }
        }
    });
    Ok(load::spread(coming.collect())?.into_iter().flatten().collect())
}

/// One agent: it connects, rescans and leaves.
async fn visit(target: &Target, mut rescanner: Rescanner, source: IpAddr) -> Outcome<()> {
    let mut connection = target.connect_from(source).await?;
    let answer = connection.ask(rescanner.request()).await?;
    rescanner.answered(&answer)
}

/// Where an agent comes from: one of the many addresses of the loopback interface.
fn source(agent: usize) -> IpAddr {
    let number = (agent % ADDRESSES) as u8;
    IpAddr::from([127, 0, 1, number])
}
