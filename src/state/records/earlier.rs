//! Records as earlier versions wrote them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::super::staging::Part;
use super::first_version;
use crate::computers;
use crate::computers::computer::ComputerInfo;
use crate::computers::event::Event;
use crate::computers::relapses::Relapses;
use crate::computers::rows::PackedRows;
use crate::computers::sightings::Sightings;
use crate::computers::status::{LastScan, UpdateStatus};
use crate::downstream::{self, Listed, Reported};
use crate::policy::approval::{Approval, ApprovalAction, Declined};
use crate::policy::terms::{Deadline, Terms};
use crate::store::value::Stored;

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

/// Statuses that tell of all updates that were here when they were reported.
#[derive(Debug, Serialize, Deserialize)]
pub struct StatusRecord {
    statuses: ReportedStatuses,
    unnumbered: Vec<UpdateStatus>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct ReportedStatuses {
    reported: Option<i64>,
    scan: Option<LastScan>,
    received: i64,
    unusable: Option<i64>,
    restarted: Option<i64>,
    relapses: Relapses,
    rows: PackedRows,
}

/// Events without the scans before the last.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventLog {
    events: VecDeque<Event>,
    instances: VecDeque<Uuid>,
}

/// Decisions that knew an action and a deadline.
#[derive(Debug, Serialize, Deserialize)]
pub struct DecisionRecord {
    update: Uuid,
    approvals: Vec<EarlierApproval>,
    declined: Option<Declined>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EarlierApproval {
    deployment_id: u32,
    update: Uuid,
    group: Uuid,
    action: ApprovalAction,
    deadline: Option<i64>,
    decided: i64,
    changed: u64,
}

impl From<DecisionRecord> for super::DecisionRecord {
    fn from(earlier: DecisionRecord) -> Self {
        let DecisionRecord { update, approvals, declined } = earlier;
        Self { update, approvals: approvals.into_iter().map(Approval::from).collect(), declined }
    }
}

impl From<EarlierApproval> for Approval {
    fn from(earlier: EarlierApproval) -> Self {
        // Read anew at every start until it next changes, so it must come out the same every time.
        let mixed = earlier.update.as_u128()
            ^ earlier.group.as_u128().rotate_left(1)
            ^ u128::from(earlier.deployment_id);
        let deadline = earlier.deadline.map(Deadline::utc);
        Self {
            deployment_id: earlier.deployment_id,
            guid: Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid(),
            update: earlier.update,
            revision_number: 0,
            group: earlier.group,
            terms: Terms { deadline, ..earlier.action.into() },
            live: true,
            by: String::new(),
            decided: earlier.decided,
            changed: earlier.changed,
        }
    }
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

impl From<StatusRecord> for super::StatusRecord {
    fn from(earlier: StatusRecord) -> Self {
        let StatusRecord { statuses, unnumbered } = earlier;
        let ReportedStatuses { reported, scan, received, unusable, restarted, relapses, rows } =
            statuses;
        let mut statuses = computers::Statuses::with_rows(rows);
        (statuses.reported, statuses.detected) = (reported, reported);
        (statuses.scan, statuses.received, statuses.unusable) = (scan, received, unusable);
        (statuses.restarted, statuses.relapses) = (restarted, relapses);
        Self { statuses, unnumbered }
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

impl Stored for StatusRecord {
    const NAME: &'static str = "status record";
    const VERSION: u8 = 2;
    type Previous = Statuses;

    fn migrate(earlier: Statuses) -> Self {
        let Statuses { reported, scan, received, updates } = earlier;
        let statuses = ReportedStatuses { reported, scan, received, ..ReportedStatuses::default() };
        Self { statuses, unnumbered: updates }
    }
}

first_version! {
    PublishingRecord, "publishing record";
    DownstreamServer, "downstream server record";
    Computer, "computer record";
    Statuses, "status record";
    EventLog, "event record";
    TargetGroup, "target group record";
    DecisionRecord, "decision record";
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

        let approval = EarlierApproval {
            deployment_id: 12,
            update: id(1),
            group: id(7),
            action: ApprovalAction::Uninstall,
            deadline: Some(99),
            decided: 50,
            changed: 3,
        };
        let declined = Some(Declined { decided: 60, changed: 4 });
        let earlier = DecisionRecord { update: id(1), approvals: vec![approval], declined };
        let bytes = value::encode(&earlier).unwrap();
        let read: super::super::DecisionRecord = value::decode(&bytes).unwrap();
        let again: super::super::DecisionRecord = value::decode(&bytes).unwrap();
        assert_eq!(read.approvals, again.approvals, "its name is the same at every start");
        assert_eq!(read.declined, earlier.declined);
        let [approval] = &read.approvals[..] else { panic!("{:?}", read.approvals) };
        assert_eq!((approval.deployment_id, approval.group, approval.live), (12, id(7), true));
        assert_eq!((approval.decided, approval.changed), (50, 3));
        let deadline = Some(Deadline::utc(99));
        assert_eq!(approval.terms, Terms { deadline, ..ApprovalAction::Uninstall.into() });
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
        assert_eq!(statuses.detected, Some(9));
        assert_eq!(read.unnumbered, [row]);
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
