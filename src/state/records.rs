//! What is stored, record by record. A change of a field is a new version of its record
//! (`store::value`); the keys are named beside the records.

mod earlier;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::library::Places;
use super::staging::Part;
use crate::computers::event::EventLog;
use crate::computers::inventory::Inventory;
use crate::computers::rollup::{Below, Told};
use crate::computers::status::UpdateStatus;
use crate::computers::trend::DayRecord;
use crate::computers::{Computer, Statuses};
use crate::downstream::DownstreamServer;
use crate::metadata::model::UpdateMetadata;
use crate::policy::approval::{Approval, DeadDeployment, Declined};
use crate::policy::cause::Cause;
use crate::policy::eula::AcceptedEula;
use crate::policy::package::Package;
use crate::policy::placement::Placement;
use crate::policy::rule::Rule;
use crate::policy::target_group::TargetGroup;
use crate::policy::update_group::UpdateGroup;
use crate::store::value::Stored;
use crate::wire::types::{RevisionId, Sha256};

/// One revision: its numbers, and where everything else of it lies. In `revisions`, by revision id.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RevisionRecord {
    /// Our number for it.
    pub id: RevisionId,
    /// Deployment id of its default deployment.
    pub deployment_id: u32,
    /// Unix seconds of its import.
    pub imported: i64,
    /// Commit sequence number at which what follows from its relations last changed.
    pub changed: u64,
    /// Length of the escaped Core fragment.
    pub core_bytes: u32,
    /// Where the document is, and what was made of it.
    pub places: Places,
}

/// What one document says. In the packs, as it never changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// SHA-256 digest of the document, as imported, in UTF-8.
    pub digest: Sha256,
    /// What is evaluated or shown of it.
    pub metadata: Arc<UpdateMetadata>,
}

/// What was decided on one update. In `approvals`, by update id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The update.
    pub update: Uuid,
    /// At most one for each group.
    pub approvals: Vec<Approval>,
    /// Set while the update is declined.
    pub declined: Option<Declined>,
    /// Set since somebody approved it that this server had declined by itself: why.
    pub exempt: Option<Cause>,
}

/// Since when an update is offered again that was declined. In `reinstated`, by update id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReinstatedRecord {
    /// Unix seconds.
    pub since: i64,
}

/// Where newcomers go. In `meta` as `placements`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlacementsRecord {
    /// The number of the next rule.
    pub next: u32,
    /// The rules, in the order of their numbers.
    pub placements: Vec<Placement>,
}

/// What administrators marked an update with. In `tags`, by update id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TagsRecord {
    /// The update.
    pub update: Uuid,
    /// The words.
    pub tags: BTreeSet<String>,
}

/// What a computer reported of updates. In `statuses`, by the computer's number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatusRecord {
    /// As it is kept in memory.
    pub statuses: Statuses,
    /// The rows of an earlier version, whose updates have no numbers yet.
    pub unnumbered: Vec<UpdateStatus>,
}

/// The update that a number stands for. In `update_numbers`, by the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberRecord {
    /// The update.
    pub update: Uuid,
}

/// A file whose content was verified and is here. In `contents`, by SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRecord {
    /// Length in bytes.
    pub size: u64,
    /// Commit sequence number of its arrival.
    pub changed: u64,
}

/// What an upstream server told of a file besides its document. In `origins`, by SHA-1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOrigin {
    /// Where Microsoft has it (`MUUrl`), if it does: http or https.
    pub mu_url: Option<String>,
    /// What it is decrypted with, if it is encrypted.
    pub decryption_key: Option<Vec<u8>>,
}

/// A file that a downstream server asked for and that is not here. In `wanted`, by SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedRecord {
    /// Unix seconds of when it was first asked for.
    pub since: i64,
}

/// Who this server is to other servers. In `meta` as `sync account`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRecord {
    /// For ever the same: other servers know this one by it.
    pub id: Uuid,
}

/// What downstream servers compare to know whether this server still has what they reported. In
/// `meta` as `rollup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupRecord {
    /// `RollupResetGuid`
    pub reset: Uuid,
}

/// Computers of downstream servers that were deleted here, and whose servers were not told yet. In
/// `meta` as `deleted below`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedBelowRecord {
    /// Their ids, those deleted first coming first.
    pub computers: Vec<String>,
}

/// In `meta` as `publishing` while what was staged becomes visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PublishingRecord {
    /// Unix seconds of the beginning.
    pub(super) began: i64,
    /// What of it.
    pub(super) part: Part,
}

/// The revisions of an update that were deleted. In `deleted`, by update id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedRecord {
    /// The update.
    pub update: Uuid,
    /// Unix seconds of the last time.
    pub at: i64,
    /// Numbers of those that are to stay away.
    pub revisions: BTreeSet<u32>,
    /// Numbers of those that somebody wants back, and that the next synchronization asks for.
    pub wanted: BTreeSet<u32>,
    /// When the first of all that were deleted was made, in Unix seconds, if that is known: the
    /// update was released then, whatever later revisions say.
    pub released: Option<i64>,
}

/// A content file that nothing needs. In `unneeded`, by SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnneededRecord {
    /// Unix seconds of the cleanup that found it so.
    pub since: i64,
}

/// The numbers that are given out once. In `meta` as `counters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Number of the latest commit that changed what clients are answered.
    pub sequence: u64,
    /// The next revision's number.
    pub next_revision: u32,
    /// The next deployment's number.
    pub next_deployment: u32,
    /// The next computer's number.
    pub next_computer: u32,
}

impl Default for Counters {
    fn default() -> Self {
        Self { sequence: 0, next_revision: 1, next_deployment: 1, next_computer: 1 }
    }
}

/// A configuration that others were told, and since when. In `meta`, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationRecord {
    /// Digest of everything that the answer comes from.
    pub fingerprint: String,
    /// `LastChange`, in Unix seconds.
    pub last_change: i64,
}

/// Makes records of these types storable, in a version after that of their earlier shape.
macro_rules! later_version {
    ($($record:ty, $name:literal, $version:literal, $earlier:ty;)*) => {$(
        impl Stored for $record {
            const NAME: &'static str = $name;
            const VERSION: u8 = $version;
            type Previous = $earlier;

            fn migrate(previous: $earlier) -> Self {
                previous.into()
            }
        }
    )*};
}

later_version! {
    DocumentRecord, "document record", 2, earlier::DocumentRecord;
    DecisionRecord, "decision record", 3, earlier::SourcelessRecord;
    Rule, "rule record", 2, earlier::Rule;
    DeletedRecord, "deleted revisions record", 2, earlier::DeletedRecord;
    UpdateGroup, "update group record", 2, earlier::UpdateGroup;
    DownstreamServer, "downstream server record", 3, earlier::ReportingServer;
    PublishingRecord, "publishing record", 2, earlier::PublishingRecord;
    Computer, "computer record", 2, earlier::Computer;
    StatusRecord, "status record", 3, earlier::StatusRecord;
    EventLog, "event record", 2, earlier::EventLog;
    TargetGroup, "target group record", 2, earlier::TargetGroup;
}

/// Makes records of these types storable, in a first version.
macro_rules! first_version {
    ($($record:ty, $name:literal;)*) => {$(
        impl $crate::store::value::Stored for $record {
            const NAME: &'static str = $name;
            const VERSION: u8 = 1;
            type Previous = $crate::store::value::NoPrevious;

            fn migrate(previous: $crate::store::value::NoPrevious) -> Self {
                match previous {}
            }
        }
    )*};
}
pub(crate) use first_version;

first_version! {
    RevisionRecord, "revision record";
    ReinstatedRecord, "reinstated update record";
    DeadDeployment, "dead deployment record";
    PlacementsRecord, "placements record";
    AcceptedEula, "accepted licence record";
    TagsRecord, "tags record";
    ContentRecord, "content record";
    Counters, "counters record";
    ConfigurationRecord, "configuration record";
    NumberRecord, "update number record";
    Inventory, "inventory record";
    DayRecord, "trend record";
    FileOrigin, "file origin record";
    Below, "record of another server's computer";
    Told, "record of what was told upstream";
    DeletedBelowRecord, "deleted computers record";
    IdentityRecord, "synchronization account";
    RollupRecord, "reporting record";
    WantedRecord, "wanted file record";
    UnneededRecord, "unneeded file record";
    Package, "package record";
}
