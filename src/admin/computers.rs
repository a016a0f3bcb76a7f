//! Computers: what they are, and the state of every update on them.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::updates::instant;
use crate::catalog::Revision;
use crate::computers::status::{Statuses, UpdateInstallationState, UpdateStatus};
use crate::metadata::model::UpdateType;
use crate::policy::by::By;
use crate::state::{Published, State, StateError, Tracked};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let offer = Offer::of(&published);
    let servers = names(state);
    let mut computers = state.computers().all();
    computers.sort_by(|a, b| a.computer.client_id.cmp(&b.computer.client_id));
    computers.iter().map(|tracked| summary(&published, &offer, &servers, tracked)).collect()
}

/// The names of downstream servers.
fn names(state: &State) -> HashMap<Uuid, String> {
    state.downstream_servers().iter().map(|server| (server.id, server.name.clone())).collect()
}

pub(super) async fn show(state: &State, computer: String) -> Result<Value, AdminError> {
    let details = state.computer(computer).await?;
    let published = state.published();
    let tracked = &details.tracked;
    let mut answer = summary(&published, &Offer::of(&published), &names(state), tracked);
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
    answer["updates"] = updates(state, &published, tracked)?;
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
        "last_scan": statuses.scan.map(|scan| json!({
            "at": instant(scan.at),
            "result": format!("0x{:08X}", scan.result),
        })),
        "last_status_report":
            below.map_or(statuses.reported, |below| below.last_status).and_then(instant),
        "states": offer.count(statuses),
    })
}

/// What can be decided on, and since when it is here: with that a computer's states are counted
/// without looking at every update for every computer.
struct Offer {
    arrived: HashMap<Uuid, i64>,
    /// The same times, ascending.
    arrivals: Vec<i64>,
}

impl Offer {
    fn of(published: &Published) -> Self {
        let arrival =
            |revision: &Revision| (revision.metadata.identity.update_id, revision.imported);
        let arrived: HashMap<Uuid, i64> = decidable(published).map(arrival).collect();
        let mut arrivals: Vec<i64> = arrived.values().copied().collect();
        arrivals.sort_unstable();
        Self { arrived, arrivals }
    }

    /// How many updates are in which state, of those on offer and of what else was reported.
    fn count(&self, statuses: &Statuses) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for row in statuses.rows() {
            *counts.entry(row.state.name()).or_default() += 1;
        }
        // The others were not applicable if they were here when the computer reported.
        let reported_on = |arrival: i64| statuses.reported.is_some_and(|at| arrival <= at);
        let known = self.arrivals.partition_point(|arrival| reported_on(*arrival));
        let rows = statuses.rows().iter().filter_map(|row| self.arrived.get(&row.update));
        let (known_rows, new_rows): (Vec<i64>, Vec<i64>) = rows.partition(|at| reported_on(**at));
        let not_applicable = known.saturating_sub(known_rows.len());
        let unknown = self.arrivals.len().saturating_sub(known + new_rows.len());
        for (state, count) in [
            (UpdateInstallationState::NotApplicable, not_applicable),
            (UpdateInstallationState::Unknown, unknown),
        ] {
            if count > 0 {
                counts.insert(state.name(), count);
            }
        }
        counts
    }
}

/// The software and drivers that are offered for their own sake.
fn decidable(published: &Published) -> impl Iterator<Item = &Revision> {
    let tops = published.scope.tops.iter();
    let revisions = tops.filter_map(|index| published.catalog.revision(index));
    revisions.filter(|revision| {
        matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver)
    })
}

/// The state of every update that can be decided on, and of what else was reported.
fn updates(state: &State, published: &Published, tracked: &Tracked) -> Result<Value, StateError> {
    let catalog = &published.catalog;
    let statuses = &tracked.statuses;
    let reported: BTreeMap<Uuid, &UpdateStatus> =
        statuses.rows().iter().map(|row| (row.update, row)).collect();
    let offered = decidable(published).map(|revision| {
        let update = revision.metadata.identity.update_id;
        (update, statuses.state(update, revision.imported))
    });
    let mut states: BTreeMap<Uuid, UpdateInstallationState> = offered.collect();
    states.extend(reported.values().map(|row| (row.update, row.state)));
    let rows = states.into_iter().map(|(update, installation)| {
        let latest = catalog.update(&update).and_then(|update| catalog.latest(update));
        let latest = latest.and_then(|index| published.places(index));
        let metadata = latest.map(|places| state.metadata(places)).transpose()?;
        Ok(json!({
            "update_id": update,
            "title": metadata.as_ref().map(|metadata| metadata.title("en")),
            "state": installation.name(),
            "since": reported.get(&update).and_then(|row| instant(row.since)),
        }))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Source, import_into};
    use crate::computers::computer::ComputerInfo;
    use crate::computers::event::{Event, STATUS_REPORT};
    use crate::metadata::sample;
    use crate::state::{Registration, Settings};
    use crate::store::memory::MemoryStore;

    const IMPORTED: i64 = 1_800_000_000;

    fn report(at: i64, needed: &[Uuid], installed: &[Uuid]) -> Event {
        let list = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(";");
        Event {
            instance: Uuid::from_u128(at.unsigned_abs().into()),
            event_id: STATUS_REPORT,
            source: 101,
            update: None,
            at,
            result: 0,
            app: String::new(),
            strings: Vec::new(),
            misc: vec![("U".into(), list(needed)), ("V".into(), list(installed))],
        }
    }

    /// The counts of the list are those of the states one by one, which `show` prints.
    #[tokio::test]
    async fn counting_states_agrees_with_listing_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Box::new(MemoryStore::new());
        let state = State::with_store(dir.path(), store, &Settings::default(), || IMPORTED);
        let state = state.expect("a state");
        let documents = sample::documents().iter();
        let documents = documents
            .map(|(name, bytes)| Source { name: (*name).to_owned(), bytes: bytes.to_vec() });
        import_into(&state, documents.collect(), false).await.expect("imported");
        let published = state.published();
        let offered: Vec<Uuid> =
            decidable(&published).map(|revision| revision.metadata.identity.update_id).collect();
        assert!(offered.len() > 4);
        let foreign = Uuid::from_u128(7);

        for (number, events) in [
            vec![],
            vec![report(IMPORTED + 1, &offered[..2], &[offered[2], foreign])],
            vec![report(IMPORTED - 1, &offered[..1], &[])],
            vec![report(IMPORTED + 1, &[], &[])],
        ]
        .into_iter()
        .enumerate()
        {
            let client_id = format!("computer-{number}");
            let registration = Registration {
                client_id: client_id.clone(),
                info: ComputerInfo::default(),
                requested_group: String::new(),
                client_side_targeting: false,
                address: String::new(),
            };
            state.register(registration).await.expect("registered");
            assert!(state.report(client_id.clone(), events).await.expect("reported"));
            let tracked = state.computers().find(&client_id).expect("a computer");
            let mut listed = BTreeMap::new();
            let listed_rows = updates(&state, &published, &tracked).expect("readable");
            for row in listed_rows.as_array().expect("a list") {
                *listed.entry(row["state"].as_str().expect("a name").to_owned()).or_default() += 1;
            }
            let counted = Offer::of(&published).count(&tracked.statuses);
            let counted: BTreeMap<String, usize> =
                counted.into_iter().map(|(state, count)| (state.to_owned(), count)).collect();
            assert_eq!(counted, listed, "{client_id}");
        }
    }
}
