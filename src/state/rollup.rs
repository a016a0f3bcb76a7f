//! What downstream servers report of themselves and of their computers ([MS-WSUSSS] 3.1.4.14 to
//! 3.1.4.17).
//!
//! The reports are as anonymous as those of agents. So they change nothing but what is shown, are
//! bounded like everything else, and a computer that asks here itself is ours again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::downstream::make_room;
use super::records::DeletedBelowRecord;
use super::transaction::{Transaction, Written};
use super::{State, StateError, Tracked};
use crate::computers::computer::{COMPUTERS_KEPT, ComputerInfo};
use crate::computers::rollup::{Below, Details, StatusReport};
use crate::computers::sightings::Sightings;
use crate::computers::{Computer, Statuses};
use crate::downstream::{DownstreamServer, Reported, SYSTEMS_KEPT};
use crate::wire::wsusss::rollup::ComputerChangeType;

/// Key in `meta` of the computers that were deleted here and not there.
const DELETED: &str = "deleted below";
/// Most of them.
const DELETED_KEPT: usize = 10_000;
/// Most servers that are above one another.
pub const LEVELS: usize = 64;

/// One computer in a report of another server.
#[derive(Debug, Clone)]
pub struct RolledUp {
    /// Its id, checked.
    pub client_id: String,
    /// What there is to say of it each time.
    pub below: Below,
    /// What it is; left out while that stays as it was.
    pub details: Option<Details>,
}

impl State {
    /// Takes in what servers report of themselves, those above before those below them; without a
    /// parent, it is this one.
    ///
    /// # Errors
    /// When a parent is not known, is itself below the server, or there is no room.
    pub async fn roll_up_servers(
        &self,
        servers: Vec<(DownstreamServer, Reported)>,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                check_parents(transaction, &servers)?;
                let known = &transaction.model.downstream;
                let new: HashSet<Uuid> = servers.iter().map(|(server, _)| server.id).collect();
                let new = new.iter().filter(|id| !known.contains_key(id)).count();
                make_room(transaction, new)?;
                for (server, reported) in servers {
                    roll_up_server(transaction, server, reported);
                }
                Ok(())
            })
            .await
    }

    /// Takes in what a server reports of computers. Returns those about which it has to do
    /// something: this server deleted them, or wants to know what they are.
    ///
    /// # Errors
    /// When a computer's server is not known, or there are too many computers. Nothing was taken.
    pub async fn roll_up_computers(
        &self,
        computers: Vec<RolledUp>,
    ) -> Result<Vec<(String, ComputerChangeType)>, StateError> {
        self.writer.submit(move |transaction| roll_up_computers(transaction, computers)).await
    }

    /// Of these computers and the number of the last report on each, those of which this server has
    /// not what the one called `server` believes.
    pub fn out_of_sync(&self, server: Uuid, numbers: Vec<(String, i32)>) -> Vec<String> {
        if self.downstream_server(server).is_none() {
            return Vec::new();
        }
        let servers = self.downstream_servers();
        let family = family(servers.iter().map(AsRef::as_ref), server);
        let lost = numbers.into_iter().filter(|(client_id, number)| {
            let tracked = self.registry.find(client_id);
            let below = tracked.as_ref().and_then(|tracked| tracked.below.as_deref());
            below.is_some_and(|below| family.contains(&below.parent) && below.received != *number)
        });
        lost.map(|(client_id, _)| client_id).collect()
    }

    /// Takes in what a server reports of the updates on its computers and on those of servers below
    /// it. Others are ignored.
    pub async fn roll_up_statuses(
        &self,
        server: Uuid,
        reports: Vec<StatusReport>,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let servers = transaction.model.downstream.values();
                let family = family(servers.map(AsRef::as_ref), server);
                for report in reports {
                    roll_up_status(transaction, &family, &report);
                }
                Ok(())
            })
            .await
    }
}

/// Refuses what makes no tree, before anything is changed.
fn check_parents(
    transaction: &Transaction<'_>,
    servers: &[(DownstreamServer, Reported)],
) -> Result<(), StateError> {
    let known = &transaction.model.downstream;
    let mut coming: HashMap<Uuid, Option<Uuid>> = HashMap::new();
    for (server, _) in servers {
        coming.insert(server.id, server.parent);
        let (mut above, mut levels) = (server.parent, 0);
        while let Some(parent) = above {
            levels += 1;
            if parent == server.id || levels > LEVELS {
                return Err(StateError::Refused(format!("{} is not below {parent}", server.id)));
            }
            let not_found =
                || StateError::NotFound { kind: "downstream server", name: parent.to_string() };
            above = match coming.get(&parent) {
                Some(next) => *next,
                None => known.get(&parent).ok_or_else(not_found)?.parent,
            };
        }
    }
    Ok(())
}

fn roll_up_server(
    transaction: &mut Transaction<'_>,
    server: DownstreamServer,
    mut reported: Reported,
) {
    let now = transaction.now;
    let known = transaction.model.downstream.get(&server.id).map(|known| (**known).clone());
    // One that another reports never was here itself.
    let authorized = if server.parent.is_none() { now } else { 0 };
    let known = known.unwrap_or_else(|| DownstreamServer {
        authorized,
        ..DownstreamServer::new(server.id, server.name.clone(), now)
    });
    if let Some(before) = &known.reported {
        if before.at > reported.at {
            return;
        }
        reported.installations = reported.installations.saturating_add(before.installations);
        reported.failures = reported.failures.saturating_add(before.failures);
        // One that did not fit into one message comes in several.
        if before.at == reported.at {
            let mut systems: BTreeSet<_> = before.systems.iter().cloned().collect();
            systems.extend(std::mem::take(&mut reported.systems));
            reported.systems = systems.into_iter().collect();
        }
    }
    reported.systems.truncate(SYSTEMS_KEPT);
    let DownstreamServer { name, parent, .. } = server;
    transaction.put_downstream(DownstreamServer {
        name,
        parent,
        reported: Some(reported),
        ..known
    });
}

fn roll_up_computers(
    transaction: &mut Transaction<'_>,
    computers: Vec<RolledUp>,
) -> Result<Vec<(String, ComputerChangeType)>, StateError> {
    let model = &transaction.model;
    for RolledUp { below, .. } in &computers {
        if !model.downstream.contains_key(&below.parent) {
            let name = below.parent.to_string();
            return Err(StateError::NotFound { kind: "downstream server", name });
        }
    }
    let new = computers.iter().filter(|it| !model.computers.contains_key(&it.client_id)).count();
    if model.computers.len().saturating_add(new) > COMPUTERS_KEPT {
        return Err(StateError::Refused(format!("{COMPUTERS_KEPT} computers are registered")));
    }
    let mut deleted: DeletedBelowRecord = transaction.meta(DELETED)?.unwrap_or_default();
    let were_deleted = deleted.computers.len();
    let gone: HashSet<String> = deleted.computers.iter().cloned().collect();
    let mut told = HashSet::new();
    let mut changes = Vec::new();
    for computer in computers {
        let client_id = computer.client_id.clone();
        if gone.contains(&client_id) {
            if told.insert(client_id.clone()) {
                changes.push((client_id, ComputerChangeType::Deleted));
            }
            continue;
        }
        let without_details = computer.details.is_none();
        let new_parent = roll_up_computer(transaction, computer)?;
        if new_parent && without_details {
            changes.push((client_id, ComputerChangeType::NewParent));
        }
    }
    deleted.computers.retain(|client_id| !told.contains(client_id));
    if deleted.computers.len() < were_deleted {
        transaction.put_meta(DELETED, &deleted);
    }
    Ok(changes)
}

/// Takes in one computer; true when it was not known as one of that server.
fn roll_up_computer(
    transaction: &mut Transaction<'_>,
    computer: RolledUp,
) -> Result<bool, StateError> {
    let RolledUp { client_id, mut below, details } = computer;
    let known = transaction.model.computers.get(&client_id).cloned();
    let mut new_parent = true;
    let before = match known {
        Some(known) => {
            // It asked somebody else since.
            if known.last_sync() > below.last_sync {
                return Ok(false);
            }
            if let Some(before) = known.below.as_ref().filter(|it| it.parent == below.parent) {
                new_parent = false;
                below.received = before.received;
            }
            known
        }
        None => Tracked {
            computer: Arc::new(Computer {
                number: transaction.next_computer()?,
                client_id,
                info: ComputerInfo::default(),
                requested_group: String::new(),
                groups: Vec::new(),
                registered: transaction.now,
                updated: transaction.now,
                address: String::new(),
                sightings: Sightings::default(),
            }),
            statuses: Arc::new(Statuses::default()),
            below: None,
            last_contact: Arc::default(),
        },
    };
    let mut now = before.clone();
    now.below = Some(Arc::new(below));
    if let Some(Details { info, requested_group, groups, address }) = details {
        let updated = transaction.now;
        let computer = Computer::clone(&now.computer);
        let same = computer.info == info
            && computer.requested_group == requested_group
            && computer.groups == groups
            && computer.address == address;
        if !same {
            now.computer =
                Arc::new(Computer { info, requested_group, groups, address, updated, ..computer });
        }
    }
    let is_new = !transaction.model.computers.contains_key(&now.computer.client_id);
    if is_new || now.computer != before.computer {
        transaction.put_computer(now.clone(), Written::Computer);
    }
    if now.below != before.below {
        transaction.put_computer(now, Written::Below);
    }
    Ok(new_parent)
}

fn roll_up_status(
    transaction: &mut Transaction<'_>,
    family: &HashSet<Uuid>,
    report: &StatusReport,
) {
    let known = transaction.model.computers.get(&report.client_id);
    let Some(tracked) = known.cloned() else { return };
    let Some(below) = tracked.below.as_deref().filter(|below| family.contains(&below.parent))
    else {
        return;
    };
    let below = Below { received: report.number, ..below.clone() };
    let mut statuses = Statuses::clone(&tracked.statuses);
    statuses.take_over(report, transaction);
    statuses.received = transaction.now;
    let tracked = Tracked { statuses: Arc::new(statuses), below: Some(Arc::new(below)), ..tracked };
    transaction.put_computer(tracked.clone(), Written::Statuses);
    transaction.put_computer(tracked, Written::Below);
}

/// A server and all below it. Of the ones in a circle, which no report makes, each is met once.
pub(super) fn family<'d>(
    servers: impl Iterator<Item = &'d DownstreamServer>,
    server: Uuid,
) -> HashSet<Uuid> {
    let mut below: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for server in servers {
        if let Some(parent) = server.parent {
            below.entry(parent).or_default().push(server.id);
        }
    }
    let mut found = HashSet::from([server]);
    let mut open = vec![server];
    while let Some(parent) = open.pop() {
        let next = below.remove(&parent).unwrap_or_default().into_iter();
        open.extend(next.filter(|server| found.insert(*server)));
    }
    found
}

/// Refuses to change what another server says of its computer.
pub(super) fn refuse_another_servers(
    transaction: &Transaction<'_>,
    tracked: &Tracked,
) -> Result<(), StateError> {
    let Some(below) = &tracked.below else { return Ok(()) };
    let server = transaction.model.downstream.get(&below.parent);
    let server = server.map_or_else(|| below.parent.to_string(), |server| server.name.clone());
    let name = &tracked.computer.info.dns_name;
    Err(StateError::Refused(format!("'{name}' is a computer of '{server}'; place it there")))
}

/// Takes note that a computer was deleted, for the server that it belongs to.
pub(super) fn note_deletion(
    transaction: &mut Transaction<'_>,
    tracked: &Tracked,
) -> Result<(), StateError> {
    if tracked.below.is_none() {
        return Ok(());
    }
    let mut deleted: DeletedBelowRecord = transaction.meta(DELETED)?.unwrap_or_default();
    deleted.computers.push(tracked.computer.client_id.clone());
    let old = deleted.computers.len().saturating_sub(DELETED_KEPT);
    deleted.computers.drain(..old);
    transaction.put_meta(DELETED, &deleted);
    Ok(())
}
