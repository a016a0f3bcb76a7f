//! Computers: what they are, and the state of every update on them.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::compliance::{self, ComputerHealth, Offer, UpdateOnComputer};
use super::{AdminError, Call, Operation, Route, instant};
use crate::computers::event::Event;
use crate::computers::hresult;
use crate::computers::status::LastScan;
use crate::state::{Published, State, Tracked};

/// All computers, with a summary of each.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListComputers {}

impl Operation for ListComputers {
    type Answer = Vec<ComputerSummary>;
    const ROUTE: Route = Route::get("/computers");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let state = call.state();
        let published = state.published();
        let offer = Offer::of(state, &published);
        let servers = names(state);
        let mut computers = state.computers().all();
        computers.sort_by(|a, b| a.computer.client_id.cmp(&b.computer.client_id));
        let summaries = computers.iter().map(|it| summary(state, &published, &offer, &servers, it));
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
    /// Since when a restart is pending, if one is.
    pub restart_pending: Option<String>,
    /// How many updates on it come and go.
    pub flapping: usize,
    /// Whether several computers use its id.
    pub duplicate: bool,
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
    /// What that means, where it is known.
    pub meaning: Option<String>,
}

impl ShownScan {
    fn of(scan: &LastScan) -> Self {
        Self {
            at: instant(scan.at),
            result: digits(scan.result),
            meaning: hresult::words(scan.result).map(str::to_owned),
        }
    }
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
    /// How it fares, besides the states of updates.
    pub health: ComputerHealth,
    /// What its agent said of its hardware and system, if it did.
    pub inventory: Option<BTreeMap<String, String>>,
    /// The state of every update on it.
    pub updates: Vec<UpdateOnComputer>,
    /// Its last scans, the latest first.
    pub scans: Vec<ShownScan>,
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
            result: digits(event.result),
            app: event.app.clone(),
            strings: event.strings.clone(),
        }
    }
}

fn digits(result: i32) -> String {
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
        summary: summary(state, &published, &Offer::of(state, &published), &names(state), tracked),
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
        health: compliance::health(state, tracked),
        inventory: details
            .inventory
            .as_ref()
            .map(|inventory| inventory.attributes.iter().cloned().collect()),
        updates: compliance::on_computer(state, &published, tracked)?,
        scans: details.events.scans.iter().rev().map(ShownScan::of).collect(),
        events: details.events.events.iter().map(ShownEvent::of).collect(),
    })
}

fn summary(
    state: &State,
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
        last_scan: statuses.scan.as_ref().map(ShownScan::of),
        last_status_report: below
            .map_or(statuses.reported, |below| below.last_status)
            .and_then(instant),
        restart_pending: statuses.restart_pending().and_then(instant),
        flapping: statuses.relapses.flapping(state.now()).count(),
        duplicate: computer.sightings.is_duplicate(state.now()),
        states: offer.count(statuses).into_iter().map(|(it, n)| (it.to_owned(), n)).collect(),
    }
}
