//! What is remembered of the upstream server from one synchronization to the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::records::first_version;
use crate::store::value::Stored;
use crate::wire::types::UpdateIdentity;

/// Most revisions that are remembered as set aside. If there are more, the anchors stay where they
/// are, and the next synchronization finds them again by itself.
pub(super) const SET_ASIDE: usize = 2_000;

/// Most runs in the history.
pub(super) const RUNS: usize = 100;

/// Most failures that one run of the history names.
pub(super) const FAILURES_KEPT: usize = 20;

/// Longest reason that is kept, in characters.
pub(super) const REASON: usize = 300;

/// Which files are downloaded without being asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContentMode {
    /// Those of updates that are approved for installation.
    #[default]
    Approved,
    /// All.
    All,
    /// None.
    None,
}

/// The upstream server, as the administrator named it. In `meta` as `sync source`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRecord {
    /// `https://HOST[:PORT]`
    pub url: String,
    /// Whether it is Microsoft's.
    pub microsoft: bool,
    /// Whether its decisions are taken over too.
    pub replica: bool,
    /// Which files are downloaded.
    pub content: ContentMode,
    /// Whether a file that a client wants and that is not here is fetched at once.
    pub pull_through: bool,
    /// PEM certificates of further issuers to trust.
    pub ca_file: Option<String>,
    /// `http://HOST:PORT`
    pub proxy: Option<String>,
    /// Who we are to the proxy.
    pub proxy_user: Option<String>,
    /// Where its password is written.
    pub proxy_password_file: Option<String>,
    /// Whether it is told of this server, its computers, and the states of updates on them.
    pub report: bool,
}

/// The upstream server before anything was reported to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct EarlierSourceRecord {
    url: String,
    microsoft: bool,
    replica: bool,
    content: ContentMode,
    pull_through: bool,
    ca_file: Option<String>,
    proxy: Option<String>,
    proxy_user: Option<String>,
    proxy_password_file: Option<String>,
}

/// What the upstream server was last told. In `meta` as `sync report`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecord {
    /// The upstream server's id.
    pub server: Uuid,
    /// What it changes when all has to be told again.
    pub reset: Uuid,
    /// Unix seconds of its end; 0 while none came to its end.
    pub at: i64,
    /// Computers that it was told of.
    pub computers: u64,
    /// Computers of which it was told what they are.
    pub details: u64,
    /// States of updates that it was told.
    pub states: u64,
    /// Why the last one failed, if it did.
    pub failed: Option<String>,
}

/// What of the upstream server's updates is wanted. In `meta` as `sync selection`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelectionRecord {
    /// All of it, whatever the lists say.
    pub everything: bool,
    /// Products, or families or companies of them.
    pub products: Vec<Uuid>,
    /// Classifications.
    pub classifications: Vec<Uuid>,
    /// LCIDs; none for all languages.
    pub languages: Vec<i32>,
}

/// How far we are with the upstream server. In `meta` as `sync anchors`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorsRecord {
    /// The upstream server whose anchors these are.
    pub url: String,
    /// Of GetConfigData.
    pub configuration: Option<String>,
    /// Of GetRevisionIdList for categories.
    pub categories: Option<String>,
    /// Of GetRevisionIdList for updates.
    pub updates: Option<String>,
    /// Of GetDeployments.
    pub deployments: Option<String>,
    /// For what the anchor of updates holds: what was added since has to be fetched from its
    /// beginning.
    pub selection: SelectionRecord,
    /// Revisions that could not be taken, and why; they are tried again.
    pub set_aside: Vec<SetAside>,
}

/// How far we are with drivers for the hardware here. In `meta` as `sync drivers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriversRecord {
    /// The upstream server that was asked.
    pub url: String,
    /// Of GetDriverIdList.
    pub anchor: Option<String>,
    /// The products for which the anchor holds; none for all.
    pub products: Vec<Uuid>,
}

/// The hardware that computers here have. In `meta` as `sync inventory`, by itself, as it is large and
/// changes less often than anchors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryRecord {
    /// Ids of devices, in lower case.
    pub devices: Vec<Hardware<String>>,
    /// Computer hardware ids.
    pub computers: Vec<Hardware<Uuid>>,
}

/// Hardware that a computer here has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware<T> {
    /// Which.
    pub id: T,
    /// When a computer last named it, in days since 1970.
    pub day: i64,
    /// Whether the anchor of drivers holds for it.
    pub asked: bool,
}

/// A revision that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The revision.
    pub revision: UpdateIdentity,
    /// Why, in at most [`REASON`] characters.
    pub reason: String,
}

/// What the upstream server says of itself. In `meta` as `sync upstream`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamRecord {
    /// Whether it has no files, only addresses of files.
    pub catalog_only: bool,
    /// Whether it downloads a file only when somebody needs it.
    pub lazy: bool,
    /// Whether it has express files.
    pub express_files: bool,
    /// Most revisions in a GetUpdateData.
    pub updates_per_request: u32,
    /// Most revisions in a GetUpdateDecryptionData; 0 where it knows no such call.
    pub decryptions_per_request: u32,
    /// Its protocol version.
    pub protocol_version: String,
    /// Its languages.
    pub languages: Vec<Language>,
}

/// A language of the upstream server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// LCID; 0 stands for all languages.
    pub id: i32,
    /// `zh-cn`
    pub tag: String,
    /// In English.
    pub name: String,
    /// Whether the upstream server has updates in it.
    pub enabled: bool,
}

/// When synchronizations begin by themselves. In `meta` as `sync schedule`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRecord {
    /// Minutes after midnight (UTC) of the first one each day; none for never.
    pub first_minute: Option<u16>,
    /// How many a day, evenly spread.
    pub times_a_day: u8,
    /// Each begins up to so many minutes later, at random: thousands of servers have the same idea
    /// of midnight. Less than there are between two of them.
    pub offset_minutes: u16,
}

/// Which synchronization is due next by the schedule. In `meta` as `sync due`, so that neither a
/// restart nor a time without a server loses it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRecord {
    /// The schedule that says so.
    pub schedule: ScheduleRecord,
    /// Unix seconds; none for never.
    pub at: Option<i64>,
}

/// What was synchronised. In `meta` as `sync history`, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRecord {
    /// At most [`RUNS`].
    pub runs: Vec<Run>,
}

/// One synchronization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Grows by one with each.
    pub number: u64,
    /// Whether only the categories were wanted.
    pub categories_only: bool,
    /// Unix seconds.
    pub began: i64,
    /// Unix seconds.
    pub ended: i64,
    /// How it ended, as an event: 6702, 6703, 6708, or 385 when it was called off.
    pub status: u16,
    /// Why it failed.
    pub reason: Option<String>,
    /// Revisions of updates that were not here.
    pub new: u64,
    /// Revisions of updates that were.
    pub changed: u64,
    /// Listed revisions that were here.
    pub unchanged: u64,
    /// How many revisions were set aside.
    pub failures: u64,
    /// The first of them, with the reasons.
    pub failed: Vec<SetAside>,
    /// What happened when.
    pub events: Vec<Event>,
}

/// A step of a synchronization, numbered as ConfigMgr numbers its status messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unix seconds.
    pub time: i64,
    /// 6701 to 6708, or 385.
    pub id: u16,
    /// In words.
    pub text: String,
}

impl Run {
    /// Whether it could not go on.
    pub fn is_failed(&self) -> bool {
        self.status == super::event::FAILED
    }

    /// Whether it was called off, by somebody or because the server stopped. That says nothing of the
    /// upstream server.
    pub fn is_cancelled(&self) -> bool {
        self.status == super::event::CANCELLED
    }

    /// Whether nobody sees anything of what it fetched.
    pub fn came_to_nothing(&self) -> bool {
        self.is_failed() || self.is_cancelled()
    }

    /// How it ended, in a word.
    pub(super) fn ended_as(&self) -> &'static str {
        match self.status {
            super::event::FAILED => "failed",
            super::event::CANCELLED => "cancelled",
            _ => "done",
        }
    }
}

impl Stored for SourceRecord {
    const NAME: &'static str = "synchronization source";
    const VERSION: u8 = 2;
    type Previous = EarlierSourceRecord;

    fn migrate(earlier: EarlierSourceRecord) -> Self {
        Self {
            url: earlier.url,
            microsoft: earlier.microsoft,
            replica: earlier.replica,
            content: earlier.content,
            pull_through: earlier.pull_through,
            ca_file: earlier.ca_file,
            proxy: earlier.proxy,
            proxy_user: earlier.proxy_user,
            proxy_password_file: earlier.proxy_password_file,
            report: !earlier.microsoft,
        }
    }
}

first_version! {
    EarlierSourceRecord, "synchronization source";
    ReportRecord, "reporting record of this server";
    SelectionRecord, "synchronization selection";
    AnchorsRecord, "synchronization anchors";
    DriversRecord, "driver synchronization record";
    InventoryRecord, "hardware inventory";
    UpstreamRecord, "upstream server record";
    ScheduleRecord, "synchronization schedule";
    DueRecord, "next scheduled synchronization";
    HistoryRecord, "synchronization history";
}

/// The names of the records in `meta`.
pub(super) mod names {
    pub(in crate::upstream) const SOURCE: &str = "sync source";
    pub(in crate::upstream) const SELECTION: &str = "sync selection";
    pub(in crate::upstream) const ANCHORS: &str = "sync anchors";
    pub(in crate::upstream) const DRIVERS: &str = "sync drivers";
    pub(in crate::upstream) const INVENTORY: &str = "sync inventory";
    pub(in crate::upstream) const UPSTREAM: &str = "sync upstream";
    pub(in crate::upstream) const SCHEDULE: &str = "sync schedule";
    pub(in crate::upstream) const DUE: &str = "sync due";
    pub(in crate::upstream) const HISTORY: &str = "sync history";
    pub(in crate::upstream) const REPORT: &str = "sync report";
}

/// A text cut to what is kept of reasons.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text.chars().take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::value;

    #[test]
    fn an_upstream_server_of_before_is_reported_to_unless_it_is_microsofts() {
        for microsoft in [false, true] {
            let earlier = EarlierSourceRecord {
                url: "http://wsus.example:8530".into(),
                microsoft,
                replica: true,
                content: ContentMode::All,
                pull_through: true,
                ca_file: None,
                proxy: None,
                proxy_user: None,
                proxy_password_file: None,
            };
            let read: SourceRecord = value::decode(&value::encode(&earlier).unwrap()).unwrap();
            assert_eq!((read.url, read.replica), (earlier.url, true));
            assert_eq!((read.content, read.report), (ContentMode::All, !microsoft));
        }
    }
}
