//! The rules for newcomers.

use serde_json::json;

use super::{State, StateError};
use crate::policy::by::By;
use crate::policy::placement::{Network, Placement};

/// Most rules. Each is looked at for every newcomer.
const RULES: usize = 1000;
/// Most characters of a pattern.
const PATTERN: usize = 256;

impl State {
    /// Adds a rule: computers that fit all its conditions are put into the named group when they
    /// register for the first time and ask for no group themselves.
    ///
    /// # Errors
    /// When there is no such group, none can be put there, or the rule has no condition.
    pub async fn add_placement(
        &self,
        by: By,
        group: String,
        name: Option<String>,
        system: Option<String>,
        network: Option<Network>,
    ) -> Result<Placement, StateError> {
        self.writer
            .submit(move |transaction| {
                let refused = |reason: &str| Err(StateError::Refused(reason.to_owned()));
                let policy = &transaction.model.policy;
                let not_found = || StateError::NotFound { kind: "group", name: group.clone() };
                let group = policy.group_by_name(&group).ok_or_else(not_found)?;
                if group.is_built_in() {
                    return refused("newcomers are placed in groups that are not built in");
                }
                let patterns = || [&name, &system].into_iter().flatten();
                if patterns().next().is_none() && network.is_none() {
                    return refused("a rule without a condition would place every newcomer");
                }
                if patterns().any(|it| it.is_empty() || it.chars().count() > PATTERN) {
                    return refused("a pattern has 1 to 256 characters");
                }
                if policy.placements.len() >= RULES {
                    return refused("there are too many rules for newcomers");
                }
                let group = group.id;
                let mut record = transaction.placements()?;
                record.next += 1;
                let number = record.next;
                let placement = Placement { number, group, name, system, network };
                record.placements.push(placement.clone());
                transaction.journal(&by, json!({ "placement": placement }));
                transaction.put_placements(record);
                Ok(placement)
            })
            .await
    }

    /// Removes a rule. Computers stay where it put them.
    ///
    /// # Errors
    /// When there is no such rule.
    pub async fn remove_placement(&self, by: By, number: u32) -> Result<Placement, StateError> {
        self.writer
            .submit(move |transaction| {
                let mut record = transaction.placements()?;
                let is_it = |placement: &Placement| placement.number == number;
                let not_found = || StateError::NotFound {
                    kind: "rule for newcomers",
                    name: number.to_string(),
                };
                let position = record.placements.iter().position(is_it).ok_or_else(not_found)?;
                let removed = record.placements.remove(position);
                let entry = json!({ "remove_placement": number, "before": removed });
                transaction.journal(&by, entry);
                transaction.put_placements(record);
                Ok(removed)
            })
            .await
    }
}
