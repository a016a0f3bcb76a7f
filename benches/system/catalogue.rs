//! A catalogue read from its documents, as far as it decides what an agent has cached.
//!
//! It is read here once more, and naively, so that what the server answers is compared with
//! something that is not the server.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;
use weir::metadata::model::{PublicationState, UpdateType};
use weir::metadata::parse::parse;
use weir::wire::types::UpdateIdentity;

use crate::Outcome;

/// The latest revision of each update that is neither a driver nor withdrawn.
pub(crate) struct Catalogue {
    pub(crate) updates: Vec<Update>,
}

/// One of them.
pub(crate) struct Update {
    pub(crate) identity: UpdateIdentity,
    /// Positions of the alternatives of each clause; those that are not offered are left out.
    pub(crate) clauses: Vec<Vec<usize>>,
    /// How often it is named in clauses.
    pub(crate) named_by: Vec<usize>,
}

impl Catalogue {
    /// Reads all documents under `catalogue`.
    pub(crate) fn read(catalogue: &Path) -> Outcome<Self> {
        let mut latest = BTreeMap::new();
        for path in documents(&catalogue.join("documents"))? {
            let metadata = parse(&fs::read_to_string(path)?)?;
            let identity = metadata.identity;
            // Documents come in the order of publication, so a later one is a later revision.
            latest.insert(identity.update_id, metadata);
        }
        latest.retain(|_, metadata| {
            metadata.update_type != UpdateType::Driver
                && metadata.publication_state == PublicationState::Published
        });
        let positions: HashMap<Uuid, usize> = latest.keys().copied().zip(0..).collect();
        let mut updates: Vec<Update> = latest
            .into_values()
            .map(|metadata| {
                let clause = |ids: &Vec<Uuid>| {
                    ids.iter().filter_map(|id| positions.get(id).copied()).collect()
                };
                let prerequisites = metadata.prerequisites.iter();
                Update {
                    identity: metadata.identity,
                    clauses: prerequisites.map(|it| clause(&it.alternatives)).collect(),
                    named_by: Vec::new(),
                }
            })
            .collect();
        for position in 0..updates.len() {
            let clauses = updates[position].clauses.concat();
            clauses.into_iter().for_each(|named| updates[named].named_by.push(position));
        }
        Ok(Self { updates })
    }

    /// The updates on which no other depends.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &Update> {
        self.updates.iter().filter(|update| update.named_by.is_empty())
    }
}

/// All documents, in the order of publication.
fn documents(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in fs::read_dir(folder)? {
        for file in fs::read_dir(part?.path())? {
            files.push(file?.path());
        }
    }
    files.sort();
    Ok(files)
}
