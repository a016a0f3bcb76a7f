//! Target groups.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use crate::policy::target_group::{ALL_COMPUTERS, effective};
use crate::state::State;

/// All groups with the number of their computers: the built-in ones first, then by name.
pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let mut members: HashMap<Uuid, usize> = HashMap::new();
    for tracked in state.computers().all() {
        let groups = effective(&tracked.computer.groups);
        for group in groups.into_iter().chain([ALL_COMPUTERS]) {
            *members.entry(group).or_default() += 1;
        }
    }
    let mut groups: Vec<_> = published.policy.groups.values().collect();
    groups.sort_by_key(|group| (!group.is_built_in(), group.name.to_lowercase()));
    let groups = groups.into_iter().map(|group| {
        json!({
            "id": group.id,
            "name": group.name,
            "built_in": group.is_built_in(),
            "computers": members.get(&group.id).copied().unwrap_or(0),
        })
    });
    groups.collect()
}

pub(super) async fn create(state: &State, name: String) -> Result<Value, AdminError> {
    let group = state.create_group(Uuid::new_v4(), name).await?;
    Ok(json!({ "id": group.id, "name": group.name }))
}

pub(super) async fn delete(state: &State, name: String) -> Result<Value, AdminError> {
    let group = state.delete_group(name).await?;
    Ok(json!({ "id": group.id, "name": group.name }))
}
