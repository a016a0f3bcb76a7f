//! People and programs outside are told what happened.
//!
//! [`Notifier`] looks what there is to tell ([`notices`]), puts it into a queue that survives a
//! restart ([`State::put_outgoing`]), and delivers it by e-mail or webhook. What is not taken is tried
//! again, later and later; a channel that nothing reaches holds up no other.

pub mod channel;
pub mod email;
mod notices;
pub mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tracing::{info, warn};

use self::channel::{Channel, ChannelsRecord, Target};
use self::notices::ToldRecord;
use crate::policy::by::By;
use crate::state::{Outgoing, Records, State, StateError};
use crate::upstream::Upstream;

/// Key in `meta` of the channels, and of what was told already.
const CHANNELS: &str = "notification channels";
const TOLD: &str = "notifications told";
/// How often it is looked whether there is something to tell or to deliver.
const LOOK: Duration = Duration::from_secs(2);
/// How often the counters are looked at, which takes some milliseconds of the writer.
const COUNT: Duration = Duration::from_secs(5);
/// Seconds before a second attempt; each further one takes twice as long, at most the last.
const FIRST_PAUSE: i64 = 5;
const LAST_PAUSE: i64 = 3600;
/// Seconds after which a message is old news, and is given up.
const STALE: i64 = 3 * 86_400;

/// Why something about notifications was refused, or failed.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The state refused or failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A field is not what it has to be.
    #[error("{0} {1}")]
    Invalid(&'static str, String),
    /// A test message was not taken.
    #[error("it was not delivered: {0}")]
    NotDelivered(String),
}

/// Tells what happened.
pub struct Notifier {
    state: Arc<State>,
    upstream: Arc<Upstream>,
    /// A task for each channel that is being told something, which ends with the notifier.
    tasks: JoinSet<(String, Result<(), StateError>)>,
    /// The channels that have one.
    busy: BTreeSet<String>,
    /// When the counters were looked at.
    counted: Option<Instant>,
}

/// The channels of a state.
///
/// # Errors
/// The store's.
pub async fn channels(state: &State) -> Result<ChannelsRecord, NotifyError> {
    Ok(state.meta(CHANNELS).await?.unwrap_or_default())
}

/// Puts a channel in, or in the place of that of the same name.
///
/// # Errors
/// When it cannot be used.
pub async fn put(
    (state, upstream): (&State, &Upstream),
    by: By,
    channel: Channel,
) -> Result<Channel, NotifyError> {
    let last_run = last_run(upstream).await;
    let put = move |records: &mut Records<'_, '_>| {
        let mut all: ChannelsRecord = records.read(CHANNELS)?.unwrap_or_default();
        let is_first = all.channels.is_empty();
        let name = channel.name.clone();
        let before = all.find(&name).map(Channel::told);
        if let Err(refused) = all.put(channel) {
            return Ok(Err(refused));
        }
        let put = all.find(&name).cloned().ok_or_else(|| not_found(&name))?;
        if is_first {
            // What was before somebody wanted to know is no news.
            records.put(TOLD, &ToldRecord { last_run, ..ToldRecord::default() });
        }
        records.put(CHANNELS, &all);
        records.journal(&by, json!({ "notification": put.told(), "before": before }));
        Ok(Ok(put))
    };
    state.records(put).await?
}

/// Takes a channel away, and what waits for it.
///
/// # Errors
/// When there is none of this name.
pub async fn remove(state: &State, by: By, name: &str) -> Result<(), NotifyError> {
    let name = name.to_owned();
    let remove = move |records: &mut Records<'_, '_>| {
        let mut all: ChannelsRecord = records.read(CHANNELS)?.unwrap_or_default();
        let before = all.find(&name).ok_or_else(|| not_found(&name))?.told();
        all.channels.retain(|channel| channel.name != name);
        records.forget_messages(&name)?;
        records.put(CHANNELS, &all);
        records.journal(&by, json!({ "remove_notification": name, "before": before }));
        Ok(())
    };
    Ok(state.records(remove).await?)
}

/// Sends a message at once, to see whether it arrives.
///
/// # Errors
/// When there is no such channel, or the message was not taken.
pub async fn test(state: &State, name: &str) -> Result<(), NotifyError> {
    let all = channels(state).await?;
    let channel = all.find(name).ok_or_else(|| not_found(name))?;
    let now = state.now();
    let message = notices::test(channel, now);
    deliver(channel, &message, now).await.map_err(NotifyError::NotDelivered)
}

/// The number of the last synchronization.
async fn last_run(upstream: &Upstream) -> u64 {
    let history = upstream.history().await.unwrap_or_default();
    history.last().map_or(0, |run| run.number)
}

fn not_found(name: &str) -> StateError {
    StateError::NotFound { kind: "notification", name: name.to_owned() }
}

async fn deliver(channel: &Channel, message: &Outgoing, now: i64) -> Result<(), String> {
    match &channel.target {
        Target::Email(email) => email.deliver(message).await,
        Target::Webhook(webhook) => webhook.deliver(message, now).await,
    }
}

impl Notifier {
    /// Tells what happens to `state`. Nothing begins by itself.
    pub fn new(state: Arc<State>, upstream: Arc<Upstream>) -> Self {
        Self { state, upstream, tasks: JoinSet::new(), busy: BTreeSet::new(), counted: None }
    }

    /// Tells what happens; never ends.
    pub async fn follow(mut self) {
        loop {
            if let Err(error) = self.look().await {
                warn!(%error, "nobody could be notified");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&mut self) -> Result<(), NotifyError> {
        let all = channels(&self.state).await?;
        let (waiting, _) = self.state.outbox().await?;
        if all.channels.is_empty() && waiting.is_empty() {
            return Ok(());
        }
        let before: ToldRecord = self.state.meta(TOLD).await?.unwrap_or_default();
        let mut told = before.clone();
        let counts = self.counted.is_none_or(|counted| counted.elapsed() >= COUNT);
        if counts {
            self.counted = Some(Instant::now());
        }
        let of = (&*self.state, &*self.upstream);
        let new = notices::gather(of, &all.channels, &mut told, counts).await?;
        if !new.is_empty() || told != before {
            self.state.put_outgoing(new, (TOLD, told)).await?;
        }
        self.deliver_waiting(&all).await
    }

    /// One task a channel, which ends with the first message that is not taken. One that is slow keeps
    /// its own and holds up no other.
    async fn deliver_waiting(&mut self, all: &ChannelsRecord) -> Result<(), NotifyError> {
        while let Some(ended) = self.tasks.try_join_next() {
            let (name, outcome) = ended.map_err(|_| StateError::Stopped)?;
            self.busy.remove(&name);
            outcome?;
        }
        let (waiting, _) = self.state.outbox().await?;
        let mut by_channel: BTreeMap<String, Vec<Outgoing>> = BTreeMap::new();
        for message in waiting {
            by_channel.entry(message.channel.clone()).or_default().push(message);
        }
        for (name, messages) in by_channel {
            if !self.busy.insert(name.clone()) {
                continue;
            }
            let (state, channel) = (Arc::clone(&self.state), all.find(&name).cloned());
            self.tasks.spawn(async move {
                let outcome = deliver_in_order(&state, channel, messages).await;
                (name, outcome)
            });
        }
        Ok(())
    }
}

async fn deliver_in_order(
    state: &State,
    channel: Option<Channel>,
    messages: Vec<Outgoing>,
) -> Result<(), StateError> {
    for message in messages {
        let now = state.now();
        let number = message.number;
        let Some(channel) = &channel else {
            // It was put in while its channel went.
            state.delivered(number).await?;
            continue;
        };
        if message.next > now {
            return Ok(());
        }
        let reason = match deliver(channel, &message, now).await {
            Ok(()) => {
                info!(number, channel = channel.name, event = message.event, "notified");
                state.delivered(number).await?;
                continue;
            }
            Err(reason) => reason,
        };
        let gives_up = now.saturating_sub(message.created) > STALE;
        warn!(number, channel = channel.name, reason, gives_up, "a notification was not taken");
        let attempts = message.attempts.saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << message.attempts.min(20)).min(LAST_PAUSE);
        let next = state.now().saturating_add(pause);
        let refused = Outgoing { attempts, error: Some(reason), ..message };
        state.refused(refused, (!gives_up).then_some(next)).await?;
        if !gives_up {
            return Ok(());
        }
    }
    Ok(())
}
