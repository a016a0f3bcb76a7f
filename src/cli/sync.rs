//! `weir sync`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::output::{cell, fields, printable, table};
use super::{CliError, Context};
use crate::admin::Access;
use crate::admin::sync::{
    CancelSync, ChangeSyncSelection, ListSyncCategories, ListSyncs, ReportUpstream,
    SetSyncSchedule, SetSyncSource, ShowSync, ShowSyncSchedule, ShowSyncSelection, ShowSyncSource,
    ShownRun, StartSync, StartedSync,
};
use crate::upstream::records::{ContentMode, ScheduleRecord, SourceRecord};
use crate::upstream::{
    CANCELLED, Change, FAILED, MICROSOFT_UPDATE, RunningSync, Scope, SelectionChange,
};

/// How often it is looked how far a synchronization is.
const LOOK: Duration = Duration::from_millis(300);

/// Take the catalogue from another server.
#[derive(Debug, Subcommand)]
pub(super) enum Sync {
    /// Show the upstream server, or name it.
    Source(Source),
    /// Fetch the products and classifications that there are, and list them.
    Categories {
        /// Only list those that are here.
        #[arg(long)]
        offline: bool,
    },
    /// Show or change what is synchronised.
    Select(Select),
    /// Synchronise now.
    Now {
        /// Wait for its end and say how it went. Without a server it is waited for anyway.
        #[arg(long)]
        wait: bool,
    },
    /// Tell the upstream server what is new of computers. After a synchronization, and once an hour
    /// while a server runs, it is told anyway.
    Report,
    /// How far the running synchronization is, and how the last one went.
    Status,
    /// Call the running synchronization off.
    Cancel,
    /// The last synchronizations.
    History,
    /// Show or set when synchronizations begin by themselves.
    Schedule(Schedule),
}

/// The upstream server.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// `microsoft-update`, or the address of a WSUS or Weir server: http://HOST:8530.
    #[arg(value_name = "microsoft-update|URL")]
    url: Option<String>,
    /// Take over groups and decisions too, and make none here.
    #[arg(long, requires = "url")]
    replica: bool,
    /// Which files are downloaded by themselves.
    #[arg(long, requires = "url", default_value = "approved", value_name = "WHICH")]
    content: ContentMode,
    /// Fetch a file at once when a client wants it and it is not here.
    #[arg(long, requires = "url")]
    pull_through: bool,
    /// Do not tell this server of computers and the states of updates on them.
    #[arg(long, requires = "url")]
    no_report: bool,
    /// PEM certificates of further issuers to trust for this server.
    #[arg(long, requires = "url", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Go through a proxy: http://HOST:PORT.
    #[arg(long, requires = "url", value_name = "URL")]
    proxy: Option<String>,
    /// Who to be to the proxy.
    #[arg(long, requires = "proxy", value_name = "NAME")]
    proxy_user: Option<String>,
    /// A file with the proxy's password; it is read at each synchronization.
    #[arg(long, requires = "proxy_user", value_name = "FILE")]
    proxy_password_file: Option<PathBuf>,
}

/// What is synchronised.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("mode").args(["remove", "only"]))]
pub(super) struct Select {
    /// A product, product family or company, by name or id. Can be given several times.
    #[arg(long = "product", value_name = "NAME")]
    products: Vec<String>,
    /// A classification, by name or id. Can be given several times.
    #[arg(long = "classification", value_name = "NAME")]
    classifications: Vec<String>,
    /// A language, by tag or LCID. Without any, all. Can be given several times.
    #[arg(long = "language", value_name = "TAG")]
    languages: Vec<String>,
    /// Take these away instead of adding them.
    #[arg(long)]
    remove: bool,
    /// Let these take the place of what was selected of their kind.
    #[arg(long)]
    only: bool,
    /// Everything that the upstream server has (true), or what is named (false).
    #[arg(long, value_name = "true|false")]
    everything: Option<bool>,
}

/// When synchronizations begin by themselves.
#[derive(Debug, Args)]
pub(super) struct Schedule {
    /// The first of the day in UTC, HH:MM; or `off`.
    #[arg(long, value_name = "HH:MM")]
    at: Option<String>,
    /// How many a day, evenly spread.
    #[arg(long, requires = "at", default_value_t = 1, value_name = "N")]
    times: u8,
    /// Each begins up to so many minutes later, at random; less than there are between two.
    #[arg(long, requires = "at", default_value_t = 30, value_name = "MINUTES")]
    offset: u16,
}

impl Sync {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Source(source) => match source.record()? {
                Some(source) => context.show(SetSyncSource { source }, fields).await,
                None => context.show(ShowSyncSource {}, fields).await,
            },
            Self::Categories { offline } => {
                if !offline
                    && let Synchronised::Ended(run) =
                        synchronise(context, Scope::Categories, true).await?
                    && came_to_nothing(&run)
                {
                    context.output.print(&run, summary)?;
                    return Err(CliError::Negative);
                }
                context.show(ListSyncCategories {}, categories).await
            }
            Self::Select(select) => match select.change() {
                Some(change) => context.show(ChangeSyncSelection { change }, fields).await,
                None => context.show(ShowSyncSelection {}, fields).await,
            },
            Self::Now { wait } => match synchronise(context, Scope::Everything, wait).await? {
                Synchronised::Began(began) => context.output.print(&began, |began| {
                    format!("synchronization {} began; see `weir sync status`\n", began["number"])
                }),
                Synchronised::Ended(run) => {
                    context.output.print(&run, summary)?;
                    if came_to_nothing(&run) { Err(CliError::Negative) } else { Ok(()) }
                }
            },
            Self::Report => context.show(ReportUpstream {}, fields).await,
            Self::Status => context.show(ShowSync {}, fields).await,
            Self::Cancel => context.show(CancelSync {}, fields).await,
            Self::History => context.show(ListSyncs {}, history).await,
            Self::Schedule(schedule) => match schedule.record()? {
                Some(schedule) => context.show(SetSyncSchedule { schedule }, fields).await,
                None => context.show(ShowSyncSchedule {}, fields).await,
            },
        }
    }
}

/// What came of a synchronization.
enum Synchronised {
    /// It runs, and nobody waits for it.
    Began(StartedSync),
    /// It ended.
    Ended(ShownRun),
}

/// Begins a synchronization and waits for its end, if that is wanted or if it would end with this
/// process.
async fn synchronise(
    context: &Context,
    scope: Scope,
    wait: bool,
) -> Result<Synchronised, CliError> {
    let access = context.access()?;
    let started = access.run(StartSync { scope }).await;
    let waits = wait || matches!(access, Access::Opened(_));
    let outcome = match started {
        Ok(started) if waits => until_ended(&access, started.number).await.map(Synchronised::Ended),
        started => started.map(Synchronised::Began).map_err(CliError::from),
    };
    if let Access::Opened(subject) = &access {
        // With a server it is the server that does.
        subject.upstream.report_what_is_due().await;
    }
    access.close().await;
    outcome
}

async fn until_ended(access: &Access, number: u64) -> Result<ShownRun, CliError> {
    let watched = std::io::stderr().is_terminal();
    loop {
        tokio::time::sleep(LOOK).await;
        let running = access.run(ShowSync {}).await?.running;
        let Some(running) = running.filter(|running| running.number == number) else {
            if watched {
                eprint!("\r\x1b[K");
            }
            // Another one may have begun since; ours is in the history all the same.
            let runs = access.run(ListSyncs {}).await?;
            let ours = runs.into_iter().find(|run| run.number == number);
            return ours.ok_or_else(|| {
                CliError::Failed("the synchronization is missing in the history".into())
            });
        };
        if watched {
            eprint!("\r\x1b[K{}", progress(&running));
            let _ = std::io::stderr().flush();
        }
    }
}

fn progress(running: &RunningSync) -> String {
    let mut text = printable(&running.phase);
    if running.total > 0 {
        let RunningSync { done, total, per_second, .. } = running;
        text.push_str(&format!(", {done} of {total}, {per_second}/s"));
        if let Some(seconds) = running.seconds_left {
            text.push_str(&format!(", {}:{:02} left", seconds / 60, seconds % 60));
        }
    }
    text
}

/// Whether a script should not go on.
fn came_to_nothing(run: &ShownRun) -> bool {
    matches!(run.status, FAILED | CANCELLED)
}

fn summary(run: &Value) -> String {
    let mut text = match run["status"].as_u64().and_then(|status| u16::try_from(status).ok()) {
        Some(FAILED) => format!("failed: {}\n", cell(&run["reason"])),
        Some(CANCELLED) => "called off\n".to_owned(),
        _ => format!(
            "{} new, {} changed, {} unchanged\n",
            run["new"], run["changed"], run["unchanged"]
        ),
    };
    for failed in run["failed"].as_array().into_iter().flatten() {
        let (revision, reason) = (cell(&failed["revision"]), cell(&failed["reason"]));
        text.push_str(&format!("set aside {revision}: {reason}\n"));
    }
    text
}

fn categories(categories: &Value) -> String {
    let rows = categories.as_array().into_iter().flatten().map(|category| {
        let selected = if category["selected"] == true { "x" } else { "" };
        let columns = ["type", "title", "id"].map(|column| cell(&category[column]));
        std::iter::once(selected.to_owned()).chain(columns).collect()
    });
    table(&["", "TYPE", "TITLE", "ID"], rows.collect())
}

fn history(runs: &Value) -> String {
    let columns = ["number", "began", "ended", "status", "new", "changed", "unchanged", "failures"];
    let rows = runs.as_array().into_iter().flatten().map(|run| {
        let cells = columns.iter().map(|column| cell(&run[*column]));
        cells.chain([cell(&run["reason"])]).collect()
    });
    let headings =
        ["RUN", "BEGAN", "ENDED", "STATUS", "NEW", "CHANGED", "UNCHANGED", "SET ASIDE", "REASON"];
    table(&headings, rows.collect())
}

impl Source {
    fn record(self) -> Result<Option<SourceRecord>, CliError> {
        let Some(url) = self.url else { return Ok(None) };
        let microsoft = url == "microsoft-update";
        let url = if microsoft { MICROSOFT_UPDATE } else { url.trim_end_matches('/') };
        let record = SourceRecord {
            url: url.to_owned(),
            microsoft,
            replica: self.replica,
            content: self.content,
            pull_through: self.pull_through,
            ca_file: self.ca_file.map(|path| absolute(&path)).transpose()?,
            proxy: self.proxy,
            proxy_user: self.proxy_user,
            proxy_password_file: self
                .proxy_password_file
                .map(|path| absolute(&path))
                .transpose()?,
            report: !microsoft && !self.no_report,
        };
        Ok(Some(record))
    }
}

/// The server may have started in another directory.
fn absolute(path: &std::path::Path) -> Result<String, CliError> {
    let failed = |reason: String| CliError::Failed(format!("{}: {reason}", path.display()));
    let path = std::fs::canonicalize(path).map_err(|error| failed(error.to_string()))?;
    path.into_os_string().into_string().map_err(|_| failed("the path is not Unicode".into()))
}

impl Select {
    fn change(self) -> Option<SelectionChange> {
        let named = !self.products.is_empty()
            || !self.classifications.is_empty()
            || !self.languages.is_empty();
        (named || self.everything.is_some()).then_some(SelectionChange {
            change: match (self.remove, self.only) {
                (true, _) => Change::Remove,
                (_, true) => Change::Replace,
                _ => Change::Add,
            },
            everything: self.everything,
            products: self.products,
            classifications: self.classifications,
            languages: self.languages,
        })
    }
}

impl Schedule {
    fn record(self) -> Result<Option<ScheduleRecord>, CliError> {
        let Some(at) = self.at else { return Ok(None) };
        if at == "off" {
            return Ok(Some(ScheduleRecord::default()));
        }
        let minute = minute(&at).ok_or_else(|| {
            CliError::Failed(format!("'{at}' is neither a time of the day, HH:MM, nor off"))
        })?;
        Ok(Some(ScheduleRecord {
            first_minute: Some(minute),
            times_a_day: self.times,
            offset_minutes: self.offset,
        }))
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl ValueEnum for ContentMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Approved, Self::All, Self::None]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Approved => "approved",
            Self::All => "all",
            Self::None => "none",
        }))
    }
}
