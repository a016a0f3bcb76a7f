//! Licences. What has one is deployed once somebody accepted it for everybody: agents would show it
//! to users who cannot speak for the organisation, or wait for ever where no user is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Policy;
use crate::catalog::{Catalog, RevisionIndex};

/// A licence that somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedEula {
    /// `Properties/@EulaID`.
    pub eula: Uuid,
    /// Who accepted it.
    pub by: String,
    /// Unix seconds of it.
    pub at: i64,
    /// Commit sequence number of it.
    pub changed: u64,
}

/// The licences of a revision and of all that it bundles.
pub fn eulas(catalog: &Catalog, index: RevisionIndex) -> BTreeSet<Uuid> {
    let mut open = vec![index];
    let mut seen = BTreeSet::from([index]);
    let mut found = BTreeSet::new();
    while let Some(index) = open.pop() {
        found.extend(catalog.eula_id(index));
        open.extend(catalog.members(index).iter().filter(|member| seen.insert(**member)));
    }
    found
}

impl Policy {
    /// Since which commit all licences of a revision and of what it bundles are accepted; none
    /// while one is not.
    pub fn eulas_since(&self, catalog: &Catalog, index: RevisionIndex) -> Option<u64> {
        let mut since = 0;
        for eula in eulas(catalog, index) {
            since = since.max(self.eulas.get(&eula)?.changed);
        }
        Some(since)
    }
}
