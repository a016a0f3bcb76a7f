//! Computers: what they are, and the state of every update on them.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AdminError, Call, Operation, Route, instant};
use crate::catalog::Revision;
use crate::computers::event::Event;
use crate::computers::status::{Statuses, UpdateInstallationState, UpdateStatus};
use crate::metadata::model::UpdateType;
use crate::state::{Published, State, StateError, Tracked};

/// All computers, with a summary of each.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListComputers {}

impl Operation for ListComputers {
    type Answer = Vec<ComputerSummary>;
    const ROUTE: Route = Route::get("/computers");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let state = call.state();
        let published = state.published();
        let offer = Offer::of(&published);
        let servers = names(state);
        let mut computers = state.computers().all();
        computers.sort_by(|a, b| a.computer.client_id.cmp(&b.computer.client_id));
        let summaries = computers.iter().map(|it| summary(&published, &offer, &servers, it));
        Ok(summaries.collect())
    }
}

/// One computer, the state of every update on it, and its events.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowComputer {
    /// Client id or host name.
    pub computer: String,
}

impl Operation for ShowComputer {
    type Answer = ComputerDetails;
    const ROUTE: Route = Route::get("/computers/{computer}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        show(call.state(), self.computer).await
    }
}

/// Put a computer into groups, and into no others.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MoveComputer {
    /// Client id or host name.
    pub computer: String,
    /// The names of all groups it is to be in; none makes it unassigned.
    pub groups: Vec<String>,
}

impl Operation for MoveComputer {
    type Answer = ComputerDetails;
    const ROUTE: Route = Route::put("/computers/{computer}/groups");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().move_computer(call.by(), self.computer.clone(), self.groups).await?;
        show(call.state(), self.computer).await
    }
}

/// Forget a computer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteComputer {
    /// Client id or host name.
    pub computer: String,
}

impl Operation for DeleteComputer {
    type Answer = DeletedComputer;
    const ROUTE: Route = Route::delete("/computers/{computer}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        call.state().delete_computer(call.by(), self.computer.clone()).await?;
        Ok(DeletedComputer { deleted: self.computer })
    }
}

/// A computer that is no more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedComputer {
    /// As it was called.
    pub deleted: String,
}

/// What is said of a computer in a list. All texts are as it says them itself.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ComputerSummary {
    /// What it calls itself.
    pub client_id: String,
    /// Host name.
    pub name: String,
    /// Operating system.
    pub os: String,
    /// Address it registered from.
    pub address: String,
    /// The names of its groups.
    pub groups: Vec<String>,
    /// The downstream server that it gets its updates from; none for this one.
    pub server: Option<String>,
    /// When it registered.
    pub registered: Option<String>,
    /// When it was last heard of.
    pub last_contact: Option<String>,
    /// Its last scan.
    pub last_scan: Option<ShownScan>,
    /// When it last reported the state of all updates.
    pub last_status_report: Option<String>,
    /// How many updates are in which state on it.
    pub states: BTreeMap<String, usize>,
}

/// How a scan went.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownScan {
    /// When it ended.
    pub at: Option<String>,
    /// Its HRESULT, in hexadecimal digits.
    pub result: String,
}

/// Everything about a computer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ComputerDetails {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: ComputerSummary,
    /// Version of its operating system.
    pub os_build: String,
    /// Language of its operating system.
    pub locale: String,
    /// Who made it.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Its firmware.
    pub bios: ShownBios,
    /// Architecture of its processor.
    pub architecture: String,
    /// Version of its Windows Update Agent.
    pub agent: String,
    /// The group that its own policy names.
    pub requested_group: String,
    /// The state of every update on it.
    pub updates: Vec<ShownUpdateState>,
    /// What it reported.
    pub events: Vec<ShownEvent>,
}

/// Firmware.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownBios {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Of when it is.
    pub date: Option<String>,
}

/// The state of an update on a computer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownUpdateState {
    /// The update.
    pub update_id: Uuid,
    /// Its title in English, if it is here.
    pub title: Option<String>,
    /// `UpdateInstallationState`, as WSUS names it.
    pub state: String,
    /// Since when, if it was reported.
    pub since: Option<String>,
}

/// An event that a computer reported.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownEvent {
    /// When it happened.
    pub at: Option<String>,
    /// `EventID`.
    pub event_id: i16,
    /// The revision that it is about.
    pub update: Option<String>,
    /// Its HRESULT, in hexadecimal digits.
    pub result: String,
    /// Who asked for it.
    pub app: String,
    /// What it says.
    pub strings: Vec<String>,
}

impl ShownEvent {
    fn of(event: &Event) -> Self {
        Self {
            at: instant(event.at),
            event_id: event.event_id,
            update: event.update.map(|update| update.to_string()),
            result: hresult(event.result),
            app: event.app.clone(),
            strings: event.strings.clone(),
        }
    }
}

fn hresult(result: i32) -> String {
    format!("0x{result:08X}")
}

/// The names of downstream servers.
fn names(state: &State) -> HashMap<Uuid, String> {
    state.downstream_servers().iter().map(|server| (server.id, server.name.clone())).collect()
}

async fn show(state: &State, computer: String) -> Result<ComputerDetails, AdminError> {
    let details = state.computer(computer).await?;
    let published = state.published();
    let tracked = &details.tracked;
    let info = &tracked.computer.info;
    let (a, b, c, d) = info.client_version;
    let (major, minor, build) = info.os_version;
    Ok(ComputerDetails {
        summary: summary(&published, &Offer::of(&published), &names(state), tracked),
        os_build: format!("{major}.{minor}.{build}"),
        locale: info.os_locale.clone(),
        manufacturer: info.manufacturer.clone(),
        model: info.model.clone(),
        bios: ShownBios {
            name: info.bios_name.clone(),
            version: info.bios_version.clone(),
            date: instant(info.bios_release_date),
        },
        architecture: info.processor_architecture.clone(),
        agent: format!("{a}.{b}.{c}.{d}"),
        requested_group: tracked.computer.requested_group.clone(),
        updates: updates(state, &published, tracked)?,
        events: details.events.events.iter().map(ShownEvent::of).collect(),
    })
}

fn summary(
    published: &Published,
    offer: &Offer,
    servers: &HashMap<Uuid, String>,
    tracked: &Tracked,
) -> ComputerSummary {
    let computer = &tracked.computer;
    let groups = computer.groups.iter().filter_map(|id| published.policy.groups.get(id));
    let groups: Vec<String> = groups.map(|group| group.name.clone()).collect();
    let groups = if groups.is_empty() { vec!["Unassigned Computers".to_owned()] } else { groups };
    let statuses = &tracked.statuses;
    let below = tracked.below.as_deref();
    let contact = match below {
        Some(below) => below.last_sync,
        None => tracked.last_contact.at(),
    };
    ComputerSummary {
        client_id: computer.client_id.clone(),
        name: computer.info.dns_name.clone(),
        os: computer.info.os_name().to_string(),
        address: computer.address.clone(),
        groups,
        server: below.map(|below| match servers.get(&below.parent) {
            Some(name) => name.clone(),
            None => below.parent.to_string(),
        }),
        registered: instant(computer.registered),
        last_contact: contact.and_then(instant),
        last_scan: statuses
            .scan
            .map(|scan| ShownScan { at: instant(scan.at), result: hresult(scan.result) }),
        last_status_report: below
            .map_or(statuses.reported, |below| below.last_status)
            .and_then(instant),
        states: offer.count(statuses).into_iter().map(|(it, n)| (it.to_owned(), n)).collect(),
    }
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
fn updates(
    state: &State,
    published: &Published,
    tracked: &Tracked,
) -> Result<Vec<ShownUpdateState>, StateError> {
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
        Ok(ShownUpdateState {
            update_id: update,
            title: metadata.as_ref().map(|metadata| metadata.title("en").to_owned()),
            state: installation.name().to_owned(),
            since: reported.get(&update).and_then(|row| instant(row.since)),
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Source, import_into};
    use crate::computers::computer::ComputerInfo;
    use crate::computers::event::STATUS_REPORT;
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
            for row in listed_rows {
                *listed.entry(row.state).or_default() += 1;
            }
            let counted = Offer::of(&published).count(&tracked.statuses);
            let counted: BTreeMap<String, usize> =
                counted.into_iter().map(|(state, count)| (state.to_owned(), count)).collect();
            assert_eq!(counted, listed, "{client_id}");
        }
    }
}
