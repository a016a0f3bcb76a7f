//! Records as earlier versions wrote them.

mod decisions;

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::staging::Part;
use super::first_version;
use crate::computers;
use crate::computers::computer::ComputerInfo;
use crate::computers::event::Event;
use crate::computers::sightings::Sightings;
use crate::computers::status::{LastScan, UpdateStatus};
use crate::downstream::{self, Listed, Reported};
use crate::store::value::Stored;
pub(super) use decisions::{Rule, SourcelessRecord, UpdateGroup};

/// A group without a place in a tree.
#[derive(Debug, Serialize, Deserialize)]
pub struct TargetGroup {
    pub(super) id: Uuid,
    pub(super) name: String,
}

/// A downstream server that reported nothing of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct DownstreamServer {
    id: Uuid,
    name: String,
    parent: Option<Uuid>,
    approved: bool,
    first_seen: i64,
    authorized: i64,
    configured: Option<Listed>,
    listed: Option<Listed>,
}

/// All that was staged was being moved.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::state) struct PublishingRecord {
    began: i64,
}

/// A downstream server of which nobody knew what it was told of decisions.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportingServer {
    id: Uuid,
    name: String,
    parent: Option<Uuid>,
    approved: bool,
    first_seen: i64,
    authorized: i64,
    configured: Option<Listed>,
    listed: Option<Listed>,
    reported: Option<Reported>,
}

/// A computer of which nobody knew who else uses its id.
#[derive(Debug, Serialize, Deserialize)]
pub struct Computer {
    number: u32,
    client_id: String,
    info: ComputerInfo,
    requested_group: String,
    groups: Vec<Uuid>,
    registered: i64,
    updated: i64,
    address: String,
}

/// Statuses with the whole id of an update in each row.
#[derive(Debug, Serialize, Deserialize)]
pub struct Statuses {
    reported: Option<i64>,
    scan: Option<LastScan>,
    received: i64,
    updates: Vec<UpdateStatus>,
}

/// Deleted revisions of which nobody knew when they were made.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeletedRecord {
    update: Uuid,
    at: i64,
    revisions: BTreeSet<u32>,
    wanted: BTreeSet<u32>,
}

/// Events without the scans before the last.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventLog {
    events: VecDeque<Event>,
    instances: VecDeque<Uuid>,
}

impl From<Computer> for computers::Computer {
    fn from(earlier: Computer) -> Self {
        Self {
            number: earlier.number,
            client_id: earlier.client_id,
            info: earlier.info,
            requested_group: earlier.requested_group,
            groups: earlier.groups,
            registered: earlier.registered,
            updated: earlier.updated,
            address: earlier.address,
            sightings: Sightings::default(),
        }
    }
}

impl From<Statuses> for super::StatusRecord {
    fn from(earlier: Statuses) -> Self {
        let Statuses { reported, scan, received, updates } = earlier;
        let mut statuses = computers::Statuses::default();
        (statuses.reported, statuses.scan, statuses.received) = (reported, scan, received);
        Self { statuses, unnumbered: updates }
    }
}

impl From<DeletedRecord> for super::DeletedRecord {
    fn from(earlier: DeletedRecord) -> Self {
        let DeletedRecord { update, at, revisions, wanted } = earlier;
        Self { update, at, revisions, wanted, released: None }
    }
}

impl From<EventLog> for computers::event::EventLog {
    fn from(earlier: EventLog) -> Self {
        Self::restore(earlier.events, earlier.instances)
    }
}

impl From<PublishingRecord> for super::PublishingRecord {
    fn from(earlier: PublishingRecord) -> Self {
        Self { began: earlier.began, part: Part::All }
    }
}

impl From<ReportingServer> for downstream::DownstreamServer {
    fn from(earlier: ReportingServer) -> Self {
        Self {
            id: earlier.id,
            name: earlier.name,
            parent: earlier.parent,
            approved: earlier.approved,
            first_seen: earlier.first_seen,
            authorized: earlier.authorized,
            configured: earlier.configured,
            listed: earlier.listed,
            decided: None,
            reported: earlier.reported,
        }
    }
}

impl Stored for ReportingServer {
    const NAME: &'static str = "downstream server record";
    const VERSION: u8 = 2;
    type Previous = DownstreamServer;

    fn migrate(earlier: DownstreamServer) -> Self {
        Self {
            id: earlier.id,
            name: earlier.name,
            parent: earlier.parent,
            approved: earlier.approved,
            first_seen: earlier.first_seen,
            authorized: earlier.authorized,
            configured: earlier.configured,
            listed: earlier.listed,
            reported: None,
        }
    }
}

first_version! {
    PublishingRecord, "publishing record";
    DownstreamServer, "downstream server record";
    Computer, "computer record";
    Statuses, "status record";
    EventLog, "event record";
    DeletedRecord, "deleted revisions record";
    TargetGroup, "target group record";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::target_group::{self, ALL_COMPUTERS};
    use crate::store::value;

    #[test]
    fn what_the_first_version_wrote_means_the_same() {
        let id = Uuid::from_u128;
        let group = value::encode(&TargetGroup { id: id(7), name: "Pilot".into() }).unwrap();
        let read: target_group::TargetGroup = value::decode(&group).unwrap();
        assert_eq!(read, target_group::TargetGroup::new(id(7), "Pilot", Some(ALL_COMPUTERS)));

        let server = DownstreamServer {
            id: id(8),
            name: "replica.example".into(),
            parent: None,
            approved: true,
            first_seen: 1,
            authorized: 2,
            configured: None,
            listed: None,
        };
        let bytes = value::encode(&server).unwrap();
        let read: downstream::DownstreamServer = value::decode(&bytes).unwrap();
        assert_eq!((read.id, read.approved, read.reported), (id(8), true, None));
    }

    #[test]
    fn statuses_of_the_first_version_are_read_with_their_ids() {
        let update = Uuid::from_u128(5);
        let state = computers::UpdateInstallationState::Failed;
        let row = UpdateStatus { update, state, since: 7 };
        let scan = Some(LastScan { at: 3, result: 0 });
        let earlier = Statuses { reported: Some(9), scan, received: 10, updates: vec![row] };
        let bytes = value::encode(&earlier).unwrap();
        let read: super::super::StatusRecord = value::decode(&bytes).unwrap();
        let statuses = &read.statuses;
        assert_eq!((statuses.reported, statuses.scan, statuses.received), (Some(9), scan, 10));
        assert_eq!(read.unnumbered, [row]);
    }

    #[test]
    fn deleted_revisions_of_the_first_version_stay_away() {
        let numbers = |numbers: &[u32]| numbers.iter().copied().collect::<BTreeSet<u32>>();
        let update = Uuid::from_u128(5);
        let earlier =
            DeletedRecord { update, at: 7, revisions: numbers(&[1, 2]), wanted: numbers(&[3]) };
        let bytes = value::encode(&earlier).unwrap();
        let read: super::super::DeletedRecord = value::decode(&bytes).unwrap();
        assert_eq!((read.update, read.at, read.released), (update, 7, None));
        assert_eq!((read.revisions, read.wanted), (earlier.revisions, earlier.wanted));
    }

    #[test]
    fn a_computer_of_the_first_version_is_the_same_computer() {
        let earlier = Computer {
            number: 4,
            client_id: "c".into(),
            info: ComputerInfo { dns_name: "pc".into(), ..ComputerInfo::default() },
            requested_group: "Pilot".into(),
            groups: vec![Uuid::from_u128(7)],
            registered: 1,
            updated: 2,
            address: "10.0.0.1".into(),
        };
        let bytes = value::encode(&earlier).unwrap();
        let read: computers::Computer = value::decode(&bytes).unwrap();
        assert_eq!((read.number, read.client_id.as_str(), read.registered), (4, "c", 1));
        assert_eq!((read.info.dns_name.as_str(), read.groups), ("pc", earlier.groups));
        assert!(read.sightings.others().is_empty());
    }
}
