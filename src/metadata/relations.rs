//! `Relationships`: what an update needs, contains and replaces ([MS-WUSP] 3.1.1.1).
//!
//! Both relations are in conjunctive normal form and can be spelled in two ways: a bare
//! `UpdateIdentity` is a clause of its own, one inside `AtLeastOne` shares its clause with its
//! siblings. The specification gives the second spelling only for bundles, but Microsoft's own
//! documents use the first one as well.

use std::collections::HashSet;
use std::hash::Hash;

use uuid::Uuid;

use crate::wire::types::UpdateIdentity;
use crate::wire::xml::Cursor;

use super::error::DocumentError;
use super::model::{BundleClause, Prerequisite};
use super::namespaces::UPDATE;
use super::values::{flag, guid, number, required};

/// Most references one document may hold. The largest seen has 389 bundle members, and a whole
/// product of 5,253 revisions has 16,664 superseded updates.
const REFERENCES: usize = 100_000;

/// What `Relationships` says, in document order.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    pub(crate) prerequisites: Vec<Prerequisite>,
    pub(crate) bundled: Vec<BundleClause>,
    pub(crate) superseded: Vec<Uuid>,
    references: usize,
}

/// One clause: its members without repetition, and `AtLeastOne/@IsCategory`.
struct Clause<T> {
    members: Vec<T>,
    is_category: bool,
}

impl Relations {
    /// Reads the children of the `Relationships` that `cursor` has stepped onto.
    pub(crate) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DocumentError> {
        while cursor.enter_child()? {
            match (cursor.namespace(), cursor.local()) {
                (UPDATE, "Prerequisites") => {
                    for clause in self.clauses(cursor, update_id)? {
                        self.prerequisites.push(Prerequisite {
                            alternatives: clause.members,
                            is_category: clause.is_category,
                        });
                    }
                }
                (UPDATE, "BundledUpdates") => {
                    for clause in self.clauses(cursor, update_identity)? {
                        self.bundled.push(BundleClause { alternatives: clause.members });
                    }
                }
                (UPDATE, "SupersededUpdates") => {
                    let superseded = self.members(cursor, update_id)?;
                    self.superseded.extend(superseded);
                }
                _ => cursor.skip()?,
            }
        }
        Ok(())
    }

    fn clauses<T: Copy + Eq + Hash>(
        &mut self,
        cursor: &mut Cursor<'_>,
        identity: fn(&Cursor<'_>) -> Result<T, DocumentError>,
    ) -> Result<Vec<Clause<T>>, DocumentError> {
        let mut clauses = Vec::new();
        while cursor.enter_child()? {
            match (cursor.namespace(), cursor.local()) {
                (UPDATE, "UpdateIdentity") => {
                    self.count()?;
                    clauses.push(Clause { members: vec![identity(cursor)?], is_category: false });
                    cursor.skip()?;
                }
                (UPDATE, "AtLeastOne") => {
                    self.count()?;
                    let is_category = flag(cursor, "AtLeastOne/@IsCategory")?;
                    let members = self.members(cursor, identity)?;
                    if members.is_empty() {
                        // Nothing could ever satisfy it.
                        return Err(DocumentError::Missing("AtLeastOne/UpdateIdentity"));
                    }
                    clauses.push(Clause { members, is_category });
                }
                _ => cursor.skip()?,
            }
        }
        Ok(clauses)
    }

    fn members<T: Copy + Eq + Hash>(
        &mut self,
        cursor: &mut Cursor<'_>,
        identity: fn(&Cursor<'_>) -> Result<T, DocumentError>,
    ) -> Result<Vec<T>, DocumentError> {
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        while cursor.enter_child()? {
            if (cursor.namespace(), cursor.local()) == (UPDATE, "UpdateIdentity") {
                self.count()?;
                let member = identity(cursor)?;
                if seen.insert(member) {
                    members.push(member);
                }
            }
            cursor.skip()?;
        }
        Ok(members)
    }

    fn count(&mut self) -> Result<(), DocumentError> {
        self.references += 1;
        if self.references > REFERENCES {
            return Err(DocumentError::TooMany {
                what: "references to updates",
                limit: REFERENCES,
            });
        }
        Ok(())
    }
}

/// The `UpdateIdentity` stepped onto, as a reference to any revision.
fn update_id(cursor: &Cursor<'_>) -> Result<Uuid, DocumentError> {
    const PLACE: &str = "UpdateIdentity/@UpdateID";
    guid(PLACE, &required(cursor, PLACE)?)
}

/// The `UpdateIdentity` stepped onto, as an exact revision.
pub(crate) fn update_identity(cursor: &Cursor<'_>) -> Result<UpdateIdentity, DocumentError> {
    const PLACE: &str = "UpdateIdentity/@RevisionNumber";
    let revision_number = number(PLACE, &required(cursor, PLACE)?, "a revision number")?;
    Ok(UpdateIdentity { update_id: update_id(cursor)?, revision_number })
}
