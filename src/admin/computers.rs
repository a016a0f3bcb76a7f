//! Computers: what they are, and the state of every update on them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::updates::instant;
use crate::computers::UpdateInstallationState;
use crate::metadata::model::UpdateType;
use crate::state::{Published, State, Tracked};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let mut computers = state.computers().all();
    computers.sort_by(|a, b| a.computer.client_id.cmp(&b.computer.client_id));
    computers.iter().map(|tracked| summary(&published, tracked)).collect()
}

pub(super) async fn show(state: &State, computer: String) -> Result<Value, AdminError> {
    let details = state.computer(computer).await?;
    let published = state.published();
    let tracked = &details.tracked;
    let mut answer = summary(&published, tracked);
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
    answer["updates"] = states(&published, tracked)
        .into_iter()
        .map(|(update, title, state, since)| {
            json!({
                "update_id": update,
                "title": title,
                "state": format!("{state:?}"),
                "since": since.and_then(instant),
            })
        })
        .collect();
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
    state.move_computer(computer.clone(), groups).await?;
    show(state, computer).await
}

pub(super) async fn delete(state: &State, computer: String) -> Result<Value, AdminError> {
    state.delete_computer(computer.clone()).await?;
    Ok(json!({ "deleted": computer }))
}

fn summary(published: &Published, tracked: &Tracked) -> Value {
    let computer = &tracked.computer;
    let groups = computer.groups.iter().filter_map(|id| published.policy.groups.get(id));
    let groups: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
    let groups = if groups.is_empty() { vec!["Unassigned Computers"] } else { groups };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, _, state, _) in states(published, tracked) {
        *counts.entry(format!("{state:?}")).or_default() += 1;
    }
    let contact = tracked.last_contact.load(Ordering::Relaxed);
    let statuses = &tracked.statuses;
    json!({
        "client_id": computer.client_id,
        "name": computer.info.dns_name,
        "os": computer.info.os_name(),
        "address": computer.address,
        "groups": groups,
        "registered": instant(computer.registered),
        "last_contact": (contact > 0).then(|| instant(contact)),
        "last_scan": statuses.scan.map(|scan| json!({
            "at": instant(scan.at),
            "result": format!("0x{:08X}", scan.result),
        })),
        "last_status_report": statuses.reported.and_then(instant),
        "states": counts,
    })
}

/// The state of every update that can be decided on, and of what else was reported.
fn states(
    published: &Published,
    tracked: &Tracked,
) -> Vec<(Uuid, Option<String>, UpdateInstallationState, Option<i64>)> {
    let catalog = &published.catalog;
    let statuses = &tracked.statuses;
    let mut states: BTreeMap<Uuid, (Option<String>, UpdateInstallationState, Option<i64>)> =
        BTreeMap::new();
    for revision in published.scope.tops.iter().filter_map(|index| catalog.revision(index)) {
        let metadata = &revision.metadata;
        if matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver) {
            let state = statuses.state(metadata.identity.update_id, revision.imported);
            let title = Some(metadata.title("en").to_owned());
            states.insert(metadata.identity.update_id, (title, state, None));
        }
    }
    for row in statuses.rows() {
        let title = || {
            let index = catalog.update(&row.update).and_then(|update| catalog.latest(update))?;
            Some(catalog.revision(index)?.metadata.title("en").to_owned())
        };
        let entry = states.entry(row.update).or_insert_with(|| (title(), row.state, None));
        entry.1 = row.state;
        entry.2 = Some(row.since);
    }
    states.into_iter().map(|(id, (title, state, since))| (id, title, state, since)).collect()
}
