//! What is on its way to people and programs outside: a queue that survives a restart.
//!
//! A message goes in together with the note that what it tells was told, in one commit: so nothing is
//! told twice because of a restart, and nothing forgotten. There is a limit to the queue, as somebody
//! whom nothing reaches must not fill the disk; what is too much, or too old to be worth another attempt,
//! is dropped and counted, so that somebody can see that it is missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::records::first_version;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::store::value::{self, Stored};
use crate::store::{StoreError, Tree};

/// Most messages that wait. Few are made, and each of a failure that goes on is made once.
const WAITING: usize = 1000;

/// Key in `meta` of the number of the last message, and of how many were dropped.
const COUNTED: &str = "outbox";

/// A message on its way. In `outbox`, by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its number, which comes again only on a server that was restored from a backup.
    pub number: u64,
    /// Where it goes: the name of a channel.
    pub channel: String,
    /// What it tells.
    pub event: String,
    /// Unix seconds of when it was made.
    pub created: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Unix seconds of when it is tried next.
    pub next: i64,
    /// What it says, in one line.
    pub subject: String,
    /// What it says, for people.
    pub text: String,
    /// What it says, for programs: JSON.
    pub data: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

impl Outgoing {
    /// What no other message is called, before and after a restore.
    pub fn id(&self) -> String {
        format!("{}.{}", self.created, self.number)
    }
}

/// What is known of all messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The number of the last one.
    pub last: u64,
    /// Those that nobody got, by their channels.
    pub dropped: BTreeMap<String, Dropped>,
}

/// Messages that nobody got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// Unix seconds of when the last one was dropped.
    pub last: i64,
}

/// A count of which nobody knew whose messages it was, and that nobody could see.
#[derive(Debug, Serialize, Deserialize)]
pub struct EarlierCounted {
    last: u64,
    dropped: u64,
}

impl Counted {
    fn drop(&mut self, channel: &str, now: i64) {
        let dropped = self.dropped.entry(channel.to_owned()).or_default();
        *dropped = Dropped { count: dropped.count + 1, last: now };
    }
}

impl Stored for Counted {
    const NAME: &'static str = "count of messages";
    const VERSION: u8 = 2;
    type Previous = EarlierCounted;

    fn migrate(earlier: EarlierCounted) -> Self {
        Self { last: earlier.last, dropped: BTreeMap::new() }
    }
}

first_version! {
    Outgoing, "outgoing message";
    EarlierCounted, "count of messages";
}

impl State {
    /// The messages that wait, by their numbers, and what is known of all.
    pub async fn outbox(&self) -> Result<(Vec<Outgoing>, Counted), StateError> {
        let read = |transaction: &mut Transaction<'_>| {
            Ok((waiting(transaction)?, transaction.meta(COUNTED)?.unwrap_or_default()))
        };
        let (waiting, counted): (Vec<Outgoing>, Counted) = self.writer.submit(read).await?;
        let dropped = counted.dropped.values().map(|dropped| dropped.count).sum();
        self.health.outbox_has(waiting.len() as u64, dropped);
        Ok((waiting, counted))
    }

    /// Puts messages in, which get their numbers, and replaces the record called `name`.
    pub async fn put_outgoing<T: Stored + Send + 'static>(
        &self,
        messages: Vec<Outgoing>,
        (name, noted): (&'static str, T),
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let mut room = WAITING.saturating_sub(waiting(transaction)?.len());
                let mut counted: Counted = transaction.meta(COUNTED)?.unwrap_or_default();
                for message in messages {
                    counted.last += 1;
                    if room == 0 {
                        counted.drop(&message.channel, transaction.now);
                        continue;
                    }
                    room -= 1;
                    transaction.put_message(&Outgoing { number: counted.last, ..message });
                }
                transaction.put_meta(COUNTED, &counted);
                transaction.put_meta(name, &noted);
                Ok(())
            })
            .await
    }

    /// Notes that a message needs no further attempt.
    pub async fn delivered(&self, number: u64) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                transaction.delete_message(number);
                Ok(())
            })
            .await
    }

    /// Notes that a message was not taken, with when it is tried again; none to give it up. One that was
    /// removed meanwhile stays away.
    pub async fn refused(&self, message: Outgoing, next: Option<i64>) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let key = message.number.to_be_bytes();
                if transaction.stored::<Outgoing>(Tree::Outbox, &key)?.is_none() {
                    return Ok(());
                }
                if let Some(next) = next {
                    transaction.put_message(&Outgoing { next, ..message });
                    return Ok(());
                }
                let mut counted: Counted = transaction.meta(COUNTED)?.unwrap_or_default();
                counted.drop(&message.channel, transaction.now);
                transaction.put_meta(COUNTED, &counted);
                transaction.delete_message(message.number);
                Ok(())
            })
            .await
    }
}

/// Removes what waits for a channel, and forgets what of it was dropped.
pub(super) fn forget(transaction: &mut Transaction<'_>, channel: &str) -> Result<(), StoreError> {
    let waiting = waiting(transaction)?;
    let counted: Option<Counted> = transaction.meta(COUNTED)?;
    for message in waiting.iter().filter(|message| message.channel == channel) {
        transaction.delete_message(message.number);
    }
    if let Some(mut counted) = counted
        && counted.dropped.remove(channel).is_some()
    {
        transaction.put_meta(COUNTED, &counted);
    }
    Ok(())
}

fn waiting(transaction: &Transaction<'_>) -> Result<Vec<Outgoing>, StoreError> {
    let page = transaction.page(Tree::Outbox, None, usize::MAX)?;
    page.iter().map(|(_, bytes)| value::decode(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Settings;

    fn message(subject: &str) -> Outgoing {
        Outgoing {
            number: 0,
            channel: "c".to_owned(),
            event: "e".to_owned(),
            created: 0,
            attempts: 0,
            next: 0,
            subject: subject.to_owned(),
            text: String::new(),
            data: "{}".to_owned(),
            error: None,
        }
    }

    #[tokio::test]
    async fn messages_wait_over_a_restart_and_never_too_many() {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || State::open(dir.path(), &Settings::default(), || 0).expect("opened");
        let state = open();
        let noted = || ("noted", Counted::default());
        state.put_outgoing(vec![message("a"), message("b")], noted()).await.expect("put");
        state.close().await;
        drop(state);
        let state = open();
        let (waiting, counted) = state.outbox().await.expect("read");
        let of = |waiting: &[Outgoing]| {
            waiting.iter().map(|it| (it.number, it.subject.clone())).collect::<Vec<_>>()
        };
        assert_eq!(of(&waiting), [(1, "a".to_owned()), (2, "b".to_owned())]);
        assert_eq!(counted, Counted { last: 2, dropped: BTreeMap::new() });
        let again = Outgoing { attempts: 1, next: 9, ..waiting[1].clone() };
        state.delivered(1).await.expect("noted");
        state.refused(again.clone(), Some(9)).await.expect("noted");
        assert_eq!(state.outbox().await.expect("read").0, std::slice::from_ref(&again));
        let many = (0..WAITING + 4).map(|_| message("c")).collect();
        state.put_outgoing(many, noted()).await.expect("put");
        let (waiting, counted) = state.outbox().await.expect("read");
        let dropped = |count| BTreeMap::from([("c".to_owned(), Dropped { count, last: 0 })]);
        assert_eq!((waiting.len(), counted.dropped), (WAITING, dropped(5)));
        state.refused(again.clone(), None).await.expect("noted");
        let (waiting, counted) = state.outbox().await.expect("read");
        assert_eq!((waiting.len(), counted.dropped), (WAITING - 1, dropped(6)));
        let measures = state.measures();
        assert_eq!((measures.waiting_messages, measures.dropped_messages), (WAITING as u64 - 1, 6));
        state.records(|records| records.forget_messages("c")).await.expect("forgotten");
        // Somebody was just trying to deliver it.
        state.refused(again, Some(10)).await.expect("noted");
        let (waiting, counted) = state.outbox().await.expect("read");
        assert_eq!((waiting.len(), counted.dropped), (0, BTreeMap::new()));
        state.close().await;
    }
}
