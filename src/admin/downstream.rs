//! Servers that synchronize from this one.

use serde_json::{Value, json};

use super::AdminError;
use super::updates::instant;
use crate::downstream::DownstreamServer;
use crate::policy::by::By;
use crate::state::{Published, State, StateError};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let servers = state.downstream_servers();
    servers.iter().map(|server| summary(&published, state.now(), server)).collect()
}

pub(super) fn show(state: &State, server: &str) -> Result<Value, AdminError> {
    let named = |it: &&std::sync::Arc<DownstreamServer>| {
        it.id.to_string().eq_ignore_ascii_case(server) || it.name.eq_ignore_ascii_case(server)
    };
    let servers = state.downstream_servers();
    let mut found = servers.iter().filter(named);
    let not_found = || StateError::NotFound { kind: "downstream server", name: server.to_owned() };
    let first = found.next().ok_or_else(not_found)?;
    if found.next().is_some() {
        let reason =
            format!("several downstream servers are called '{server}'; name one by its id");
        return Err(StateError::Refused(reason).into());
    }
    Ok(summary(&state.published(), state.now(), first))
}

pub(super) async fn approve(state: &State, server: String) -> Result<Value, AdminError> {
    let server = state.approve_downstream(server, By::administrator()).await?;
    Ok(summary(&state.published(), state.now(), &server))
}

pub(super) async fn forget(state: &State, server: String) -> Result<Value, AdminError> {
    let server = state.forget_downstream(server, By::administrator()).await?;
    Ok(json!({ "forgotten": server.id, "name": server.name }))
}

fn summary(published: &Published, now: i64, server: &DownstreamServer) -> Value {
    let revisions = published.catalog.revisions();
    let behind = server.listed.map(|told| {
        revisions.iter().rev().take_while(|revision| revision.id > told.newest).count()
    });
    json!({
        "id": server.id,
        "name": server.name,
        "parent": server.parent,
        "approved": server.approved,
        "first_seen": instant(server.first_seen),
        "last_contact": instant(server.authorized),
        "last_list": server.listed.and_then(|told| instant(told.at)),
        "seconds_since_list": server.listed.map(|told| now.saturating_sub(told.at)),
        "revisions_behind": behind,
    })
}
