//! What an administrator can ask for. Serialised as JSON between command line and server.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reports::{ReportComputers, ReportSyncs, ReportUpdates};
use crate::policy::placement::Network;
use crate::policy::rule::{Criteria, RuleTarget, Schedule};
use crate::policy::terms::Terms;
use crate::state::{Children, CleanupSettings, Members};
use crate::upstream::records::{ScheduleRecord, SourceRecord};
use crate::upstream::{Scope, SelectionChange};

/// One command.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Whether changes can be made.
    Health,
    /// All updates that can be decided on, with what was decided.
    ListUpdates,
    /// One update, or one revision of it.
    ShowUpdate {
        /// The update.
        update: Uuid,
        /// The revision; none for the latest.
        revision: Option<u32>,
    },
    /// The exact text of a fragment.
    ShowFragment {
        /// The update.
        update: Uuid,
        /// The revision; none for the latest.
        revision: Option<u32>,
        /// Which fragment.
        fragment: FragmentKind,
        /// For localized fragments, the language.
        locale: String,
    },
    /// Approves an update for a group.
    Approve {
        /// The update.
        update: Uuid,
        /// The group's name.
        group: String,
        /// What its computers are to do, and when.
        terms: Terms,
    },
    /// Deletes a declined update.
    DeleteUpdate {
        /// The update.
        update: Uuid,
    },
    /// Has a deleted update brought back.
    RestoreUpdate {
        /// The update.
        update: Uuid,
    },
    /// All deployment packages.
    ListPackages,
    /// One package with its files.
    ShowPackage {
        /// Its name.
        name: String,
    },
    /// Makes an empty package.
    CreatePackage {
        /// Its name.
        name: String,
    },
    /// Adds the content of updates to a package, and takes that of others out.
    ChangePackage {
        /// Its name.
        name: String,
        /// The updates to add.
        add: BTreeSet<Uuid>,
        /// The updates to take out.
        remove: BTreeSet<Uuid>,
    },
    /// Exports a package to a folder.
    ExportPackage {
        /// Its name.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// Verifies what a folder has of a package.
    VerifyPackage {
        /// Its name.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// Deletes a package.
    DeletePackage {
        /// Its name.
        name: String,
    },
    /// Declines an update.
    Decline {
        /// The update.
        update: Uuid,
    },
    /// Accepts the licences of an update and of what it bundles.
    AcceptEulas {
        /// The update.
        update: Uuid,
    },
    /// Sets the tags of an update.
    Tag {
        /// The update.
        update: Uuid,
        /// All of them.
        tags: BTreeSet<String>,
    },
    /// All update groups.
    ListUpdateGroups,
    /// Creates an update group.
    CreateUpdateGroup {
        /// Its name.
        name: String,
    },
    /// Adds updates to an update group and takes others out.
    ChangeUpdateGroup {
        /// Its name.
        name: String,
        /// What comes in.
        add: BTreeSet<Uuid>,
        /// What goes out.
        remove: BTreeSet<Uuid>,
    },
    /// Deploys an update group to a target group.
    DeployUpdateGroup {
        /// Its name.
        name: String,
        /// The target group's name.
        group: String,
        /// On what terms.
        terms: Terms,
        /// Whether it counts.
        enabled: bool,
    },
    /// Ends a deployment of an update group.
    WithdrawUpdateGroup {
        /// Its name.
        name: String,
        /// The target group's name.
        group: String,
    },
    /// Deletes an update group with its deployments.
    DeleteUpdateGroup {
        /// Its name.
        name: String,
    },
    /// All rules.
    ListRules,
    /// Adds a rule, or replaces the one of its name.
    PutRule {
        /// The rule, but for what the server gives it and its targets' ids.
        rule: Box<RuleDraft>,
    },
    /// Removes a rule.
    RemoveRule {
        /// Its name.
        name: String,
    },
    /// What a rule would do.
    PreviewRule {
        /// Its name.
        name: String,
    },
    /// Runs a rule.
    RunRule {
        /// Its name.
        name: String,
    },
    /// What a cleanup would do, or doing it.
    Cleanup {
        /// What is cleaned up.
        settings: CleanupSettings,
        /// Whether it is done.
        run: bool,
    },
    /// The latest decisions.
    Audit {
        /// Most of them.
        last: usize,
        /// Only those that name this.
        mentions: Option<String>,
    },
    /// Undoes a decision.
    Undo {
        /// Its number.
        number: u64,
    },
    /// All groups.
    ListGroups,
    /// Creates a group.
    CreateGroup {
        /// Its name.
        name: String,
        /// The group above it; none for All Computers.
        parent: Option<String>,
    },
    /// Moves a group with all below it.
    MoveGroup {
        /// Its name.
        name: String,
        /// The group above it; none for All Computers.
        parent: Option<String>,
    },
    /// Gives a group another name.
    RenameGroup {
        /// Its name.
        name: String,
        /// The new one.
        new_name: String,
    },
    /// Says what a group's clocks show.
    SetGroupClock {
        /// Its name.
        name: String,
        /// Minutes ahead of UTC; none to go by the group above.
        utc_offset: Option<i16>,
    },
    /// Deletes a group.
    DeleteGroup {
        /// Its name.
        name: String,
        /// What becomes of the groups below it.
        children: Children,
        /// What becomes of its computers.
        members: Members,
    },
    /// The rules for newcomers.
    ListPlacements,
    /// Adds a rule for newcomers.
    AddPlacement {
        /// The name of the group they are put into.
        group: String,
        /// Pattern of host names.
        name: Option<String>,
        /// Pattern of names of operating systems.
        system: Option<String>,
        /// Network of addresses.
        network: Option<Network>,
    },
    /// Removes a rule for newcomers.
    RemovePlacement {
        /// Its number.
        number: u32,
    },
    /// All computers, with a summary of each.
    ListComputers,
    /// One computer with its states and events.
    ShowComputer {
        /// Client id or host name.
        computer: String,
    },
    /// Puts a computer into groups.
    MoveComputer {
        /// Client id or host name.
        computer: String,
        /// All groups it is to be in.
        groups: Vec<String>,
    },
    /// Forgets a computer.
    DeleteComputer {
        /// Client id or host name.
        computer: String,
    },
    /// The states of updates.
    ReportUpdates(Box<ReportUpdates>),
    /// The states of updates, computer by computer.
    ReportComputers(Box<ReportComputers>),
    /// What synchronizations brought.
    ReportSyncs(ReportSyncs),
    /// All downstream servers.
    ListDownstream,
    /// One downstream server.
    ShowDownstream {
        /// Id or name.
        server: String,
    },
    /// Lets a downstream server synchronize.
    ApproveDownstream {
        /// Id or name.
        server: String,
    },
    /// Forgets a downstream server.
    ForgetDownstream {
        /// Id or name.
        server: String,
    },
    /// Which content is here and which is missing.
    ContentStatus,
    /// Reads every content file and compares it with the metadata.
    VerifyContent,
    /// The upstream server.
    SyncSource {
        /// What it is to be from now on; none to leave it.
        source: Option<SourceRecord>,
    },
    /// What can be synchronised.
    SyncCategories,
    /// What is synchronised.
    SyncSelect {
        /// What is to be changed of it.
        change: Option<SelectionChange>,
    },
    /// Begins a synchronization.
    SyncStart {
        /// How much of it.
        scope: Scope,
    },
    /// Tells the upstream server what is new of computers.
    SyncReport,
    /// What runs, and how the last synchronization went.
    SyncStatus,
    /// Calls off what runs.
    SyncCancel,
    /// The last synchronizations.
    SyncHistory,
    /// When synchronizations begin by themselves.
    SyncSchedule {
        /// When from now on; none to leave it.
        schedule: Option<ScheduleRecord>,
    },
}

/// A rule as an administrator writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDraft {
    /// Its name.
    pub name: String,
    /// Which updates.
    pub criteria: Criteria,
    /// When it runs.
    pub schedule: Schedule,
    /// Names of the groups it deploys to, with the terms for each; their `group` is ignored.
    pub targets: Vec<(String, RuleTarget)>,
    /// The update group that it fills.
    pub update_group: Option<String>,
    /// Whether its deployments count at once.
    pub enables: bool,
    /// Most updates in one run.
    pub cap: u32,
}

/// A kind of fragment as the command line spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FragmentKind {
    /// Core.
    Core,
    /// Extended.
    Extended,
    /// LocalizedProperties.
    Localized,
    /// Eula.
    Eula,
}
