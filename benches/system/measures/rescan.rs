//! Rescans that find nothing new: what a server does all day.
//!
//! Each agent is a registered computer with lists of its own, every request carries the cookie of
//! the answer before, and every answer has to be the empty one. The bare server reads the same
//! requests and writes such an answer, so that the load does the same work with both.

use tokio::runtime::Builder;

use super::{Found, middle, turns, window};
use crate::catalogue::published;
use crate::connection::Target;
use crate::machine::Aim;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::rescanner::{self, Rescanner};
use crate::table::Measure;
use crate::{Outcome, bare, load, stage};

/// Connections at once.
const CONNECTIONS: usize = 32;

/// Agents that take turns on each.
const AGENTS: usize = 8;

/// Which of the rows; as [`Measure::Rescan`] says.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) long: bool,
    pub(super) tls: bool,
    pub(super) read: bool,
}

pub(super) fn take(kind: Kind, size: Size, options: &Options) -> Outcome<Found> {
    let Kind { long, tls, read } = kind;
    let aim = match long {
        false => Aim { installed: 94, others: 1_367 },
        true => Aim { installed: 180, others: 10_084 },
    };
    let store = stage::store(size, options)?;
    let copy = stage::copy(&store)?;
    let data = copy.path().join("data");
    let server = Process::serve(&data)?;
    let agents = if options.quick { CONNECTIONS } else { CONNECTIONS * AGENTS };
    let published = published(&stage::catalogue(size, options)?)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let rescanners = runtime.block_on(rescanner::settled(
        &Target::plain(server.http),
        &published,
        aim,
        agents,
    ))?;
    let note = rescanner::describe(&rescanners);

    let sample = rescanners.first().ok_or("no agents")?.request.clone();
    let bare = runtime.block_on(async {
        let mut connection = Target::plain(server.http).connect().await?;
        bare::start(&data, &connection.ask(&sample).await?)
    })?;
    let target = |process: &Process| match tls {
        false => Ok(Target::plain(process.http)),
        true => Target::trusting(process.https, &data),
    };
    let (ours, theirs) = (target(&server)?, target(&bare)?);

    let mut groups: Vec<Vec<Rescanner>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for (position, mut rescanner) in rescanners.into_iter().enumerate() {
        if read {
            rescanner.never_twice()?;
        }
        groups[position % CONNECTIONS].push(rescanner);
    }
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..turns(Measure::Rescan { long, tls, read }, size, options) {
        for (target, rates) in [&ours, &theirs].into_iter().zip(&mut rates) {
            let (back, rate) = load::run(target, groups, window(options))?;
            groups = back;
            // What the bare server answers with is a cookie of somebody else.
            groups.iter_mut().flatten().for_each(Rescanner::restore);
            rates.push(rate);
        }
    }
    let [value, reference] = rates.map(middle);
    server.stop()?;
    Ok(Found { value, reference: Some(reference), note })
}
