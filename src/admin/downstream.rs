//! Servers that synchronize from this one.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AdminError, Call, Operation, Route, instant};
use crate::downstream::{DownstreamServer, Summary, System};
use crate::state::{State, StateError};

/// All downstream servers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListDownstream {}

impl Operation for ListDownstream {
    type Answer = Vec<DownstreamSummary>;
    const ROUTE: Route = Route::get("/downstream");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let servers = call.state().downstream_servers();
        let computers = computers(call.state());
        Ok(servers.iter().map(|server| summary(call.state(), &computers, server)).collect())
    }
}

/// One downstream server, with what it reported of itself.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowDownstream {
    /// Id or name.
    pub server: String,
}

impl Operation for ShowDownstream {
    type Answer = DownstreamDetails;
    const ROUTE: Route = Route::get("/downstream/{server}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let state = call.state();
        let server = find(state, &self.server)?;
        let summary = summary(state, &computers(state), &server);
        let reported = server.reported.as_ref();
        let systems = reported.map(|it| it.systems.iter().map(ShownSystem::of).collect());
        Ok(DownstreamDetails {
            summary,
            updates: reported.map(|reported| ShownCounts::of(&reported.summary)),
            systems,
            installations: reported.map(|reported| reported.installations),
            failures: reported.map(|reported| reported.failures),
        })
    }
}

fn find(state: &State, server: &str) -> Result<Arc<DownstreamServer>, StateError> {
    let named = |it: &&Arc<DownstreamServer>| {
        it.id.to_string().eq_ignore_ascii_case(server) || it.name.eq_ignore_ascii_case(server)
    };
    let servers = state.downstream_servers();
    let mut found = servers.iter().filter(named);
    let not_found = || StateError::NotFound { kind: "downstream server", name: server.to_owned() };
    let first = found.next().ok_or_else(not_found)?;
    if found.next().is_some() {
        let reason =
            format!("several downstream servers are called '{server}'; name one by its id");
        return Err(StateError::Refused(reason));
    }
    Ok(Arc::clone(first))
}

/// Let a downstream server synchronize, where that needs approval.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApproveDownstream {
    /// Id or name.
    pub server: String,
}

impl Operation for ApproveDownstream {
    type Answer = DownstreamSummary;
    const ROUTE: Route = Route::post("/downstream/{server}/approve");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let server = call.state().approve_downstream(self.server, call.by()).await?;
        Ok(summary(call.state(), &computers(call.state()), &server))
    }
}

/// Forget a downstream server. Should it come back, it is told everything again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForgetDownstream {
    /// Id or name.
    pub server: String,
}

impl Operation for ForgetDownstream {
    type Answer = ForgottenDownstream;
    const ROUTE: Route = Route::delete("/downstream/{server}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let server = call.state().forget_downstream(self.server, call.by()).await?;
        Ok(ForgottenDownstream { forgotten: server.id, name: server.name.clone() })
    }
}

/// A downstream server that was forgotten.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForgottenDownstream {
    /// Its id.
    pub forgotten: Uuid,
    /// Its name.
    pub name: String,
}

/// What is said of a downstream server in a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DownstreamSummary {
    /// The id that it made for itself.
    pub id: Uuid,
    /// Its name, as it says.
    pub name: String,
    /// The server that it synchronizes from; none for this one.
    pub parent: Option<Uuid>,
    /// `never`, `current` or `behind`; none for one further below.
    pub state: Option<String>,
    /// Whether an administrator approved it.
    pub approved: bool,
    /// Its version, if it reported.
    pub version: Option<String>,
    /// Whether it takes over decisions too, if it reported.
    pub replica: Option<bool>,
    /// When it was first heard of.
    pub first_seen: Option<String>,
    /// When it last authorized itself.
    pub last_contact: Option<String>,
    /// When it was last told of updates.
    pub last_list: Option<String>,
    /// Seconds since then.
    pub seconds_since_list: Option<i64>,
    /// When it last synchronized, as it says.
    pub last_sync: Option<String>,
    /// When it last reported.
    pub last_report: Option<String>,
    /// How many revisions it was not told of.
    pub revisions_behind: Option<usize>,
    /// How many decisions it was not told of.
    pub decisions_behind: Option<usize>,
    /// How many computers it has.
    pub computers: u64,
}

/// Everything about a downstream server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DownstreamDetails {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: DownstreamSummary,
    /// What it counts, if it reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates: Option<ShownCounts>,
    /// Its computers by operating system, if it reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systems: Option<Vec<ShownSystem>>,
    /// Installations that succeeded, ever since it reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installations: Option<u64>,
    /// Installations that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
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

fn summary(
    state: &State,
    computers: &HashMap<Uuid, u64>,
    server: &DownstreamServer,
) -> DownstreamSummary {
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
    DownstreamSummary {
        id: server.id,
        name: server.name.clone(),
        parent: server.parent,
        state: sync_state.map(str::to_owned),
        approved: server.approved,
        version: reported.map(|reported| reported.version.clone()),
        replica: reported.map(|reported| reported.is_replica),
        first_seen: instant(server.first_seen),
        last_contact: instant(server.authorized).filter(|_| server.authorized > 0),
        last_list: server.listed.and_then(|told| instant(told.at)),
        seconds_since_list: server.listed.map(|told| state.now().saturating_sub(told.at)),
        last_sync: reported.and_then(|reported| reported.last_sync).and_then(instant),
        last_report: reported.and_then(|reported| instant(reported.at)),
        revisions_behind: behind,
        decisions_behind,
        computers: computers.get(&server.id).copied().unwrap_or(counted),
    }
}

/// What a server counts of its updates and computers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it; they are those of the specification")]
pub struct ShownCounts {
    pub all: u32,
    pub declined: u32,
    pub approved: u32,
    pub not_approved: u32,
    pub approved_in_an_earlier_revision: u32,
    pub expired: u32,
    pub critical_not_approved: u32,
    pub infrastructure_not_approved: u32,
    pub failed_on_a_computer: u32,
    pub failed_to_download: u32,
    pub needing_files: u32,
    pub needed: u32,
    pub up_to_date: u32,
    pub groups: u32,
    pub computers: u32,
    pub computers_in_need: u32,
    pub computers_with_errors: u32,
    pub computers_up_to_date: u32,
}

impl ShownCounts {
    fn of(summary: &Summary) -> Self {
        Self {
            all: summary.updates,
            declined: summary.declined,
            approved: summary.approved,
            not_approved: summary.not_approved,
            approved_in_an_earlier_revision: summary.stale_approvals,
            expired: summary.expired,
            critical_not_approved: summary.critical_not_approved,
            infrastructure_not_approved: summary.infrastructure_not_approved,
            failed_on_a_computer: summary.with_client_errors,
            failed_to_download: summary.with_server_errors,
            needing_files: summary.needing_files,
            needed: summary.needed,
            up_to_date: summary.up_to_date,
            groups: summary.groups,
            computers: summary.computers,
            computers_in_need: summary.computers_in_need,
            computers_with_errors: summary.computers_with_errors,
            computers_up_to_date: summary.computers_up_to_date,
        }
    }
}

/// Computers with one operating system.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownSystem {
    /// Its version.
    pub os_build: String,
    /// Its language.
    pub locale: String,
    /// Architecture of the processor.
    pub architecture: String,
    /// Its edition, by number.
    pub edition: i32,
    /// How many computers.
    pub computers: u32,
}

impl ShownSystem {
    fn of(system: &System) -> Self {
        let (major, minor, build) = system.version;
        Self {
            os_build: format!("{major}.{minor}.{build}"),
            locale: system.locale.clone(),
            architecture: system.architecture.clone(),
            edition: system.new_product_type,
            computers: system.count,
        }
    }
}
