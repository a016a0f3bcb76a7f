//! Update groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::updates::terms as shown_terms;
use crate::policy::Policy;
use crate::policy::by::By;
use crate::policy::terms::Terms;
use crate::policy::update_group::UpdateGroup;
use crate::state::State;

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let mut groups: Vec<&UpdateGroup> = published.policy.update_groups.values().collect();
    groups.sort_by_key(|group| group.name.to_lowercase());
    groups.into_iter().map(|group| show(&published.policy, group)).collect()
}

pub(super) async fn create(state: &State, name: String) -> Result<Value, AdminError> {
    let group = state.create_update_group(By::administrator(), Uuid::new_v4(), name).await?;
    Ok(show(&state.published().policy, &group))
}

pub(super) async fn change(
    state: &State,
    name: String,
    add: BTreeSet<Uuid>,
    remove: BTreeSet<Uuid>,
) -> Result<Value, AdminError> {
    let group = state.change_update_group(By::administrator(), name, add, remove).await?;
    Ok(show(&state.published().policy, &group))
}

pub(super) async fn deploy(
    state: &State,
    name: String,
    target: String,
    terms: Terms,
    enabled: bool,
) -> Result<Value, AdminError> {
    let by = By::administrator();
    let group = state.deploy_update_group(by, name, target, terms, enabled).await?;
    Ok(show(&state.published().policy, &group))
}

pub(super) async fn withdraw(
    state: &State,
    name: String,
    target: String,
) -> Result<Value, AdminError> {
    let group = state.withdraw_update_group(By::administrator(), name, target).await?;
    Ok(show(&state.published().policy, &group))
}

pub(super) async fn delete(state: &State, name: String) -> Result<Value, AdminError> {
    let group = state.delete_update_group(By::administrator(), name).await?;
    Ok(json!({ "deleted": group.name }))
}

fn show(policy: &Policy, group: &UpdateGroup) -> Value {
    let deployments = group.deployments.iter().map(|deployment| {
        let target = policy.groups.get(&deployment.group);
        let mut shown = shown_terms(target.map_or("", |target| &target.name), &deployment.terms);
        shown["enabled"] = json!(deployment.enabled);
        shown
    });
    json!({
        "name": group.name,
        "updates": group.updates,
        "deployments": deployments.collect::<Value>(),
    })
}
