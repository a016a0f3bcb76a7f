//! Target groups.

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use crate::policy::target_group::{ALL_COMPUTERS, effective};
use crate::state::State;

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let computers = state.computers().all();
    let groups = published.policy.groups.values().map(|group| {
        let members = computers.iter().filter(|tracked| {
            group.id == ALL_COMPUTERS || effective(&tracked.computer.groups).contains(&group.id)
        });
        json!({
            "id": group.id,
            "name": group.name,
            "built_in": group.is_built_in(),
            "computers": members.count(),
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
