//! A catalogue read from its documents, as far as it decides what an agent has cached.
//!
//! It is read here once more, and naively, so that what the server answers is compared with
//! something that is not the server. Reading 137,000 documents takes a while, so what they say is
//! kept beside them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use weir::metadata::model::{PublicationState, UpdateType};
use weir::metadata::parse::parse;
use weir::wire::types::UpdateIdentity;

use crate::Outcome;

/// The latest revision of an update that is neither a driver nor withdrawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) identity: UpdateIdentity,
    /// The alternatives of each clause.
    prerequisites: Vec<Vec<Uuid>>,
    /// Whether others depend on it.
    pub(crate) is_leaf: bool,
}

/// What a server offers, with its numbers.
pub(crate) struct Catalogue {
    pub(crate) updates: Vec<Update>,
}

/// A revision that is offered.
pub(crate) struct Update {
    /// The server's number for it.
    pub(crate) number: u32,
    /// Positions of the alternatives of each clause; those that are not offered are left out.
    pub(crate) clauses: Vec<Vec<usize>>,
    /// Positions of those that name it in clauses.
    pub(crate) named_by: Vec<usize>,
}

/// What the documents under `catalogue` publish.
pub(crate) fn published(catalogue: &Path) -> Outcome<Vec<Published>> {
    let kept = catalogue.join("published.postcard");
    if let Ok(bytes) = fs::read(&kept) {
        return Ok(postcard::from_bytes(&bytes)?);
    }
    let published = read(&catalogue.join("documents"))?;
    fs::write(kept, postcard::to_stdvec(&published)?)?;
    Ok(published)
}

fn read(folder: &Path) -> Outcome<Vec<Published>> {
    let mut latest = BTreeMap::new();
    // In the order of publication, so a later document is a later revision.
    for path in documents(folder)? {
        let metadata = parse(&fs::read_to_string(path)?)?;
        latest.insert(metadata.identity.update_id, metadata);
    }
    let prerequisites = latest.values().flat_map(|metadata| &metadata.prerequisites);
    let named = prerequisites.flat_map(|clause| clause.alternatives.iter().copied());
    let named: HashSet<Uuid> = named.collect();
    let offered = latest.into_values().filter(|metadata| {
        metadata.update_type != UpdateType::Driver
            && metadata.publication_state == PublicationState::Published
    });
    let published = offered.map(|metadata| Published {
        is_leaf: !named.contains(&metadata.identity.update_id),
        identity: metadata.identity,
        prerequisites: metadata.prerequisites.into_iter().map(|it| it.alternatives).collect(),
    });
    Ok(published.collect())
}

/// All documents, in the order of publication.
pub(crate) fn documents(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in fs::read_dir(folder)? {
        for file in fs::read_dir(part?.path())? {
            files.push(file?.path());
        }
    }
    files.sort();
    Ok(files)
}

impl Catalogue {
    /// What of `published` the server offers: what it has given a number.
    pub(crate) fn new(published: &[Published], numbers: &HashMap<Uuid, u32>) -> Self {
        let number = |update: &Published| numbers.get(&update.identity.update_id).copied();
        let offered = published.iter().filter_map(|update| Some((number(update)?, update)));
        let offered: Vec<(u32, &Published)> = offered.collect();
        let ids = offered.iter().map(|(_, update)| update.identity.update_id);
        let positions: HashMap<Uuid, usize> = ids.zip(0..).collect();
        let clause = |ids: &Vec<Uuid>| -> Vec<usize> {
            ids.iter().filter_map(|id| positions.get(id).copied()).collect()
        };
        let mut updates: Vec<Update> = offered
            .iter()
            .map(|(number, update)| Update {
                number: *number,
                clauses: update.prerequisites.iter().map(clause).collect(),
                named_by: Vec::new(),
            })
            .collect();
        for position in 0..updates.len() {
            let clauses = updates[position].clauses.concat();
            clauses.into_iter().for_each(|named| updates[named].named_by.push(position));
        }
        Self { updates }
    }
}
