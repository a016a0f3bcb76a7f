//! The report on computers.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::counted::{Considered, CountedComputers, of_some};
use super::selection::{Selected, UpdateFilter, select};
use super::{Detail, NamedCounts, StateFilter, Sums, group_called, page};
use crate::admin::compliance::{UpdateOnComputer, on_computer};
use crate::admin::{AdminError, Call, Operation, Route, Subject, instant};
use crate::computers::computer::ComputerInfo;
use crate::computers::{Counts, UpdateInstallationState};
use crate::policy::target_group::effective;
use crate::state::{Published, State, StateError, Tracked};

const DAY: i64 = 86_400;

/// The states of updates, computer by computer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReportComputers {
    /// The group's name, with those below it; all computers without one.
    pub group: Option<String>,
    /// Part of the host name, or the client id.
    pub computer: Option<String>,
    /// Part of the operating system's name.
    pub os: Option<String>,
    /// Only this update.
    pub update: Option<Uuid>,
    /// Which updates count.
    #[serde(flatten)]
    pub filter: UpdateFilter,
    /// Only computers that have some update in this state.
    pub state: Option<StateFilter>,
    /// Only computers of which this is true.
    pub condition: Option<ComputerCondition>,
    /// Only computers that were not heard of for so many days.
    pub silent_days: Option<u32>,
    /// How much of it.
    pub detail: Detail,
    /// By what the rows are ordered.
    pub sort: ComputerOrder,
    /// Whether the last come first.
    pub descending: bool,
    /// Rows to leave out at the beginning.
    pub offset: Option<u32>,
    /// Most rows.
    pub limit: Option<u32>,
}

/// Something that may be true of a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComputerCondition {
    /// An update waits for its restart.
    RestartPending,
    /// An update is installed and needed in turn.
    Flapping,
    /// It never reported the states of updates.
    NeverReported,
    /// Its last scan failed.
    ScanFailed,
    /// Several computers use its id.
    Duplicate,
}

/// An order of computers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComputerOrder {
    /// By host name.
    #[default]
    Name,
    /// By when they were last heard of.
    Heard,
    /// By how many updates they need.
    Needed,
    /// By how many failed.
    Failed,
    /// By how many nobody knows of.
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComputersReport {
    /// The moment of the counts, RFC 3339.
    pub as_of: Option<String>,
    /// The group, with those above it.
    pub group: String,
    /// How many computers the filter leaves.
    pub computers: u64,
    /// How many of them have a failed update.
    pub with_failures: u64,
    /// How many of the others need one.
    pub in_need: u64,
    /// How many of the others have one that nobody knows of.
    pub with_unknown: u64,
    /// How many are left: all is installed or not applicable.
    pub up_to_date: u64,
    /// Pairs of computer and update by their state.
    pub totals: Counts,
    /// The same for each operating system.
    pub systems: Vec<NamedCounts>,
    /// The computers, unless only a summary was asked for.
    pub rows: Vec<ComputerRow>,
}

/// One computer. All texts are as it says them itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComputerRow {
    /// What it calls itself.
    pub client_id: String,
    /// Host name.
    pub name: String,
    /// Operating system.
    pub os: String,
    /// The names of its groups.
    pub groups: Vec<String>,
    /// When it was last heard of, RFC 3339.
    pub last_heard: Option<String>,
    /// When it last reported the state of all updates.
    pub last_status_report: Option<String>,
    /// How many updates are in which state on it.
    pub counts: Counts,
    /// How many it needs, as WSUS counts: without those that failed.
    pub needed: u64,
    /// Since when an update waits for its restart.
    pub restart_pending: Option<String>,
    /// How many updates are installed and needed in turn.
    pub flapping: u64,
    /// The updates that the filter leaves, if details were asked for, or if it leaves one.
    pub updates: Vec<UpdateOnComputer>,
}

impl Operation for ReportComputers {
    type Answer = ComputersReport;
    const ROUTE: Route = Route::get("/reports/computers");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        self.make(call.subject()).await
    }
}

impl ReportComputers {
    /// Makes the report.
    ///
    /// # Errors
    /// When a group, an update, a category or a time is not understood, or the disk fails.
    pub(in crate::admin) async fn make(
        self,
        subject: &Subject,
    ) -> Result<ComputersReport, AdminError> {
        let (state, counted) = (Arc::clone(&subject.state), Arc::clone(&subject.counted));
        let work = move || self.report(&state, &counted);
        tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Stopped)?
    }

    pub(super) fn report(
        self,
        state: &State,
        counted: &CountedComputers,
    ) -> Result<ComputersReport, AdminError> {
        let published = state.published();
        let group = group_called(&published.policy, self.group.as_deref())?;
        let considered = Arc::new(Considered::of(state, self.selected(state, &published)?));
        let now = state.now();
        let mut report = ComputersReport {
            as_of: instant(now),
            group: published.policy.path(group),
            computers: 0,
            with_failures: 0,
            in_need: 0,
            with_unknown: 0,
            up_to_date: 0,
            totals: Counts::default(),
            systems: Vec::new(),
            rows: Vec::new(),
        };
        let (mut systems, mut names) = (Sums::default(), SystemNames::default());
        let mut rows: Vec<(Tracked, Counts)> = Vec::new();
        // There are few sets of groups, and many computers in each.
        let mut is_in: HashMap<Vec<Uuid>, bool> = HashMap::new();
        let mut computers = state.computers().all();
        let registered = computers.len();
        computers.retain(|tracked| {
            let groups = &tracked.computer.groups;
            let inside = match is_in.get(groups) {
                Some(known) => *known,
                None => {
                    let lineage = published.policy.lineage(&effective(groups));
                    *is_in.entry(groups.clone()).or_insert(lineage.depth(group).is_some())
                }
            };
            inside && self.wants(tracked, now)
        });
        let of_all_updates = self.update.is_none() && self.filter == UpdateFilter::default();
        let counts = match of_all_updates {
            true => counted.of_all(Arc::clone(&considered), &computers, registered),
            false => of_some(&considered, &computers),
        };
        for (tracked, counts) in computers.into_iter().zip(counts) {
            if self.state.is_some_and(|wanted| wanted.counted(&counts) == 0) {
                continue;
            }
            report.add(&counts);
            systems.add(names.of(&tracked.computer.info), &counts);
            if self.detail != Detail::Summary {
                rows.push((tracked, counts));
            }
        }
        report.systems = systems.named();
        for (tracked, counts) in self.page(rows) {
            let mut updates = Vec::new();
            if self.detail == Detail::Detailed || self.update.is_some() {
                updates = on_computer(state, &published, &tracked)?;
                updates.retain(|update| considered.wanted.contains_key(&update.update_id));
                if let Some(wanted) = self.state {
                    updates.retain(|update| {
                        let states = UpdateInstallationState::ALL.into_iter();
                        states.filter(|it| wanted.has(*it)).any(|it| it.name() == update.state)
                    });
                }
            }
            report.rows.push(row(&published, &tracked, counts, updates, now));
        }
        Ok(report)
    }

    fn selected(&self, state: &State, published: &Published) -> Result<Vec<Selected>, AdminError> {
        let mut selected = select(state, published, &self.filter)?;
        if let Some(update) = self.update {
            selected.retain(|selected| selected.update == update);
            if selected.is_empty() {
                let name = update.to_string();
                return Err(StateError::NotFound { kind: "update on offer", name }.into());
            }
        }
        Ok(selected)
    }

    fn wants(&self, tracked: &Tracked, now: i64) -> bool {
        let info = &tracked.computer.info;
        let has = |text: &str, part: &String| text.to_lowercase().contains(&part.to_lowercase());
        let is_called = |part: &String| {
            has(&info.dns_name, part) || tracked.computer.client_id.eq_ignore_ascii_case(part)
        };
        let statuses = &tracked.statuses;
        let silent = |days: u32| now.saturating_sub(tracked.last_heard()) >= i64::from(days) * DAY;
        self.computer.as_ref().is_none_or(is_called)
            && self.os.as_ref().is_none_or(|part| has(&info.os_name(), part))
            && self.silent_days.is_none_or(silent)
            && self.condition.is_none_or(|condition| match condition {
                ComputerCondition::RestartPending => statuses.restart_pending().is_some(),
                ComputerCondition::Flapping => statuses.relapses.flapping(now).next().is_some(),
                ComputerCondition::NeverReported => statuses.reported.is_none(),
                ComputerCondition::Duplicate => tracked.computer.sightings.is_duplicate(now),
                ComputerCondition::ScanFailed => statuses.scan.is_some_and(|scan| scan.failed()),
            })
    }

    /// The rows that were asked for, in order.
    fn page(&self, rows: Vec<(Tracked, Counts)>) -> Vec<(Tracked, Counts)> {
        match self.sort {
            ComputerOrder::Name => {
                self.first(rows, |(it, _)| it.computer.info.dns_name.to_lowercase())
            }
            ComputerOrder::Heard => self.first(rows, |(it, _)| it.last_heard()),
            ComputerOrder::Needed => self.first(rows, |(_, counts)| counts.needed()),
            ComputerOrder::Failed => self.first(rows, |(_, counts)| counts.failed),
            ComputerOrder::Unknown => self.first(rows, |(_, counts)| counts.unknown),
        }
    }

    /// The same by `key`, and by number where that is the same. Of many rows only those of the page are
    /// put in order.
    fn first<K: Ord>(
        &self,
        rows: Vec<(Tracked, Counts)>,
        key: impl Fn(&(Tracked, Counts)) -> K,
    ) -> Vec<(Tracked, Counts)> {
        let size = |number: Option<u32>, none| number.map_or(none, |it| it as usize);
        let wanted = size(self.offset, 0).saturating_add(size(self.limit, usize::MAX));
        let keyed = rows.into_iter().map(|row| (key(&row), row.0.computer.number, row));
        let mut keyed: Vec<_> = keyed.collect();
        let order = |one: &(K, u32, _), other: &(K, u32, _)| {
            let order = (&one.0, one.1).cmp(&(&other.0, other.1));
            if self.descending { order.reverse() } else { order }
        };
        if wanted < keyed.len() {
            keyed.select_nth_unstable_by(wanted, order);
            keyed.truncate(wanted);
        }
        keyed.sort_unstable_by(order);
        page(keyed, self.offset, self.limit).into_iter().map(|(_, _, row)| row).collect()
    }
}

/// The names of operating systems, made once for all computers that say the same of theirs.
#[derive(Default)]
struct SystemNames(HashMap<(i32, Version), HashMap<String, String>>);

/// Major, minor, build.
type Version = (i32, i32, i32);

impl SystemNames {
    fn of(&mut self, info: &ComputerInfo) -> &str {
        let ComputerInfo { old_product_type, os_version, os_description, .. } = info;
        let by_description = self.0.entry((*old_product_type, *os_version)).or_default();
        if !by_description.contains_key(os_description) {
            by_description.insert(os_description.clone(), info.os_name());
        }
        by_description.get(os_description).map_or("", String::as_str)
    }
}

impl ComputersReport {
    fn add(&mut self, counts: &Counts) {
        self.computers += 1;
        self.totals.add_all(counts);
        let place = match counts {
            Counts { failed: 1.., .. } => &mut self.with_failures,
            counts if counts.needed() > 0 => &mut self.in_need,
            Counts { unknown: 1.., .. } => &mut self.with_unknown,
            _ => &mut self.up_to_date,
        };
        *place += 1;
    }
}

fn row(
    published: &Published,
    tracked: &Tracked,
    counts: Counts,
    updates: Vec<UpdateOnComputer>,
    now: i64,
) -> ComputerRow {
    let Tracked { computer, statuses, below, .. } = tracked;
    let groups = effective(&computer.groups);
    let groups = groups.iter().filter_map(|id| published.policy.groups.get(id));
    let reported = below.as_ref().map_or(statuses.reported, |below| below.last_status);
    ComputerRow {
        client_id: computer.client_id.clone(),
        name: computer.info.dns_name.clone(),
        os: computer.info.os_name(),
        groups: groups.map(|group| group.name.clone()).collect(),
        last_heard: instant(tracked.last_heard()),
        last_status_report: reported.and_then(instant),
        counts,
        needed: counts.needed(),
        restart_pending: statuses.restart_pending().and_then(instant),
        flapping: statuses.relapses.flapping(now).count() as u64,
        updates,
    }
}
