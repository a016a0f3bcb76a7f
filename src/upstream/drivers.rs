//! GetDriverIdList ([MS-WUSSS] 3.1.4.7): drivers for the hardware that computers here have, instead
//! of all that there are.
//!
//! An upstream server takes so many ids in a request, so the question is asked in parts, all with the
//! anchor of last time; the anchor of the first answer is the one for next time. As with lists of
//! updates, what was asked before wants only what is newer. Drivers of driver sets are listed with
//! the others; what else a set says (GetDriverSetData) is for servers alone, in a form that is
//! nowhere described, and is not asked for.

use std::borrow::Cow;

use uuid::Uuid;

use super::error::SyncError;
use super::records::{DriversRecord, Hardware, InventoryRecord, SelectionRecord};
use super::session::Connection;
use crate::wire::operation::Operation;
use crate::wire::types::UpdateIdentity;
use crate::wire::wsusss::limits;
use crate::wire::wsusss::server_sync::{
    GetDriverIdListRequest, HardwareIdAndDelta, IdAndDelta, ServerSyncDriverFilter, Version,
};

/// Most ids in a request, whatever the upstream server would take.
const MOST_IDS: usize = 1_000;

/// How many ids the upstream server takes in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DriverLimits {
    /// Of devices; 0 where it finds no drivers by hardware, as any WSUS.
    pub(super) devices: usize,
    /// Of computers.
    pub(super) computers: usize,
}

/// A question in all its parts.
pub(super) struct Question {
    anchor: Option<String>,
    products: Vec<Uuid>,
    parts: Vec<ServerSyncDriverFilter<'static>>,
}

/// The answers.
#[derive(Debug, Default)]
pub(super) struct Drivers {
    pub(super) revisions: Vec<UpdateIdentity>,
    /// Of the first.
    anchor: Option<String>,
}

impl Question {
    /// About the hardware in `inventory`, for the selected products, after what was answered
    /// `before`; none when there is nothing to ask, or nobody who would answer.
    pub(super) fn about(
        inventory: &InventoryRecord,
        before: &DriversRecord,
        selection: &SelectionRecord,
        limits: DriverLimits,
    ) -> Option<Self> {
        let products = if selection.everything { Vec::new() } else { selection.products.clone() };
        if limits.devices == 0 || (products.is_empty() && !selection.everything) {
            return None;
        }
        // An anchor of some products says nothing of all.
        let of_all = before.products.is_empty();
        let anchor = before.anchor.clone().filter(|_| of_all || !products.is_empty());
        let had = |id: &Uuid| of_all || before.products.contains(id);
        let categories = products
            .iter()
            .map(|id| IdAndDelta { id: Some(*id), delta: Some(anchor.is_some() && had(id)) });
        let categories: Vec<_> = categories.collect();
        let devices = parts(&inventory.devices, limits.devices);
        let computers = parts(&inventory.computers, limits.computers);
        let parts = (0..devices.len().max(computers.len())).map(|part| ServerSyncDriverFilter {
            dss_protocol_version: Some(Version {}),
            anchor: anchor.clone().map(Cow::Owned),
            categories: Some(categories.clone()),
            computer_ids: Some(part_of(&computers, part, |computer| IdAndDelta {
                id: Some(computer.id),
                delta: Some(anchor.is_some() && computer.asked),
            })),
            pnp_hardware_ids: Some(part_of(&devices, part, |device| HardwareIdAndDelta {
                id: Some(Cow::Owned(device.id.clone())),
                delta: Some(anchor.is_some() && device.asked),
            })),
        });
        let parts: Vec<_> = parts.collect();
        (!parts.is_empty()).then_some(Self { anchor, products, parts })
    }

    /// Whether something is left out of the answers because it was told before.
    pub(super) fn has_anchor(&self) -> bool {
        self.anchor.is_some()
    }

    /// Asks.
    ///
    /// # Errors
    /// When one of the parts is not answered, or far too many drivers are.
    pub(super) async fn ask(&self, connection: &mut Connection) -> Result<Drivers, SyncError> {
        let mut drivers = Drivers::default();
        for (number, filter) in self.parts.iter().enumerate() {
            let request = |cookie| GetDriverIdListRequest {
                cookie: Some(cookie),
                filter: Some(filter.clone()),
            };
            let answer = connection.call(request, |answer| {
                let result = answer.result?;
                let revisions = result.new_revisions.unwrap_or_default();
                Some((result.anchor.map(Cow::into_owned), revisions))
            });
            let (anchor, revisions) = answer.await?.ok_or(SyncError::Incomplete {
                operation: Operation::GetDriverIdList,
                missing: "GetDriverIdListResult",
            })?;
            if number == 0 {
                drivers.anchor = anchor;
            }
            drivers.revisions.extend(revisions);
            // Several parts may list the same driver.
            drivers.revisions.sort_unstable();
            drivers.revisions.dedup();
            if drivers.revisions.len() > limits::LISTED_REVISIONS {
                return Err(SyncError::TooMany { operation: Operation::GetDriverIdList });
            }
        }
        Ok(drivers)
    }

    /// The same question, as it is asked for the first time.
    pub(super) fn for_the_first_time(mut self) -> Self {
        self.anchor = None;
        for part in &mut self.parts {
            part.anchor = None;
            let categories = part.categories.iter_mut().chain(&mut part.computer_ids).flatten();
            categories.for_each(|it| it.delta = Some(false));
            let devices = part.pnp_hardware_ids.iter_mut().flatten();
            devices.for_each(|it| it.delta = Some(false));
        }
        self
    }

    /// Notes that all of `inventory` was asked, and answered.
    pub(super) fn was_answered(
        self,
        drivers: &Drivers,
        inventory: &mut InventoryRecord,
        before: &mut DriversRecord,
    ) {
        before.anchor.clone_from(&drivers.anchor);
        before.products = self.products;
        inventory.devices.iter_mut().for_each(|device| device.asked = true);
        inventory.computers.iter_mut().for_each(|computer| computer.asked = true);
    }
}

fn parts<T>(all: &[Hardware<T>], most: usize) -> Vec<&[Hardware<T>]> {
    match most.min(MOST_IDS) {
        0 => Vec::new(),
        size => all.chunks(size).collect(),
    }
}

fn part_of<T, E>(
    parts: &[&[Hardware<T>]],
    number: usize,
    entry: impl Fn(&Hardware<T>) -> E,
) -> Vec<E> {
    parts.get(number).copied().unwrap_or_default().iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DriverLimits = DriverLimits { devices: 2, computers: 1 };

    fn before(products: &[u128]) -> DriversRecord {
        let products = products.iter().map(|id| Uuid::from_u128(*id)).collect();
        DriversRecord { anchor: Some("1,x".into()), products, ..DriversRecord::default() }
    }

    fn inventory(devices: &[(&str, bool)], computers: &[u128]) -> InventoryRecord {
        let devices = devices.iter().map(|(id, asked)| Hardware {
            id: (*id).to_owned(),
            day: 1,
            asked: *asked,
        });
        let computers =
            computers.iter().map(|id| Hardware { id: Uuid::from_u128(*id), day: 1, asked: true });
        InventoryRecord { devices: devices.collect(), computers: computers.collect() }
    }

    fn everything() -> SelectionRecord {
        SelectionRecord { everything: true, ..SelectionRecord::default() }
    }

    fn deltas(question: &Question) -> Vec<Vec<bool>> {
        let devices = question.parts.iter().map(|part| part.pnp_hardware_ids.iter().flatten());
        devices.map(|part| part.filter_map(|device| device.delta).collect()).collect()
    }

    #[test]
    fn a_question_is_asked_in_parts_and_only_what_is_new_from_its_beginning() {
        let inventory = inventory(&[("a", true), ("b", true), ("c", false)], &[1, 2, 3]);
        let question = Question::about(&inventory, &before(&[]), &everything(), LIMITS).unwrap();
        assert_eq!(deltas(&question), [vec![true, true], vec![false], vec![]]);
        let computers = question.parts.iter().map(|part| part.computer_ids.as_ref().unwrap().len());
        assert_eq!(computers.collect::<Vec<_>>(), [1, 1, 1]);
        assert!(question.parts.iter().all(|part| part.anchor.as_deref() == Some("1,x")));
        let first = DriversRecord::default();
        let question = Question::about(&inventory, &first, &everything(), LIMITS).unwrap();
        assert_eq!(deltas(&question), [vec![false, false], vec![false], vec![]]);
    }

    #[test]
    fn products_are_asked_as_they_were_selected() {
        let of = |products: &[u128]| SelectionRecord {
            products: products.iter().map(|id| Uuid::from_u128(*id)).collect(),
            ..SelectionRecord::default()
        };
        let (inventory, before) = (inventory(&[("a", true)], &[]), before(&[7]));
        let question = Question::about(&inventory, &before, &of(&[7, 8]), LIMITS).unwrap();
        let categories = question.parts[0].categories.iter().flatten();
        assert_eq!(categories.map(|it| it.delta.unwrap()).collect::<Vec<_>>(), [true, false]);
        let all = Question::about(&inventory, &before, &everything(), LIMITS).unwrap();
        assert!(!all.has_anchor() && deltas(&all) == [vec![false]]);
        let nothing = Question::about(&inventory, &before, &of(&[]), LIMITS);
        assert!(nothing.is_none(), "nothing is selected");
        let nobody = DriverLimits { devices: 0, computers: 5 };
        assert!(Question::about(&inventory, &before, &everything(), nobody).is_none());
    }
}
