//! Many agents at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::agent::{Agent, World};
use super::profile::Profile;
use super::statistics::Report;

/// How long the last line of progress is good.
const PROGRESS: Duration = Duration::from_millis(500);

/// What is to be run.
#[derive(Debug)]
pub struct Plan {
    /// The machines, one for each computer.
    pub machines: Vec<Profile>,
    /// Days that every computer lives.
    pub rounds: u32,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// In numbers.
    pub report: Report,
    /// The machines as they are now, by the computer's id.
    pub machines: BTreeMap<String, Profile>,
}

/// Lets every computer live its days, and tells `progress` what is going on twice a second.
pub async fn run(world: Arc<World>, plan: Plan, progress: impl Fn(&World, Duration)) -> Outcome {
    let started = Instant::now();
    let computers = plan.machines.len() as u64;
    let mut running = JoinSet::new();
    for (number, profile) in (0..).zip(plan.machines) {
        let agent = Agent::new(Arc::clone(&world), number, profile);
        running.spawn(live(agent, number, plan.rounds));
    }
    let mut machines = BTreeMap::new();
    let mut ticks = tokio::time::interval(PROGRESS);
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok((client_id, profile))) => {
                    world.statistics.done.fetch_add(1, Ordering::Relaxed);
                    machines.insert(client_id, profile);
                }
                // A panic ends the process by itself, and nothing cancels an agent.
                Some(Err(_)) => {}
                None => break,
            },
            _ = ticks.tick() => progress(&world, started.elapsed()),
        }
    }
    let failures = world.referee.failures();
    let fragments = world.library.cores();
    let took = started.elapsed();
    let report = Report::new(&world.statistics, computers, failures, fragments, took);
    Outcome { report, machines }
}

async fn live(mut agent: Agent, number: u64, rounds: u32) -> (String, Profile) {
    tokio::time::sleep(agent.arrival(number)).await;
    for round in 0..rounds {
        agent.live_a_day(round == 0).await;
    }
    (agent.client_id().to_owned(), agent.profile().clone())
}
