//! Computers: what they are, and the state of every update on them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use uuid::Uuid;

use super::AdminError;
use super::updates::instant;
use crate::catalog::Revision;
use crate::computers::{Statuses, UpdateInstallationState};
use crate::metadata::model::UpdateType;
use crate::state::{Published, State, Tracked};

pub(super) fn list(state: &State) -> Value {
    let published = state.published();
    let offers = Offers::of(&published);
    let mut computers = state.computers().all();
    computers.sort_by(|a, b| a.computer.client_id.cmp(&b.computer.client_id));
    computers.iter().map(|tracked| summary(&published, &offers, tracked)).collect()
}

pub(super) async fn show(state: &State, computer: String) -> Result<Value, AdminError> {
    let details = state.computer(computer).await?;
    let published = state.published();
    let tracked = &details.tracked;
    let mut answer = summary(&published, &Offers::of(&published), tracked);
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
                "state": state.name(),
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

/// The updates whose state every computer has, prepared for counting: a fleet has 150,000
/// computers, and most have a row for few updates.
struct Offers {
    /// Unix seconds since when each is offered.
    since: HashMap<Uuid, i64>,
    /// The same, ascending.
    ascending: Vec<i64>,
}

impl Offers {
    fn of(published: &Published) -> Self {
        let since: HashMap<Uuid, i64> = offered(published)
            .map(|revision| (revision.metadata.identity.update_id, revision.imported))
            .collect();
        let mut ascending: Vec<i64> = since.values().copied().collect();
        ascending.sort_unstable();
        Self { since, ascending }
    }

    /// How many updates are in each state on a computer.
    fn count(&self, statuses: &Statuses) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        let reported = statuses.reported.unwrap_or(i64::MIN);
        let mut not_applicable = self.ascending.partition_point(|since| *since <= reported);
        let mut unknown = self.ascending.len() - not_applicable;
        for row in statuses.rows() {
            *counts.entry(row.state.name()).or_default() += 1;
            match self.since.get(&row.update) {
                Some(since) if *since <= reported => not_applicable -= 1,
                Some(_) => unknown -= 1,
                None => {}
            }
        }
        let absent = [
            (UpdateInstallationState::NotApplicable, not_applicable),
            (UpdateInstallationState::Unknown, unknown),
        ];
        let absent = absent.into_iter().filter(|(_, count)| *count > 0);
        counts.extend(absent.map(|(state, count)| (state.name(), count)));
        counts
    }
}

/// What can be decided on, at the revision that is offered.
fn offered(published: &Published) -> impl Iterator<Item = &Revision> {
    let tops = published.scope.tops.iter();
    let revisions = tops.filter_map(|index| published.catalog.revision(index));
    revisions.filter(|revision| {
        matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver)
    })
}

fn summary(published: &Published, offers: &Offers, tracked: &Tracked) -> Value {
    let computer = &tracked.computer;
    let groups = computer.groups.iter().filter_map(|id| published.policy.groups.get(id));
    let groups: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
    let groups = if groups.is_empty() { vec!["Unassigned Computers"] } else { groups };
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
        "states": offers.count(statuses),
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
    for revision in offered(published) {
        let metadata = &revision.metadata;
        let state = statuses.state(metadata.identity.update_id, revision.imported);
        let title = Some(metadata.title("en").to_owned());
        states.insert(metadata.identity.update_id, (title, state, None));
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
            offered(&published).map(|revision| revision.metadata.identity.update_id).collect();
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
            for (_, _, state, _) in states(&published, &tracked) {
                *listed.entry(state.name()).or_default() += 1;
            }
            assert_eq!(Offers::of(&published).count(&tracked.statuses), listed, "{client_id}");
        }
    }
}
