//! What an administrator can ask for. Serialised as JSON between command line and server.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policy::placement::Network;
use crate::policy::terms::Terms;
use crate::state::{Children, Members};
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
    /// Declines an update.
    Decline {
        /// The update.
        update: Uuid,
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
