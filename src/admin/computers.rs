//! Computers: what they are, and the state of every update on them.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::compliance::{self, Offer};
use super::updates::instant;
use crate::computers::hresult;
use crate::computers::status::LastScan;
use crate::policy::by::By;
use crate::state::{Published, State, Tracked};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let offer = Offer::of(state, &published);
    let servers = names(state);
    let mut computers = state.computers().all();
    computers.sort_by(|a, b| a.computer.client_id.cmp(&b.computer.client_id));
    computers.iter().map(|tracked| summary(state, &published, &offer, &servers, tracked)).collect()
}

/// The names of downstream servers.
fn names(state: &State) -> HashMap<Uuid, String> {
    state.downstream_servers().iter().map(|server| (server.id, server.name.clone())).collect()
}

pub(super) async fn show(state: &State, computer: String) -> Result<Value, AdminError> {
    let details = state.computer(computer).await?;
    let published = state.published();
    let tracked = &details.tracked;
    let mut answer =
        summary(state, &published, &Offer::of(state, &published), &names(state), tracked);
    let info = &tracked.computer.info;
    answer["os_build"] =
        json!(format!("{}.{}.{}", info.os_version.0, info.os_version.1, info.os_version.2));
    answer["locale"] = json!(info.os_locale);
    answer["manufacturer"] = json!(info.manufacturer);
    answer["model"] = json!(info.model);
    answer["bios"] = json!({
        "name": info.bios_name,
        "version": info.bios_version,
        "date": instant(info.bios_release_date),
    });
    answer["architecture"] = json!(info.processor_architecture);
    let (a, b, c, d) = info.client_version;
    answer["agent"] = json!(format!("{a}.{b}.{c}.{d}"));
    answer["requested_group"] = json!(tracked.computer.requested_group);
    answer["updates"] = json!(compliance::on_computer(state, &published, tracked)?);
    answer["scans"] = details.events.scans.iter().rev().map(scan).collect();
    let events = details.events.events.iter().map(|event| {
        json!({
            "at": instant(event.at),
            "event_id": event.event_id,
            "update": event.update.map(|update| update.to_string()),
            "result": format!("0x{:08X}", event.result),
            "app": event.app,
            "strings": event.strings,
        })
    });
    answer["events"] = events.collect();
    Ok(answer)
}

pub(super) async fn place(
    state: &State,
    computer: String,
    groups: Vec<String>,
) -> Result<Value, AdminError> {
    state.move_computer(By::administrator(), computer.clone(), groups).await?;
    show(state, computer).await
}

pub(super) async fn delete(state: &State, computer: String) -> Result<Value, AdminError> {
    state.delete_computer(By::administrator(), computer.clone()).await?;
    Ok(json!({ "deleted": computer }))
}

fn summary(
    state: &State,
    published: &Published,
    offer: &Offer,
    servers: &HashMap<Uuid, String>,
    tracked: &Tracked,
) -> Value {
    let computer = &tracked.computer;
    let groups = computer.groups.iter().filter_map(|id| published.policy.groups.get(id));
    let groups: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
    let groups = if groups.is_empty() { vec!["Unassigned Computers"] } else { groups };
    let statuses = &tracked.statuses;
    let below = tracked.below.as_deref();
    let contact = match below {
        Some(below) => below.last_sync,
        None => tracked.last_contact.at(),
    };
    json!({
        "client_id": computer.client_id,
        "name": computer.info.dns_name,
        "os": computer.info.os_name(),
        "address": computer.address,
        "groups": groups,
        // The downstream server that it gets its updates from; null for this one.
        "server": below.map(|below| match servers.get(&below.parent) {
            Some(name) => name.clone(),
            None => below.parent.to_string(),
        }),
        "registered": instant(computer.registered),
        "last_contact": contact.map(instant),
        "last_scan": statuses.scan.as_ref().map(scan),
        "last_status_report":
            below.map_or(statuses.reported, |below| below.last_status).and_then(instant),
        "restart_pending": statuses.restart_pending().and_then(instant),
        "flapping": statuses.relapses.flapping(state.now()).count(),
        "states": offer.count(statuses),
    })
}

fn scan(scan: &LastScan) -> Value {
    json!({
        "at": instant(scan.at),
        "result": format!("0x{:08X}", scan.result),
        "meaning": hresult::words(scan.result),
    })
}
