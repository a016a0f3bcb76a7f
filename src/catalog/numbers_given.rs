//! From this server's numbers to the revisions that they were given to.
//!
//! A rescan asks for thousands of them, so what is the same for all is worked out once.

use super::chunks::Chunks;
use super::revision::{Revision, RevisionIndex};
use crate::wire::types::RevisionId;

/// The numbers of a catalogue's revisions.
///
/// Numbers are given out one after the other and never again, so next to none is missing, and a
/// revision stands at most that many places before where its number says.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumbersGiven<'c> {
    /// Ascending by number.
    revisions: &'c Chunks<Revision>,
    first: u32,
    /// From the first number to the last.
    span: usize,
    /// How many between them are missing.
    missing: usize,
}

impl<'c> NumbersGiven<'c> {
    pub(super) fn of(revisions: &'c Chunks<Revision>) -> Self {
        let first = revisions.get(0).map_or(0, |revision| revision.id.0);
        let last = revisions.last().map_or(0, |revision| revision.id.0);
        let span = if revisions.is_empty() { 0 } else { (last - first) as usize + 1 };
        Self { revisions, first, span, missing: span - revisions.len() }
    }

    /// The revision with the number `id`.
    pub(super) fn find(&self, id: RevisionId) -> Option<RevisionIndex> {
        let place = id.0.checked_sub(self.first).filter(|place| (*place as usize) < self.span)?;
        if self.missing == 0 {
            return Some(place);
        }
        let mut from = (place as usize).saturating_sub(self.missing);
        let mut to = (place as usize).min(self.revisions.len() - 1);
        while from < to {
            let middle = from.midpoint(to);
            match self.revisions.get(middle)?.id < id {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        self.revisions.get(from).filter(|found| found.id == id)?;
        u32::try_from(from).ok()
    }
}
