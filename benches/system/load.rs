//! The load: connections that ask again as soon as they were answered, on as many threads as there
//! are cores, which they share with the server.

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::connection::{Answer, Target};

/// One client of many on a connection: what it asks next, and whether the answer was right.
pub(crate) trait Caller: Send + 'static {
    /// The next request.
    fn request(&mut self) -> &[u8];
    /// Looks at the answer. An error fails the whole measurement.
    fn answered(&mut self, answer: &Answer<'_>) -> Outcome<()>;
}

/// How long to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Not counted.
    pub(crate) warm: Duration,
    /// Counted.
    pub(crate) time: Duration,
}

/// Asks `target` on one connection for each group of callers, who take turns; returns the callers
/// and how many correct answers came a second.
pub(crate) fn run<C: Caller>(
    target: &Target,
    groups: Vec<Vec<C>>,
    window: Window,
) -> Outcome<(Vec<Vec<C>>, f64)> {
    let begin = Instant::now() + window.warm;
    let end = begin + window.time;
    let asking = groups.into_iter().map(|group| ask(target.clone(), group, begin, end));
    let (mut groups, mut answers) = (Vec::new(), 0);
    for asked in spread(asking.collect())? {
        let (group, counted) = asked?;
        groups.push(group);
        answers += counted;
    }
    Ok((groups, answers as f64 / window.time.as_secs_f64()))
}

/// Runs futures to their ends, spread over as many threads as there are cores. Each thread keeps
/// its own: passing them around would cost the load what it measures.
pub(crate) fn spread<F>(futures: Vec<F>) -> Outcome<Vec<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut shares: Vec<Vec<F>> = (0..threads).map(|_| Vec::new()).collect();
    for (position, future) in futures.into_iter().enumerate() {
        shares[position % threads].push(future);
    }
    let workers: Vec<_> =
        shares.into_iter().map(|share| thread::spawn(move || finish(share))).collect();
    let mut outputs = Vec::new();
    for worker in workers {
        outputs.extend(worker.join().map_err(|_| "a thread of the load panicked")??);
    }
    Ok(outputs)
}

fn finish<F>(share: Vec<F>) -> Outcome<Vec<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for future in share {
            tasks.spawn(future);
        }
        Ok(tasks.join_all().await)
    })
}

async fn ask<C: Caller>(
    target: Target,
    mut group: Vec<C>,
    begin: Instant,
    end: Instant,
) -> Outcome<(Vec<C>, u64)> {
    let mut connection = target.connect().await?;
    let mut counted = 0;
    'asking: loop {
        for caller in &mut group {
            let answer = connection.ask(caller.request()).await?;
            caller.answered(&answer)?;
            let now = Instant::now();
            if now >= end {
                break 'asking;
            }
            counted += u64::from(now >= begin);
        }
    }
    Ok((group, counted))
}
