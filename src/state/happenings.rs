//! What a commit means for whoever watches: read off what was committed, after it is durable.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::events::{Events, Happening, NAMED};
use super::model::Model;
use super::published::Published;
use super::records::ContentRecord;
use super::registry::{Registry, Tracked};
use super::transaction::Staged;
use crate::computers::counts::Counts;
use crate::computers::numbers::UpdateNumber;
use crate::computers::rows::Row;
use crate::store::{Change, Tree, value};
use crate::wire::types::{RevisionId, Sha1};

/// Tells what `staged` changed; `registry` and `published` are still what was before.
pub(super) fn tell(
    events: &Events,
    staged: &Staged,
    model: &Model,
    registry: &Registry,
    published: &Published,
) {
    if !events.watched() {
        return;
    }
    let mut counted = BTreeSet::new();
    for tracked in &staged.computers {
        let before = registry.find(&tracked.computer.client_id);
        computer(events, before.as_ref(), tracked, &mut counted);
    }
    for client_id in &staged.removed {
        if let Some(gone) = registry.find(client_id) {
            counted.extend(gone.statuses.rows().map(|row| row.number));
            events.tell(|| Happening::ComputerForgotten { computer: client_id.clone() });
        }
    }
    if !counted.is_empty() {
        let numbers = model.numbers.read();
        let updates: Vec<Uuid> = counted.iter().filter_map(|it| numbers.id(*it)).collect();
        drop(numbers);
        let (updates, more) = few(updates);
        events.tell(|| Happening::CountersChanged { updates, more });
    }
    revisions(events, staged, model, published);
    for entry in &staged.journal {
        events.tell(|| Happening::Decided { what: entry.clone() });
    }
}

fn computer(
    events: &Events,
    before: Option<&Tracked>,
    now: &Tracked,
    counted: &mut BTreeSet<UpdateNumber>,
) {
    let (computer, name) = (now.computer.client_id.clone(), now.computer.info.dns_name.clone());
    if before.is_none_or(|before| before.computer != now.computer) {
        let (computer, name) = (computer.clone(), name.clone());
        events.tell(|| Happening::ComputerChanged { computer, name, new: before.is_none() });
    }
    let old = before.map(|before| &before.statuses);
    if old.is_some_and(|old| **old == *now.statuses) || (old.is_none() && now.statuses.size() == 0)
    {
        return;
    }
    let state = |row: Row| (row.number, row.state);
    let old: BTreeSet<_> = old.into_iter().flat_map(|old| old.rows()).map(state).collect();
    let new: BTreeSet<_> = now.statuses.rows().map(state).collect();
    counted.extend(old.symmetric_difference(&new).map(|(number, _)| *number));
    let mut states = Counts::default();
    new.iter().for_each(|(_, state)| states.add(*state, 1));
    events.tell(|| Happening::ComputerReported { computer, name, states });
}

fn revisions(events: &Events, staged: &Staged, model: &Model, published: &Published) {
    let (mut ids, mut updates) = (BTreeSet::new(), BTreeSet::new());
    for change in staged.batch.changes() {
        match change {
            Change::Put { tree: Tree::Revisions, key, .. } => {
                let Ok(number) = key.as_slice().try_into() else { continue };
                let id = RevisionId(u32::from_be_bytes(number));
                // One that is here was only touched, as may be one that came with this commit.
                if published.catalog.by_id(id).is_some() || !ids.insert(id.0) {
                    continue;
                }
                let catalog = model.catalog.catalog();
                let revision = catalog.by_id(id).and_then(|index| catalog.revision(index));
                updates.extend(revision.map(|revision| revision.metadata.identity.update_id));
            }
            Change::Put { tree: Tree::Contents, key, value } => {
                let (Ok(sha1), Ok(ContentRecord { size, .. })) =
                    (key.as_slice().try_into(), value::decode(value))
                else {
                    continue;
                };
                let sha1 = Sha1(sha1).to_hex();
                events.tell(|| Happening::ContentArrived { sha1, size });
            }
            _ => {}
        }
    }
    if !ids.is_empty() {
        let (updates, _) = few(updates.into_iter().collect());
        events.tell(|| Happening::UpdatesImported { revisions: ids.len() as u64, updates });
    }
}

/// The first of them, and how many more there are.
fn few(mut updates: Vec<Uuid>) -> (Vec<Uuid>, u64) {
    let more = updates.len().saturating_sub(NAMED) as u64;
    updates.truncate(NAMED);
    (updates, more)
}
