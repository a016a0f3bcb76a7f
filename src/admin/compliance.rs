//! The state of updates on computers, as an administrator is shown it.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::instant;
use crate::catalog::Revision;
use crate::computers::hresult;
use crate::computers::numbers::UpdateNumber;
use crate::computers::rows::Row;
use crate::computers::unknown::WhyUnknown;
use crate::computers::{Compliance, Statuses, UpdateInstallationState};
use crate::state::{Published, State, StateError, Tracked};

/// An update on a computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateOnComputer {
    /// The update.
    pub update_id: Uuid,
    /// Its title; none when the update is not here.
    pub title: Option<String>,
    /// `UpdateInstallationState`.
    pub state: String,
    /// What that means for compliance.
    pub compliance: Compliance,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Why it failed: the HRESULT and its meaning.
    pub error: Option<String>,
    /// Why nobody knows.
    pub unknown: Option<WhyUnknown>,
    /// The same in words.
    pub why: Option<String>,
}

/// How a computer fares, besides the states of updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComputerHealth {
    /// Since when an update waits for its restart, RFC 3339.
    pub restart_pending: Option<String>,
    /// Updates that are installed and needed in turn.
    pub flapping: Vec<FlappingUpdate>,
    /// Whether several computers use its id.
    pub duplicate: bool,
    /// Who else registered under its id, the latest last.
    pub seen_as: Vec<SeenAs>,
    /// When its next scan is expected at the earliest.
    pub next_scan_from: Option<String>,
    /// And at the latest.
    pub next_scan_until: Option<String>,
    /// Whether that has passed.
    pub scan_overdue: bool,
    /// Whole days since it was last heard of.
    pub days_silent: i64,
}

/// An update that is installed and needed in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlappingUpdate {
    /// The update.
    pub update_id: Uuid,
    /// How often it was needed again.
    pub times: u8,
    /// The last time, RFC 3339.
    pub last: Option<String>,
}

/// A computer that registered under the id of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenAs {
    /// Host name.
    pub name: String,
    /// Manufacturer, model and firmware.
    pub hardware: String,
    /// The last time, RFC 3339.
    pub last: Option<String>,
}

/// Seconds between two scans of an agent that nobody configured: 22 hours, less up to a fifth.
const DETECTION: (i64, i64) = (22 * 3600 * 4 / 5, 22 * 3600);
/// Seconds after which a scan counts no more: the 24 hours of Configuration Manager.
const TIME_TO_LIVE: i64 = 24 * 3600;

/// How a computer fares.
pub(super) fn health(state: &State, tracked: &Tracked) -> ComputerHealth {
    let (now, statuses) = (state.now(), &tracked.statuses);
    let ids = state.numbered_updates();
    let flapping = statuses.relapses.flapping(now).filter_map(|relapse| {
        Some(FlappingUpdate {
            update_id: *ids.get(relapse.number as usize)?,
            times: relapse.times,
            last: instant(relapse.last),
        })
    });
    let others = tracked.computer.sightings.others().iter().map(|other| SeenAs {
        name: other.name.clone(),
        hardware: other.hardware.replace('\n', ", "),
        last: instant(other.last),
    });
    let scanned = tracked.last_sync();
    let next = |after: i64| scanned.and_then(|at| instant(at.saturating_add(after)));
    ComputerHealth {
        restart_pending: statuses.restart_pending().and_then(instant),
        flapping: flapping.collect(),
        duplicate: tracked.computer.sightings.is_duplicate(now),
        seen_as: others.collect(),
        next_scan_from: next(DETECTION.0),
        next_scan_until: next(DETECTION.1),
        scan_overdue: scanned.is_some_and(|at| now.saturating_sub(at) > TIME_TO_LIVE),
        days_silent: now.saturating_sub(tracked.last_heard()) / 86_400,
    }
}

/// What can be decided on, and since when it is offered: with that a computer's states are counted
/// without looking at every update for every computer.
pub(super) struct Offer {
    /// Those that some computer reported on.
    arrived: HashMap<UpdateNumber, i64>,
    /// The times of all of them, ascending.
    arrivals: Vec<i64>,
}

impl Offer {
    pub(super) fn of(state: &State, published: &Published) -> Self {
        let arrival = |revision: &Revision| {
            let number = state.update_number(&revision.metadata.identity.update_id)?;
            Some((number, offered_since(published, revision)))
        };
        let arrived = published.decidable().filter_map(arrival).collect();
        let mut arrivals: Vec<i64> =
            published.decidable().map(|revision| offered_since(published, revision)).collect();
        arrivals.sort_unstable();
        Self { arrived, arrivals }
    }

    /// How many updates are in which state, of those on offer and of what else was reported.
    pub(super) fn count(&self, statuses: &Statuses) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for row in statuses.rows() {
            *counts.entry(row.state.name()).or_default() += 1;
        }
        // The others were not applicable if the computer's report is about them.
        let reported_on = |arrival: i64| statuses.detected.is_some_and(|at| arrival <= at);
        let known = self.arrivals.partition_point(|arrival| reported_on(*arrival));
        let rows = statuses.rows().filter_map(|row| self.arrived.get(&row.number));
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

fn offered_since(published: &Published, revision: &Revision) -> i64 {
    published.policy.offered_since(&revision.metadata.identity, revision.imported)
}

/// The state of every update that can be decided on, and of what else was reported.
pub(super) fn on_computer(
    state: &State,
    published: &Published,
    tracked: &Tracked,
) -> Result<Vec<UpdateOnComputer>, StateError> {
    let catalog = &published.catalog;
    let statuses = &tracked.statuses;
    let ids = state.numbered_updates();
    let id = |row: Row| Some((*ids.get(row.number as usize)?, row));
    let rows: BTreeMap<Uuid, Row> = statuses.rows().filter_map(id).collect();
    let mut arrivals: BTreeMap<Uuid, i64> = rows.keys().map(|update| (*update, 0)).collect();
    arrivals.extend(
        published
            .decidable()
            .map(|it| (it.metadata.identity.update_id, offered_since(published, it))),
    );
    let now = state.now();
    let shown = arrivals.into_iter().map(|(update_id, arrived)| {
        let row = rows.get(&update_id);
        let installation = match row {
            Some(row) => row.state,
            None => statuses.state(None, arrived),
        };
        let latest = catalog.update(&update_id).and_then(|update| catalog.latest(update));
        let metadata = latest.map(|index| state.metadata_of(published, index)).transpose()?;
        let is_unknown = installation == UpdateInstallationState::Unknown;
        let unknown = is_unknown.then(|| tracked.why_unknown(arrived, now));
        let failed = row.filter(|row| row.code != 0);
        Ok(UpdateOnComputer {
            update_id,
            title: metadata.as_ref().map(|metadata| metadata.title("en").to_owned()),
            state: installation.name().to_owned(),
            compliance: installation.compliance(),
            since: row.and_then(|row| instant(row.since)),
            error: failed.map(|row| hresult::describe(row.code)),
            unknown,
            why: unknown.map(WhyUnknown::words),
        })
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Source, import_into};
    use crate::computers::computer::ComputerInfo;
    use crate::computers::event::Event;
    use crate::metadata::sample;
    use crate::policy::by::By;
    use crate::state::{Registration, Settings};
    use crate::store::memory::MemoryStore;

    const IMPORTED: i64 = 1_800_000_000;

    fn report(at: i64, needed: &[Uuid], installed: &[Uuid]) -> Event {
        Event::status(at, &[("U", needed), ("V", installed)])
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
        import_into(&state, &By::administrator(), documents.collect(), false)
            .await
            .expect("imported");
        let published = state.published();
        let offered: Vec<Uuid> =
            published.decidable().map(|revision| revision.metadata.identity.update_id).collect();
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
            assert!(state.report(client_id.clone(), events, false).await.expect("reported"));
            let tracked = state.computers().find(&client_id).expect("a computer");
            let mut listed = BTreeMap::new();
            for row in on_computer(&state, &published, &tracked).expect("readable") {
                *listed.entry(row.state).or_default() += 1;
            }
            let counted = Offer::of(&state, &published).count(&tracked.statuses);
            let counted: BTreeMap<String, usize> =
                counted.into_iter().map(|(state, count)| (state.to_owned(), count)).collect();
            assert_eq!(counted, listed, "{client_id}");
        }
    }
}
