//! What the counters say, for a group of computers.
//!
//! The writer answers, since the counters are its own; that takes some milliseconds for a hundred
//! thousand updates, and everything in the answer is of one moment.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{State, StateError};
use crate::computers::Counts;
use crate::policy::target_group;

/// The states of updates on the computers of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many computers there are, in the group and below it.
    pub computers: u64,
    /// By update: all that are offered for their own sake, and what else computers reported on.
    pub updates: BTreeMap<Uuid, Counts>,
}

impl State {
    /// How many computers of a group, and of those below it, are in which state regarding each
    /// update.
    pub async fn standing(&self, group: Uuid) -> Result<Standing, StateError> {
        let published = self.published();
        self.writer
            .submit(move |transaction| {
                let model = &mut *transaction.model;
                model.settled_census();
                let counts = |groups: &[Uuid]| {
                    let lineage = model.policy.lineage(&target_group::effective(groups));
                    lineage.depth(group).is_some()
                };
                let tally = model.census.tally(counts);
                let numbers = model.numbers.read();
                let mut updates = BTreeMap::new();
                for number in tally.reported() {
                    if let Some(update) = numbers.id(number) {
                        updates.insert(update, tally.counts(Some(number), None));
                    }
                }
                for revision in published.decidable() {
                    let metadata = &revision.metadata;
                    let update = metadata.identity.update_id;
                    let number = numbers.number(&update);
                    let arrival = number.and_then(|number| tally.arrival(number));
                    let offered =
                        || published.policy.offered_since(&metadata.identity, revision.imported);
                    let arrival = arrival.unwrap_or_else(offered);
                    updates.insert(update, tally.counts(number, Some(arrival)));
                }
                Ok(Standing { computers: tally.computers(), updates })
            })
            .await
    }
}
