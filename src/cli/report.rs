//! `weir report`.

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use uuid::Uuid;

use super::csv::csv;
use super::output::{printable, table, write_out};
use super::{CliError, Context};
use crate::admin::reports::{
    ApprovalFilter, ComputerCondition, ComputerOrder, ComputersReport, Detail, NamedCounts,
    ReportComputers, ReportSyncs, ReportTrend, ReportUpdates, StateFilter, SyncsReport,
    TrendReport, UpdateFilter, UpdateOrder, UpdatesReport,
};
use crate::computers::{Counts, UpdateInstallationState};

/// Reports on updates, computers and synchronizations.
#[derive(Debug, Subcommand)]
pub(super) enum Report {
    /// The states of updates on the computers of a group and of those below it.
    Updates {
        #[command(flatten)]
        common: Common,
        /// By what the rows are ordered.
        #[arg(long, value_enum, default_value = "title")]
        sort: UpdateSort,
    },
    /// The states of updates, computer by computer.
    Computers {
        #[command(flatten)]
        common: Common,
        /// Only computers with this in their host name, or with this client id.
        #[arg(long, value_name = "TEXT")]
        computer: Option<String>,
        /// Only computers with this in the name of their operating system.
        #[arg(long, value_name = "TEXT")]
        os: Option<String>,
        /// Only this update.
        #[arg(long, value_name = "UPDATEID")]
        update: Option<Uuid>,
        /// Only computers of which this is true.
        #[arg(long, value_enum)]
        condition: Option<Condition>,
        /// Only computers that were not heard of for so many days.
        #[arg(long, value_name = "N")]
        silent_days: Option<u32>,
        /// By what the rows are ordered.
        #[arg(long, value_enum, default_value = "name")]
        sort: ComputerSort,
    },
    /// The states of updates on the computers of a group, day by day.
    Trend {
        /// Only computers of this group and of those below it.
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// The last so many days.
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        /// Print comma-separated values.
        #[arg(long)]
        csv: bool,
    },
    /// What the synchronizations brought.
    Sync {
        /// Only those that began on this day or later.
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// Only those that began before this day.
        #[arg(long, value_name = "DAY")]
        before: Option<String>,
        /// Print comma-separated values.
        #[arg(long)]
        csv: bool,
    },
}

/// What reports on updates and on computers have in common.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Only computers of this group and of those below it.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only updates of this classification.
    #[arg(long, value_name = "TITLE")]
    classification: Option<String>,
    /// Only updates for this product.
    #[arg(long, value_name = "TITLE")]
    product: Option<String>,
    /// Only updates of this severity; `Unspecified` for those without.
    #[arg(long, value_name = "NAME")]
    severity: Option<String>,
    /// Only updates of which this was decided; declined ones are left out otherwise.
    #[arg(long, value_enum)]
    approval: Option<Approval>,
    /// Only updates that came here on this day or later.
    #[arg(long, value_name = "DAY")]
    arrived_from: Option<String>,
    /// Only updates that came here before this day.
    #[arg(long, value_name = "DAY")]
    arrived_before: Option<String>,
    /// Only updates with a deadline on this day or later.
    #[arg(long, value_name = "DAY")]
    deadline_from: Option<String>,
    /// Only updates with a deadline before this day.
    #[arg(long, value_name = "DAY")]
    deadline_before: Option<String>,
    /// Only updates with this in their title, or this KB number.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only what is in this state somewhere.
    #[arg(long, value_parser = state)]
    state: Option<StateFilter>,
    /// Only sums.
    #[arg(long, conflicts_with = "detailed")]
    summary: bool,
    /// With what is behind each row: groups of an update, updates of a computer.
    #[arg(long)]
    detailed: bool,
    /// The last come first.
    #[arg(long)]
    descending: bool,
    /// Rows to leave out at the beginning.
    #[arg(long, value_name = "N")]
    offset: Option<u32>,
    /// Most rows.
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
}

/// What was decided on an update.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Approval {
    Approved,
    Unapproved,
    Declined,
}

/// Something that may be true of a computer.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Condition {
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

/// An order of updates.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum UpdateSort {
    Title,
    Arrived,
    Needed,
    Failed,
    Installed,
    Unknown,
}

/// An order of computers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ComputerSort {
    Name,
    Heard,
    Needed,
    Failed,
    Unknown,
}

/// A state by its name, in any case.
fn state(text: &str) -> Result<StateFilter, String> {
    let named = |state: &StateFilter| format!("{state:?}").eq_ignore_ascii_case(text);
    StateFilter::ALL.into_iter().find(named).ok_or_else(|| {
        let names = StateFilter::ALL.map(|state| format!("{state:?}"));
        format!("states are {}", names.join(", "))
    })
}

impl Common {
    fn detail(&self) -> Detail {
        match (self.summary, self.detailed) {
            (true, _) => Detail::Summary,
            (_, true) => Detail::Detailed,
            _ => Detail::Tabular,
        }
    }

    fn filter(&self) -> UpdateFilter {
        UpdateFilter {
            classification: self.classification.clone(),
            product: self.product.clone(),
            severity: self.severity.clone(),
            approval: self.approval.map(|approval| match approval {
                Approval::Approved => ApprovalFilter::Approved,
                Approval::Unapproved => ApprovalFilter::Unapproved,
                Approval::Declined => ApprovalFilter::Declined,
            }),
            arrived_from: self.arrived_from.clone(),
            arrived_before: self.arrived_before.clone(),
            deadline_from: self.deadline_from.clone(),
            deadline_before: self.deadline_before.clone(),
            text: self.text.clone(),
        }
    }
}

impl Report {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Updates { common, sort } => {
                let (csv, detail) = (common.csv, common.detail());
                let report = ReportUpdates {
                    filter: common.filter(),
                    group: common.group,
                    state: common.state,
                    detail,
                    sort: match sort {
                        UpdateSort::Title => UpdateOrder::Title,
                        UpdateSort::Arrived => UpdateOrder::Arrived,
                        UpdateSort::Needed => UpdateOrder::Needed,
                        UpdateSort::Failed => UpdateOrder::Failed,
                        UpdateSort::Installed => UpdateOrder::Installed,
                        UpdateSort::Unknown => UpdateOrder::Unknown,
                    },
                    descending: common.descending,
                    offset: common.offset,
                    limit: common.limit,
                };
                let answer = context.run(report).await?;
                print(context, csv, &answer, updates(&answer, detail))
            }
            Self::Computers { common, computer, os, update, condition, silent_days, sort } => {
                let (csv, detail) = (common.csv, common.detail());
                let report = ReportComputers {
                    filter: common.filter(),
                    group: common.group,
                    computer,
                    os,
                    update,
                    state: common.state,
                    condition: condition.map(|condition| match condition {
                        Condition::RestartPending => ComputerCondition::RestartPending,
                        Condition::Flapping => ComputerCondition::Flapping,
                        Condition::NeverReported => ComputerCondition::NeverReported,
                        Condition::ScanFailed => ComputerCondition::ScanFailed,
                        Condition::Duplicate => ComputerCondition::Duplicate,
                    }),
                    silent_days,
                    detail,
                    sort: match sort {
                        ComputerSort::Name => ComputerOrder::Name,
                        ComputerSort::Heard => ComputerOrder::Heard,
                        ComputerSort::Needed => ComputerOrder::Needed,
                        ComputerSort::Failed => ComputerOrder::Failed,
                        ComputerSort::Unknown => ComputerOrder::Unknown,
                    },
                    descending: common.descending,
                    offset: common.offset,
                    limit: common.limit,
                };
                let answer = context.run(report).await?;
                print(context, csv, &answer, computers(&answer, detail))
            }
            Self::Trend { group, days, csv } => {
                let answer = context.run(ReportTrend { group, days }).await?;
                print(context, csv, &answer, trend(&answer))
            }
            Self::Sync { from, before, csv } => {
                let answer = context.run(ReportSyncs { from, before }).await?;
                print(context, csv, &answer, syncs(&answer))
            }
        }
    }
}

/// Headings and rows.
type Lines = (Vec<&'static str>, Vec<Vec<String>>);

/// Prints a report in the form that was asked for.
fn print(
    context: &Context,
    as_csv: bool,
    report: &impl Serialize,
    (headings, rows): Lines,
) -> Result<(), CliError> {
    if as_csv && !context.output.json {
        return write_out(&csv(&headings, &rows));
    }
    context.output.print(report, |_| {
        let rows = rows.iter().map(|row| row.iter().map(|it| printable(it)).collect());
        table(&headings, rows.collect())
    })
}

/// The headings of [`counted`].
const COUNTED: [&str; 8] = [
    "TOTAL",
    "UNKNOWN",
    "NOT APPLICABLE",
    "NOT INSTALLED",
    "DOWNLOADED",
    "INSTALLED",
    "FAILED",
    "PENDING RESTART",
];

fn counted(counts: &Counts) -> impl Iterator<Item = String> + use<> {
    let counts = *counts;
    let states = UpdateInstallationState::ALL.into_iter().map(move |state| counts.of(state));
    std::iter::once(counts.total()).chain(states).map(|count| count.to_string())
}

fn text(text: Option<String>) -> String {
    text.unwrap_or_default()
}

/// Sums of a summary, kind by kind.
fn sums(totals: &Counts, members: u64, kinds: &[(&str, &[NamedCounts])]) -> Lines {
    let line = |kind: &str, name: &str, members: u64, counts: &Counts| {
        let mut row = vec![kind.to_owned(), name.to_owned(), members.to_string()];
        row.extend(counted(counts));
        row
    };
    let mut rows = vec![line("all", "", members, totals)];
    for (kind, named) in kinds {
        rows.extend(named.iter().map(|it| line(kind, &it.name, it.members, &it.counts)));
    }
    ([&["KIND", "NAME", "MEMBERS"], &COUNTED[..]].concat(), rows)
}

fn updates(report: &UpdatesReport, detail: Detail) -> Lines {
    if detail == Detail::Summary {
        let kinds = [
            ("classification", &report.classifications[..]),
            ("product", &report.products),
            ("severity", &report.severities),
        ];
        return sums(&report.totals, report.updates, &kinds);
    }
    let mut rows = Vec::new();
    for update in &report.rows {
        let decided = update.approvals.iter().map(|it| format!("{:?} for {}", it.action, it.group));
        let decided = match update.declined {
            true => "declined".to_owned(),
            false => decided.collect::<Vec<_>>().join("; "),
        };
        let line = |group: &str, counts: &Counts| {
            let mut row = vec![
                update.update_id.to_string(),
                update.title.clone(),
                update.classifications.join("; "),
                text(update.severity.clone()),
                text(update.arrived.clone()),
                decided.clone(),
                group.to_owned(),
            ];
            row.extend(counted(counts));
            row.push(counts.percent_done().map(|it| format!("{it:.1}")).unwrap_or_default());
            row
        };
        match update.groups.is_empty() {
            true => rows.push(line(&report.group, &update.counts)),
            false => rows.extend(update.groups.iter().map(|it| line(&it.group, &it.counts))),
        }
    }
    let before = ["UPDATE", "TITLE", "CLASSIFICATION", "SEVERITY", "ARRIVED", "DECISION", "GROUP"];
    ([&before[..], &COUNTED, &["% DONE"]].concat(), rows)
}

fn computers(report: &ComputersReport, detail: Detail) -> Lines {
    if detail == Detail::Summary {
        let mut lines = sums(&report.totals, report.computers, &[("system", &report.systems[..])]);
        for (name, members) in [
            ("with failures", report.with_failures),
            ("in need", report.in_need),
            ("with unknown", report.with_unknown),
            ("up to date", report.up_to_date),
        ] {
            let mut row = vec!["computers".to_owned(), name.to_owned(), members.to_string()];
            row.resize(3 + COUNTED.len(), String::new());
            lines.1.push(row);
        }
        return lines;
    }
    let behind = report.rows.iter().any(|computer| !computer.updates.is_empty());
    let mut rows = Vec::new();
    for computer in &report.rows {
        let who = [computer.name.clone(), computer.os.clone(), computer.groups.join("; ")];
        if behind {
            rows.extend(computer.updates.iter().map(|update| {
                let why = update.error.clone().or_else(|| update.why.clone());
                let update = [
                    text(update.title.clone()),
                    update.state.clone(),
                    text(update.since.clone()),
                    text(why),
                    update.update_id.to_string(),
                ];
                [&who[..], &update, std::slice::from_ref(&computer.client_id)].concat()
            }));
            continue;
        }
        let mut row = who.to_vec();
        row.push(text(computer.last_heard.clone()));
        row.push(text(computer.last_status_report.clone()));
        row.extend(counted(&computer.counts));
        row.push(text(computer.restart_pending.clone()));
        row.push(computer.client_id.clone());
        rows.push(row);
    }
    let before = ["COMPUTER", "SYSTEM", "GROUPS"];
    let headings = match behind {
        true => [&before[..], &["TITLE", "STATE", "SINCE", "WHY", "UPDATE", "CLIENT ID"]].concat(),
        false => {
            let heard = ["LAST HEARD", "LAST REPORT"];
            [&before[..], &heard, &COUNTED, &["RESTART PENDING SINCE", "CLIENT ID"]].concat()
        }
    };
    (headings, rows)
}

fn trend(report: &TrendReport) -> Lines {
    let rows = report.rows.iter().map(|day| {
        let mut row = vec![day.day.clone(), day.computers.to_string()];
        row.extend(counted(&day.counts));
        row.push(day.percent_done.map(|it| format!("{it:.1}")).unwrap_or_default());
        row
    });
    ([&["DAY", "COMPUTERS"], &COUNTED[..], &["% DONE"]].concat(), rows.collect())
}

fn syncs(report: &SyncsReport) -> Lines {
    let rows = report.rows.iter().map(|run| {
        vec![
            run.number.to_string(),
            text(run.began.clone()),
            text(run.ended.clone()),
            run.status.to_string(),
            run.new.to_string(),
            run.changed.to_string(),
            run.unchanged.to_string(),
            run.set_aside.to_string(),
            text(run.reason.clone()),
        ]
    });
    let headings = vec![
        "NUMBER",
        "BEGAN",
        "ENDED",
        "STATUS",
        "NEW",
        "CHANGED",
        "UNCHANGED",
        "SET ASIDE",
        "REASON",
    ];
    (headings, rows.collect())
}
