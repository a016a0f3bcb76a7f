//! The rules for newcomers.

use serde_json::{Value, json};

use super::AdminError;
use crate::policy::Policy;
use crate::policy::by::By;
use crate::policy::placement::{Network, Placement};
use crate::state::State;

pub(super) fn list(state: &State) -> Value {
    let policy = &state.published().policy;
    policy.placements.iter().map(|placement| show(policy, placement)).collect()
}

pub(super) async fn add(
    state: &State,
    group: String,
    name: Option<String>,
    system: Option<String>,
    network: Option<Network>,
) -> Result<Value, AdminError> {
    let added = state.add_placement(By::administrator(), group, name, system, network).await?;
    Ok(show(&state.published().policy, &added))
}

pub(super) async fn remove(state: &State, number: u32) -> Result<Value, AdminError> {
    let removed = state.remove_placement(By::administrator(), number).await?;
    Ok(show(&state.published().policy, &removed))
}

fn show(policy: &Policy, placement: &Placement) -> Value {
    json!({
        "number": placement.number,
        "group": policy.path(placement.group),
        "name": placement.name,
        "system": placement.system,
        "network": placement.network,
    })
}
