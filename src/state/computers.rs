//! Registering computers, taking in their reports, moving and deleting them.

use std::sync::Arc;

use serde_json::json;

use super::transaction::{Transaction, Written};
use super::{State, StateError, Tracked, rollup};
use crate::computers::computer::{COMPUTERS_KEPT, ComputerInfo, bounded};
use crate::computers::event::{Event, EventLog};
use crate::computers::inventory::Inventory;
use crate::computers::sightings::Sightings;
use crate::computers::{Computer, Statuses};
use crate::policy::by::By;
use crate::policy::placement::{Newcomer, place};
use crate::policy::target_group::DOWNSTREAM_SERVERS;
use crate::store::Tree;

/// What a computer says when it registers.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its id, checked.
    pub client_id: String,
    /// What it says of itself.
    pub info: ComputerInfo,
    /// The groups its policy asks for; empty when it asks for none.
    pub requested_group: String,
    /// Whether that counts (client-side targeting).
    pub client_side_targeting: bool,
    /// Its address.
    pub address: String,
}

/// A computer with its events.
#[derive(Debug, Clone)]
pub struct ComputerDetails {
    /// What is known of it.
    pub tracked: Tracked,
    /// What it reported, oldest first.
    pub events: EventLog,
    /// What it says of its hardware and settings, if it did.
    pub inventory: Option<Inventory>,
}

impl State {
    /// Registers a computer, or takes in what changed of it.
    pub async fn register(&self, registration: Registration) -> Result<(), StateError> {
        if let Some(tracked) = self.registry.find(&registration.client_id)
            && self.is_current(&tracked, &registration)
        {
            return Ok(());
        }
        self.writer.submit(move |transaction| register(transaction, registration)).await
    }

    /// A computer that says what it said before costs no write.
    fn is_current(&self, tracked: &Tracked, registration: &Registration) -> bool {
        let old = &tracked.computer;
        tracked.below.is_none()
            && old.info == registration.info
            && old.requested_group == registration.requested_group
            && old.address == registration.address
            && (!registration.client_side_targeting
                || old.groups
                    == old.groups_for(&self.published().policy, &registration.requested_group))
    }

    /// Takes in the events of one report, oldest first; false when the computer is not registered.
    /// `unusable` says that there was a status report among them that could not be read.
    pub async fn report(
        &self,
        client_id: String,
        events: Vec<Event>,
        unusable: bool,
    ) -> Result<bool, StateError> {
        self.writer
            .submit(move |transaction| report(transaction, &client_id, &events, unusable))
            .await
    }

    /// Puts a computer into the named groups and no others; none means Unassigned Computers.
    pub async fn move_computer(
        &self,
        by: By,
        computer: String,
        groups: Vec<String>,
    ) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let tracked = find(transaction, &computer)?;
                rollup::refuse_another_servers(transaction, &tracked)?;
                let mut ids = Vec::with_capacity(groups.len());
                for name in &groups {
                    let not_found = || StateError::NotFound { kind: "group", name: name.clone() };
                    let policy = &transaction.model.policy;
                    let group = policy.group_by_name(name).ok_or_else(not_found)?;
                    if group.id == DOWNSTREAM_SERVERS {
                        let reason = format!("'{}' is not for computers", group.name);
                        return Err(StateError::Refused(reason));
                    }
                    if !group.is_built_in() {
                        ids.push(group.id);
                    }
                }
                ids.sort_unstable();
                ids.dedup();
                let Computer { client_id, groups: before, .. } = &*tracked.computer;
                let entry = json!({
                    "move": { "computer": client_id, "groups": ids }, "before": before,
                });
                transaction.journal(&by, entry);
                let computer = Computer { groups: ids, ..Computer::clone(&tracked.computer) };
                let tracked = Tracked { computer: computer.into(), ..tracked };
                transaction.put_computer(tracked, Written::Computer);
                Ok(())
            })
            .await
    }

    /// Forgets a computer. Should it still exist, it is told to register again.
    pub async fn delete_computer(&self, by: By, computer: String) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let tracked = find(transaction, &computer)?;
                let Computer { client_id, groups, info, .. } = &*tracked.computer;
                let before = json!({ "name": info.dns_name, "groups": groups });
                let entry = json!({ "delete_computer": client_id, "before": before });
                transaction.journal(&by, entry);
                rollup::note_deletion(transaction, &tracked)?;
                transaction.delete_computer(&tracked);
                Ok(())
            })
            .await
    }

    /// Takes note of what a computer says of its hardware and settings. Nobody waits for it: if there
    /// is no room in the queue, the computer says it again.
    pub fn note_inventory(&self, tracked: &Tracked, inventory: Inventory) {
        let digest = inventory.digest();
        if tracked.last_contact.inventory() == digest {
            return;
        }
        let client_id = tracked.computer.client_id.clone();
        self.writer.offer(move |transaction| {
            let Some(tracked) = transaction.model.computers.get(&client_id).cloned() else {
                return;
            };
            tracked.last_contact.note_inventory(digest);
            transaction.put_inventory(tracked.computer.number, &inventory);
        });
    }

    /// A computer by client id or host name, with its events.
    pub async fn computer(&self, computer: String) -> Result<ComputerDetails, StateError> {
        self.writer
            .submit(move |transaction| {
                let tracked = find(transaction, &computer)?;
                let events = transaction.events(tracked.computer.number)?.clone();
                let key = tracked.computer.number.to_be_bytes();
                let inventory = transaction.stored(Tree::Inventories, &key)?;
                Ok(ComputerDetails { tracked, events, inventory })
            })
            .await
    }
}

fn register(
    transaction: &mut Transaction<'_>,
    registration: Registration,
) -> Result<(), StateError> {
    let now = transaction.now;
    let known = transaction.model.computers.get(&registration.client_id).cloned();
    let is_new = known.is_none();
    if known.is_none() && transaction.model.computers.len() >= COMPUTERS_KEPT {
        return Err(StateError::Refused(format!("{COMPUTERS_KEPT} computers are registered")));
    }
    let tracked = match known {
        Some(tracked) => tracked,
        None => {
            let computer = Computer {
                number: transaction.next_computer()?,
                client_id: registration.client_id,
                info: ComputerInfo::default(),
                requested_group: String::new(),
                groups: Vec::new(),
                registered: now,
                updated: now,
                address: String::new(),
                sightings: Sightings::default(),
            };
            let statuses = Arc::new(Statuses::default());
            let computer = Arc::new(computer);
            Tracked { computer, statuses, below: None, last_contact: Arc::default() }
        }
    };
    let old = &*tracked.computer;
    let requested_group = bounded(&registration.requested_group);
    let policy = &transaction.model.policy;
    let mut groups = match registration.client_side_targeting {
        true => old.groups_for(policy, &requested_group),
        false => old.groups.clone(),
    };
    // What its own policy names stands above our rules, also when no such group exists: they would
    // send it back and forth.
    let asks = registration.client_side_targeting && !requested_group.trim().is_empty();
    if is_new && !asks {
        let system = registration.info.os_name();
        let newcomer = Newcomer {
            name: &registration.info.dns_name,
            system: &system,
            address: &registration.address,
        };
        groups = place(&policy.placements, &newcomer);
    }
    let mut sightings = old.sightings.clone();
    if !is_new {
        sightings.note(&old.info, &registration.info, now);
    }
    let computer = Computer {
        info: registration.info,
        requested_group,
        groups,
        updated: now,
        address: registration.address,
        sightings,
        ..old.clone()
    };
    // Not journalled: should it be lost, the computer says it again by itself.
    let came_from_below = tracked.below.is_some();
    let tracked = Tracked { computer: Arc::new(computer), below: None, ..tracked };
    transaction.put_computer(tracked.clone(), Written::Computer);
    if came_from_below {
        transaction.put_computer(tracked, Written::Below);
    }
    Ok(())
}

fn report(
    transaction: &mut Transaction<'_>,
    client_id: &str,
    events: &[Event],
    unusable: bool,
) -> Result<bool, StateError> {
    let known = transaction.model.computers.get(client_id);
    // One that another server reported registers first, with which it becomes ours.
    let Some(tracked) = known.filter(|tracked| tracked.below.is_none()).cloned() else {
        return Ok(false);
    };
    let mut statuses = Statuses::clone(&tracked.statuses);
    let new = transaction.change_events(tracked.computer.number, |log| {
        events.iter().filter(|event| log.note(event)).collect::<Vec<_>>()
    })?;
    let asked = tracked.last_contact.at();
    new.into_iter().for_each(|event| statuses.apply(event, asked, transaction));
    if unusable {
        statuses.note_unusable(transaction.now);
    }
    statuses.received = transaction.now;
    let tracked = Tracked { statuses: Arc::new(statuses), ..tracked };
    transaction.put_computer(tracked, Written::Statuses);
    Ok(true)
}

/// By client id, or by host name where that is unambiguous.
fn find(transaction: &Transaction<'_>, name: &str) -> Result<Tracked, StateError> {
    let computers = &transaction.model.computers;
    if let Some(tracked) = computers.get(&name.to_ascii_lowercase()) {
        return Ok(tracked.clone());
    }
    let mut named = computers
        .values()
        .filter(|tracked| tracked.computer.info.dns_name.eq_ignore_ascii_case(name));
    match (named.next(), named.next()) {
        (Some(tracked), None) => Ok(tracked.clone()),
        (Some(_), Some(_)) => Err(StateError::Refused(format!(
            "several computers are called '{name}'; name one by its client id"
        ))),
        (None, _) => Err(StateError::NotFound { kind: "computer", name: name.to_owned() }),
    }
}
