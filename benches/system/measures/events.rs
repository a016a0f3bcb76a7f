//! Reports: every batch is on disk before it is answered.
//!
//! Each batch holds what an agent sends after a scan: that the scan has ended (147), and the state
//! of 40 updates in one event (156). Instance ids are new in each, and the states change from one
//! to the next, so nothing can be left out.

use std::ops::Range;

use tokio::runtime::Builder;
use uuid::Uuid;

use super::{Found, middle, turns, window};
use crate::agent::Agent;
use crate::catalogue::published;
use crate::connection::{Answer, Target};
use crate::load::{self, Caller};
use crate::options::{Options, Size};
use crate::process::Process;
use crate::table::Measure;
use crate::{Outcome, stage};

/// Connections at once.
const CONNECTIONS: usize = 64;

/// Computers that take turns on each.
const COMPUTERS: usize = 16;

/// Updates in the list.
const UPDATES: usize = 40;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Found> {
    let copy = stage::copy(&stage::store(size, options)?)?;
    let server = Process::serve(&copy.path().join("data"))?;
    let target = Target::plain(server.http);
    let published = published(&stage::catalogue(size, options)?)?;
    let leaves = published.iter().filter(|update| update.is_leaf);
    let updates: Vec<Uuid> = leaves.map(|it| it.identity.update_id).take(UPDATES).collect();
    let computers = if options.quick { 1 } else { COMPUTERS };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut groups = runtime.block_on(async {
        let mut connection = target.connect().await?;
        let mut groups = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut group = Vec::new();
            for _ in 0..computers {
                let agent = Agent::register(&mut connection).await?;
                group.push(Reporter::new(&agent, &updates)?);
            }
            groups.push(group);
        }
        Ok::<_, crate::Failure>(groups)
    })?;
    let mut rates = Vec::new();
    for _ in 0..turns(Measure::Events, size, options) {
        let (back, rate) = load::run(&target, groups, window(options))?;
        groups = back;
        rates.push(rate);
    }
    server.stop()?;
    let bytes = groups.iter().flatten().map(|it| it.request.len()).max().unwrap_or_default();
    let note = format!("{} computers, {bytes} bytes", CONNECTIONS * computers);
    Ok(Found { value: middle(rates), reference: None, note })
}

/// A computer that reports without end.
struct Reporter {
    request: Vec<u8>,
    /// Where the ends of the instance ids are.
    instances: Vec<Range<usize>>,
    /// Where the letters are that say what the two halves of the list mean.
    letters: [usize; 2],
    sent: u64,
}

impl Reporter {
    fn new(agent: &Agent, updates: &[Uuid]) -> Outcome<Self> {
        let list = |updates: &[Uuid]| {
            let ids: Vec<String> = updates.iter().map(|id| id.to_string().to_uppercase()).collect();
            ids.join(";")
        };
        let (first, second) = updates.split_at(updates.len() / 2);
        let instances = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
        let lists = [format!("V={}", list(first)), format!("U={}", list(second))];
        let request = agent.report(&[
            (147, &instances[0], &[]),
            (156, &instances[1], &[lists[0].as_str(), lists[1].as_str()]),
        ]);
        let find = |text: &str| {
            let position = request.windows(text.len()).position(|it| it == text.as_bytes());
            position.ok_or_else(|| format!("no {text}"))
        };
        let mut ends = Vec::new();
        for instance in &instances {
            let end = find(instance)? + instance.len();
            ends.push(end - 12..end);
        }
        let letters = [find(&lists[0])?, find(&lists[1])?];
        Ok(Self { instances: ends, letters, request, sent: 0 })
    }
}

impl Caller for Reporter {
    fn request(&mut self) -> &[u8] {
        self.sent += 1;
        let digits = format!("{:012x}", self.sent);
        for instance in &self.instances {
            self.request[instance.clone()].copy_from_slice(digits.as_bytes());
        }
        self.request.swap(self.letters[0], self.letters[1]);
        &self.request
    }

    fn answered(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let mut decoded = Vec::new();
        let text = answer.decode(&mut decoded)?;
        let taken = text.contains("<ReportEventBatchResult>true</ReportEventBatchResult>");
        if taken { Ok(()) } else { Err(answer.refusal(text)) }
    }
}
