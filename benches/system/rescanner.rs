//! Agents that have scanned before and scan again.

use std::collections::HashMap;
use std::ops::Range;

use crate::agent::{Agent, call};
use crate::catalogue::{Catalogue, Published};
use crate::connection::{Answer, Connection, Target};
use crate::load::Caller;
use crate::machine::{Aim, Machine};
use crate::{Failure, Outcome, soap};

/// Revisions in one RefreshCache.
const NUMBERS: usize = 5_000;

/// Calls after which an agent's cache has to be settled.
const SETTLED: usize = 20;

/// How the answer begins when there is nothing to say, up to the cookie.
const NOTHING_NEW: &str = "<SyncUpdatesResult><Truncated>false</Truncated><NewCookie>";

/// Registered agents with settled caches.
pub(crate) async fn settled(
    target: &Target,
    published: &[Published],
    aim: Aim,
    count: usize,
) -> Outcome<Vec<Rescanner>> {
    let mut connection = target.connect().await?;
    let mut numbers = HashMap::new();
    let first = Agent::register(&mut connection).await?;
    for part in published.chunks(NUMBERS) {
        let identities: Vec<_> = part.iter().map(|update| update.identity).collect();
        numbers.extend(first.numbers(&mut connection, &identities).await?);
    }
    let catalogue = Catalogue::new(published, &numbers);
    let mut rescanners = Vec::with_capacity(count);
    for seed in (0..).take(count) {
        let (installed, others) = Machine::compose(&catalogue, aim, seed).cached();
        // Ascending, as agents list them.
        let ids = |positions: Vec<usize>| {
            let updates = positions.iter().map(|position| &catalogue.updates[*position]);
            let mut ids: Vec<u32> = updates.map(|update| update.number).collect();
            ids.sort_unstable();
            ids
        };
        let (installed, others) = (ids(installed), ids(others));
        let agent = Agent::register(&mut connection).await?;
        rescanners.push(Rescanner::settle(agent, installed, others, &mut connection).await?);
    }
    Ok(rescanners)
}

/// Their numbers in a few words.
pub(crate) fn describe(rescanners: &[Rescanner]) -> String {
    let mean = |of: fn(&Rescanner) -> usize| {
        rescanners.iter().map(of).sum::<usize>() / rescanners.len().max(1)
    };
    format!(
        "{} agents, on average {} installed and {} cached ids, {} bytes",
        rescanners.len(),
        mean(|it| it.installed),
        mean(|it| it.others),
        mean(|it| it.request.len()),
    )
}

/// An agent that rescans.
#[derive(Clone)]
pub(crate) struct Rescanner {
    /// Its next request.
    pub(crate) request: Vec<u8>,
    /// Where in the request the cookie's children are.
    cookie: Range<usize>,
    /// Where two ids of as many digits are that change places after each answer, if any do.
    restless: Option<[Range<usize>; 2]>,
    /// A cookie that this server gave it.
    own: Vec<u8>,
    decoded: Vec<u8>,
    installed: usize,
    others: usize,
}

impl Rescanner {
    /// Rescans until there is nothing new. The first answer corrects what was not foreseen; from
    /// then on the server must agree with itself.
    async fn settle(
        mut agent: Agent,
        mut installed: Vec<u32>,
        mut others: Vec<u32>,
        connection: &mut Connection,
    ) -> Outcome<Self> {
        for _ in 0..SETTLED {
            let request = agent.software_pass(&installed, &others);
            let answer = call(connection, request.clone()).await?;
            agent.cookie = soap::element(&answer, "NewCookie").ok_or("no cookie")?.to_owned();
            if answer.contains(NOTHING_NEW) {
                return Self::new(agent, &installed, &others);
            }
            for update in soap::elements(&answer, "UpdateInfo") {
                // Changed updates have no text and are cached already.
                if update.contains("<Xml>") {
                    let id = soap::element(update, "ID").ok_or("no id")?;
                    others.push(id.parse()?);
                }
            }
            let gone = soap::element(&answer, "OutOfScopeRevisionIDs").unwrap_or_default();
            for id in soap::elements(gone, "int") {
                let id: u32 = id.parse()?;
                installed.retain(|it| *it != id);
                others.retain(|it| *it != id);
            }
            others.sort_unstable();
        }
        Err("an agent's cache does not settle".into())
    }

    fn new(agent: Agent, installed: &[u32], others: &[u32]) -> Outcome<Self> {
        let request = agent.software_pass(installed, others);
        let own = agent.cookie.into_bytes();
        let start = request.windows(own.len()).position(|it| it == own).ok_or("no cookie")?;
        Ok(Self {
            cookie: start..start + own.len(),
            request,
            restless: None,
            own,
            decoded: Vec::new(),
            installed: installed.len(),
            others: others.len(),
        })
    }

    /// Registers another computer with the same lists, and lets it scan once, after which it has
    /// been told of all changes; returns its cookie.
    pub(crate) async fn another(&self, connection: &mut Connection) -> Outcome<String> {
        let agent = Agent::register(connection).await?;
        let answer = call(connection, self.with_cookie(&agent.cookie).request).await?;
        Ok(soap::element(&answer, "NewCookie").ok_or("no cookie")?.to_owned())
    }

    /// The same machine with the cookie of another computer, which has to be as long.
    pub(crate) fn with_cookie(&self, cookie: &str) -> Self {
        let mut other = self.clone();
        other.own = cookie.as_bytes().to_vec();
        other.restore();
        other
    }

    /// From now on no request is like the one before: two ids of the same list change places.
    pub(crate) fn never_twice(&mut self) -> Outcome<()> {
        let text = std::str::from_utf8(&self.request)?;
        let starts = text.match_indices("<int>").map(|(at, tag)| at + tag.len());
        let id = |start: usize| {
            let length = text[start..].find('<').unwrap_or_default();
            start..start + length
        };
        let ids: Vec<Range<usize>> = starts.map(id).collect();
        // The last two, which are of the longer list.
        let alike = ids.windows(2).rev().find(|pair| pair[0].len() == pair[1].len());
        let pair = alike.ok_or("no two ids of as many digits")?;
        self.restless = Some([pair[0].clone(), pair[1].clone()]);
        Ok(())
    }

    /// Goes back to a cookie of this server.
    pub(crate) fn restore(&mut self) {
        self.request[self.cookie.clone()].copy_from_slice(&self.own);
    }
}

impl Caller for Rescanner {
    fn request(&mut self) -> &[u8] {
        &self.request
    }

    fn answered(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let text = answer.decode(&mut self.decoded)?;
        let cookie = text.split_once(NOTHING_NEW).filter(|_| answer.status() == "200");
        let cookie = cookie.and_then(|(_, rest)| rest.split_once("</NewCookie>"));
        let Some((cookie, _)) = cookie else { return Err(answer.refusal(text)) };
        if cookie.len() != self.cookie.len() {
            return Err(Failure::from("a cookie of another length"));
        }
        self.request[self.cookie.clone()].copy_from_slice(cookie.as_bytes());
        if let Some([one, other]) = &self.restless {
            let before = self.request[one.clone()].to_vec();
            self.request.copy_within(other.clone(), one.start);
            self.request[other.clone()].copy_from_slice(&before);
        }
        Ok(())
    }
}
