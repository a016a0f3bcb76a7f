//! Single records about this server: its identity and keys, and what clients were told.
//!
//! Whoever changes such a record because of what it says does so in one commit, through [`Records`]: what
//! is read first and written later would undo what somebody else changed in between.

use uuid::Uuid;

use super::mirror::follow;
use super::records::{ConfigurationRecord, IdentityRecord, RollupRecord};
use super::transaction::Transaction;
use super::{State, StateError, outbox};
use crate::policy::by::By;
use crate::store::value::Stored;

/// Key in `meta` of who this server is.
const IDENTITY: &str = "sync account";
/// Key in `meta` of what downstream servers compare.
pub(super) const ROLLUP: &str = "rollup";

/// The single records, as one commit reads and changes them.
pub struct Records<'a, 's>(&'a mut Transaction<'s>);

impl Records<'_, '_> {
    /// The record called `name`, as this commit finds it.
    pub fn read<T: Stored>(&self, name: &'static str) -> Result<Option<T>, StateError> {
        Ok(self.0.meta(name)?)
    }

    /// Replaces the record called `name`.
    pub fn put<T: Stored>(&mut self, name: &'static str, record: &T) {
        self.0.put_meta(name, record);
    }

    /// Removes the messages that wait for a channel, and forgets what of it was dropped.
    pub fn forget_messages(&mut self, channel: &str) -> Result<(), StateError> {
        Ok(outbox::forget(self.0, channel)?)
    }

    /// Says of whom this server is a replica from now on; none to decide here again. What was taken
    /// over stays.
    pub fn follow(&mut self, of: Option<String>) {
        follow(self.0, of);
    }

    /// Enters into the journal who decided this, why, and what `entry` says of it.
    pub fn journal(&mut self, by: &By, entry: serde_json::Value) {
        self.0.journal(by, entry);
    }
}

impl State {
    /// Reads and changes single records in one commit. A change that refuses has to do so before it
    /// puts anything.
    pub async fn records<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Records<'_, '_>) -> Result<R, StateError> + Send + 'static,
    ) -> Result<R, StateError> {
        self.writer.submit(move |transaction| change(&mut Records(transaction))).await
    }

    /// Goes through the writer and back.
    ///
    /// # Errors
    /// When changes are refused, because the store failed or the server is stopping.
    pub async fn ping(&self) -> Result<(), StateError> {
        self.writer.submit(|_| Ok(())).await
    }

    /// The record called `name`.
    pub async fn meta<T: Stored + Send + 'static>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, StateError> {
        self.writer.submit(move |transaction| Ok(transaction.meta(name)?)).await
    }

    /// The record called `name`; `new` while there is none.
    pub async fn meta_or<T: Stored + Send + 'static>(
        &self,
        name: &'static str,
        new: T,
    ) -> Result<T, StateError> {
        self.writer
            .submit(move |transaction| {
                if let Some(known) = transaction.meta(name)? {
                    return Ok(known);
                }
                transaction.put_meta(name, &new);
                Ok(new)
            })
            .await
    }

    /// The id by which other servers know this one.
    pub async fn server_id(&self) -> Result<Uuid, StateError> {
        Ok(self.meta_or(IDENTITY, IdentityRecord { id: Uuid::new_v4() }).await?.id)
    }

    /// What changes when downstream servers have to report everything anew: with the store.
    pub async fn rollup_reset(&self) -> Result<Uuid, StateError> {
        Ok(self.meta_or(ROLLUP, RollupRecord { reset: Uuid::new_v4() }).await?.reset)
    }

    /// Replaces the record called `name`.
    pub async fn set_meta<T: Stored + Send + 'static>(
        &self,
        name: &'static str,
        record: T,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                transaction.put_meta(name, &record);
                Ok(())
            })
            .await
    }

    /// Enters into the journal who does something that is kept nowhere else, and what.
    pub async fn note(&self, by: By, entry: serde_json::Value) -> Result<(), StateError> {
        let note = move |transaction: &mut Transaction<'_>| {
            transaction.journal(&by, entry);
            Ok(())
        };
        self.writer.submit(note).await
    }

    /// Replaces the record called `name`, and enters into the journal who decided that, why, and what
    /// `entry` says of it.
    pub async fn decide_meta<T: Stored + Send + 'static>(
        &self,
        by: By,
        entry: serde_json::Value,
        name: &'static str,
        record: T,
    ) -> Result<(), StateError> {
        let decide = move |records: &mut Records<'_, '_>| {
            records.journal(&by, entry);
            records.put(name, &record);
            Ok(())
        };
        self.records(decide).await
    }

    /// Since when the configuration called `name` is what this fingerprint says, in Unix seconds
    /// (`now` if it is new), for example `LastChange` of GetConfig. A change is noticed here, and is
    /// later than the one before whatever the clock says: clients are told of it by its time alone.
    pub async fn configuration(
        &self,
        name: &'static str,
        fingerprint: String,
        now: i64,
    ) -> Result<i64, StateError> {
        self.writer
            .submit(move |transaction: &mut Transaction<'_>| {
                let known: Option<ConfigurationRecord> = transaction.meta(name)?;
                let last_change = match known {
                    Some(known) if known.fingerprint == fingerprint => {
                        return Ok(known.last_change);
                    }
                    Some(known) => now.max(known.last_change.saturating_add(1)),
                    None => now,
                };
                let record = ConfigurationRecord { fingerprint, last_change };
                transaction.put_meta(name, &record);
                Ok(last_change)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Settings;

    #[tokio::test]
    async fn a_changed_configuration_has_a_later_second_than_the_one_before() {
        let dir = tempfile::tempdir().expect("a directory");
        let state = State::open(dir.path(), &Settings::default(), || 0).expect("opened");
        let changes = [
            ("a", 50, 50),
            ("a", 51, 50),
            ("b", 50, 51),
            ("a", 7, 52),
            ("a", 60, 52),
            ("c", 60, 60),
        ];
        for (fingerprint, now, expected) in changes {
            let since = state.configuration("configuration", fingerprint.to_owned(), now).await;
            assert_eq!(since.expect("committed"), expected, "{fingerprint} at {now}");
        }
        state.close().await;
    }
}
