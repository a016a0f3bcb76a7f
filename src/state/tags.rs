//! Words by which administrators mark updates for rules.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::decide::check_update;
use super::{State, StateError};
use crate::policy::by::By;

/// Most tags of one update.
const TAGS: usize = 32;
/// Most characters of a tag.
const TAG: usize = 64;

impl State {
    /// Sets the tags of an update.
    ///
    /// # Errors
    /// When there is no such update, or the tags are too many or too long.
    pub async fn tag(
        &self,
        by: By,
        update: Uuid,
        tags: BTreeSet<String>,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                check_update(transaction, update)?;
                let fits = |tag: &String| (1..=TAG).contains(&tag.chars().count());
                if tags.len() > TAGS || !tags.iter().all(fits) {
                    let limits =
                        format!("an update has at most {TAGS} tags of 1 to {TAG} characters");
                    return Err(StateError::Refused(limits));
                }
                let before = transaction.model.policy.tags.get(&update).cloned();
                if before.clone().unwrap_or_default() != tags {
                    let entry =
                        json!({ "tags": { "update": update, "tags": tags }, "before": before });
                    transaction.journal(&by, entry);
                    transaction.put_tags(update, tags);
                }
                Ok(())
            })
            .await
    }
}
