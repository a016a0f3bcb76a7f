//! What is on its way to people and programs outside: a queue that survives a restart.
//!
//! A message goes in together with the note that what it tells was told, in one commit: so nothing is
//! told twice because of a restart, and nothing forgotten. There is a limit to the queue, as somebody
//! whom nothing reaches must not fill the disk; what is too much is counted.

use serde::{Deserialize, Serialize};

use super::records::first_version;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::store::value::{self, Stored};
use crate::store::{StoreError, Tree};

/// Most messages that wait. Few are made, and each of a failure that goes on is made once.
const WAITING: usize = 1000;

/// Key in `meta` of the number of the last message, and of how many were too much.
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The number of the last one.
    pub last: u64,
    /// How many were too much.
    pub dropped: u64,
}

first_version! {
    Outgoing, "outgoing message";
    Counted, "count of messages";
}

impl State {
    /// The messages that wait, by their numbers, and what is known of all.
    pub async fn outbox(&self) -> Result<(Vec<Outgoing>, Counted), StateError> {
        let read = |transaction: &mut Transaction<'_>| {
            Ok((waiting(transaction)?, transaction.meta(COUNTED)?.unwrap_or_default()))
        };
        self.writer.submit(read).await
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
                        counted.dropped += 1;
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

    /// Notes how an attempt to deliver went: not yet, or, with none, that the message is gone.
    pub async fn attempted(&self, number: u64, again: Option<Outgoing>) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                match again {
                    Some(message) => transaction.put_message(&message),
                    None => transaction.delete_message(number),
                }
                Ok(())
            })
            .await
    }
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
        assert_eq!(counted, Counted { last: 2, dropped: 0 });
        let again = Outgoing { attempts: 1, ..waiting[1].clone() };
        state.attempted(1, None).await.expect("noted");
        state.attempted(2, Some(again.clone())).await.expect("noted");
        assert_eq!(state.outbox().await.expect("read").0, [again]);
        let many = (0..WAITING + 4).map(|_| message("c")).collect();
        state.put_outgoing(many, noted()).await.expect("put");
        let (waiting, counted) = state.outbox().await.expect("read");
        assert_eq!((waiting.len(), counted.dropped), (WAITING, 5));
        state.close().await;
    }
}
