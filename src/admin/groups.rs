//! Target groups.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use crate::policy::Policy;
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, DOWNSTREAM_SERVERS, TargetGroup, effective};
use crate::state::{Children, Members, State};

/// All groups with the number of their computers, as the tree has them: each before those below it,
/// the built-in ones first and then by name.
pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let policy = &published.policy;
    let mut members: HashMap<Uuid, usize> = HashMap::new();
    for tracked in state.computers().all() {
        let groups = effective(&tracked.computer.groups);
        for group in groups.into_iter().chain([ALL_COMPUTERS]) {
            *members.entry(group).or_default() += 1;
        }
    }
    let mut groups = Vec::new();
    for top in [ALL_COMPUTERS, DOWNSTREAM_SERVERS] {
        groups.extend(in_order(policy, top, 0));
    }
    let rows = groups.into_iter().map(|(group, depth)| {
        json!({
            "id": group.id,
            "name": group.name,
            "parent": group.parent.and_then(|id| policy.groups.get(&id)).map(|it| &it.name),
            "path": policy.path(group.id),
            "depth": depth,
            "built_in": group.is_built_in(),
            "utc_offset": group.utc_offset.map(offset),
            "computers": members.get(&group.id).copied().unwrap_or(0),
        })
    });
    rows.collect()
}

/// A group and all below it. The depth is bounded by the tree's.
fn in_order(policy: &Policy, top: Uuid, depth: usize) -> Vec<(&TargetGroup, usize)> {
    let mut rows: Vec<_> = policy.groups.get(&top).into_iter().map(|it| (it, depth)).collect();
    if depth < crate::policy::group_tree::MAX_DEPTH {
        let below = policy.children(top).into_iter();
        rows.extend(below.flat_map(|child| in_order(policy, child.id, depth + 1)));
    }
    rows
}

/// Minutes ahead of UTC as people write them: `+05:30`.
fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

pub(super) async fn create(
    state: &State,
    name: String,
    parent: Option<String>,
) -> Result<Value, AdminError> {
    let group = state.create_group(By::administrator(), Uuid::new_v4(), name, parent).await?;
    Ok(show(state, &group))
}

pub(super) async fn place(
    state: &State,
    name: String,
    parent: Option<String>,
) -> Result<Value, AdminError> {
    let group = state.move_group(By::administrator(), name, parent).await?;
    Ok(show(state, &group))
}

pub(super) async fn rename(
    state: &State,
    name: String,
    new_name: String,
) -> Result<Value, AdminError> {
    let group = state.rename_group(By::administrator(), name, new_name).await?;
    Ok(show(state, &group))
}

pub(super) async fn set_clock(
    state: &State,
    name: String,
    utc_offset: Option<i16>,
) -> Result<Value, AdminError> {
    let group = state.set_group_clock(By::administrator(), name, utc_offset).await?;
    Ok(show(state, &group))
}

pub(super) async fn delete(
    state: &State,
    name: String,
    children: Children,
    members: Members,
) -> Result<Value, AdminError> {
    let group = state.delete_group(By::administrator(), name, children, members).await?;
    Ok(json!({ "id": group.id, "name": group.name }))
}

fn show(state: &State, group: &TargetGroup) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "path": state.published().policy.path(group.id),
        "utc_offset": group.utc_offset.map(offset),
    })
}
