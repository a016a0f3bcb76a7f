//! Servers that synchronize from this one.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::updates::instant;
use crate::downstream::{DownstreamServer, Summary, System};
use crate::policy::by::By;
use crate::state::{State, StateError};

pub(super) fn list(state: &State) -> Value {
    let servers = state.downstream_servers();
    let computers = computers(state);
    servers.iter().map(|server| summary(state, &computers, server)).collect()
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
    let mut shown = summary(state, &computers(state), first);
    if let Some(reported) = &first.reported {
        shown["updates"] = counts(&reported.summary);
        shown["systems"] = reported.systems.iter().map(system).collect();
        shown["installations"] = json!(reported.installations);
        shown["failures"] = json!(reported.failures);
    }
    Ok(shown)
}

pub(super) async fn approve(state: &State, server: String) -> Result<Value, AdminError> {
    let server = state.approve_downstream(server, By::administrator()).await?;
    Ok(summary(state, &computers(state), &server))
}

pub(super) async fn forget(state: &State, server: String) -> Result<Value, AdminError> {
    let server = state.forget_downstream(server, By::administrator()).await?;
    Ok(json!({ "forgotten": server.id, "name": server.name }))
}

/// How many computers there are of each server.
fn computers(state: &State) -> HashMap<Uuid, u64> {
    let mut counts = HashMap::new();
    for tracked in state.computers().all() {
        if let Some(below) = &tracked.below {
            *counts.entry(below.parent).or_default() += 1;
        }
    }
    counts
}

fn summary(state: &State, computers: &HashMap<Uuid, u64>, server: &DownstreamServer) -> Value {
    let published = state.published();
    let revisions = published.catalog.revisions();
    let behind = server.listed.map(|told| {
        revisions.clone().rev().take_while(|(_, revision)| revision.id > told.newest).count()
    });
    let decisions_behind = server.decided.map(|told| published.policy.changed_after(told.up_to));
    let up_to_date = behind == Some(0) && decisions_behind.unwrap_or(0) == 0;
    // What one further below was told, only the server above it knows.
    let sync_state = server.parent.is_none().then_some(match server.listed {
        None => "never",
        Some(_) if up_to_date => "current",
        Some(_) => "behind",
    });
    let reported = server.reported.as_ref();
    // One that does not report each computer still says how many there are.
    let counted = reported.map_or(0, |reported| reported.summary.computers.into());
    json!({
        "id": server.id,
        "name": server.name,
        "parent": server.parent,
        "state": sync_state,
        "approved": server.approved,
        "version": reported.map(|reported| &reported.version),
        "replica": reported.map(|reported| reported.is_replica),
        "first_seen": instant(server.first_seen),
        "last_contact": instant(server.authorized).filter(|_| server.authorized > 0),
        "last_list": server.listed.and_then(|told| instant(told.at)),
        "seconds_since_list": server.listed.map(|told| state.now().saturating_sub(told.at)),
        "last_sync": reported.and_then(|reported| reported.last_sync).and_then(instant),
        "last_report": reported.and_then(|reported| instant(reported.at)),
        "revisions_behind": behind,
        "decisions_behind": decisions_behind,
        "computers": computers.get(&server.id).copied().unwrap_or(counted),
    })
}

/// What a server counts of its updates and computers.
fn counts(summary: &Summary) -> Value {
    json!({
        "all": summary.updates,
        "declined": summary.declined,
        "approved": summary.approved,
        "not_approved": summary.not_approved,
        "approved_in_an_earlier_revision": summary.stale_approvals,
        "expired": summary.expired,
        "critical_not_approved": summary.critical_not_approved,
        "infrastructure_not_approved": summary.infrastructure_not_approved,
        "failed_on_a_computer": summary.with_client_errors,
        "failed_to_download": summary.with_server_errors,
        "needing_files": summary.needing_files,
        "needed": summary.needed,
        "up_to_date": summary.up_to_date,
        "groups": summary.groups,
        "computers": summary.computers,
        "computers_in_need": summary.computers_in_need,
        "computers_with_errors": summary.computers_with_errors,
        "computers_up_to_date": summary.computers_up_to_date,
    })
}

fn system(system: &System) -> Value {
    let (major, minor, build) = system.version;
    json!({
        "os_build": format!("{major}.{minor}.{build}"),
        "locale": system.locale,
        "architecture": system.architecture,
        "edition": system.new_product_type,
        "computers": system.count,
    })
}
